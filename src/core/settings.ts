/**
 * Settings: the snapshot of everything an administrator configured, as one version of the database held it.
 *
 * Texts are read here and nowhere else. A value that is not a number never stops a login: the documented default serves
 * (LinOTP fails then; contract 3.9 and 12.2 #31), and saving such a value is refused.
 */
import type { CompiledPolicy } from './policy/policy.ts'
import type { Seconds } from './time.ts'

export type ConfigEntry = {
  readonly key: string
  readonly value: string
  readonly type: string
  readonly description: string
}

export type ProviderType = 'email' | 'sms'
export type ProviderRecord = {
  readonly type: ProviderType
  readonly name: string
  readonly class: string
  readonly sealedConfig: string
  /** As posted; digits. For e-mail the longest validity of an OTP in seconds, 0: no bound. */
  readonly timeout: string
  readonly isDefault: boolean
}

export type ResolverRecord = {
  readonly name: string
  readonly type: string
  readonly data: Readonly<Record<string, string>>
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

const text = (settings: Settings, key: string): string | undefined => settings.config.get(key)?.value

function wholeNumber(settings: Settings, key: string): number | null {
  const value = text(settings, key)?.trim()
  return value !== undefined && /^\d+$/.test(value) ? Number(value) : null
}

export const isTrue = (settings: Settings, key: string, byDefault: boolean): boolean =>
  (text(settings, key) ?? String(byDefault)).trim().toLowerCase() === 'true'

/** Length of a transaction id, 12 to 17 digits (contract 2.3). */
export function transactionIdLength(settings: Settings): number {
  const length = wholeNumber(settings, 'TransactionIdLength')
  return length !== null && length >= 12 && length <= 17 ? length : 17
}

/** Is the PIN before the OTP? */
export const pinComesFirst = (settings: Settings): boolean => isTrue(settings, 'PrependPin', true)

/** Later spellings win (contract 2.5). */
const VALIDITY_KEYS: Readonly<Record<string, readonly string[]>> = {
  email: ['EmailChallengeValidityTime', 'EMAILChallengeValidityTime', 'emailChallengeValidityTime'],
  sms: ['SmsChallengeValidityTime', 'SMSChallengeValidityTime', 'smsChallengeValidityTime'],
}

/** Seconds a challenge of a token type is valid by configuration; something that is no number counts as 120. */
export function challengeValidity(settings: Settings, type: string): Seconds {
  let validity: Seconds = 120
  for (const key of ['DefaultChallengeValidityTime', ...(VALIDITY_KEYS[type] ?? [])])
    if (settings.config.has(key)) validity = wholeNumber(settings, key) ?? 120
  return validity
}

const BLOCKING: Readonly<Record<string, readonly [key: string, fallback: Seconds]>> = {
  email: ['EmailBlockingTimeout', 120],
  sms: ['SMSBlockingTimeout', 60],
}

/** Seconds after a delivered challenge in which no new message is sent; 0 blocks nothing. */
export function blockingTimeout(settings: Settings, type: string): Seconds {
  const [key, fallback] = BLOCKING[type] ?? ['DefaultBlockingTimeout', 0]
  return wholeNumber(settings, key) ?? fallback
}

/** Seconds that an OTP sent by SMS may live (contract 3.9). */
export const smsProviderTimeout = (settings: Settings): Seconds => wholeNumber(settings, 'SMSProviderTimeout') ?? 300

/** Answers allowed per challenge; 0: bounded by the token's fail count alone. */
export const challengeAttempts = (settings: Settings): number => wholeNumber(settings, 'max_attempts') ?? 0

export type TokenDefaults = {
  readonly digits: number
  readonly countWindow: number
  readonly syncWindow: number
  readonly maxFailCount: number
}

export function tokenDefaults(settings: Settings): TokenDefaults {
  return {
    digits: wholeNumber(settings, 'DefaultOtpLen') ?? 6,
    countWindow: wholeNumber(settings, 'DefaultCountWindow') ?? 10,
    syncWindow: wholeNumber(settings, 'DefaultSyncWindow') ?? 1000,
    maxFailCount: wholeNumber(settings, 'DefaultMaxFailCount') ?? 10,
  }
}

/** The text that replaces the message a client sees when a challenge was sent. */
export function challengePrompt(settings: Settings, type: string): string | null {
  return text(settings, `${type.toUpperCase()}_CHALLENGE_PROMPT`) || null
}

export const defaultRealm = (settings: Settings): RealmRecord | undefined =>
  settings.realms.find((realm) => realm.isDefault)
export const findRealm = (settings: Settings, name: string): RealmRecord | undefined =>
  settings.realms.find((realm) => realm.name === name.toLowerCase())
