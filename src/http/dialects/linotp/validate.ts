/** /validate in LinOTP's words: parameters to commands, outcomes to replies (contract 2). */
import type { CheckFailure } from '../../../core/failures.ts'
import type { CheckCommand, CheckOutcome } from '../../../flows/check.ts'
import type { StatusCommand, StatusEntry } from '../../../flows/status.ts'
import type { TriggeredChallenge } from '../../../flows/trigger.ts'
import { type Params, param } from '../../params.ts'
import { type JsonObject, success } from './envelope.ts'

export function decodeCheck(params: Params): CheckCommand {
  const user = param(params, 'user') ?? ''
  const challenge = param(params, 'challenge') || null
  // `challenge` replaces all other options, transaction ids and serials included (contract 2.1).
  const option = (...names: readonly string[]): string | null => (challenge === null ? param(params, ...names) : null)
  const serial = option('serial') || null
  return {
    user: user === '' && serial !== null ? null : userOf(params, user),
    serial,
    tokenType: option('token_type')?.toLowerCase() || null,
    pass: param(params, 'pass'),
    transactionId: option('transactionid', 'state'),
    proposed: { text: option('data', 'message'), fallback: challenge },
  }
}

/** A token by serial, or the only token of a user. */
export function decodeCheckSerial(params: Params): CheckCommand {
  const serial = param(params, 'serial') || null
  const user = param(params, 'user') || null
  const challenge = param(params, 'challenge') || null
  return {
    user: serial === null && user !== null ? userOf(params, user) : null,
    serial: serial ?? (user === null ? '' : null),
    tokenType: null,
    pass: param(params, 'pass'),
    transactionId: param(params, 'transactionid', 'state'),
    proposed: { text: param(params, 'data', 'message'), fallback: challenge },
    single: true,
    mayTrigger: challenge !== null,
  }
}

/** Whoever owns the tokens of the transaction; null when a parameter is missing. */
export function decodeCheckTransaction(params: Params): CheckCommand | null {
  const pass = param(params, 'pass')
  const transactionId = param(params, 'transactionid', 'state')
  if (pass === null || transactionId === null || transactionId === '') return null
  const tokenType = param(params, 'token_type')?.toLowerCase() || null
  return { user: null, serial: null, tokenType, pass, transactionId, proposed: { text: null, fallback: null } }
}

export function decodeStatus(params: Params): StatusCommand | null {
  const pass = param(params, 'pass')
  const transactionId = param(params, 'transactionid', 'state')
  if (pass === null || !transactionId) return null
  const user = param(params, 'user') || null
  return {
    transactionId,
    pass,
    user: user === null ? null : userOf(params, user),
    serial: param(params, 'serial') || null,
  }
}

const userOf = (params: Params, user: string) => ({
  user,
  realm: param(params, 'realm') ?? undefined,
  resConf: param(params, 'resConf') ?? undefined,
})

/** What a client is told when something went wrong that it must not know. */
export const refusal = (): JsonObject => success(false, 0)

/** `check_s` tells an exception apart: `status` is false, and there is no error. */
export function refusalOfSerial(): JsonObject {
  return { ...success(false, 0), result: { status: false, value: false } }
}

export function encodeCheck(outcome: CheckOutcome, params: Params): JsonObject {
  return success(outcome.kind === 'accepted', 0, checkDetail(outcome, params))
}

/** What LinOTP raises in `check_s`: no token where a user was named, several tokens, no pass. */
export function encodeCheckSerial(outcome: CheckOutcome, command: CheckCommand, params: Params): JsonObject {
  if (outcome.kind !== 'rejected') return encodeCheck(outcome, params)
  const raised =
    command.pass === null ||
    outcome.reason === 'token_ambiguous' ||
    outcome.reason === 'message_undelivered' ||
    (command.user !== null && outcome.tokens.length === 0)
  return raised ? refusalOfSerial() : encodeCheck(outcome, params)
}

export function encodeCheckTransaction(outcome: CheckOutcome, transactionId: string): JsonObject {
  const value = outcome.kind === 'accepted'
  const asked = outcome.kind === 'rejected' ? outcome.tokens.at(-1) : undefined
  const token = outcome.kind === 'accepted' ? outcome.token : asked
  const failcount = asked?.failCount ?? 0
  if (!token)
    return success({ value: false, failcount: 0 }, 1, {
      value: false,
      failure: `No challenge for transaction '${transactionId}' found`,
    })
  return success({ value, failcount }, 1, { value, failcount, token_type: token.type, serial: token.serial })
}

/** `value` says that there is something to see, not that an answer was right. */
export function encodeStatus(entries: readonly StatusEntry[]): JsonObject {
  const transactions = entries.map(({ challenge, token }) => [
    challenge.transactionId,
    {
      received_count: challenge.attempts,
      received_tan: challenge.attempts > 0,
      valid_tan: challenge.state === 'accepted',
      message: challenge.message,
      status: challenge.state === 'open' ? 'open' : 'closed',
      token: { serial: token.serial, type: token.type },
    },
  ])
  return success(entries.length > 0, 0, entries.length > 0 ? { transactions: Object.fromEntries(transactions) } : null)
}

/** The body alone, compared byte by byte by RADIUS and PAM clients: no line break at the end. */
export function encodeSimple(outcome: CheckOutcome): string {
  if (outcome.kind === 'accepted') return ':-)'
  if (outcome.kind === 'rejected') return ':-('
  const detail = challengeDetail(outcome)
  return `:-( ${detail.transactionid} ${detail.message}`
}

const SMS_SENT = ['sms submitted', 'sms with otp already submitted']

/** The challenge stands in `id`, as LinOTP has it; anything but one SMS is a no. */
export function encodeSmsPin(outcome: CheckOutcome): JsonObject {
  const detail = outcome.kind === 'challenged' ? challengeDetail(outcome) : null
  return detail?.state && SMS_SENT.includes(String(detail.message)) ? success(true, detail) : success(false, 0)
}

/** What LinOTP raises; in `samlcheck` that ends in a bare no. */
const RAISED: readonly CheckFailure[] = [
  'message_undelivered',
  'user_not_authorized',
  'token_not_allowed',
  'otp_ambiguous',
]

/** Attributes that a user does not have are null (contract 2.11); in a user's record they are empty. */
export function encodeSaml(outcome: CheckOutcome, params: Params, withAttributes: boolean): JsonObject {
  // Without a pass LinOTP raises for users with a token alone, by which they would be known.
  const raised = outcome.kind === 'rejected' && (RAISED.includes(outcome.reason) || param(params, 'pass') === null)
  if (raised) return refusal()
  const auth = outcome.kind === 'accepted'
  const known = auth && withAttributes ? (outcome.user?.attributes ?? {}) : null
  const attributes = known ? Object.fromEntries(SAML_ATTRIBUTES.map((name) => [name, known[name] || null])) : {}
  return success({ auth, attributes }, 0, checkDetail(outcome, params))
}
const SAML_ATTRIBUTES = ['username', 'surname', 'mobile', 'phone', 'givenname', 'email']

/** LinOTP's words for why not, which a client sees only where `detail_on_fail` says so (contract 2.0). */
export const REASONS: Readonly<Record<CheckFailure, string>> = {
  user_missing: 'User has no tokens assigned',
  user_unknown: 'User not found',
  user_ambiguous: 'User not found',
  resolver_unavailable: 'User not found',
  realm_unknown: 'User not found',
  user_not_authorized: 'Authorization on client failed',
  token_missing: 'User has no tokens assigned',
  token_ambiguous: 'multiple tokens found',
  token_inactive: 'Token inactive',
  token_locked: 'Failcounter exceeded',
  // Not LinOTP's; it is locked for a while.
  token_waiting: 'Failcounter exceeded',
  token_foreign_realm: 'Realm mismatch for token and user',
  token_out_of_scope: 'no token found!',
  token_not_yet_valid: 'Authentication validity period mismatch!',
  token_expired: 'Authentication validity period exceeded',
  token_usage_exceeded: 'Authentication counter exceeded',
  token_not_allowed: 'Authorization for token failed',
  // Not LinOTP's; it is as good as inactive.
  token_unverified: 'Token inactive',
  token_unreadable: 'no token found!',
  pass_missing: 'missing parameter: pass',
  pin_wrong: 'wrong otp pin -1',
  otp_wrong: 'wrong otp pin -1',
  otp_ambiguous: 'multiple tokens found',
  challenge_missing: 'wrong otp pin -1',
  challenge_lost: 'wrong otp pin -1',
  address_missing: 'Not forwarded (no servers)',
  provider_missing: 'Not forwarded (no servers)',
  message_undelivered: 'Not forwarded (no servers)',
  // Neither is LinOTP's; who is told the reason learns that nothing was sent.
  client_limit_reached: 'wrong otp pin -1',
  send_limit_reached: 'Not forwarded (no servers)',
  destination_not_allowed: 'Not forwarded (no servers)',
  config_invalid: 'Not forwarded (no servers)',
}

/** What `detail_on_success` and `detail_on_fail` add; a challenge counts as failure there. */
function disclosed(outcome: CheckOutcome): JsonObject | null {
  if (!outcome.disclose) return null
  if (outcome.kind === 'challenged') return { error: 'challenge created' }
  if (outcome.kind === 'rejected') return { error: REASONS[outcome.reason] }
  const { user, realm, token } = outcome
  const attributes =
    user &&
    Object.fromEntries(Object.entries(user.attributes).map(([key, value]) => [key, value === '' ? null : value]))
  return {
    realm,
    user: attributes,
    is_linotp_admin: false,
    tokentype: token?.type ?? null,
    serial: token?.serial ?? null,
  }
}

function checkDetail(outcome: CheckOutcome, params: Params): JsonObject | null {
  const own = ownDetail(outcome, params)
  const more = disclosed(outcome)
  return own || more ? { ...own, ...more } : null
}

function ownDetail(outcome: CheckOutcome, params: Params): JsonObject | null {
  if (outcome.kind === 'challenged') return challengeDetail(outcome)
  if (outcome.kind === 'rejected' || outcome.lengths === null || param(params, 'auth_info')?.toLowerCase() !== 'true')
    return null
  const { pin, otp } = outcome.lengths
  return {
    auth_info: [
      ['pin_length', pin],
      ['otp_length', otp],
    ],
  }
}

/** One challenge as it is; several under one parent, whose members are keyed by serial. */
export function challengeDetail({ parentId, challenges }: Extract<CheckOutcome, { kind: 'challenged' }>): JsonObject {
  const [only] = challenges
  if (parentId === null && only) return describe(only)
  return {
    challenges: Object.fromEntries(challenges.map((challenge) => [challenge.serial, describe(challenge)])),
    transactionid: parentId,
    message: 'Multiple challenges submitted.',
  }
}

const describe = (challenge: TriggeredChallenge): JsonObject => ({
  transactionid: challenge.transactionId,
  message: challenge.message,
  ...(challenge.alreadySent ? { info: 'challenge already submitted' } : {}),
  state: challenge.transactionId,
  linotp_tokenserial: challenge.serial,
  linotp_tokentype: challenge.type,
  linotp_tokendescription: challenge.description,
})
