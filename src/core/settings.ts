/**
 * Settings: the snapshot of everything an administrator configured, as one version of the database held it.
 *
 * A value that breaks its rule never stops a login: the fallback serves (LinOTP fails then; contract 3.9 and 12.2 #31),
 * and saving such a value is refused. The entries are declared in setting-keys.ts.
 */

import type { CompiledPolicy } from './policy/policy.ts'
import type { Setting } from './setting-keys.ts'
import * as keys from './setting-keys.ts'
import type { Seconds } from './time.ts'

export type ConfigEntry = {
  readonly key: string
  readonly value: string
  readonly type: string
  readonly description: string
}

export type ProviderType = 'email' | 'sms'
export type ProviderKey = { readonly type: ProviderType; readonly name: string }
export type ProviderRecord = {
  readonly type: ProviderType
  readonly name: string
  readonly class: string
  readonly sealedConfig: string
  /** Hash of the password without which a managed provider is neither changed nor deleted; empty: it is not managed. */
  readonly managed: string
  /** As posted; digits. For e-mail the longest validity of an OTP in seconds, 0: no bound. */
  readonly timeout: string
  readonly isDefault: boolean
}

/** Type of the resolvers whose users are edited one by one. */
export const LOCAL_RESOLVER = 'localresolver'
export const PASSWD_RESOLVER = 'passwdresolver'

export type ResolverRecord = {
  readonly name: string
  readonly type: string
  /** Its parameters as they are shown. */
  readonly data: Readonly<Record<string, string>>
  /** Of a directory: all of its configuration. Empty: its users are rows of the database. */
  readonly sealedConfig: string
}
export type RealmRecord = { readonly name: string; readonly resolvers: readonly string[]; readonly isDefault: boolean }

export type Settings = {
  readonly version: number
  readonly config: ReadonlyMap<string, ConfigEntry>
  readonly providers: readonly ProviderRecord[]
  readonly resolvers: readonly ResolverRecord[]
  readonly realms: readonly RealmRecord[]
  /** Policies that were read; one that cannot be is left out when it is loaded, and told in the log. */
  readonly policies: readonly CompiledPolicy[]
}

/** The value of an entry; what cannot be read counts as not there, so that no wrong value stops a login. */
export function settingOf<T>(settings: Pick<Settings, 'config'>, setting: Setting<T>): T {
  const entry = settings.config.get(setting.key)
  if (entry === undefined) return setting.fallback
  const known = readings.get(entry)
  if (known?.setting === setting) return known.value as T // that of this setting
  const value = meant(entry, setting)
  readings.set(entry, { setting, value })
  return value
}
/** Entries do not change, many requests ask for them, and a list may be long. */
const readings = new WeakMap<ConfigEntry, { readonly setting: unknown; readonly value: unknown }>()

function meant<T>({ value }: ConfigEntry, setting: Setting<T>): T {
  const read = setting.read(value)
  if (read !== undefined) return read
  return setting.unreadable === undefined ? setting.fallback : setting.unreadable
}

/** Seconds a challenge of a token type is valid by configuration; an entry that is no number counts as 120. */
export function challengeValidity(settings: Settings, type: string): Seconds {
  let validity = settingOf(settings, keys.defaultValidity)
  for (const setting of keys.validities[type] ?? [])
    if (settings.config.has(setting.key)) validity = settingOf(settings, setting) ?? 120
  return validity
}

export type TokenDefaults = {
  readonly digits: number
  readonly countWindow: number
  readonly syncWindow: number
  readonly maxFailCount: number
}

export function tokenDefaults(settings: Settings): TokenDefaults {
  return {
    digits: settingOf(settings, keys.defaultOtpLength),
    countWindow: settingOf(settings, keys.defaultCountWindow),
    syncWindow: settingOf(settings, keys.defaultSyncWindow),
    maxFailCount: settingOf(settings, keys.defaultMaxFailCount),
  }
}

export const findResolver = (settings: Settings, name: string): ResolverRecord | undefined =>
  settings.resolvers.find((resolver) => resolver.name === name)
/** Its users live elsewhere; a resolver that is not there has none. */
export const isDirectory = (settings: Settings, name: string): boolean =>
  (findResolver(settings, name)?.sealedConfig ?? '') !== ''

export const defaultRealm = (settings: Settings): RealmRecord | undefined =>
  settings.realms.find((realm) => realm.isDefault)
export const findRealm = (settings: Settings, name: string): RealmRecord | undefined =>
  settings.realms.find((realm) => realm.name === name.toLowerCase())

/** Names of the realms that hold a resolver, in order. */
export const realmsWith = (settings: Settings, resolver: string): readonly string[] =>
  settings.realms.filter((realm) => realm.resolvers.includes(resolver)).map((realm) => realm.name)
