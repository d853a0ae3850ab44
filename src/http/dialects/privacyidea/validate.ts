/** /validate in privacyIDEA's words: parameters to commands, outcomes to replies (contract A.7 to A.11). */
import type { CheckFailure } from '../../../core/failures.ts'
import { findTokenType } from '../../../core/tokens/index.ts'
import type { ChallengeForCommand, ChallengeForOutcome } from '../../../flows/challenge-for.ts'
import type { CheckCommand, CheckOutcome } from '../../../flows/check.ts'
import type { TriggeredChallenge } from '../../../flows/trigger.ts'
import type { JsonObject } from '../../json.ts'
import { type Params, param } from '../../params.ts'
import type { Answer, PiError } from './envelope.ts'
import { badParameter, userUnknown } from './failures.ts'
import { REASONS } from './reasons.ts'
import { encodeUser, userOf } from './users.ts'

/** FreeRADIUS answers with `state`, LinOTP's clients with `transactionid`; empty ones are none. */
const transactionOf = (params: Params): string | null =>
  param(params, 'transaction_id') || param(params, 'state') || param(params, 'transactionid') || null

/** What is wrong with a request that asks for nobody; null: nothing. */
export function refusedParams(params: Params): PiError | null {
  const [user, serial] = [param(params, 'user') ?? '', param(params, 'serial') ?? '']
  if (user === '' && serial === '') return badParameter("Missing parameter: 'user' or 'serial'")
  if (serial.includes('*')) return badParameter("'serial' must not hold *")
  return user.includes('%') ? badParameter("'user' must not hold %") : null
}

export function decodeCheck(params: Params): CheckCommand {
  return {
    ...decodeChallengeFor(params),
    // A client that has no pass leaves it out or empty; either asks for a challenge where there is no PIN.
    pass: param(params, 'pass') ?? '',
    transactionId: transactionOf(params),
    proposed: { text: null, fallback: null },
  }
}

export function decodeChallengeFor(params: Params): ChallengeForCommand {
  const type = param(params, 'type') ?? ''
  return {
    user: userOf(params),
    serial: param(params, 'serial') || null,
    // A kind of token that is not ours narrows nothing, as in privacyIDEA without application_tokentype.
    tokenType: findTokenType(type)?.name ?? null,
  }
}

/** A wrong answer is no error; that there is no such user is, unless it is to be kept quiet. */
export function errorOf(outcome: CheckOutcome, params: Params, unknownUser: 'error' | 'reject'): PiError | null {
  if (outcome.kind !== 'rejected') return null
  if (isUnknownUser(outcome.reason) && unknownUser === 'error') return userUnknown(param(params, 'user') ?? '')
  return outcome.reason === 'message_undelivered' && isTrue(param(params, 'exception'))
    ? { status: 500, code: -500, message: UNSENT }
    : null
}

const isTrue = (text: string | null): boolean => ['1', 'true', 'yes'].includes(text?.toLowerCase() ?? '')

export const isUnknownUser = (reason: CheckFailure): boolean =>
  ['user_unknown', 'user_ambiguous', 'realm_unknown'].includes(reason)

/** Whatever the reason was: the text reaches whoever tried to log in. */
const REFUSED = 'Authentication failed.'
const UNSENT = 'The message with the OTP could not be sent.'

export function encodeCheck(outcome: CheckOutcome, params: Params): Answer {
  switch (outcome.kind) {
    case 'accepted':
      return { id: 2, value: true, authentication: 'ACCEPT', detail: acceptedDetail(outcome, params) }
    case 'challenged':
      return { id: 2, value: false, authentication: 'CHALLENGE', detail: challengeDetail(outcome) }
    case 'rejected':
      return { id: 2, value: false, authentication: 'REJECT', detail: rejectedDetail(outcome) }
  }
}

/** No transaction id in a yes or a no: clients would ask on (contract 0, trap 2). */
function acceptedDetail(outcome: Extract<CheckOutcome, { kind: 'accepted' }>, params: Params): JsonObject {
  const { token, user, realm, disclose } = outcome
  const message = transactionOf(params) === null ? 'matching 1 tokens' : 'Found matching challenge'
  return {
    message: token ? message : 'Accepted without a token',
    ...(token ? { serial: token.serial, type: token.type, otplen: token.digits } : {}),
    ...(disclose && user ? { user: encodeUser(user), 'user-resolver': user.resolver, 'user-realm': realm ?? '' } : {}),
  }
}

/** A right PIN is known to be right by the challenge that follows, so that it could not be sent gives nothing away. */
function rejectedDetail({ reason, disclose, tokens }: Extract<CheckOutcome, { kind: 'rejected' }>): JsonObject {
  const [only, ...others] = tokens
  const told = disclose && only && others.length === 0 ? { serial: only.serial, type: only.type } : {}
  if (reason === 'message_undelivered') return { message: UNSENT, ...told }
  return disclose ? { message: REASONS[reason], ...told } : { message: REFUSED }
}

export function encodeTriggered(outcome: ChallengeForOutcome): Answer {
  if (outcome.kind === 'challenged')
    return {
      ...{ id: 2, value: outcome.challenges.length, authentication: 'CHALLENGE' },
      detail: challengeDetail(outcome),
    }
  const messages = outcome.reason === 'message_undelivered' ? [UNSENT] : []
  const nothing = { messages, transaction_ids: [], multi_challenge: [] }
  return { id: 2, value: 0, authentication: 'REJECT', detail: { message: messages.join(', '), ...nothing } }
}

const PROMPTS: Readonly<Record<string, string>> = {
  email: 'Enter the OTP from the Email',
  sms: 'Enter the OTP from the SMS:',
}

/** One transaction for all tokens. `attributes` are left out: a client of the list breaks on an object (trap 11). */
function challengeDetail(outcome: Extract<CheckOutcome, { kind: 'challenged' }> | Triggered): JsonObject {
  const challenges = outcome.challenges.toSorted((a, b) => (a.type < b.type ? -1 : a.type > b.type ? 1 : 0))
  const last = challenges.at(-1)
  const id = transactionIdOf(outcome)
  const messages = [...new Set(challenges.map(promptOf))]
  return {
    ...{ transaction_id: id, serial: last?.serial ?? '', type: last?.type ?? '', client_mode: 'interactive' },
    message: messages.join(', '),
    messages,
    transaction_ids: challenges.map(() => id),
    multi_challenge: challenges.map((challenge) => ({
      ...{ transaction_id: id, serial: challenge.serial, type: challenge.type, client_mode: 'interactive' },
      message: promptOf(challenge),
    })),
    preferred_client_mode: 'interactive',
  }
}
type Triggered = Extract<ChallengeForOutcome, { kind: 'challenged' }>

/** Digits alone: of a part of a transaction its whole, which the answer may mean as well. */
const transactionIdOf = ({ parentId, challenges }: Pick<Triggered, 'parentId' | 'challenges'>): string =>
  parentId ?? challenges[0]?.transactionId.split('.')[0] ?? ''

/** The operator's text, else privacyIDEA's. */
function promptOf({ type, prompt, alreadySent }: TriggeredChallenge): string {
  const text = prompt || (PROMPTS[type] ?? 'please enter otp: ')
  return alreadySent ? `${text} (it was already sent)` : text
}

/**
 * Nobody answers an OTP sent by e-mail or SMS but at `check`, so it is always pending: the same for transactions that
 * there are and that there are not.
 */
export const encodePoll = (): Answer => ({
  ...{ id: 2, value: false, authentication: 'REJECT' },
  detail: { challenge_status: 'pending', message: '' },
})

export function encodeSaml(outcome: CheckOutcome, params: Params, withAttributes: boolean): Answer {
  const auth = outcome.kind === 'accepted'
  const user = auth && withAttributes ? outcome.user : null
  const attributes = user ? { ...encodeUser(user), realm: outcome.realm ?? '' } : {}
  return { ...encodeCheck(outcome, params), value: { auth, attributes } }
}
