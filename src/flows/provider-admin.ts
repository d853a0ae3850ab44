/**
 * Administration of providers: save, show, delete, mark as default (contract 4.3); who rests.
 *
 * A configuration is read when it is saved, so that a wrong one is refused there and not when somebody waits for an
 * OTP. It is sealed as a whole; what is shown has `***` where a secret stands. A managed provider shows nothing of it,
 * and is changed and deleted by whoever knows its password.
 */
import * as v from 'valibot'
import type { AdminFailure } from '../core/failures.ts'
import { wholeNumber } from '../core/fields.ts'
import { IMPORTED_DEFAULT, legacyKeys } from '../core/legacy-providers.ts'
import { err, ok, type Result } from '../core/result.ts'
import { brokenRule } from '../core/setting-keys.ts'
import type { ProviderRecord, ProviderType, Settings } from '../core/settings.ts'
import type { Edges } from '../ports/edges.ts'
import type { FindProvider } from '../ports/provider.ts'
import type { ProviderRest, Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import type { ProviderConfigs } from './provider-configs.ts'
import type { SettingsCache } from './settings.ts'

const MAX_TIMEOUT = 86_400
const TRIES = 5

export type SaveProvider = {
  readonly type: string
  readonly name: string
  readonly class: string
  /** JSON text; null: the parameter is absent. */
  readonly config: string | null
  readonly timeout: string
  /** Password that changing and deleting it will ask for, or asks for already; empty: none is given. */
  readonly managed: string
  readonly isDefault: boolean
}
export type RemoveProvider = { readonly type: string; readonly name: string; readonly managed: string }
export type ShownProvider = {
  readonly name: string
  readonly class: string
  readonly timeout: string
  /** JSON text; null: it is managed, and shown to nobody. */
  readonly config: string | null
  readonly isDefault: boolean
}
/** `default`: it is the default and not the last of its type; otherwise the policies that name it. */
export type Removal = 'done' | 'unknown' | 'default' | { readonly usedBy: readonly string[] }

export type ProviderAdmin = {
  /** @returns warnings: names of keys that are kept but not understood */
  readonly save: (command: SaveProvider, facts: Facts) => Promise<Result<readonly string[], AdminFailure>>
  readonly list: (
    type: string,
    name: string | null,
    facts: Facts,
  ) => Promise<Result<readonly ShownProvider[], AdminFailure>>
  readonly remove: (command: RemoveProvider, facts: Facts) => Promise<Result<Removal, AdminFailure>>
  readonly setDefault: (type: string, name: string, facts: Facts) => Promise<Result<'done' | 'unknown', AdminFailure>>
  /** Those that are asked last for a while, since they did not take a message. */
  readonly rests: (facts: Facts) => Promise<readonly ProviderRest[]>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly findProvider: FindProvider
  readonly configs: ProviderConfigs
}

export function createProviderAdmin(parts: Parts): ProviderAdmin {
  const { store, vault, edges, audit, settings: cache, configs } = parts

  return { save, list, remove, setDefault, rests }

  async function save(command: SaveProvider, facts: Facts): Promise<Result<readonly string[], AdminFailure>> {
    const type = readType(command.type)
    if (!type.ok) return type
    const { name } = command
    const provider = parts.findProvider(type.value, command.class)
    if (!provider) return err({ code: 'provider_class_unknown', class: command.class })
    if (!/^[^.\p{C}]{1,64}$/u.test(name) || name.trim() !== name)
      return err({ code: 'parameter_invalid', field: 'name', rule: 'must be 1 to 64 characters without dots' })
    const timeout = readTimeout(type.value, name, command.timeout)
    if (!timeout.ok) return timeout
    if (name === IMPORTED_DEFAULT && command.managed !== '')
      return err({ code: 'parameter_invalid', field: 'managed', rule: `cannot be given for ${name}` })
    const before = findProviderIn(await cache.fresh(), type.value, name)
    if (before && !(await mayChange(before, command.managed)))
      return err({ code: 'provider_managed', attempt: 'overwrite' })
    const target = { provider, name, timeout: timeout.value, before }
    const read = await configs.read(command.config, target, 'config')
    if (!read.ok) return read

    const sealedConfig = await vault.seal(
      new TextEncoder().encode(JSON.stringify(read.value.config)),
      place.provider(type.value, name),
    )
    const record = {
      type: type.value,
      name,
      class: command.class,
      sealedConfig,
      managed: before?.managed || (command.managed && (await vault.hashPassword(command.managed))),
      timeout: timeout.value,
      isDefault: command.isDefault,
    }
    const row = await audit.row(facts, { success: true, info: name })
    // Somebody else made it a managed one in the meantime.
    if ((await store.saveProvider(record, before?.managed ?? '', row)) === 'managed')
      return err({ code: 'provider_managed', attempt: 'overwrite' })
    if (read.value.warnings.length > 0)
      edges.log.warn('provider_keys_unknown', {
        request: facts.requestId,
        provider: name,
        keys: read.value.warnings.join(', '),
      })
    return ok(read.value.warnings)
  }

  async function mayChange({ managed }: ProviderRecord, password: string): Promise<boolean> {
    return managed === '' || vault.passwordMatches(password, managed)
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
    const config = record.managed === '' ? JSON.stringify(await configs.shown(record)) : null
    return { name, class: className, timeout, isDefault, config }
  }

  async function remove(command: RemoveProvider, facts: Facts): Promise<Result<Removal, AdminFailure>> {
    const type = readType(command.type)
    if (!type.ok) return type
    const { name } = command
    for (let tries = 1; ; tries++) {
      const settings = await cache.fresh()
      const before = findProviderIn(settings, type.value, name)
      if (before && !(await mayChange(before, command.managed)))
        return err({ code: 'provider_managed', attempt: 'delete' })
      const usedBy = before ? policiesNaming(settings, type.value, name) : []
      if (usedBy.length > 0) {
        await audit.write(facts, { success: false, info: name, actionDetail: 'provider_in_use' })
        return ok({ usedBy })
      }
      const row = await audit.row(facts, { success: true, info: name })
      const key = { type: type.value, name, managed: before?.managed ?? '' }
      const done = await store.deleteProvider(key, settings.version, row)
      if (done === 'managed') return err({ code: 'provider_managed', attempt: 'delete' })
      if (done !== 'lost') return ok(done)
      // Somebody changed the settings in the meantime, maybe to a policy that names it.
      if (tries === TRIES)
        return err({
          code: 'parameter_invalid',
          field: 'name',
          rule: 'must not be changed by requests at the same time',
        })
    }
  }

  async function rests(facts: Facts): Promise<readonly ProviderRest[]> {
    await audit.write(facts, { success: true })
    return store.listRests(facts.now)
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
}

export const findProviderIn = (settings: Settings, type: ProviderType, name: string): ProviderRecord | undefined =>
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

export function readType(text: string): Result<ProviderType, AdminFailure> {
  return text === 'email' || text === 'sms' ? ok(text) : err({ code: 'provider_type_unknown', type: text })
}

/** The time-out of `imported_default` is an entry of the system configuration, with a rule of its own. */
function readTimeout(type: ProviderType, name: string, text: string): Result<string, AdminFailure> {
  const setting = name === IMPORTED_DEFAULT ? legacyKeys[type].timeout : null
  const read = v.safeParse(wholeNumber(0, MAX_TIMEOUT), text)
  const rule = setting ? brokenRule(setting.key, text) : read.success ? null : read.issues[0].message
  return rule === null ? ok(String(Number(text))) : err({ code: 'parameter_invalid', field: 'timeout', rule })
}
