/**
 * Check: a user, a token or a transaction, and a pass. Gather, prove, decide, commit; a right PIN goes on to `trigger`.
 *
 * A lost commit is an outcome, not a reason to try again. What the client is told says nothing of the reason, unless
 * policy discloses it; audit and log do.
 */
import { type CheckFacts, decide, type Plan } from '../core/check.ts'
import type { CheckFailure } from '../core/failures.ts'
import type { PinRule } from '../core/pass.ts'
import { autoSms, detailOnFail, detailOnSuccess, otpPin, triggerSms } from '../core/policy/actions.ts'
import { lastAccess, prependPin } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import { failedOnce, throttleOf } from '../core/throttle.ts'
import type { Seconds } from '../core/time.ts'
import { isUnverified, type Owner, type Token } from '../core/token.ts'
import type { ProposedText } from '../core/tokens/token-type.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { PasswordMatches } from '../ports/passwords.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { FOREIGN, type TurnedAway } from './admission.ts'
import type { Audit } from './audit.ts'
import { type AutoEnrolled, createAutoEnroll } from './auto-enroll.ts'
import { type Directories, reasonsOf } from './directories.ts'
import type { Enroll } from './enroll.ts'
import type { Facts } from './facts.ts'
import { createGather, type Gathered } from './gather.ts'
import { mayLogIn, whatIsMissing } from './passing.ts'
import { passwordOf } from './password.ts'
import { type AnswerLengths, createProve, type Proof } from './prove.ts'
import { createFindEarlier, type Earlier, repeated } from './repeat.ts'
import { createRolloutsBeside } from './rollout.ts'
import type { SettingsCache } from './settings.ts'
import type { Trigger, TriggeredChallenge } from './trigger.ts'
import type { UserSelection } from './users.ts'

export type CheckCommand = {
  /** null: the request names a token or a transaction instead. */
  readonly user: UserSelection | null
  readonly serial: string | null
  readonly tokenType: string | null
  /** null: the parameter is absent. */
  readonly pass: string | null
  /** Anything but null, even the empty text, marks an answer. */
  readonly transactionId: string | null
  readonly proposed: ProposedText
  /** The user must have exactly one token (`check_s`). */
  readonly single?: boolean
  /** Policy may let the request do without a PIN (`check_s` with `challenge`). */
  readonly mayTrigger?: boolean
  /** The user was just enrolled, by this request with a token of this serial, who gave the password. */
  readonly enrolled?: AutoEnrolled
  readonly self?: SelfCheck
}
/** A check for a user who has logged in to self-service, or is about to. */
export type SelfCheck = {
  /** Who it must be, wherever policy looks for users of that name. null: whoever is found. */
  readonly owner: Owner | null
  /** Instead of `otppin`. */
  readonly pinRule: PinRule
  /** A right OTP verifies the token. */
  readonly verifies: boolean
}

export type Verdict =
  | { readonly kind: 'accepted'; readonly token: Token | null; readonly lengths: AnswerLengths }
  | {
      readonly kind: 'challenged'
      readonly parentId: string | null
      readonly challenges: readonly TriggeredChallenge[]
    }
  | { readonly kind: 'rejected'; readonly reason: CheckFailure; readonly tokens: readonly CountedToken[] }
/** A token that was asked, with its fail count after the request. */
export type CountedToken = { readonly serial: string; readonly type: string; readonly failCount: number }
/** What policy lets the client know beside the verdict. */
export type Disclosed = { readonly user: UserRecord | null; readonly realm: string | null; readonly disclose: boolean }
export type CheckOutcome = Verdict & Disclosed

/** Only whom the door has let in under settings that hold no more is turned away here. */
export type Check = (command: CheckCommand, facts: Facts) => Promise<CheckOutcome | TurnedAway>

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly settings: SettingsCache
  readonly audit: Audit
  readonly trigger: Trigger
  readonly enroll: Enroll
  readonly passwordMatches: PasswordMatches
  readonly directories: Directories
}

const NO_GUESS = { kind: 'reject', failed: [], judged: [], guessed: [] } as const

/** @param patience seconds that one request may take at most */
export function createCheck(parts: Parts, patience: Seconds): Check {
  const { store, audit, trigger } = parts
  const gather = createGather(parts)
  const prove = createProve(parts)
  const findEarlier = createFindEarlier(parts, patience)
  const autoEnroll = createAutoEnroll(parts.enroll)
  const rolloutsBeside = createRolloutsBeside(parts)

  return async (command, facts) => {
    const earlier = await findEarlier(command, facts)
    const gathered = await gather(command, facts)
    const { policy, user, realm, refusal } = gathered
    if (refusal) return { kind: 'turned_away', refusal }
    const repeats = earlier !== null && !gathered.foreign
    const verdict = (repeats ? await repeat(earlier, gathered, facts) : null) ?? (await judge(command, gathered, facts))
    const reason = verdict.kind === 'rejected' ? reasonKept(verdict.reason, gathered) : undefined
    parts.edges.log.info(`check_${verdict.kind}`, {
      request: facts.requestId,
      client: facts.client,
      user: user?.login,
      reason,
    })
    parts.edges.metrics?.count('checks', { verdict: verdict.kind, reason: reason ?? '' })
    const disclose = policy.value(verdict.kind === 'accepted' ? detailOnSuccess : detailOnFail)
    return { ...verdict, user, realm, disclose }
  }

  async function repeat(earlier: Earlier, { tokens, who }: Gathered, facts: Facts): Promise<Verdict | null> {
    const verdict = repeated(earlier, tokens)
    if (verdict === null) return null
    const token = verdict.kind === 'accepted' ? verdict.token : null
    const details = { ...who, serial: token?.serial ?? '', tokenType: token?.type ?? '', info: earlier.requestId }
    await audit.write(facts, { ...details, success: verdict.kind === 'accepted', actionDetail: 'request_repeated' })
    return verdict
  }

  async function judge(command: CheckCommand, gathered: Gathered, facts: Facts): Promise<Verdict> {
    const { settings, policy, user, realm, candidates, challenges } = gathered
    const { transactionId } = command
    const verifies = command.self?.verifies ?? false
    const checked: CheckFacts = {
      realm,
      transactionId,
      path: facts.path ?? facts.action,
      candidates,
      challenges,
      throttle: throttleOf(settings),
      verifies,
    }
    const password = passwordOf(
      { ...parts, directories: parts.directories.askedBy(facts) },
      { settings, user, resolvers: gathered.resolvers },
    )
    const proofs = await prove({
      facts: checked,
      pass: command.pass ?? '',
      pinRule: command.self?.pinRule ?? policy.value(otpPin),
      pinFirst: settingOf(settings, prependPin),
      password: password.matches,
      needsNoPin: (token) =>
        token.serial === command.enrolled?.serial ||
        (command.mayTrigger === true && token.type === 'sms' && policy.value(triggerSms)),
      now: facts.now,
      requestId: facts.requestId,
    })

    // Whoever is asked for: of nobody's token nothing comes, but the time must not tell.
    const evidence = new Map([...proofs].map(([serial, proof]) => [serial, proof.evidence]))
    const plan = decide(checked, evidence, facts.now)
    const missing = await whatIsMissing(command, gathered, password.matches)
    // After all that costs time, and whoever is asked for: it must not tell what the answer would have been.
    if (gathered.full)
      return reject({ ...NO_GUESS, reason: 'client_limit_reached' }, { ...gathered, failures: [] }, facts, [])
    if (missing === 'passed') return pass(gathered, facts)
    if (missing === 'token_missing' && !command.enrolled && !gathered.hasToken) {
      const enrolled = await autoEnroll(command.pass, gathered, password.matches, facts)
      if (enrolled) return judgeEnrolled(command, enrolled, facts)
    }
    const failure = password.failure()
    // Nothing was learned of the password, so nobody has given a wrong one.
    if (failure) {
      const down = { ...gathered, failures: [], unavailable: [...gathered.unavailable, failure] }
      return reject({ ...NO_GUESS, reason: 'resolver_unavailable' }, down, facts, [])
    }
    const failures = missing === 'resolver_unavailable' ? [] : gathered.failures
    if (missing) return reject({ ...NO_GUESS, reason: missing }, { ...gathered, failures }, facts, [])
    // Without a pass `check_s` may ask for a challenge, be it with an empty PIN; it answers none (contract 2.7).
    if (command.pass === null && plan.kind !== 'trigger')
      return reject({ ...NO_GUESS, reason: 'pass_missing' }, gathered, facts, [])
    if (plan.kind === 'accept') return accept(plan, proofs, gathered, facts)
    if (plan.kind === 'reject') return reject(plan, gathered, facts, candidates)
    return open(plan, command.proposed, proofs, gathered, facts)
  }

  /** The first challenge of a token that was just made; a token whose first message cannot be sent is taken back. */
  async function judgeEnrolled(command: CheckCommand, enrolled: AutoEnrolled, facts: Facts): Promise<Verdict> {
    const { serial } = enrolled
    const again = { ...command, transactionId: null, enrolled }
    const verdict = await judge(again, await gather(again, facts), facts)
    if (verdict.kind === 'challenged' || serial === null) return verdict
    const withdrawn = { ...facts, requestId: `${facts.requestId}.withdraw` }
    await store.removeTokens([serial], await audit.row(withdrawn, { success: true, serial }))
    return verdict
  }

  async function open(
    { tokens, failed, guessed }: Omit<Extract<Plan, { kind: 'trigger' }>, 'kind'>,
    proposed: ProposedText,
    proofs: ReadonlyMap<string, Proof>,
    { settings, policy, owner, who, failures }: Gathered,
    facts: Facts,
  ): Promise<Verdict> {
    const secrets = new Map([...proofs].flatMap(([serial, { secret }]) => (secret ? [[serial, secret] as const] : [])))
    const command = { settings, policy, tokens, secrets, failed, guessed, owner, proposed, subject: who }
    const outcome = await trigger({ ...command, ...(guessed.length > 0 ? { failures } : {}) }, facts)
    return outcome.kind === 'challenged' ? outcome : { ...outcome, tokens: counted(tokens, new Map()) }
  }

  async function accept(
    plan: Extract<Plan, { kind: 'accept' }>,
    proofs: ReadonlyMap<string, Proof>,
    gathered: Gathered,
    facts: Facts,
  ): Promise<Verdict> {
    const { token, challenge, reset, failed } = plan
    const { settings, policy, owner } = gathered
    // Who logs in by a token or a transaction is its owner.
    const who = gathered.who.user === '' && owner ? { user: owner.login, realm: token.realms[0] ?? '' } : gathered.who
    // As in LinOTP the OTP is spent although the token may not log in: it was right, and it was shown to us.
    const allowed = mayLogIn(gathered, token)
    const details = { ...who, serial: token.serial, tokenType: token.type }
    const outgrown = await rolloutsBeside(token, policy, who, facts)
    const verdict = await store.accept({
      requestId: facts.requestId,
      now: facts.now,
      throttle: throttleOf(settings),
      challenge,
      token,
      reset,
      failed,
      ...(outgrown ? { purge: outgrown.serials } : {}),
      stampAccess: settingOf(settings, lastAccess),
      failures: gathered.failures,
      verifies: isUnverified(token),
      audit: {
        done: await audit.row(facts, {
          ...details,
          success: allowed,
          ...(allowed ? {} : { actionDetail: 'token_not_allowed' }),
        }),
        lost: await audit.row(facts, { ...details, success: false, actionDetail: 'challenge_lost' }),
        ...(outgrown ? { purged: outgrown.audit } : {}),
      },
    })
    const asked = (failCount: number) => counted([token], new Map([[token.serial, failCount]]))
    if (verdict === 'lost')
      return {
        kind: 'rejected',
        reason: 'challenge_lost',
        tokens: asked(failedOnce(token, throttleOf(settings), facts.now)),
      }
    if (!allowed) return { kind: 'rejected', reason: 'token_not_allowed', tokens: asked(0) }
    if (token.type === 'sms' && policy.value(autoSms)) {
      // A request of its own in the audit; whether it can be sent is not this client's business.
      const next = { ...facts, requestId: `${facts.requestId}.next` }
      const unproposed = { text: null, fallback: null }
      // The yes is committed; an error here must not turn it into a no.
      await open({ tokens: [token], failed: [], guessed: [] }, unproposed, proofs, gathered, next).catch(
        (error: unknown) =>
          parts.edges.log.error('autosms_failed', {
            request: facts.requestId,
            serial: token.serial,
            error: error instanceof Error ? error.name : 'unknown',
          }),
      )
    }
    return { kind: 'accepted', token, lengths: proofs.get(token.serial)?.lengths ?? null }
  }

  async function reject(
    plan: Extract<Plan, { kind: 'reject' }>,
    { settings, who, foreign, failures, unavailable }: Rejecting,
    facts: Facts,
    candidates: readonly Token[],
  ): Promise<Verdict> {
    const { reason, failed, judged, guessed } = plan
    const actionDetail = reasonKept(reason, { foreign })
    const row = await audit.row(facts, {
      ...who,
      success: false,
      serial: candidates.map((token) => token.serial).join(' '),
      tokenType: [...new Set(candidates.map((token) => token.type))].join(' '),
      actionDetail,
      ...(reason === 'resolver_unavailable' ? { info: reasonsOf(unavailable) } : {}),
    })
    const counts = await store.reject({
      now: facts.now,
      throttle: throttleOf(settings),
      failed,
      judged,
      guessed,
      failures,
      audit: row,
    })
    return { kind: 'rejected', reason, tokens: counted(candidates, counts) }
  }

  /** A setting or a policy lets people through who have no token, or whom nobody knows. */
  async function pass({ who }: Gathered, facts: Facts): Promise<Verdict> {
    await audit.write(facts, { ...who, success: true, actionDetail: 'passed_without_token' })
    return { kind: 'accepted', token: null, lengths: null }
  }
}

/** Why, for audit, log and metrics; whoever asks for somebody of another realm is told no more than of an unknown user. */
const reasonKept = (reason: CheckFailure, { foreign }: Pick<Gathered, 'foreign'>): CheckFailure | typeof FOREIGN =>
  foreign && ['realm_unknown', 'token_missing', 'user_not_authorized'].includes(reason) ? FOREIGN : reason

/** What a rejection needs to know of what was gathered. */
type Rejecting = Pick<Gathered, 'settings' | 'who' | 'foreign' | 'failures' | 'unavailable'>

const counted = (tokens: readonly Token[], counts: ReadonlyMap<string, number>): readonly CountedToken[] =>
  tokens.map(({ serial, type, failCount }) => ({ serial, type, failCount: counts.get(serial) ?? failCount }))
