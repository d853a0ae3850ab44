/**
 * Check: what a request with a `pass` means, given what is known and what was proved (contract 2.2, 3.4, 3.5).
 *
 * Pure. `flows/check.ts` gathers the facts and proves; the plan that comes out is committed under guards that repeat
 * every condition it relies on, so what the client hears is decided by the commit.
 */
import { belongsTo, type Challenge, isAnswerable } from './challenge.ts'
import type { CheckFailure } from './failures.ts'
import { isLocked, isWaiting, type Throttle } from './throttle.ts'
import type { Instant } from './time.ts'
import { isUnverified, servesRealm, type Token, usageExceeded, validityAt } from './token.ts'
import { inScope } from './token-scope.ts'

export type CheckFacts = {
  /** Realm of the user; null when the request names a token instead of a user. */
  readonly realm: string | null
  /** What the client sent as transaction id; even the empty text marks an answer. */
  readonly transactionId: string | null
  /** Path of the request, without the leading slash. */
  readonly path: string
  readonly candidates: readonly Token[]
  readonly challenges: readonly Challenge[]
  readonly throttle: Throttle
  /** The answer shows that messages arrive, so tokens that wait for that may be asked. */
  readonly verifies?: boolean
}

/** What `pass` turned out to be for one token. */
export type Evidence = {
  /** The pass asks for a challenge: it is the PIN, or what stands for it. */
  readonly requests: boolean
  /** What stands beside the OTP is the PIN; meaningless where no PIN is needed. */
  readonly pinPartMatches: boolean
  /** Ids of the challenges whose OTP was given, with the PIN where it is needed. */
  readonly matched: readonly number[]
  /** An OTP counts before it is asked whether the pass is a request (token type, `lenientAnswers`). */
  readonly answersFirst: boolean
  /** The pass asks without a PIN, and could be an OTP: a wrong one is a guess as well (contract 12.2 #7, #8). */
  readonly guesses?: boolean
  /** Secret or PIN cannot be opened with the keys at hand. */
  readonly unreadable?: boolean
}

export type Plan =
  | {
      readonly kind: 'accept'
      readonly token: Token
      readonly challenge: Challenge
      readonly reset: readonly string[]
      readonly failed: readonly string[]
    }
  | {
      readonly kind: 'trigger'
      readonly tokens: readonly Token[]
      readonly failed: readonly string[]
      readonly guessed: readonly number[]
    }
  | {
      readonly kind: 'reject'
      readonly reason: CheckFailure
      readonly failed: readonly string[]
      /** Tokens whose answer was judged; they also pay with `count_auth`. */
      readonly judged: readonly string[]
      /** Challenges that were guessed at. */
      readonly guessed: readonly number[]
    }

type Verdict =
  | { readonly kind: 'skipped'; readonly token: Token; readonly reason: CheckFailure; readonly counts: boolean }
  | { readonly kind: 'request'; readonly token: Token; readonly guessed: readonly number[] }
  | { readonly kind: 'valid'; readonly token: Token; readonly challenge: Challenge }
  | {
      readonly kind: 'invalid'
      readonly token: Token
      readonly reason: CheckFailure
      readonly guessed: readonly number[]
    }

/**
 * The challenges that an answer to `token` may mean: answerable ones, of the transaction if one is named.
 * Both `prove` and `decide` use this, so that nothing is compared that could not be accepted.
 */
export function answerable(facts: CheckFacts, token: Token, now: Instant): readonly Challenge[] {
  const { transactionId } = facts
  return facts.challenges.filter(
    (challenge) =>
      challenge.serial === token.serial &&
      isAnswerable(challenge, now) &&
      (transactionId === null || belongsTo(challenge, transactionId)),
  )
}

export function decide(facts: CheckFacts, evidence: ReadonlyMap<string, Evidence>, now: Instant): Plan {
  const verdicts = facts.candidates.map((token) => judge(facts, token, evidence.get(token.serial), now))
  const of = <K extends Verdict['kind']>(kind: K) =>
    verdicts.filter((v): v is Extract<Verdict, { kind: K }> => v.kind === kind)
  const skipped = of('skipped')
  const valid = of('valid')
  const invalid = of('invalid')
  const requests = of('request')
  const counting = skipped.filter((v) => v.counts).map(serialOf)

  const [only] = valid
  if (only && valid.length === 1) {
    const reset = [...valid, ...invalid, ...requests].map(serialOf)
    return { kind: 'accept', token: only.token, challenge: only.challenge, reset, failed: counting }
  }
  // Two tokens with one OTP: nobody can say which was meant, so it is a failure that all of them pay for (12.2 #25).
  if (valid.length > 1) {
    const judged = [...valid, ...invalid].map(serialOf)
    const guessed = valid.map((v) => v.challenge.id)
    return { kind: 'reject', reason: 'otp_ambiguous', failed: [...counting, ...judged], judged, guessed }
  }
  if (requests.length > 0) {
    const guessing = requests.filter((v) => v.guessed.length > 0)
    return {
      kind: 'trigger',
      tokens: requests.map((v) => v.token),
      failed: [...counting, ...guessing.map(serialOf)],
      guessed: guessing.flatMap((v) => v.guessed),
    }
  }
  if (invalid.length > 0) {
    const judged = invalid.map(serialOf)
    return {
      kind: 'reject',
      reason: invalid.find((v) => v.reason === 'otp_wrong')?.reason ?? invalid[0]?.reason ?? 'otp_wrong',
      failed: [...counting, ...judged],
      judged,
      guessed: invalid.flatMap((v) => v.guessed),
    }
  }
  return { kind: 'reject', reason: skipped[0]?.reason ?? 'token_missing', failed: counting, judged: [], guessed: [] }
}

const serialOf = (verdict: Verdict): string => verdict.token.serial

/** Why a token cannot be asked at this moment, whatever the pass is; null: it can. */
export function whyUnusable(
  token: Token,
  { realm, path, throttle, verifies }: Pick<CheckFacts, 'realm' | 'path' | 'throttle' | 'verifies'>,
  now: Instant,
): CheckFailure | null {
  if (!servesRealm(token, realm)) return 'token_foreign_realm'
  if (!token.active) return 'token_inactive'
  if (isUnverified(token) && !verifies) return 'token_unverified'
  if (isLocked(token, throttle, now)) return 'token_locked'
  if (isWaiting(token, throttle, now)) return 'token_waiting'
  if (!inScope(token.info, path)) return 'token_out_of_scope'
  const validity = validityAt(token, now)
  if (validity === 'too_early') return 'token_not_yet_valid'
  if (usageExceeded(token)) return 'token_usage_exceeded'
  return validity === 'too_late' ? 'token_expired' : null
}
/** The other reasons cost the token a failure. */
const UNCOUNTED: readonly CheckFailure[] = [
  'token_foreign_realm',
  'token_inactive',
  'token_unverified',
  'token_waiting',
  'token_out_of_scope',
]

/** One token's word, in the order of the table in contract 2.2. */
function judge(facts: CheckFacts, token: Token, evidence: Evidence | undefined, now: Instant): Verdict {
  const skip = (reason: CheckFailure, counts: boolean): Verdict => ({ kind: 'skipped', token, reason, counts })
  const unusable = whyUnusable(token, facts, now)
  if (unusable) return skip(unusable, !UNCOUNTED.includes(unusable))
  if (evidence === undefined || evidence.unreadable) return skip('token_unreadable', false)

  const open = answerable(facts, token, now)
  // The newest wins should two challenges of a token have the same OTP; it closes the older ones.
  const matched = open.filter((c) => evidence.matched.includes(c.id)).sort((a, b) => b.id - a.id)[0]
  const requests = facts.transactionId === null && evidence.requests
  if (requests && !(matched && evidence.answersFirst))
    return { kind: 'request', token, guessed: evidence.guesses === true ? open.map((c) => c.id) : [] }
  if (matched) return { kind: 'valid', token, challenge: matched }
  return { kind: 'invalid', token, reason: reasonOf(facts, evidence, open), guessed: open.map((c) => c.id) }
}

function reasonOf(facts: CheckFacts, evidence: Evidence, open: readonly Challenge[]): CheckFailure {
  if (facts.transactionId === null && !evidence.pinPartMatches) return 'pin_wrong'
  return open.length === 0 ? 'challenge_missing' : 'otp_wrong'
}
