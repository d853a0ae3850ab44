/** Administration of the system configuration (contract 8). */
import type { AdminFailure } from '../core/failures.ts'
import { legacyKeys, legacyTypeOf, PROVIDER_TYPES } from '../core/legacy-providers.ts'
import { err, ok, type Result } from '../core/result.ts'
import { brokenRule, settingKeys } from '../core/setting-keys.ts'
import { type ConfigEntry, defaultRealm } from '../core/settings.ts'
import type { FindProvider } from '../ports/provider.ts'
import type { Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import { type Audit, withoutAddresses } from './audit.ts'
import type { Facts } from './facts.ts'
import { readLegacyConfigs } from './legacy-configs.ts'
import type { ProviderConfigs } from './provider-configs.ts'
import { MASK } from './provider-masks.ts'
import type { SettingsCache } from './settings.ts'

export type ConfigInput = {
  readonly key: string
  readonly value: string
  readonly type?: string
  readonly description?: string
}

export type ConfigAdmin = {
  /** All entries or none. @returns the entries as they may be shown, with `***` for secrets */
  readonly set: (entries: readonly ConfigInput[], facts: Facts) => Promise<Result<readonly ConfigInput[], AdminFailure>>
  /** null: there is no such entry. Secrets are shown as they are stored: sealed. */
  readonly get: (key: string, facts: Facts) => Promise<string | null>
  readonly list: (facts: Facts) => Promise<ReadonlyMap<string, string>>
  readonly remove: (key: string, facts: Facts) => Promise<void>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly configs: ProviderConfigs
  readonly findProvider: FindProvider
}

/** Entries that are secrets whatever type they are posted with: what LinOTP keeps of a provider (contract 4.1). */
const isSecretKey = (key: string): boolean =>
  legacyTypeOf(key) !== undefined || /^(?:Email|SMS|Push|Voice)Provider\..+\.(?:Config|Managed)$/.test(key)
/** A class is read as it stands. */
const isClassKey = (key: string): boolean => PROVIDER_TYPES.some((type) => legacyKeys[type].class === key)

export function createConfigAdmin(parts: Parts): ConfigAdmin {
  const { store, vault, audit, settings: cache } = parts
  return {
    set: async (entries, facts) => {
      for (const { key, value } of entries) {
        const rule = refusal(plainKey(key), value)
        if (rule) return err({ code: 'parameter_invalid', field: key.toWellFormed(), rule })
      }
      const legacy = await readLegacy(entries)
      if (!legacy.ok) return legacy
      const sealed: ConfigEntry[] = []
      const shown: ConfigInput[] = []
      for (const { key: given, value, type = '', description = '' } of entries) {
        const key = plainKey(given)
        const secret = isSecretKey(key) || (type === 'password' && !isClassKey(key))
        const { kept, shown: readable } = legacy.value.get(key) ?? { kept: value, shown: secret ? MASK : value }
        const stored = secret ? await vault.seal(new TextEncoder().encode(kept), place.config(key)) : value
        sealed.push({ key, value: stored, type: secret ? 'password' : type, description })
        shown.push({ key: given, value: readable })
      }
      const info = shown
        .map(({ key, value }, n) => `${key}=${sealed[n]?.type === 'password' ? MASK : noted(key, value)}, `)
        .join('')
      await store.setConfig(sealed, await audit.row(facts, { success: true, info }))
      return ok(shown)
    },

    get: async (key, facts) => {
      const entries = await read()
      await audit.write(facts, { success: true, info: key })
      return entries.get(plainKey(key)) ?? null
    },

    list: async (facts) => {
      const entries = await read()
      await audit.write(facts, { success: true })
      return entries
    },

    remove: async (given, facts) => {
      const key = plainKey(given)
      const row = await audit.row(facts, { success: true, info: key })
      await (key === 'DefaultRealm' ? store.setDefaultRealm('', row) : store.deleteConfig(key, row))
    },
  }

  async function readLegacy(entries: readonly ConfigInput[]): ReturnType<typeof readLegacyConfigs> {
    const posted = new Map(entries.map(({ key, value }) => [plainKey(key), value]))
    // The settings are asked for only where they say something.
    if (![...posted.keys()].some((key) => legacyTypeOf(key) || isClassKey(key))) return ok(new Map())
    return readLegacyConfigs(posted, await cache.fresh(), parts)
  }

  async function read(): Promise<ReadonlyMap<string, string>> {
    const settings = await cache.fresh()
    const realm = defaultRealm(settings)
    const entries = [...settings.config.values()].map(({ key, value }) => [key, value] as const)
    return new Map(realm ? [...entries, ['DefaultRealm', realm.name] as const] : entries)
  }
}

/** A value as the audit has it: also what is a secret by its name alone is hidden, and addresses are masked. */
function noted(key: string, value: string): string {
  const isSetting = settingKeys.some((setting) => setting.key === plainKey(key))
  return SOUNDS_SECRET.test(key) && !isSetting ? MASK : withoutAddresses(value)
}
const SOUNDS_SECRET = /token|secret|passw|passphrase|pwd|authorization|credential|api.?key/i

/** `linotp.X` and `enclinotp.X` are other names of `X`. */
const plainKey = (key: string): string => key.replace(/^(enc)?linotp\./, '')

/** The rule that an entry breaks, or null. */
export function refusal(key: string, value: string): string | null {
  if (key === '') return 'must have a name'
  if (key.length > 512 || value.length > 65_536)
    return 'must have a name of at most 512 and a value of at most 65536 characters'
  // A half of a surrogate pair is no character, and no database gives it back.
  if (!key.isWellFormed() || !value.isWellFormed()) return 'must be whole characters, without halves of surrogate pairs'
  return brokenRule(key, value)
}
