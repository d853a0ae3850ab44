/**
 * Check: a user, a token or a transaction, and a pass. Gather, prove, decide, commit; a right PIN goes on to `trigger`.
 *
 * A lost commit is an outcome, not a reason to try again. What the client is told says nothing of the reason; audit and
 * log do.
 */
import { type CheckFacts, decide, type Plan } from '../core/check.ts'
import type { CheckFailure } from '../core/failures.ts'
import { policyFor } from '../core/policy/action.ts'
import { otpPin, triggerSms } from '../core/policy/actions.ts'
import { isTrue, pinComesFirst, type Settings } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import type { ProposedText } from '../core/tokens/token-type.ts'
import { type UserQuery, type UserRecord, userQueries } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { PasswordMatches } from '../ports/passwords.ts'
import type { Gathered, Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit, AuditDetails } from './audit.ts'
import type { Facts } from './facts.ts'
import { type AnswerLengths, createProve } from './prove.ts'
import type { SettingsCache } from './settings.ts'
import type { Trigger, TriggeredChallenge } from './trigger.ts'

export type CheckCommand = {
  /** null: the request names a token or a transaction instead. */
  readonly user: {
    readonly user: string
    readonly realm?: string | undefined
    readonly resConf?: string | undefined
  } | null
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
}

export type CheckOutcome =
  | {
      readonly kind: 'accepted'
      readonly token: Token | null
      readonly user: UserRecord | null
      readonly lengths: AnswerLengths
    }
  | {
      readonly kind: 'challenged'
      readonly parentId: string | null
      readonly challenges: readonly TriggeredChallenge[]
    }
  | { readonly kind: 'rejected'; readonly reason: CheckFailure; readonly tokens: readonly CountedToken[] }
/** A token that was asked, with its fail count after the request. */
export type CountedToken = { readonly serial: string; readonly type: string; readonly failCount: number }

export type Check = (command: CheckCommand, facts: Facts) => Promise<CheckOutcome>

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly settings: SettingsCache
  readonly audit: Audit
  readonly trigger: Trigger
  readonly passwordMatches: PasswordMatches
}

type Subject = { readonly user: UserRecord | null; readonly realm: string | null; readonly tokens: readonly Token[] }
type Who = Required<Pick<AuditDetails, 'user' | 'realm'>>

const NO_GUESS = { kind: 'reject', failed: [], judged: [], guessed: [] } as const

export function createCheck(parts: Parts): Check {
  const { store, vault, edges, audit, trigger } = parts
  const prove = createProve({ vault, edges })
  let decoy: Promise<Token> | undefined

  return async (command, facts) => {
    const { settings, queries, gathered } = await gather(command, facts)
    const found = identify(command, queries, gathered)
    const { user, realm, tokens } = typeof found === 'string' ? { user: null, realm: null, tokens: [] } : found
    const who = { user: command.user?.user ?? '', realm: realm ?? queries[0]?.realm.name ?? command.user?.realm ?? '' }
    // Nobody to ask: the same work is done on a token that does not exist, so that time tells nothing.
    decoy ??= makeDecoy()
    const candidates = tokens.length > 0 ? tokens : [await decoy]

    const checked: CheckFacts = {
      realm,
      transactionId: command.transactionId,
      candidates,
      challenges: gathered.challenges,
    }
    const policy = policyFor({ user: user?.login ?? null, realm, client: facts.client })
    const proofs = await prove({
      facts: checked,
      pass: command.pass ?? '',
      pinRule: policy.value(otpPin),
      pinFirst: pinComesFirst(settings),
      password: passwordCheck(user),
      needsNoPin: (token) => command.mayTrigger === true && token.type === 'sms' && policy.value(triggerSms),
      now: facts.now,
      requestId: facts.requestId,
    })

    const missing = whatIsMissing(command, found, settings)
    if (missing === 'passed') return pass(who, user, facts)
    if (missing) return reject({ ...NO_GUESS, reason: missing }, who, facts, [])
    const evidence = new Map([...proofs].map(([serial, proof]) => [serial, proof.evidence]))
    const plan = decide(checked, evidence, facts.now)
    if (plan.kind === 'accept')
      return accept(plan, who, user, settings, facts, proofs.get(plan.token.serial)?.lengths ?? null)
    if (plan.kind === 'reject') return reject(plan, who, facts, candidates)
    const secrets = new Map([...proofs].flatMap(([serial, { secret }]) => (secret ? [[serial, secret] as const] : [])))
    const { proposed } = command
    const outcome = await trigger(
      { settings, tokens: plan.tokens, secrets, failed: plan.failed, user, realm, proposed, subject: who },
      facts,
    )
    return outcome.kind === 'challenged' ? outcome : { ...outcome, tokens: counted(plan.tokens, new Map()) }
  }

  /** One read; a second one when the settings have moved since this process read them. */
  async function gather(command: CheckCommand, facts: Facts) {
    for (let settings = await parts.settings.known(), tries = 0; ; settings = await parts.settings.fresh(), tries++) {
      const found = command.user ? userQueries(command.user, settings) : null
      const queries: readonly UserQuery[] = found?.ok ? found.value : []
      const users = queries.map(({ login, resolvers }) => ({ login, resolvers }))
      // A named user in an unknown realm must find nobody, not everybody with that serial.
      const nobody = command.user !== null && users.length === 0
      const gathered = await store.gather({
        users: nobody ? [{ login: '', resolvers: [] }] : users,
        serial: command.serial,
        tokenType: command.tokenType,
        ...(command.transactionId === null ? {} : { transactionId: command.transactionId }),
        now: facts.now,
      })
      if (gathered.version === settings.version || tries === 2) return { settings, queries, gathered }
    }
  }

  /** A salted, sealed token that belongs to nobody. */
  async function makeDecoy(): Promise<Token> {
    const serial = '(nobody)'
    const [sealedSecret, sealedPin] = await Promise.all([
      vault.seal(edges.random(20), place.secret(serial)),
      vault.sealPin(String(edges.random(16)), place.pin(serial)),
    ])
    return { ...NOBODY, serial, sealedSecret, sealedPin }
  }

  /** The user's password, read when it is first asked for; each candidate is compared once, since that is slow. */
  function passwordCheck(user: UserRecord | null): (candidate: string) => Promise<boolean> {
    const answers = new Map<string, Promise<boolean>>()
    let hash: Promise<string> | undefined
    const compare = async (candidate: string): Promise<boolean> => {
      hash ??= user ? store.passwordHash(user) : Promise.resolve('')
      return parts.passwordMatches(candidate, await hash)
    }
    return (candidate) => {
      const known = answers.get(candidate) ?? compare(candidate)
      answers.set(candidate, known)
      return known
    }
  }

  async function accept(
    plan: Extract<Plan, { kind: 'accept' }>,
    who: Who,
    user: UserRecord | null,
    settings: Settings,
    facts: Facts,
    lengths: AnswerLengths,
  ): Promise<CheckOutcome> {
    const { token, challenge, reset, failed } = plan
    const details = { ...who, serial: token.serial, tokenType: token.type }
    const verdict = await store.accept({
      requestId: facts.requestId,
      now: facts.now,
      challenge,
      token,
      reset,
      failed,
      stampAccess: stampsAccess(settings),
      audit: {
        done: await audit.row(facts, { ...details, success: true }),
        lost: await audit.row(facts, { ...details, success: false, actionDetail: 'challenge_lost' }),
      },
    })
    if (verdict === 'done') return { kind: 'accepted', token, user, lengths }
    return {
      kind: 'rejected',
      reason: 'challenge_lost',
      tokens: counted([token], new Map([[token.serial, token.failCount + 1]])),
    }
  }

  async function reject(
    plan: Extract<Plan, { kind: 'reject' }>,
    who: Who,
    facts: Facts,
    candidates: readonly Token[],
  ): Promise<CheckOutcome> {
    const { reason, failed, judged, guessed } = plan
    const row = await audit.row(facts, {
      ...who,
      success: false,
      serial: candidates.map((token) => token.serial).join(' '),
      tokenType: [...new Set(candidates.map((token) => token.type))].join(' '),
      actionDetail: reason,
    })
    const counts = await store.reject({ now: facts.now, failed, judged, guessed, audit: row })
    return { kind: 'rejected', reason, tokens: counted(candidates, counts) }
  }

  /** A setting lets people through who have no token, or whom nobody knows. */
  async function pass(who: Who, user: UserRecord | null, facts: Facts): Promise<CheckOutcome> {
    await audit.write(facts, { ...who, success: true, actionDetail: 'passed_by_setting' })
    return { kind: 'accepted', token: null, user, lengths: null }
  }
}

const counted = (tokens: readonly Token[], counts: ReadonlyMap<string, number>): readonly CountedToken[] =>
  tokens.map(({ serial, type, failCount }) => ({ serial, type, failCount: counts.get(serial) ?? failCount }))

/** Why there is nobody to ask, or null; `passed`: a setting says yes all the same. */
function whatIsMissing(
  command: CheckCommand,
  found: Subject | CheckFailure,
  settings: Settings,
): CheckFailure | 'passed' | null {
  if (typeof found === 'string')
    return found === 'user_unknown' && isTrue(settings, 'PassOnUserNotFound', false) ? 'passed' : found
  if (found.tokens.length === 0)
    return command.user && isTrue(settings, 'PassOnUserNoToken', false) ? 'passed' : 'token_missing'
  if (command.single && found.tokens.length > 1) return 'token_ambiguous'
  return command.pass === null && !command.mayTrigger ? 'pass_missing' : null
}

/** `token.last_access` is off unless it is `true` or a time format (contract 2.2). */
const stampsAccess = (settings: Settings): boolean =>
  isTrue(settings, 'token.last_access', false) || (settings.config.get('token.last_access')?.value ?? '').includes('%')

const NOBODY: Omit<Token, 'serial' | 'sealedSecret' | 'sealedPin'> = {
  id: 0,
  type: 'email',
  description: '',
  counter: 0,
  digits: 6,
  hash: 'sha1',
  countWindow: 10,
  syncWindow: 1000,
  failCount: 0,
  maxFailCount: 1,
  active: false,
  owner: null,
  realms: [],
  info: {},
  revision: 0,
  createdAt: 0,
  lastAuthMatch: null,
  lastAuthSuccess: null,
}

/** Whose tokens are asked. A serial beside a user must be that user's own (contract 12.2 #1). */
function identify(command: CheckCommand, queries: readonly UserQuery[], gathered: Gathered): Subject | CheckFailure {
  if (command.user === null) return { user: null, realm: null, tokens: gathered.tokens }
  if (command.user.user === '') return 'user_missing'
  if (queries.length === 0) return 'realm_unknown'
  const index = gathered.users.findIndex((records) => records.length > 0)
  const [user, ...others] = gathered.users[index] ?? []
  const realm = queries[index]?.realm.name
  if (!user || realm === undefined) return 'user_unknown'
  if (others.some((other) => other.userId !== user.userId)) return 'user_ambiguous'
  const tokens = gathered.tokens.filter(
    ({ owner }) => owner?.userId === user.userId && owner.resolver === user.resolver,
  )
  return { user, realm, tokens }
}
