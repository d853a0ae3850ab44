/** privacyIDEA's HTTP statuses, numbers and texts for refusals (contract A.2). */
import type { AdminFailure } from '../../../core/failures.ts'
import type { PiError } from './envelope.ts'

/** Ordinary errors name their number in the text. */
const ordinary = (code: number, text: string): PiError => ({ status: 400, code, message: `ERR${code}: ${text}` })
const tokenAdmin = (text: string): PiError => ordinary(301, text)
const configAdmin = (text: string): PiError => ordinary(302, text)
const notFound = (message: string): PiError => ({ status: 404, code: 601, message })
const denied = (message: string): PiError => ({ status: 403, code: 303, message })

export const badParameter = (text: string): PiError => ordinary(905, text)
export const userUnknown = (user: string): PiError => ordinary(904, `User ${user} does not exist.`)

const unauthorized = (code: number, message: string): PiError => ({ status: 401, code, message })
export const WRONG_CREDENTIALS = unauthorized(4031, 'Authentication failure. Wrong credentials')
export const MISSING_USERNAME = unauthorized(4032, 'Authentication failure. Missing Username')
export const MISSING_HEADER = unauthorized(4033, 'Authentication failure. Missing Authorization header.')
export const UNREADABLE_TOKEN = unauthorized(4304, 'Authentication failure. Error during decoding your token')
export const EXPIRED_TOKEN = unauthorized(4305, 'Authentication failure. Your token has expired')
export const CLIENT_NOT_ALLOWED = denied('Your address may not ask here.')
export const WRONG_METHOD: PiError = { status: 405, code: 4307, message: 'The method is not allowed for this path.' }
export const NO_SUCH_PAGE = notFound('The requested URL was not found on the server.')
export const BUSY: PiError = { status: 429, code: 403, message: 'Too many logins at once: try again in a moment' }
export const LIMITED: PiError = { status: 429, code: 403, message: 'Too many failed logins: try again later' }
export const INTERNAL: PiError = { status: 500, code: -500, message: 'internal error; the log knows more' }

/** Fields of ours that have another name there. */
const FIELDS: Readonly<Record<string, string>> = {
  ...{
    email_address: 'email',
    MaxFailCount: 'max_failcount',
    CounterWindow: 'count_window',
    SyncWindow: 'sync_window',
  },
  ...{ countAuthMax: 'count_auth_max', countAuthSuccessMax: 'count_auth_success_max' },
  ...{ validityPeriodStart: 'validity_period_start', validityPeriodEnd: 'validity_period_end' },
}
const fieldOf = (field: string): string => FIELDS[field] ?? field

type Describe = { readonly [C in AdminFailure['code']]: (failure: Extract<AdminFailure, { code: C }>) => PiError }

const describe: Describe = {
  parameter_missing: ({ field }) => badParameter(`Missing parameter: '${fieldOf(field)}'`),
  parameter_invalid: ({ field, rule }) => badParameter(`${fieldOf(field)} ${rule}`),
  user_unknown: ({ user }) => userUnknown(user),
  realm_unknown: ({ realm }) => notFound(`There is no realm '${realm}'.`),
  resolver_unknown: ({ resolver }) => notFound(`There is no resolver '${resolver}'.`),
  resolver_exists: ({ resolver }) => configAdmin(`resolver '${resolver}' exists already`),
  resolver_in_use: ({ resolver, realms }) => configAdmin(`resolver '${resolver}' is used by ${realms.join(', ')}`),
  token_unknown: ({ serial }) => notFound(`The requested token '${serial}' could not be found.`),
  token_type_unknown: ({ type }) => tokenAdmin(`Unknown token type '${type}': there are email and sms`),
  token_type_conflict: ({ serial, type }) => tokenAdmin(`token '${serial}' already exists with type '${type}'`),
  token_limit_reached: ({ limit }) =>
    denied(
      limit === 'activeInRealm'
        ? 'The maximum number of tokens of the realm is reached.'
        : 'The number of tokens for this user is limited!',
    ),
  otp_ambiguous: () => tokenAdmin('several tokens have this OTP'),
  secret_conflict: () => badParameter('either otpkey or genkey, not both'),
  settings_missing: ({ known }) => badParameter(`Missing parameter: one of ${known.map(fieldOf).join(', ')}`),
  provider_type_unknown: ({ type }) => configAdmin(`unknown provider type '${type}'`),
  provider_class_unknown: ({ class: name }) => configAdmin(`unknown provider class '${name}'`),
  provider_unknown: ({ name }) => configAdmin(`there is no provider '${name}'`),
  provider_managed: () => configAdmin('the provider is managed'),
  template_unknown: ({ name }) => notFound(`There is no template '${name}'.`),
  admin_unknown: ({ username }) => notFound(`There is no administrator '${username}'.`),
  admin_exists: ({ username }) => configAdmin(`administrator '${username}' exists already`),
  api_token_unknown: ({ id }) => notFound(`There is no API token '${id}'.`),
  policy_action_unknown: ({ action }) => configAdmin(`unknown policy action '${action}'`),
  policy_lockout: ({ reason }) => configAdmin(`the policy would lock everybody out: ${reason}`),
  policy_name_illegal: ({ name }) => configAdmin(`'${name}' is no name of a policy`),
  policy_name_missing: () => badParameter("Missing parameter: 'name'"),
  right_missing: () => denied('You do not have the right to do this.'),
  right_elsewhere: ({ what }) => denied(`Your rights do not reach the realm of this ${what}.`),
  resolver_unavailable: ({ resolver }) => configAdmin(`resolver '${resolver}' does not answer`),
  user_exists: ({ user }) => configAdmin(`user '${user}' exists already`),
  // Self-service has no words of privacyIDEA: it is LinOTP's alone.
  self_right_missing: () => denied('You do not have the right to do this.'),
  pin_not_allowed: () => denied('A PIN is not allowed.'),
  pin_missing: () => denied('A PIN is needed.'),
  pin_refused: ({ rule }) => denied(rule),
  address_not_own: ({ field }) => denied(`${fieldOf(field)} must be your own.`),
  token_owned: ({ serial }) => tokenAdmin(`token '${serial}' belongs to another user`),
  token_realm_foreign: ({ serial }) => tokenAdmin(`token '${serial}' is not in your realm`),
  challenge_unknown: () => notFound('There is no such challenge.'),
  challenge_ambiguous: () => badParameter('the transaction has several challenges'),
  challenge_pending: ({ message }) => tokenAdmin(message),
  message_unsent: () => tokenAdmin('The message could not be sent.'),
  audit_broken: ({ finding }) => configAdmin(`the audit is broken: ${finding}`),
}

export function toPiError(failure: AdminFailure): PiError {
  // The table has the function that belongs to each code; TypeScript cannot follow a lookup by a union.
  const text = describe[failure.code] as (failure: AdminFailure) => PiError
  return text(failure)
}
