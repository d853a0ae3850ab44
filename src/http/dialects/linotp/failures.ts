/** LinOTP's numbers and texts for refusals in administration (contract 1.2). */
import type { AdminFailure } from '../../../core/failures.ts'

export type LinotpError = { readonly code: number; readonly message: string }

/** Errors with a number of their own begin with it; everything else is -311. */
const numbered = (code: number, text: string): LinotpError => ({ code, message: `ERR${code}: ${text}` })
const plain = (message: string): LinotpError => ({ code: -311, message })

type Describe = { readonly [C in AdminFailure['code']]: (failure: Extract<AdminFailure, { code: C }>) => LinotpError }

const describe: Describe = {
  // A missing e-mail address is a missing key of Python in LinOTP, whose clients know it so.
  parameter_missing: ({ field }) =>
    field === 'email_address' ? plain("'email_address'") : numbered(905, `Missing parameter: '${field}'`),
  parameter_invalid: ({ field, rule }) => plain(`${field} ${rule}`),
  user_unknown: ({ user }) => numbered(1112, `getUserResolverId failed: no user >${user}< found!`),
  realm_unknown: ({ realm }) => plain(`realm: there is no realm '${realm}'`),
  resolver_unknown: ({ resolver }) => plain(`there is no resolver '${resolver}'`),
  resolver_exists: ({ resolver }) =>
    plain(`resolver '${resolver}' exists already; previous_name=${resolver} changes it`),
  resolver_in_use: ({ resolver, realms }) => plain(`resolver '${resolver}' is used by realm ${realms.join(', ')}`),
  resolver_unavailable: ({ resolver, reason }) => plain(`resolver '${resolver}' could not be asked: ${reason}`),
  user_exists: ({ user, field }) => plain(`${field} '${user}' exists already`),
  token_unknown: ({ serial }) => numbered(1102, `no token with serial '${serial}'`),
  token_type_unknown: ({ type }) => numbered(1610, `admin/init failed: unknown token type '${type}'`),
  token_type_conflict: ({ serial, type }) =>
    numbered(10, `initToken failed: token '${serial}' already exist with type '${type}'`),
  token_limit_reached: ({ limit }) =>
    limit === 'ofUser'
      ? numbered(
          411,
          'the maximum number of allowed tokens per user is exceeded. Check the policies scope=enrollment, action=maxtoken!',
        )
      : limit === 'ofUserAndType'
        ? numbered(
            412,
            'the maximum number of allowed tokens of this type per user is exceeded. Check the policies scope=enrollment, action=maxtoken…!',
          )
        : numbered(410, 'the maximum number of allowed tokens in the realm is exceeded. Check the policies!'),
  otp_ambiguous: ({ serials }) => numbered(1200, `multiple tokens are matching this OTP value: ${serials.join(', ')}`),
  secret_conflict: () => numbered(344, 'either otpkey or genkey=1, not both'),
  settings_missing: ({ known }) => numbered(77, `Usage: parameters are ${known.join(' ')}`),
  provider_type_unknown: ({ type }) => plain(`unknown provider type '${type}'`),
  provider_class_unknown: ({ class: name }) => plain(`Unknown provider class: Identifier was ${name}`),
  provider_unknown: ({ name }) => plain(`Unable to load provider: '${name}'`),
  provider_managed: ({ attempt }) =>
    plain(
      attempt === 'delete'
        ? 'Not allowed to delete the managed provider'
        : 'Not allowed to overwrite the configuration of a managed provider',
    ),
  template_unknown: ({ name }) => plain(`there is no template '${name}'`),
  admin_unknown: ({ username }) => plain(`there is no administrator '${username}'`),
  admin_exists: ({ username }) => plain(`administrator '${username}' exists already`),
  api_token_unknown: ({ id }) => plain(`there is no API token '${id}'`),
  policy_action_unknown: ({ action, policy }) => plain(`unsupported policy action '${action}' in policy '${policy}' `),
  policy_lockout: ({ reason }) => plain(`Warning: potential lockout due to policy defintion: ${reason}!`),
  policy_name_illegal: () => numbered(8888, 'policy name may only contain the characters a-zA-Z0-9_'),
  policy_name_missing: () => plain("'name'"),
  self_right_missing: () => numbered(410, 'The policy settings do not allow you to issue this request!'),
  pin_not_allowed: ({ user }) =>
    numbered(
      410,
      `Enrolling Token by user ${user} failed because they send pin when it was not allowed by policy setOTPPIN`,
    ),
  pin_missing: ({ user }) =>
    numbered(
      410,
      `Enrolling Token by user ${user} failed because they send no pin when it was required by policy setOTPPIN`,
    ),
  pin_refused: ({ rule }) => plain(`Error: ${rule}`),
  address_not_own: ({ field }) =>
    plain(`User is not allowed to set ${field === 'phone' ? 'phone number' : 'email address'}`),
  token_owned: () => plain('The token is already assigned to another user.'),
  token_realm_foreign: () => plain('The token you want to assign is not contained in your realm!'),
  challenge_unknown: ({ transactionId }) => plain(`No challenge for transaction '${transactionId}' found`),
  challenge_ambiguous: ({ transactionId }) =>
    plain(`transaction '${transactionId}' has several challenges; name the one that is meant`),
  challenge_pending: ({ message }) => plain(message),
  message_unsent: ({ serial }) => plain(`no message could be sent for token '${serial}'`),
  right_missing: ({ missing }) =>
    numbered(410, `You do not have the administrative right to do this: no policy gives you ${missing.join(' or ')}.`),
  right_elsewhere: ({ what }) =>
    numbered(410, `You do not have the administrative right to do this: it does not reach the realm of this ${what}.`),
  audit_broken: ({ finding, found }) =>
    plain(`the audit is broken: ${finding}${found > 1 ? ` and ${found - 1} more` : ''}; nothing was removed`),
}

export function toLinotpError(failure: AdminFailure): LinotpError {
  // The table has the function that belongs to each code; TypeScript cannot follow a lookup by a union.
  const text = describe[failure.code] as (failure: AdminFailure) => LinotpError
  return text(failure)
}

export const NOT_AUTHENTICATED: LinotpError = plain('Not authenticated')
export const NO_VALID_SESSION: LinotpError = plain('No valid session')
export const INTERNAL: LinotpError = plain('internal error; the log knows more')
