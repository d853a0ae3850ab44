/** The settings of a token that `admin/set` knows, each with its rule (contract 7.1). */
import * as v from 'valibot'
import type { AdminFailure } from '../core/failures.ts'
import { wholeNumber } from '../core/fields.ts'
import { err, ok, type Result } from '../core/result.ts'
import { readValidityDate, VALIDITY_RULE, validityDate } from '../core/token.ts'
import { sms } from '../core/tokens/sms/index.ts'
import type { InfoPatch, TokenChange } from '../ports/store.ts'

export type Setter = {
  /** The one type that has this setting; absent: all have. */
  readonly only?: string
  readonly name: string
  readonly read: (text: string) => Result<TokenChange['set'], string>
}

function number(name: string, min: number, max: number, set: (n: number) => TokenChange['set']): Setter {
  return {
    name,
    read: (text) => {
      const read = v.safeParse(wholeNumber(min, max), text)
      return read.success ? ok(set(read.output)) : err(read.issues[0].message)
    },
  }
}

const MAX_COUNT = 1_000_000
const info =
  (key: string) =>
  (value: string | number): { info: InfoPatch } => ({ info: { [key]: value } })

function date(name: string, key: string): Setter {
  return {
    name,
    read: (text) => (readValidityDate(text) === null ? err(VALIDITY_RULE) : ok(info(key)(text.trim()))),
  }
}

/** Settings of tokens that count time; none of ours does. */
const ofTotp = (name: string): Setter => ({ name, only: 'totp', read: () => ok({}) })

/** By lower-case parameter name; the PIN is sealed where the serial is known. */
export const SETTERS: Readonly<Record<string, Setter>> = {
  pin: { name: 'pin', read: (text) => (text.length <= 256 ? ok({}) : err('must have at most 256 characters')) },
  maxfailcount: number('MaxFailCount', 0, MAX_COUNT, (maxFailCount) => ({ maxFailCount })),
  syncwindow: number('SyncWindow', 1, MAX_COUNT, (syncWindow) => ({ syncWindow })),
  counterwindow: number('CounterWindow', 1, 99, (countWindow) => ({ countWindow })),
  otplen: number('OtpLen', 4, 10, (digits) => ({ digits })),
  hashlib: {
    name: 'hashlib',
    read: (text) => {
      const read = v.safeParse(v.picklist(['sha1', 'sha256', 'sha512']), text.toLowerCase())
      return read.success
        ? ok({ hash: read.output, ...info('hashlib')(read.output) })
        : err('must be sha1, sha256 or sha512')
    },
  },
  description: {
    name: 'description',
    read: (text) => (text.length <= 80 ? ok({ description: text }) : err('must have at most 80 characters')),
  },
  phone: {
    name: 'phone',
    only: sms.name,
    read: (text) => {
      const phone = sms.readAddress(text)
      return phone === null ? err(sms.addressRule) : ok(info('phone')(phone))
    },
  },
  timewindow: ofTotp('timeWindow'),
  timestep: ofTotp('timeStep'),
  timeshift: ofTotp('timeShift'),
  countauth: number('countAuth', 0, MAX_COUNT, info('count_auth')),
  countauthmax: number('countAuthMax', 0, MAX_COUNT, info('count_auth_max')),
  countauthsuccess: number('countAuthSuccess', 0, MAX_COUNT, info('count_auth_success')),
  countauthsuccessmax: number('countAuthSuccessMax', 0, MAX_COUNT, info('count_auth_success_max')),
  validityperiodstart: date('validityPeriodStart', 'validity_period_start'),
  validityperiodend: date('validityPeriodEnd', 'validity_period_end'),
}

/** Limits of `admin/setValidity`, by lower-case parameter name. */
const VALIDITY: Readonly<Record<string, { readonly name: string; readonly key: string; readonly isTime: boolean }>> = {
  countauthmax: { name: 'countAuthMax', key: 'count_auth_max', isTime: false },
  countauthsuccessmax: { name: 'countAuthSuccessMax', key: 'count_auth_success_max', isTime: false },
  validityperiodstart: { name: 'validityPeriodStart', key: 'validity_period_start', isTime: true },
  validityperiodend: { name: 'validityPeriodEnd', key: 'validity_period_end', isTime: true },
}

/** Times are Unix seconds, kept to the minute; `unlimited` takes a limit away (contract 7.1). */
export function readValidity(given: Readonly<Record<string, string>>): Result<InfoPatch, AdminFailure> {
  const info: Record<string, string | number | null> = {}
  for (const [parameter, { name, key, isTime }] of Object.entries(VALIDITY)) {
    const text = given[parameter]?.trim()
    if (text === undefined) continue
    const read = v.safeParse(wholeNumber(0, isTime ? LAST_SECOND : MAX_COUNT), text)
    const value = read.success ? (isTime ? validityDate(read.output) : read.output) : null
    if (text !== 'unlimited' && value === null)
      return err({
        code: 'parameter_invalid',
        field: name,
        rule: isTime
          ? 'must be unlimited, or seconds since 1970 that lie in the years 2000 to 2099'
          : `must be unlimited, or a whole number from 0 to ${MAX_COUNT}`,
      })
    info[key] = text === 'unlimited' ? null : value
  }
  if (Object.keys(info).length === 0)
    return err({ code: 'settings_missing', known: Object.values(VALIDITY).map(({ name }) => name) })
  return ok(info)
}

const LAST_SECOND = 4_102_444_799 // 2099-12-31T23:59:59Z
