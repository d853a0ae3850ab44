/**
 * Administration of providers: save, show, delete, mark as default, test (contract 4.3).
 *
 * A configuration is read when it is saved, so that a wrong one is refused there and not when somebody waits for an
 * OTP. It is sealed as a whole; what is shown has `***` where a secret stands.
 */
import * as v from 'valibot'
import type { AdminFailure } from '../core/failures.ts'
import { wholeNumber } from '../core/fields.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ProviderRecord, ProviderType, Settings } from '../core/settings.ts'
import { tokenTypes } from '../core/tokens/index.ts'
import type { Edges } from '../ports/edges.ts'
import type { FindProvider, Provider } from '../ports/provider.ts'
import type { Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Deliver, Try } from './deliver.ts'
import type { Facts } from './facts.ts'
import { maskConfig, unmaskConfig } from './provider-masks.ts'
import type { SettingsCache } from './settings.ts'

const MAX_TIMEOUT = 86_400

export type SaveProvider = {
  readonly type: string
  readonly name: string
  readonly class: string
  /** JSON text; null: the parameter is absent. */
  readonly config: string | null
  readonly timeout: string
  readonly isDefault: boolean
}
export type ShownProvider = {
  readonly name: string
  readonly class: string
  readonly timeout: string
  readonly config: string
  readonly isDefault: boolean
}
/** `default`: it is the default and not the last of its type; otherwise the policies that name it. */
export type Removal = 'done' | 'unknown' | 'default' | { readonly usedBy: readonly string[] }
export type TestResult = { readonly delivered: boolean; readonly tries: readonly Try[] }

export type ProviderAdmin = {
  /** @returns warnings: names of keys that are kept but not understood */
  readonly save: (command: SaveProvider, facts: Facts) => Promise<Result<readonly string[], AdminFailure>>
  readonly list: (
    type: string,
    name: string | null,
    facts: Facts,
  ) => Promise<Result<readonly ShownProvider[], AdminFailure>>
  readonly remove: (type: string, name: string, facts: Facts) => Promise<Result<Removal, AdminFailure>>
  readonly setDefault: (type: string, name: string, facts: Facts) => Promise<Result<'done' | 'unknown', AdminFailure>>
  /** Without `to`: can it be loaded? With it, a message is sent. */
  readonly test: (
    type: string,
    name: string,
    to: string | null,
    facts: Facts,
  ) => Promise<Result<TestResult | null, AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly deliver: Deliver
  readonly findProvider: FindProvider
}

export function createProviderAdmin(parts: Parts): ProviderAdmin {
  const { store, vault, edges, audit, settings: cache } = parts

  return { save, list, remove, setDefault, test }

  async function save(command: SaveProvider, facts: Facts): Promise<Result<readonly string[], AdminFailure>> {
    const type = readType(command.type)
    if (!type.ok) return type
    const { name } = command
    const provider = parts.findProvider(type.value, command.class)
    if (!provider) return err({ code: 'provider_class_unknown', class: command.class })
    if (!/^[^.\p{C}]{1,64}$/u.test(name) || name.trim() !== name)
      return err({ code: 'parameter_invalid', field: 'name', rule: 'must be 1 to 64 characters without dots' })
    const timeout = v.safeParse(wholeNumber(0, MAX_TIMEOUT), command.timeout)
    if (!timeout.success) return err({ code: 'parameter_invalid', field: 'timeout', rule: timeout.issues[0].message })
    const posted = readObject(command.config)
    if (!posted.ok) return posted
    const before = find(await cache.fresh(), type.value, name)
    const config = await unmask(posted.value, provider, before)
    if (!config.ok) return config
    const read = await provider.read({ ...config.value, timeout: timeout.output }, edges)
    if (!read.ok) return err({ code: 'parameter_invalid', field: `config.${read.error.key}`, rule: read.error.rule })

    const sealedConfig = await vault.seal(
      new TextEncoder().encode(JSON.stringify(config.value)),
      place.provider(type.value, name),
    )
    const record = {
      type: type.value,
      name,
      class: command.class,
      sealedConfig,
      timeout: String(timeout.output),
      isDefault: command.isDefault,
    }
    await store.saveProvider(record, await audit.row(facts, { success: true, info: name }))
    if (read.value.warnings.length > 0)
      edges.log.warn('provider_keys_unknown', { provider: name, keys: read.value.warnings.join(', ') })
    return ok(read.value.warnings)
  }

  /** `***` stands for the value before, as long as it goes to the same server under the same name. */
  async function unmask(
    posted: Config,
    provider: Provider,
    before: ProviderRecord | undefined,
  ): Promise<Result<Config, AdminFailure>> {
    const known = before && before.class !== '' ? await open(before) : null
    const sameClass = before !== undefined && parts.findProvider(before.type, before.class) === provider
    const config = unmaskConfig(posted, known, { provider, sameClass })
    if (config.ok) return config
    return err({ code: 'parameter_invalid', field: `config.${config.error.key}`, rule: config.error.rule })
  }

  async function list(
    typeName: string,
    name: string | null,
    facts: Facts,
  ): Promise<Result<readonly ShownProvider[], AdminFailure>> {
    // LinOTP knows two types more; there are no providers of them here.
    const type = ['push', 'voice'].includes(typeName) ? ok(null) : readType(typeName)
    if (!type.ok) return type
    const { providers } = await cache.fresh()
    const chosen = providers.filter(
      (provider) => provider.type === type.value && (name === null || provider.name === name),
    )
    await audit.write(facts, { success: true, info: name ?? '' })
    return ok(await Promise.all(chosen.map(show)))
  }

  async function show(record: ProviderRecord): Promise<ShownProvider> {
    const { name, class: className, timeout, isDefault } = record
    const config = maskConfig((await open(record)) ?? {}, parts.findProvider(record.type, className))
    return { name, class: className, timeout, isDefault, config: JSON.stringify(config) }
  }

  /** null when the keys at hand do not open it. */
  async function open(record: ProviderRecord): Promise<Config | null> {
    const plain = await vault.open(record.sealedConfig, place.provider(record.type, record.name))
    // It was an object when it was sealed.
    return plain.ok ? (JSON.parse(new TextDecoder().decode(plain.value)) as Config) : null
  }

  async function remove(typeName: string, name: string, facts: Facts): Promise<Result<Removal, AdminFailure>> {
    const type = readType(typeName)
    if (!type.ok) return type
    const settings = await cache.fresh()
    const usedBy = find(settings, type.value, name) ? policiesNaming(settings, type.value, name) : []
    if (usedBy.length > 0) {
      await audit.write(facts, { success: false, info: name, actionDetail: 'provider_in_use' })
      return ok({ usedBy })
    }
    return ok(await store.deleteProvider(type.value, name, await audit.row(facts, { success: true, info: name })))
  }

  async function setDefault(
    typeName: string,
    name: string,
    facts: Facts,
  ): Promise<Result<'done' | 'unknown', AdminFailure>> {
    const type = readType(typeName)
    if (!type.ok) return type
    return ok(await store.setDefaultProvider(type.value, name, await audit.row(facts, { success: true, info: name })))
  }

  async function test(
    typeName: string,
    name: string,
    to: string | null,
    facts: Facts,
  ): Promise<Result<TestResult | null, AdminFailure>> {
    const type = readType(typeName)
    if (!type.ok) return type
    const channel = tokenTypes.find((one) => one.channel === type.value)
    if (to !== null && channel?.readAddress(to) === null)
      return err({ code: 'parameter_invalid', field: 'to', rule: channel.addressRule })
    const record = find(await cache.fresh(), type.value, name)
    if (!record) return err({ code: 'provider_unknown', name })
    const row = { info: name, actionDetail: to === null ? '' : 'message_sent' }
    if (to === null) {
      await audit.write(facts, { ...row, success: true })
      return ok(null)
    }
    const text = 'This is a test message of otpost. If you can read it, the provider works.'
    const { delivered, tries } = await parts.deliver([record], () => ({
      id: `test.${facts.requestId}`,
      to,
      subject: 'otpost test message',
      text,
    }))
    const info = tries.map((t) => `${t.provider}: ${t.reason || t.status}`).join(', ')
    if (delivered) await store.endRest(record, await audit.row(facts, { ...row, success: true, info }))
    else await audit.write(facts, { ...row, success: false, info })
    return ok({ delivered, tries })
  }
}

type Config = Readonly<Record<string, unknown>>

const find = (settings: Settings, type: ProviderType, name: string): ProviderRecord | undefined =>
  settings.providers.find((provider) => provider.type === type && provider.name === name)

/** Policies that name a provider, alone or in a list, active or not. */
function policiesNaming(settings: Settings, type: ProviderType, name: string): readonly string[] {
  return settings.policies
    .filter(({ actions }) => {
      const value = actions.get(`${type}_provider`)
      return typeof value === 'string' && (value === name || value.split(/\s+/).includes(name))
    })
    .map(({ record }) => record.name)
}

function readType(text: string): Result<ProviderType, AdminFailure> {
  return text === 'email' || text === 'sms' ? ok(text) : err({ code: 'provider_type_unknown', type: text })
}

function readObject(text: string | null): Result<Config, AdminFailure> {
  if (text === null || text.trim() === '') return err({ code: 'parameter_missing', field: 'config' })
  const refuse = (rule: string) => err({ code: 'parameter_invalid', field: 'config', rule } as const)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('must be a JSON object')
    return ok(value as Config) // checked above
  } catch {
    const hint = /^\s*\{\s*'/.test(text) ? ': JSON wants double quotes' : ''
    return refuse(`must be a JSON object${hint}`)
  }
}
