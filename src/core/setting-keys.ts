/**
 * The entries of the system configuration that have an effect, each declared once: name, how it is read, what holds
 * without it, what it means (contract 8.2). Checks at saving, reading and docs/settings.md derive from here.
 */
import { type Condition, readClients } from './policy/match.ts'
import { type Rate, rateRule, readRates } from './policy/rate.ts'
import type { Seconds } from './time.ts'

export type Setting<T> = {
  readonly key: string
  /** What a value must be, in words; null: any text. */
  readonly rule: string | null
  /** undefined for a text that breaks the rule. */
  readonly read: (text: string) => T | undefined
  /** What holds when there is no such entry. */
  readonly fallback: T
  /** What holds when there is one that cannot be read, where that is not the fallback: what shuts a door stays shut. */
  readonly unreadable?: T
  readonly meaning: string
}

const YEAR: Seconds = 31_536_000

function number(
  key: string,
  [min, max]: readonly [number, number],
  fallback: number,
  meaning: string,
): Setting<number> {
  const read = (text: string): number | undefined => {
    const n = /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : Number.NaN
    return n >= min && n <= max ? n : undefined
  }
  return { key, rule: `must be a whole number from ${min} to ${max}`, read, fallback, meaning }
}

/** The same, where an entry that is not there leaves the word to another one. */
function optionalNumber(key: string, range: readonly [number, number], meaning: string): Setting<number | null> {
  return { ...number(key, range, 0, meaning), fallback: null }
}

function truth(key: string, fallback: boolean, meaning: string): Setting<boolean> {
  const read = (text: string): boolean | undefined => {
    const word = text.trim().toLowerCase()
    return word === 'true' || word === 'false' ? word === 'true' : undefined
  }
  return { key, rule: 'must be True or False', read, fallback, meaning }
}

function text(key: string, meaning: string): Setting<string> {
  return { key, rule: null, read: (value) => value, fallback: '', meaning }
}

const UNITS: Readonly<Record<string, Seconds>> = { s: 1, m: 60, h: 3600, d: 86_400 }
const DURATION = /^\s*(\d{1,9})\s*(?:s|sec(?:ond)?s?|m|min(?:ute)?s?|h|hours?|d|days?)?\s*$/i

/** A length of time: seconds, or a number with its unit. */
function duration(
  key: string,
  [min, max]: readonly [Seconds, Seconds],
  fallback: Seconds,
  meaning: string,
): Setting<Seconds> {
  const read = (written: string): Seconds | undefined => {
    const digits = DURATION.exec(written)?.[1]
    const unit = /[smhd]/i.exec(written)?.[0].toLowerCase() ?? 's'
    const seconds = digits === undefined ? Number.NaN : Number(digits) * (UNITS[unit] ?? 1)
    return seconds >= min && seconds <= max ? seconds : undefined
  }
  const rule = `must be a time like 90, 30 s, 5 m or 1 hour, of ${min} to ${max} seconds`
  return { key, rule, read, fallback, meaning }
}

export const defaultOtpLength = number('DefaultOtpLen', [4, 10], 6, 'Digits of the OTPs of a new token.')
export const defaultCountWindow = number(
  'DefaultCountWindow',
  [1, 99],
  10,
  'Look-ahead window of a new token; shown, of no effect here.',
)
export const defaultSyncWindow = number(
  'DefaultSyncWindow',
  [1, 1_000_000],
  1000,
  'Window for resynchronising a new token.',
)
export const defaultMaxFailCount = number(
  'DefaultMaxFailCount',
  [0, 1_000_000],
  10,
  'Failures at which a new token is locked; 0 locks it at once.',
)
export const failCountTimeout = number(
  'failcounter_clear_timeout',
  [0, 525_600],
  0,
  'Minutes after which a locked token begins anew, with no failures; 0: it stays locked until an administrator resets it.',
)
export const failDelay = number(
  'fail_delay',
  [0, 3600],
  0,
  'Seconds in which a token is not asked after its third failure in a row; twice as many after each further one, an hour at most. 0: none.',
)
export const resetFailCountAtResync = truth(
  'DefaultResetFailCount',
  true,
  'A token that was resynchronised has no failures any more.',
)
export const prependPin = truth('PrependPin', true, 'The PIN stands before the OTP; False: behind it.')
export const splitAtSign = truth('splitAtSign', true, 'user@realm and realm\\user name a realm.')
export const defaultValidity = number(
  'DefaultChallengeValidityTime',
  [1, YEAR],
  120,
  'Seconds a challenge is valid when its type has no entry.',
)

const validity = (key: string, type: string) =>
  optionalNumber(key, [1, YEAR], `Seconds a challenge of an ${type} token is valid.`)
/** By type, in the order in which later spellings win (contract 2.5). */
export const validities: Readonly<Record<string, readonly Setting<number | null>[]>> = {
  email: ['EmailChallengeValidityTime', 'EMAILChallengeValidityTime', 'emailChallengeValidityTime'].map((key) =>
    validity(key, 'e-mail'),
  ),
  sms: ['SmsChallengeValidityTime', 'SMSChallengeValidityTime', 'smsChallengeValidityTime'].map((key) =>
    validity(key, 'SMS'),
  ),
}
export const emailBlocking = number(
  'EmailBlockingTimeout',
  [0, YEAR],
  120,
  'Seconds after a mail in which no other is sent; 0: none.',
)
export const smsBlocking = number(
  'SMSBlockingTimeout',
  [0, YEAR],
  60,
  'Seconds after an SMS in which no other is sent; 0: none.',
)
export const smsTimeout = number(
  'SMSProviderTimeout',
  [0, YEAR],
  300,
  'Seconds that an OTP sent by SMS is valid at most.',
)
export const smsSend = truth('sms.sendByPin', true, 'Send SMS at all; False: none is sent.')
export const transactionLength = number('TransactionIdLength', [12, 17], 17, 'Digits of a transaction id.')
export const maxAttemptsSetting = number(
  'max_attempts',
  [0, 1_000_000],
  0,
  'Answers allowed per challenge; 0: only the fail count of the token counts.',
)
export const emailPrompt = text('EMAIL_CHALLENGE_PROMPT', 'What a client is told when a mail was sent.')
export const smsPrompt = text('SMS_CHALLENGE_PROMPT', 'What a client is told when an SMS was sent.')
export const passOnUserNotFound = truth('PassOnUserNotFound', false, 'Let users in whom nobody knows.')
export const passOnUserNoToken = truth('PassOnUserNoToken', false, 'Let users in who have no token.')
export const samlAttributes = truth('allowSamlAttributes', false, "samlcheck tells the user's attributes.")
export const requestIdParameter = text(
  'request_id_parameter',
  'Parameter of /validate that marks a repeated request as such, like the header Idempotency-Key.',
)
export const errorCodes = text('errors', 'Codes, separated by commas, for which httperror counts; none: for all.')
export const policyValidation = truth(
  'policy_action_validation',
  false,
  'Refuse policies with actions that are not known.',
)
export const pageSize = number('pagesize', [1, 10_000], 50, 'Tokens on a page of admin/show.')
export const auditRetention = number(
  'audit_retention_days',
  [0, 36_500],
  0,
  'Days that rows of the audit are kept, by whole checkpoints; 0: for ever.',
)
/** Numbers are counted, not kept one by one, so that they may be large. */
function limit(key: string, meaning: string): Setting<readonly Rate[]> {
  const read = (text: string) => (text.trim() === '' ? [] : (readRates(text, 1_000_000) ?? undefined))
  return { key, rule: `must be empty or ${rateRule(1_000_000)}`, read, fallback: [], meaning }
}
export const sendLimits = {
  user: limit('send_limit_per_user', 'Messages to one user in a time, by all tokens; like 10/1h 30/1d.'),
  address: limit('send_limit_per_address', 'Messages to one address or number in a time, whoever it belongs to.'),
  client: limit(
    'send_limit_per_client',
    'Messages that one client may cause in a time, by its address (IPv6: its /64). A RADIUS server is one client.',
  ),
  total: limit('send_limit_total', 'Messages in a time, all in all.'),
} as const
export const clientFailLimit = limit(
  'fail_limit_per_client',
  'Wrong answers of one client in a time, by its address (IPv6: its /64); then it hears nothing but no. A RADIUS server is one client.',
)
/** As policies name clients, without `*`, which would let in whom another entry leaves out. */
export const validateClients: Setting<Condition<string> | null> = {
  key: 'validate_clients',
  rule: 'must be empty, or addresses and networks like 192.0.2.7, 10.0.0.0/8 or 2001:db8::/32, separated by commas or blanks; those with - before them are left out, and one at least has none',
  read: (written) => {
    const entries = written
      .replace(/([-!])\s+/g, '$1')
      .split(/[\s,]+/)
      .filter(Boolean)
    if (entries.length === 0) return null
    if (entries.some((entry) => entry.includes('*')) || entries.every((entry) => /^[-!]/.test(entry))) return undefined
    const read = readClients(entries.join(','))
    return read.ok ? read.value : undefined
  },
  fallback: null,
  unreadable: () => 0,
  meaning: 'Addresses and networks that may ask at /validate; empty: all. See docs/operations.md.',
}
export const validateApiKey: Setting<boolean> = {
  ...truth('validate_api_key', false, 'Who asks at /validate needs an API key: an API token with the right validate.'),
  unreadable: true,
}
export const resolverTimeout = number(
  'resolver_timeout',
  [1, 60],
  5,
  'Seconds in which the directories of a realm must have answered.',
)
const CACHE = 'Keep what directories say of'
export const loginCache = truth('resolver_lookup_cache.enabled', false, `${CACHE} a login, for some time.`)
export const loginCacheExpiration = duration(
  'resolver_lookup_cache.expiration',
  [1, 86_400],
  300,
  'How long that is kept; that there is nobody, a tenth of it, 30 seconds at most.',
)
export const userCache = truth('user_lookup_cache.enabled', false, `${CACHE} a user id in the same way.`)
export const userCacheExpiration = duration('user_lookup_cache.expiration', [1, 86_400], 300, 'The same for user ids.')
export const requireVerification = truth(
  'require_verification',
  false,
  'A token that a user has enrolled does not log in before the user has verified it.',
)
export const realmBox = truth(
  'selfservice.realmbox',
  false,
  'Self-service offers all realms, not just the default one.',
)
const TIME_UNITS: Readonly<Record<string, Seconds>> = { s: 1, m: 60, h: 3600, d: 86_400 }
export const selfserviceExpiry: Setting<Seconds> = {
  key: 'selfservice.auth_expiry',
  rule: 'must be a time from 1m to 7d: a number of seconds, or one with s, m, h or d, as in 30m or 1 hour',
  read: (value) => {
    const [, digits = '', unit = 's'] =
      /^(\d{1,6})\s*(s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:(?:ou)?rs?)?|d(?:ays?)?)?$/i.exec(value.trim()) ?? []
    const seconds = Number(digits) * (TIME_UNITS[unit.charAt(0).toLowerCase()] ?? 0)
    return digits !== '' && seconds >= 60 && seconds <= 7 * 86_400 ? seconds : undefined
  },
  fallback: 3600,
  meaning: 'How long a login to self-service holds.',
}
export const loginAttempts = number(
  'admin_login_attempts',
  [0, 1_000_000],
  10,
  'Wrong passwords of one administrator from one address (IPv6: one /64) in admin_login_period; 0: no limit.',
)
export const loginAttemptsOfAddress = number(
  'admin_login_attempts_address',
  [0, 1_000_000],
  50,
  'Wrong passwords from one address in that time, whatever the names; 0: no limit.',
)
export const loginAttemptsOfName = number(
  'admin_login_attempts_name',
  [0, 1_000_000],
  100,
  'Wrong passwords of one administrator in that time from all addresses from which no login has come before; 0: no limit.',
)
export const loginPeriod = number(
  'admin_login_period',
  [1, 86_400],
  900,
  'Seconds in which wrong passwords of administrators are counted, from the first one on.',
)
export const selfserviceAttempts = number(
  'selfservice_login_attempts',
  [0, 1_000_000],
  10,
  'Wrong passwords of one user of self-service from one address (IPv6: one /64) in selfservice_login_period; 0: no limit.',
)
export const selfserviceAttemptsOfName = number(
  'selfservice_login_attempts_name',
  [0, 1_000_000],
  100,
  'Wrong passwords of one user in that time from all addresses from which no login has come before; 0: no limit.',
)
export const selfservicePeriod = number(
  'selfservice_login_period',
  [1, 86_400],
  900,
  'Seconds in which wrong passwords of self-service are counted, from the first one on.',
)
export const lastAccess: Setting<boolean> = {
  key: 'token.last_access',
  rule: 'must be True, False or a time format like %Y-%m-%d',
  read: (value) => (/%/.test(value) ? true : truth('', false, '').read(value)),
  fallback: false,
  meaning: 'Stamp the time of the last answer and of the last success on tokens.',
}

export const settingKeys: readonly Setting<unknown>[] = [
  defaultOtpLength,
  defaultCountWindow,
  defaultSyncWindow,
  defaultMaxFailCount,
  failCountTimeout,
  failDelay,
  resetFailCountAtResync,
  prependPin,
  splitAtSign,
  defaultValidity,
  ...Object.values(validities).flat(),
  emailBlocking,
  smsBlocking,
  smsTimeout,
  smsSend,
  transactionLength,
  maxAttemptsSetting,
  emailPrompt,
  smsPrompt,
  passOnUserNotFound,
  passOnUserNoToken,
  samlAttributes,
  requestIdParameter,
  errorCodes,
  policyValidation,
  pageSize,
  auditRetention,
  ...Object.values(sendLimits),
  clientFailLimit,
  validateClients,
  validateApiKey,
  resolverTimeout,
  loginCache,
  loginCacheExpiration,
  userCache,
  userCacheExpiration,
  requireVerification,
  realmBox,
  selfserviceExpiry,
  loginAttempts,
  loginAttemptsOfAddress,
  loginAttemptsOfName,
  loginPeriod,
  selfserviceAttempts,
  selfserviceAttemptsOfName,
  selfservicePeriod,
  lastAccess,
]

/** The rule that a value breaks, or null; entries that nothing reads may hold any text. */
export function brokenRule(key: string, value: string): string | null {
  const setting = settingKeys.find((one) => one.key === key)
  return setting && setting.read(value) === undefined ? setting.rule : null
}
