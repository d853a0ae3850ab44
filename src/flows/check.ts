/**
 * Check: a user (or a token) and a pass. Gather, prove, decide, commit; a right PIN goes on to `trigger`.
 *
 * A lost commit is an outcome, not a reason to try again. What the client is told says nothing of the reason; audit and
 * log do.
 */
import { answerable, type CheckFacts, decide, type Evidence, type Plan } from '../core/check.ts'
import type { CheckFailure } from '../core/failures.ts'
import { equalInConstantTime, hotp } from '../core/hotp.ts'
import { splitPass } from '../core/pass.ts'
import { isTrue, pinComesFirst, type Settings } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import { type UserQuery, type UserRecord, userQueries } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Gathered, Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit, AuditDetails } from './audit.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'
import type { Trigger, TriggeredChallenge } from './trigger.ts'

export type CheckCommand = {
  /** null: the request names a token instead. */
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
}

export type CheckOutcome =
  | { readonly kind: 'accepted'; readonly serial: string; readonly type: string }
  | { readonly kind: 'challenged'; readonly parentId: string; readonly challenges: readonly TriggeredChallenge[] }
  | { readonly kind: 'rejected'; readonly reason: CheckFailure }

export type Check = (command: CheckCommand, facts: Facts) => Promise<CheckOutcome>

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly settings: SettingsCache
  readonly audit: Audit
  readonly trigger: Trigger
}

type Subject = { readonly user: UserRecord | null; readonly realm: string | null; readonly tokens: readonly Token[] }
type Proof = { readonly evidence: Evidence; readonly secret: Uint8Array | null }

export function createCheck(parts: Parts): Check {
  const { store, vault, edges, audit, trigger } = parts
  let decoy: Promise<Token> | undefined

  return async (command, facts) => {
    const { settings, queries, gathered } = await gather(command, facts)
    const who = { user: command.user?.user ?? '', realm: queries[0]?.realm.name ?? command.user?.realm ?? '' }
    const found = identify(command, queries, gathered)
    const subject = typeof found === 'string' ? { user: null, realm: null, tokens: [] } : found
    const named = { ...who, realm: subject.realm ?? who.realm }
    // Nobody to ask: the same work is done on a token that does not exist, so that time tells nothing.
    decoy ??= makeDecoy()
    const candidates = subject.tokens.length > 0 ? subject.tokens : [await decoy]

    const checked: CheckFacts = {
      realm: subject.realm,
      transactionId: command.transactionId,
      candidates,
      challenges: gathered.challenges,
    }
    const proofs = await prove(checked, command.pass ?? '', settings, facts)

    const missing: CheckFailure | null =
      typeof found === 'string'
        ? found
        : subject.tokens.length === 0
          ? 'token_missing'
          : command.pass === null
            ? 'pass_missing'
            : null
    if (missing) return reject({ kind: 'reject', reason: missing, failed: [], judged: [], guessed: [] }, named, facts)

    const evidence = new Map([...proofs].map(([serial, proof]) => [serial, proof.evidence]))
    const plan = decide(checked, evidence, facts.now)
    if (plan.kind === 'accept') return accept(plan, named, settings, facts)
    if (plan.kind === 'reject') return reject(plan, named, facts, candidates)
    const secrets = new Map([...proofs].flatMap(([serial, { secret }]) => (secret ? [[serial, secret] as const] : [])))
    const { tokens, failed } = plan
    return trigger(
      { settings, tokens, secrets, failed, user: subject.user, realm: subject.realm, subject: named },
      facts,
    )
  }

  /** One read; a second one when the settings have moved since this process read them. */
  async function gather(command: CheckCommand, facts: Facts) {
    for (let settings = await parts.settings.known(), tries = 0; ; settings = await parts.settings.fresh(), tries++) {
      const found = command.user ? userQueries(command.user, settings) : null
      const queries: readonly UserQuery[] = found?.ok ? found.value : []
      // A named user in an unknown realm must find nobody, not everybody with that serial.
      const users = command.user ? queries.map(({ login, resolvers }) => ({ login, resolvers })) : []
      const nobody = command.user !== null && users.length === 0
      const gathered = await store.gather({
        users: nobody ? [{ login: '', resolvers: [] }] : users,
        serial: command.serial,
        tokenType: command.tokenType,
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

  /** The only step that sees secrets. Each token is judged by the same operations, whatever the outcome. */
  async function prove(
    checked: CheckFacts,
    pass: string,
    settings: Settings,
    facts: Facts,
  ): Promise<ReadonlyMap<string, Proof>> {
    const proofs = checked.candidates.map(async (token): Promise<readonly [string, Proof]> => {
      const [secret, pin] = await Promise.all([
        vault.open(token.sealedSecret, place.secret(token.serial)),
        vault.openPin(token.sealedPin, place.pin(token.serial)),
      ])
      if (!secret.ok || !pin.ok) {
        edges.log.error('token_unreadable', {
          request: facts.requestId,
          serial: token.serial,
          reason: secret.ok ? 'pin' : 'secret',
        })
        return [
          token.serial,
          { evidence: { pinMatches: false, pinPartMatches: false, matched: [], unreadable: true }, secret: null },
        ]
      }
      const split = splitPass(pass, token.digits, pinComesFirst(settings))
      const [pinMatches, pinPartMatches] = await Promise.all([pin.value(pass), pin.value(split.pin)])
      const given = checked.transactionId === null ? split.otp : pass
      const matched = answerable(checked, token, facts.now).filter(({ counter }) =>
        equalInConstantTime(hotp({ secret: secret.value, counter, digits: token.digits, hash: token.hash }), given),
      )
      const proven = checked.transactionId !== null || pinPartMatches
      const evidence = { pinMatches, pinPartMatches, matched: proven ? matched.map((c) => c.id) : [] }
      return [token.serial, { evidence, secret: secret.value }]
    })
    return new Map(await Promise.all(proofs))
  }

  async function accept(
    plan: Extract<Plan, { kind: 'accept' }>,
    who: Who,
    settings: Settings,
    facts: Facts,
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
    if (verdict === 'done') return { kind: 'accepted', serial: token.serial, type: token.type }
    return { kind: 'rejected', reason: 'challenge_lost' }
  }

  async function reject(
    plan: Extract<Plan, { kind: 'reject' }>,
    who: Who,
    facts: Facts,
    candidates: readonly Token[] = [],
  ): Promise<CheckOutcome> {
    const { reason, failed, judged, guessed } = plan
    const row = await audit.row(facts, {
      ...who,
      success: false,
      serial: candidates.map((token) => token.serial).join(' '),
      tokenType: [...new Set(candidates.map((token) => token.type))].join(' '),
      actionDetail: reason,
    })
    await store.reject({ now: facts.now, failed, judged, guessed, audit: row })
    return { kind: 'rejected', reason }
  }
}

type Who = Required<Pick<AuditDetails, 'user' | 'realm'>>

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
  if (command.user === null)
    return command.serial === null ? 'user_missing' : { user: null, realm: null, tokens: gathered.tokens }
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
