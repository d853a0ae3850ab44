/**
 * Phone numbers as SMS providers want them: first our own rules, E.164 and the prefixes that may be written to, then
 * LinOTP's (contract 4.7), `MSISDN` and `SUPPRESS_PREFIX`.
 *
 * A number that a rule forbids is no failure of the provider, and another one may have other rules.
 */
import * as v from 'valibot'
import { booleanWord } from '../../core/fields.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Delivery } from '../../ports/provider.ts'

const COUNTRY = 'must be a country calling code such as 49'
const PREFIXES = 'must be international prefixes such as "+49, +43"'
const prefixes = v.pipe(
  v.union([v.string(), v.array(v.string(PREFIXES), PREFIXES)], PREFIXES),
  v.transform((value) => (typeof value === 'string' ? value.split(/[\s,]+/).filter((text) => text !== '') : value)),
  v.check((list) => list.length > 0 && list.every((text) => /^\+[1-9]\d{0,14}$/.test(text)), PREFIXES),
)

export const numberKeys = {
  MSISDN: v.optional(booleanWord),
  SUPPRESS_PREFIX: v.optional(v.string('must be text')),
  E164: v.optional(booleanWord),
  COUNTRY_CODE: v.optional(
    v.pipe(
      v.union([v.string(), v.number()], COUNTRY),
      v.transform((value) => String(value).trim().replace(/^\+/, '')),
      v.regex(/^[1-9]\d{0,2}$/, COUNTRY),
    ),
  ),
  ALLOWED_PREFIXES: v.optional(prefixes),
  DENIED_PREFIXES: v.optional(prefixes),
} as const

export type NumberRules = {
  /** Digits only, and a leading `+`. */
  readonly MSISDN?: boolean | undefined
  /** Taken away from the beginning. */
  readonly SUPPRESS_PREFIX?: string | undefined
  /** Write the number as E.164 has it; `COUNTRY_CODE`, which says what a national number means, does so too. */
  readonly E164?: boolean | undefined
  readonly COUNTRY_CODE?: string | undefined
  /** Of the number in E.164; what is denied is denied although a shorter prefix is allowed. */
  readonly ALLOWED_PREFIXES?: readonly string[] | undefined
  readonly DENIED_PREFIXES?: readonly string[] | undefined
}

export type NumberRefusal =
  | 'number_not_one'
  | 'number_not_international'
  | 'number_not_e164'
  | 'number_prefix_denied'
  | 'number_prefix_not_allowed'

/** @returns the number as the gateway gets it, or the rule that forbids it */
export function formatNumber(number: string, rules: NumberRules): Result<string, NumberRefusal> {
  const { ALLOWED_PREFIXES: allowed, DENIED_PREFIXES: denied = [] } = rules
  const rewrites = rules.E164 === true || rules.COUNTRY_CODE !== undefined
  // Some gateways take a list of numbers with blanks between.
  if (number.trim().lastIndexOf('+') > 0 || !/\d/.test(number)) return err('number_not_one')
  if (!rewrites && allowed === undefined && denied.length === 0) return ok(asMsisdn(number, rules))
  const read = readE164(number, rules.COUNTRY_CODE)
  if (!read.ok) return read
  const begins = (prefix: string) => read.value.startsWith(prefix)
  if (denied.some(begins)) return err('number_prefix_denied')
  if (allowed && !allowed.some(begins)) return err('number_prefix_not_allowed')
  return ok(asMsisdn(rewrites ? read.value : number, rules))
}

export const forbidden = (reason: NumberRefusal): Delivery => ({ status: 'unavailable', reason, recipientOnly: true })

/**
 * ITU-T E.164 §6: `+`, and at most 15 digits that begin with a country code. Beside it `00` and, with a country code,
 * national numbers: with the trunk prefix 0, which Italy keeps, or the 1 of North America, or none.
 */
export function readE164(number: string, countryCode: string | undefined): Result<string, NumberRefusal> {
  // +49 (0)170 …: the zero is for those who dial within the country.
  const text = number.trim().replace(/^((?:\+|00)[\d ]*?)\(0\)/, '$1')
  const digits = text.replace(/\D/g, '')
  const international = text.startsWith('+') ? digits : digits.startsWith('00') ? digits.slice(2) : null
  if (international === null && countryCode === undefined) return err('number_not_international')
  const all = international ?? `${countryCode}${withoutTrunk(digits, countryCode)}`
  return /^[1-9]\d{6,14}$/.test(all) ? ok(`+${all}`) : err('number_not_e164')
}

function withoutTrunk(digits: string, countryCode: string | undefined): string {
  if (countryCode === '1' && digits.length === 11 && digits.startsWith('1')) return digits.slice(1)
  return digits.startsWith('0') && countryCode !== '39' ? digits.slice(1) : digits
}

function asMsisdn(number: string, rules: NumberRules): string {
  const trimmed = number.trim()
  const plain = rules.MSISDN ? `${trimmed.startsWith('+') ? '+' : ''}${trimmed.replace(/\D/g, '')}` : number
  const prefix = rules.SUPPRESS_PREFIX ?? ''
  const left = plain.trimStart()
  return prefix !== '' && left.startsWith(prefix) ? left.slice(prefix.length) : plain
}
