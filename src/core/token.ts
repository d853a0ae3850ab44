/**
 * Token: the thing a user is verified with (NIST SP 800-63B: authenticator). Pure: the caller brings the time.
 *
 * The secret and the PIN are sealed text here; only `flows/check` opens them, through the vault, in its step *prove*.
 */
import { type Instant, type Seconds, utcTime } from './time.ts'

export type HashName = 'sha1' | 'sha256' | 'sha512'

export type Token = {
  readonly id: number
  readonly serial: string
  readonly type: string
  readonly description: string
  readonly sealedSecret: string
  readonly sealedPin: string
  /** Moving factor C (RFC 4226 §5.1). */
  readonly counter: number
  /** Length of the OTP (RFC 4226 §5.3). */
  readonly digits: number
  readonly hash: HashName
  readonly countWindow: number
  readonly syncWindow: number
  /** Consecutive failures (RFC 4226 §7.3). Goes on counting when the token is locked. */
  readonly failCount: number
  readonly maxFailCount: number
  /** When the newest failure came that the token was not locked at; null: there was none, or it is not known. */
  readonly lastFailedAt: Instant | null
  readonly active: boolean
  readonly owner: Owner | null
  readonly realms: readonly string[]
  readonly info: TokenInfo
  /** Moves whenever an administrator changes the token. */
  readonly revision: number
  readonly createdAt: Instant
  readonly lastAuthMatch: Instant | null
  readonly lastAuthSuccess: Instant | null
}

export type Owner = { readonly userId: string; readonly resolver: string }

/** Names as in LinOTP's TokenInfo (contract 7.5). Counts are whole numbers; a limit of 0 or none is unlimited. */
export type TokenInfo = Readonly<Record<string, InfoValue>>
export type InfoValue = string | number | boolean | readonly InfoValue[] | { readonly [name: string]: InfoValue }

/** The mark in TokenInfo of a token whose user has not yet shown that its messages arrive. */
export const VERIFICATION = 'verification'
export const isUnverified = (token: Pick<Token, 'info'>): boolean => token.info[VERIFICATION] === 'pending'

/** A token without realms may be used from every realm (contract 2.2). */
export const servesRealm = (token: Token, realm: string | null): boolean =>
  realm === null || token.realms.length === 0 || token.realms.includes(realm)

const limit = (info: TokenInfo, key: string): number => Number(info[key] ?? 0) || 0

/** Messages go to the owner's present address, whatever policy says. */
export const hasDynamicAddress = (token: Pick<Token, 'info'>): boolean => Number(token.info.dynamic_address ?? 0) === 1

/** `count_auth_max` or `count_auth_success_max` is used up. */
export function usageExceeded(token: Token): boolean {
  const attempts = limit(token.info, 'count_auth_max')
  const successes = limit(token.info, 'count_auth_success_max')
  return (
    (attempts > 0 && limit(token.info, 'count_auth') >= attempts) ||
    (successes > 0 && limit(token.info, 'count_auth_success') >= successes)
  )
}

export type Validity = 'valid' | 'too_early' | 'too_late'

/** Where `now` lies in the token's validity period; both ends are optional and written `dd/mm/yy HH:MM` in UTC. */
export function validityAt(token: Token, now: Instant): Validity {
  const start = readValidityDate(String(token.info.validity_period_start ?? ''))
  const end = readValidityDate(String(token.info.validity_period_end ?? ''))
  if (start !== null && now < start) return 'too_early'
  if (end !== null && now > end) return 'too_late'
  return 'valid'
}

export const VALIDITY_RULE = 'must be a date like 31/12/26 23:59 (UTC)'

/** Reads `dd/mm/yy HH:MM` (UTC); null for anything else, impossible dates included. */
export function readValidityDate(text: string): Instant | null {
  const match = /^(\d\d)\/(\d\d)\/(\d\d) (\d\d):(\d\d)$/.exec(text.trim())
  if (!match) return null
  const [day, month, year, hour, minute] = match.slice(1).map(Number) as [number, number, number, number, number] // five groups in the pattern
  if (month < 1 || month > 12 || day < 1 || hour > 23 || minute > 59) return null
  if (day > daysIn(month, 2000 + year)) return null
  return Date.UTC(2000 + year, month - 1, day, hour, minute) / 1000
}

/** The same in the other direction, to the minute; null outside the years 2000 to 2099, which two digits cannot tell. */
export function validityDate(at: Instant): string | null {
  const { year, month, day, hour, minute } = utcTime(at)
  if (year < 2000 || year > 2099) return null
  const [dd, mm, yy, hh, min] = [day, month, year - 2000, hour, minute].map((n) => String(n).padStart(2, '0'))
  return `${dd}/${mm}/${yy} ${hh}:${min}`
}

function daysIn(month: number, year: number): number {
  if (month === 2) return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0 ? 29 : 28
  return [4, 6, 9, 11].includes(month) ? 30 : 31
}

/** How long a challenge of this token is valid when the token says so itself (`challenge_validity_time`), else null. */
export function ownChallengeValidity(token: Token): Seconds | null {
  const own = token.info.challenge_validity_time
  if (own === undefined) return null
  const digits = String(own).trim()
  return /^\d+$/.test(digits) ? Number(digits) : 120
}
