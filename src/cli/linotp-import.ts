/**
 * What of LinOTP's configuration can be taken over: judged before anything is sent, so that a dry run says it too, and
 * then saved one by one, so that what the server refuses can be named and the rest is there.
 */

import { safeParse } from 'valibot'
import { wholeNumber } from '../core/fields.ts'
import { IMPORTED_DEFAULT, legacyKeys, PROVIDER_TYPES, withTimeout } from '../core/legacy-providers.ts'
import { compilePolicy, type PolicyRecord } from '../core/policy/policy.ts'
import { brokenRule, settingKeys } from '../core/setting-keys.ts'
import type { ProviderType } from '../core/settings.ts'
import { type ExportedProvider, isEncrypted, type LinotpExport } from '../http/dialects/linotp/config-file.ts'
import type { Edges } from '../ports/edges.ts'
import type { FindProvider, RawConfig } from '../ports/provider.ts'
import type { AdminClient } from './client.ts'

export type Kind = 'setting' | 'provider' | 'default provider' | 'policy'
/** No two of a plan have the same kind and name. */
export type Item = { readonly kind: Kind; readonly name: string }
export type Left = Item & { readonly reason: string }
/** One thing that is saved by one request. */
export type Step = Item & { readonly save: (client: AdminClient) => Promise<unknown> }
export type Plan = { readonly steps: readonly Step[]; readonly left: readonly Left[] }

type Parts = { readonly findProvider: FindProvider; readonly edges: Edges }

const ENCRYPTED = 'is encrypted with a key that only its server has'
const HOW_TO_READ = `${ENCRYPTED}; the reply of /system/getProvider has it in clear`

export async function planImport(found: LinotpExport, parts: Parts): Promise<Plan> {
  const config = new Map(found.config)
  const plans: Plan[] = []
  for (const type of PROVIDER_TYPES) plans.push(await planLegacy(type, config, parts))
  plans.push(planSettings(config))
  const named = [...takeProviders(config), ...found.providers.map((one) => ({ type: null, ...one }))]
  for (const one of named) plans.push(await planProvider(one, parts))
  plans.push(planDefaults(config, plans))
  for (const policy of found.policies) plans.push(planPolicy(policy))
  plans.push({ steps: [], left: [...config.keys()].map((name) => ({ kind: 'setting', name, reason: whyNot(name) })) })
  return { steps: plans.flatMap(({ steps }) => steps), left: plans.flatMap(({ left }) => left) }
}

/** @returns what the server refused, in its words */
export async function runImport(steps: readonly Step[], client: AdminClient): Promise<readonly Left[]> {
  const refused: Left[] = []
  for (const { kind, name, save } of steps)
    try {
      await save(client)
    } catch (error) {
      refused.push({ kind, name, reason: error instanceof Error ? error.message : String(error) })
    }
  return refused
}

const take = (config: Map<string, string>, key: string): string | undefined => {
  const value = config.get(key)
  config.delete(key)
  return value
}
const only = (step: Step): Plan => ({ steps: [step], left: [] })
const leave = (kind: Kind, name: string, reason: string): Plan => ({ steps: [], left: [{ kind, name, reason }] })

function planSettings(config: Map<string, string>): Plan {
  const plans = settingKeys.flatMap(({ key }): Plan[] => {
    const value = take(config, key)
    if (value === undefined) return []
    const rule = isEncrypted(value) ? ENCRYPTED : brokenRule(key, value)
    if (rule !== null) return [leave('setting', key, rule)]
    return [only({ kind: 'setting', name: key, save: (client) => client.setConfig({ [key]: value }) })]
  })
  return { steps: plans.flatMap(({ steps }) => steps), left: plans.flatMap(({ left }) => left) }
}

/** Class and configuration of `imported_default` go together; its time-out is a setting. */
async function planLegacy(type: ProviderType, config: Map<string, string>, parts: Parts): Promise<Plan> {
  const keys = legacyKeys[type]
  const [className, text] = [take(config, keys.class), take(config, keys.config)]
  if (text === undefined)
    return className === undefined
      ? { steps: [], left: [] }
      : leave('setting', keys.class, `makes no provider without ${keys.config}`)
  const problem = await problemOf(type, { name: IMPORTED_DEFAULT, class: className ?? keys.fallbackClass, text }, parts)
  if (typeof problem === 'string') return leave('setting', keys.config, problem)
  const entries = { ...(className === undefined ? {} : { [keys.class]: className }), [keys.config]: text }
  return only({ kind: 'setting', name: keys.config, save: (client) => client.setConfig(entries) })
}

type NamedProvider = ExportedProvider & { readonly type: ProviderType | null }

const PREFIXES: Readonly<Record<ProviderType, string>> = { email: 'EmailProvider.', sms: 'SMSProvider.' }

/** `EmailProvider.<name>` with `.Config` and `.Timeout` beside it, and the default by name (contract 4.1). */
function takeProviders(config: Map<string, string>): readonly NamedProvider[] {
  return PROVIDER_TYPES.flatMap((type) =>
    [...config.keys()].flatMap((key): readonly NamedProvider[] => {
      const name = key.startsWith(PREFIXES[type]) ? key.slice(PREFIXES[type].length) : ''
      // With a dot it can never be read again (contract 4.1).
      if (name === '' || name.includes('.')) return []
      const text = take(config, `${key}.Config`) ?? null
      const managed = take(config, `${key}.Managed`) !== undefined
      return [
        {
          ...{ type, name, class: take(config, key) ?? '', timeout: take(config, `${key}.Timeout`) ?? null },
          config: managed ? null : text,
          isDefault: config.get(defaultKey(type)) === name,
        },
      ]
    }),
  )
}

const defaultKey = (type: ProviderType): string => `Provider.Default.${type}_provider`

async function planProvider(given: NamedProvider, parts: Parts): Promise<Plan> {
  const { name, class: className, isDefault } = given
  const type = given.type ?? PROVIDER_TYPES.find((one) => parts.findProvider(one, className))
  if (!type) return leave('provider', name, `there is no class ${className} for e-mail or SMS`)
  const shown = `${type}: ${name}`
  const refuse = (reason: string) => leave('provider', shown, reason)
  if (given.config === null) return refuse('is a managed provider, whose configuration LinOTP does not show')
  const timeout = safeParse(wholeNumber(0, 31_536_000), given.timeout ?? '120')
  if (!timeout.success) return refuse(`Timeout ${timeout.issues[0].message}`)
  const read = await problemOf(type, { name, class: className, text: given.config }, parts)
  if (typeof read === 'string') return refuse(read)
  const saved = { type, name, class: className, config: read.config, timeout: timeout.output, isDefault }
  return only({ kind: 'provider', name: shown, save: (client) => client.saveProvider(saved) })
}

/** Why a configuration cannot be taken; if it can, it itself. */
async function problemOf(
  type: ProviderType,
  { name, class: className, text }: { readonly name: string; readonly class: string; readonly text: string },
  { findProvider, edges }: Parts,
): Promise<string | { readonly config: RawConfig }> {
  if (isEncrypted(text)) return HOW_TO_READ
  const provider = findProvider(type, className)
  if (!provider) return `there is no class ${className} for ${type}`
  const config = readObject(text)
  if (!config) return 'its configuration must be a JSON object'
  const read = await provider.read(withTimeout(config, { name, timeout: '0' }), edges)
  return read.ok ? { config } : `its ${read.error.key} ${read.error.rule}`
}

function readObject(text: string): RawConfig | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null // the parser's own message quotes the text, which may hold a password
  }
}

/** A provider of the file carries the mark itself; `imported_default` is marked when it is there. */
function planDefaults(config: Map<string, string>, before: readonly Plan[]): Plan {
  const steps = before.flatMap((plan) => plan.steps)
  const plans = PROVIDER_TYPES.flatMap((type): Plan[] => {
    const name = take(config, defaultKey(type))
    if (!name) return []
    const [kind, step]: readonly [Kind, string] =
      name === IMPORTED_DEFAULT ? ['setting', legacyKeys[type].config] : ['provider', `${type}: ${name}`]
    if (!steps.some((one) => one.kind === kind && one.name === step))
      return [leave('default provider', `${type}: ${name}`, 'is not taken itself')]
    return [
      only({
        ...{ kind: 'default provider', name: `${type}: ${name}` },
        save: (client) => client.setDefaultProvider(type, name),
      }),
    ]
  })
  return { steps: plans.flatMap((plan) => plan.steps), left: plans.flatMap(({ left }) => left) }
}

function planPolicy(policy: PolicyRecord): Plan {
  const { name } = policy
  const compiled = compilePolicy(policy)
  const missing = (['scope', 'action'] as const).find((field) => policy[field].trim() === '')
  if (missing) return leave('policy', name, `${missing} must not be empty`)
  if (!compiled.ok) return leave('policy', name, `${compiled.error.field} ${compiled.error.rule}`)
  const active = policy.active ? 'True' : 'False'
  // As LinOTP's own import does: what locks out was in force where it comes from.
  return only({ kind: 'policy', name, save: (client) => client.savePolicy({ ...policy, active }, true) })
}

function whyNot(key: string): string {
  if (/^(?:Push|Voice)Provider\.|^Provider\.Default\./.test(key)) return 'otpost has providers for e-mail and SMS only'
  if (/^(?:Email|SMS)Provider\./.test(key)) return 'belongs to no provider whose name can be read'
  if (/resolver\.|^DefaultRealm$/i.test(key)) return 'users and realms come with `otpost user import`'
  return 'nothing in otpost reads it'
}
