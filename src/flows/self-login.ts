/**
 * Login to self-service (contract 10.2): by password, and by a second factor where policy asks for it. A password that
 * was right begins a session that may do no more than name a token and answer its challenge.
 *
 * Passwords are computed one at a time, and for somebody whom nobody knows as well. The second factor is a check like any
 * other, so what is wrong counts on tokens as it does in /validate.
 */
import { mfaLogin, mfaPassOnNoToken } from '../core/policy/selfservice.ts'
import type { Settings } from '../core/settings.ts'
import { throttleOf } from '../core/throttle.ts'
import { isUnverified, type Token } from '../core/token.ts'
import type { ProposedText } from '../core/tokens/token-type.ts'
import type { Edges } from '../ports/edges.ts'
import type { PasswordMatches } from '../ports/passwords.ts'
import type { UserSession } from '../ports/self-service.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Check, CheckOutcome } from './check.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import type { Gather, Gathered } from './gather.ts'
import type { LoginLimits } from './login-limits.ts'
import { passwordOf } from './password.ts'
import { createQueue } from './queue.ts'
import type { IssuedUserSession, RealmUser, SelfSessions } from './self-session.ts'
import { checkOf } from './self-user.ts'
import type { StatusEntry } from './status.ts'
import type { UserSelection } from './users.ts'

export type PasswordLogin = {
  readonly user: UserSelection
  readonly password: string
  /** Empty: none was given. */
  readonly otp: string
}
export type SecondStep = {
  /** null: any of the user's. */
  readonly serial: string | null
  readonly otp: string
  readonly proposed: ProposedText
}

export type LoginOutcome =
  | { readonly kind: 'refused' }
  | { readonly kind: 'busy' }
  | { readonly kind: 'authenticated'; readonly session: IssuedUserSession }
  /** One of these tokens must answer, too. */
  | {
      readonly kind: 'credentials_verified'
      readonly session: IssuedUserSession
      readonly tokens: readonly Token[]
      readonly settings: Settings
    }
  | { readonly kind: 'triggered'; readonly session: IssuedUserSession; readonly challenged: Challenged }
  /** The state of the challenge that waits for its answer. */
  | { readonly kind: 'waiting'; readonly entry: StatusEntry }
export type Challenged = Extract<CheckOutcome, { kind: 'challenged' }>

export type SelfLogin = {
  readonly byPassword: (command: PasswordLogin, facts: Facts) => Promise<LoginOutcome>
  readonly secondStep: (session: UserSession, step: SecondStep, facts: Facts) => Promise<LoginOutcome>
}

type Parts = {
  readonly store: Store
  readonly edges: Edges
  readonly audit: Audit
  readonly gather: Gather
  readonly check: Check
  readonly sessions: SelfSessions
  readonly limits: LoginLimits
  readonly passwordMatches: PasswordMatches
  readonly directories: Directories
}

const REFUSED = { kind: 'refused' } as const

export function createSelfLogin(parts: Parts): SelfLogin {
  const { store, edges, audit, gather, check, sessions, limits } = parts
  const oneByOne = createQueue(edges)

  return { byPassword, secondStep }

  async function byPassword(command: PasswordLogin, facts: Facts): Promise<LoginOutcome> {
    const named = { serial: null, tokenType: null, pass: '', transactionId: null, proposed: NO_TEXT }
    const self = { owner: null, pinRule: 'only_otp', verifies: false } as const
    const judged = await oneByOne(facts.client, async () => {
      const gathered = await gather({ ...named, user: command.user, self }, facts)
      const { user, settings, resolvers } = gathered
      const password = passwordOf(
        { ...parts, directories: parts.directories.askedBy(facts) },
        { settings, user, resolvers },
      )
      // By whoever it is, however the name was written. What is over the limit is computed as well, and counts for nothing.
      const name = user ? `${user.resolver}/${user.userId}` : `${command.user.realm ?? ''}/${command.user.user}`
      const paid = await limits.pay(name, facts)
      const right = (await password.matches(command.password)) && paid
      // Where a directory could not be asked nothing was learned of the password, so nobody has given a wrong one.
      const unknown = password.failure() !== null || gathered.failure === 'resolver_unavailable'
      if (right) await limits.settle(name, facts, null)
      else if (paid && unknown) await limits.payBack(name, facts)
      return { gathered, right, unknown, paid }
    })
    if (judged === 'busy') {
      const { user, realm = '' } = command.user
      await audit.write(facts, { success: false, user, realm, actionDetail: 'too_many_logins' })
      return { kind: 'busy' }
    }
    const { gathered, right, unknown, paid } = judged
    const { user, realm, failure, full } = gathered
    if (full || !right || !user || realm === null) {
      const found = unknown ? 'resolver_unavailable' : (failure ?? 'password_wrong')
      const reason = full ? 'client_limit_reached' : paid ? found : 'too_many_failures'
      return passwordWasWrong(unknown ? { ...gathered, failures: [] } : gathered, reason, facts)
    }
    return passwordWasRight(command, { ...gathered, user, realm }, facts)
  }

  /** Counts for the client as in /validate, though for no token. */
  async function passwordWasWrong(
    { settings, who, full, failures }: Gathered,
    reason: string,
    facts: Facts,
  ): Promise<LoginOutcome> {
    await store.reject({
      now: facts.now,
      throttle: throttleOf(settings),
      ...{ failed: [], judged: [], guessed: [], failures: full ? [] : failures },
      audit: await audit.row(facts, { ...who, success: false, actionDetail: reason }),
    })
    return REFUSED
  }

  async function passwordWasRight(
    { otp }: PasswordLogin,
    gathered: Gathered & RealmUser,
    facts: Facts,
  ): Promise<LoginOutcome> {
    const { policy, tokens, settings, who, user, realm } = gathered
    // Who has enrolled a token but has not yet verified it must get in to do so.
    const nothingToAsk = policy.value(mfaPassOnNoToken) && tokens.every(isUnverified)
    if (!policy.value(mfaLogin) || nothingToAsk) {
      const row = await audit.row(facts, { ...who, success: true })
      return { kind: 'authenticated', session: await sessions.begin(gathered, 'authenticated', facts, row) }
    }
    if (otp !== '') {
      const outcome = await check(checkOf({ ...user, realm }, { pass: otp }, 'only_otp'), facts)
      if (!isAnswered(outcome)) return REFUSED
      return { kind: 'authenticated', session: await sessions.begin(gathered, 'authenticated', facts, null) }
    }
    const row = await audit.row(facts, { ...who, success: false, actionDetail: 'credentials_verified' })
    return {
      kind: 'credentials_verified',
      session: await sessions.begin(gathered, 'credentials_verified', facts, row),
      tokens: tokens.filter((token) => token.active && !isUnverified(token)),
      settings,
    }
  }

  async function secondStep(session: UserSession, step: SecondStep, facts: Facts): Promise<LoginOutcome> {
    const { serial, otp } = step
    if (session.state === 'authenticated') return refuse(session, 'already_authenticated', facts)
    if (otp !== '') return answer(session, otp, facts)
    return session.state === 'credentials_verified' || serial !== null
      ? trigger(session, step, facts)
      : poll(session, facts)
  }

  async function answer(session: UserSession, otp: string, facts: Facts): Promise<LoginOutcome> {
    const asked = { pass: otp, transactionId: session.transactionId || null }
    if (!isAnswered(await check(checkOf(session, asked, 'only_otp'), facts))) return REFUSED
    // Only one check accepts an OTP; should the session be gone by now, the OTP is spent.
    const moved = await sessions.move(session, { state: 'authenticated', transactionId: '' }, facts)
    return moved ? { kind: 'authenticated', session: moved } : REFUSED
  }

  async function trigger(session: UserSession, { serial, proposed }: SecondStep, facts: Facts): Promise<LoginOutcome> {
    const text = proposed.text || `Selfservice Login Request\nUser: ${session.login}`
    const asked = { serial, proposed: { ...proposed, text } }
    const challenged = await check(checkOf(session, asked, 'ignore_pin'), facts)
    if (challenged.kind !== 'challenged') return REFUSED
    const transactionId = challenged.parentId ?? challenged.challenges[0]?.transactionId ?? ''
    const moved = await sessions.move(session, { state: 'challenge_triggered', transactionId }, facts)
    return moved ? { kind: 'triggered', session: moved, challenged } : REFUSED
  }

  async function poll(session: UserSession, facts: Facts): Promise<LoginOutcome> {
    const { transactionId, resolver, userId, login, realm } = session
    const entries = await store.findChallenges(transactionId, facts.now)
    const entry = entries.find(({ token: { owner } }) => owner?.resolver === resolver && owner.userId === userId)
    if (!entry) return refuse(session, 'challenge_missing', facts)
    const { serial, type: tokenType } = entry.token
    await audit.write(facts, {
      success: false,
      user: login,
      realm,
      serial,
      tokenType,
      actionDetail: 'challenge_pending',
    })
    return { kind: 'waiting', entry }
  }

  async function refuse({ login, realm }: UserSession, actionDetail: string, facts: Facts): Promise<LoginOutcome> {
    await audit.write(facts, { success: false, user: login, realm, actionDetail })
    return REFUSED
  }
}

const NO_TEXT: ProposedText = { text: null, fallback: null }

/** By a token: a setting or a policy that lets people through who have none is no second factor. */
const isAnswered = (outcome: Awaited<ReturnType<Check>>): boolean =>
  outcome.kind === 'accepted' && outcome.token !== null
