/** Administration of the system configuration (contract 8). */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import { brokenRule, settingKeys } from '../core/setting-keys.ts'
import { type ConfigEntry, defaultRealm } from '../core/settings.ts'
import type { Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import { type Audit, withoutAddresses } from './audit.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'

export type ConfigInput = {
  readonly key: string
  readonly value: string
  readonly type?: string
  readonly description?: string
}

export type ConfigAdmin = {
  /** All entries or none. @returns the entries as they may be shown, a secret as `***` */
  readonly set: (entries: readonly ConfigInput[], facts: Facts) => Promise<Result<readonly ConfigInput[], AdminFailure>>
  /** null: there is no such entry. Secrets are shown as they are stored: sealed. */
  readonly get: (key: string, facts: Facts) => Promise<string | null>
  readonly list: (facts: Facts) => Promise<ReadonlyMap<string, string>>
  readonly remove: (key: string, facts: Facts) => Promise<void>
}

type Parts = { readonly store: Store; readonly vault: Vault; readonly audit: Audit; readonly settings: SettingsCache }

/** Entries that are secrets whatever type they are posted with. */
const SECRET_KEYS = ['EmailProviderConfig', 'SMSProviderConfig']

export function createConfigAdmin({ store, vault, audit, settings: cache }: Parts): ConfigAdmin {
  return {
    set: async (entries, facts) => {
      const sealed: ConfigEntry[] = []
      for (const { key: given, value, type = '', description = '' } of entries) {
        const key = plainKey(given)
        const rule = refusal(key, value)
        if (rule) return err({ code: 'parameter_invalid', field: given, rule })
        const secret = type === 'password' || SECRET_KEYS.includes(key)
        const stored = secret ? await vault.seal(new TextEncoder().encode(value), place.config(key)) : value
        sealed.push({ key, value: stored, type: secret ? 'password' : type, description })
      }
      const shown = sealed.map(({ type, value }, n) => ({
        key: entries[n]?.key ?? '',
        value: type === 'password' ? '***' : value,
      }))
      const info = shown.map(({ key, value }) => `${key}=${noted(key, value)}, `).join('')
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
  return SOUNDS_SECRET.test(key) && !isSetting ? '***' : withoutAddresses(value)
}
const SOUNDS_SECRET = /token|secret|passw|passphrase|pwd|authorization|credential|api.?key/i

/** `linotp.X` and `enclinotp.X` are other names of `X`. */
const plainKey = (key: string): string => key.replace(/^(enc)?linotp\./, '')

/** The rule that an entry breaks, or null. */
export function refusal(key: string, value: string): string | null {
  if (key === '') return 'must have a name'
  if (key.length > 512 || value.length > 65_536)
    return 'must have a name of at most 512 and a value of at most 65536 characters'
  return brokenRule(key, value)
}
