/** The settings of a token that `admin/set` knows, each with its rule (contract 7.1). */
import * as v from 'valibot'
import { wholeNumber } from '../core/fields.ts'
import { err, ok, type Result } from '../core/result.ts'
import { readValidityDate, type TokenInfo, VALIDITY_RULE } from '../core/token.ts'
import { sms } from '../core/tokens/sms/index.ts'
import type { TokenChange } from '../ports/store.ts'

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
  (value: string | number): { info: TokenInfo } => ({ info: { [key]: value } })

function date(name: string, key: string): Setter {
  return {
    name,
    read: (text) => (readValidityDate(text) === null ? err(VALIDITY_RULE) : ok(info(key)(text.trim()))),
  }
}

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
  countauth: number('countAuth', 0, MAX_COUNT, info('count_auth')),
  countauthmax: number('countAuthMax', 0, MAX_COUNT, info('count_auth_max')),
  countauthsuccess: number('countAuthSuccess', 0, MAX_COUNT, info('count_auth_success')),
  countauthsuccessmax: number('countAuthSuccessMax', 0, MAX_COUNT, info('count_auth_success_max')),
  validityperiodstart: date('validityPeriodStart', 'validity_period_start'),
  validityperiodend: date('validityPeriodEnd', 'validity_period_end'),
}
