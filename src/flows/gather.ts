/**
 * Gather: everything a check decides on, in one read: settings, user, tokens, open challenges, and the policy that holds.
 * Where a realm has directories they are asked first, all at once; the owner of a token that was named, after it.
 */

import type { Challenge } from '../core/challenge.ts'
import type { CheckFailure } from '../core/failures.ts'
import { type Bucket, bucketsOf, clientNetwork } from '../core/limits.ts'
import { readPattern } from '../core/pattern.ts'
import type { Policy } from '../core/policy/policy.ts'
import { policyFor } from '../core/policy/subject.ts'
import { ok, type Result } from '../core/result.ts'
import { clientFailLimit } from '../core/setting-keys.ts'
import { isDirectory, type Settings, settingOf } from '../core/settings.ts'
import type { Owner, Token } from '../core/token.ts'
import { type UserProblem, type UserQuery, type UserRecord, userQueries } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store, Gathered as StoreGathered } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import { type Admission, type Admitted, isTokenWithin, queriesWithin, type Refusal, UNBOUND } from './admission.ts'
import type { AuditDetails } from './audit.ts'
import type { CheckCommand } from './check.ts'
import type { Directories, Found, Unavailable } from './directories.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'
import { inOrder, movedQueries } from './users.ts'

export type Gathered = {
  readonly settings: Settings
  readonly policy: Policy
  /** Why the client may not ask at all, or null; nobody was looked for then. */
  readonly refusal: Refusal | null
  /** Who was named, or which token, is of realms that the client's key may not ask for: nobody was found. */
  readonly foreign: boolean
  /** Why there is nobody to ask, or null. */
  readonly failure: CheckFailure | null
  /** Directories that could not be asked; the log has them too. */
  readonly unavailable: readonly Unavailable[]
  readonly user: UserRecord | null
  /** The same; where the request names a token instead of a user, who owns it. */
  readonly owner: UserRecord | null
  readonly realm: string | null
  /** Where the user was looked for; a directory that has failed is not waited for once more. */
  readonly resolvers: readonly string[]
  /** The tokens that the request means. */
  readonly tokens: readonly Token[]
  /** The user has a token, be it one that the request does not mean. */
  readonly hasToken: boolean
  /** The same; where there are none, one that belongs to nobody, on which the same work is done. */
  readonly candidates: readonly Token[]
  readonly challenges: readonly Challenge[]
  /** Where this client's failures are counted; `full`: it may not answer now. */
  readonly failures: readonly Bucket[]
  readonly full: boolean
  /** User and realm as the audit has them. */
  readonly who: Required<Pick<AuditDetails, 'user' | 'realm'>>
}
export type Gather = (command: CheckCommand, facts: Facts) => Promise<Gathered>

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly settings: SettingsCache
  readonly directories: Directories
}
const NOTHING_FOUND: Found = { users: [], unavailable: [] }

export function createGather({ store, vault, edges, settings: cache, directories }: Parts): Gather {
  let decoy: Promise<Token> | undefined

  return async (command, facts) => {
    const { settings, queries, meant, problem, refusal, leftOut, failures, gathered, lookups } = await read(
      command,
      facts,
    )
    const identified = problem ?? identify(command, queries, gathered)
    // As in a realm that there is not, and so for no setting that lets unknown users in.
    const found = leftOut && identified === 'user_unknown' ? 'realm_unknown' : identified
    const { user, realm, tokens, hasToken } = typeof found === 'string' ? NOBODY_FOUND : found
    const named = queries[0]
    const owned = user ? NOTHING_FOUND : await ownerElsewhere(tokens[0], settings, facts)
    const owner = user ?? gathered.owners.get(tokens[0]?.serial ?? '') ?? owned.users[0] ?? null
    const unavailable = [...lookups, owned].flatMap((lookup) => lookup.unavailable)
    // A token that nobody owns is asked about as nobody in its first realm (contract 3.6), never as anybody.
    const asked = owner ?? { login: named?.login ?? '', resolver: '', attributes: {} }
    const askedRealm = realm ?? named?.realm.name ?? tokens[0]?.realms[0] ?? ''
    decoy ??= makeDecoy()
    return {
      settings,
      policy: policyFor(settings, { user: asked, realm: askedRealm, client: facts.client, time: facts.time }),
      refusal,
      foreign: leftOut && user === null && tokens.length === 0,
      failure: failureOf(found, owned, unavailable),
      unavailable,
      ...{ user, owner, realm, tokens, hasToken },
      resolvers: queries.flatMap(({ resolvers }) => resolvers).filter((name) => !isAmong(unavailable, name)),
      candidates: tokens.length > 0 ? tokens : [await decoy],
      challenges: gathered.challenges,
      ...{ failures, full: gathered.full },
      who: command.user?.user
        ? {
            user: user?.login ?? named?.login ?? meant?.login ?? command.user.user,
            realm: askedRealm || (meant?.realm.name ?? command.user.realm ?? ''),
          }
        : { user: '', realm: '' },
    }
  }

  /** One read; a second one when the settings have moved since this process read them. */
  async function read(command: CheckCommand, facts: Facts) {
    for (let settings = await cache.known(), tries = 0; ; settings = await cache.fresh(), tries++) {
      const admission: Admission = (await facts.asker?.admit(settings, facts.now)) ?? UNBOUND
      const admitted = admission.refusal === null ? admission : NOBODY_ADMITTED
      const asked = queriesOf(command, settings, facts)
      const meant = asked.ok ? asked.value : []
      const queries = queriesWithin(meant, admitted)
      const lookups = await Promise.all(
        queries.map(({ login, resolvers }) => directories.askedBy(facts).findByLogin(settings, resolvers, login)),
      )
      const users = queries.map(({ login, resolvers }) => ({ login, resolvers }))
      // A named user in an unknown realm must find nobody, not everybody with that serial.
      const nobody = command.user !== null && users.length === 0
      const failures = failuresOf(settings, facts)
      const gathered = await store.gather({
        buckets: failures,
        users: nobody ? [{ login: '', resolvers: [] }] : users,
        owners: lookups.flatMap((lookup) => lookup.users.map(({ resolver, userId }) => ({ resolver, userId }))),
        // A user's tokens are all read: what the request filters away still counts as having one.
        serial: command.user ? null : command.serial,
        tokenType: command.user ? null : command.tokenType,
        ...(command.transactionId === null ? {} : { transactionId: command.transactionId }),
        now: facts.now,
      })
      if (gathered.version === settings.version || tries === 2) {
        const within = command.user ? gathered : tokensWithin(gathered, settings, admitted)
        return {
          ...{ settings, queries, failures, lookups, gathered: merged(within, queries, lookups) },
          ...{ meant: meant[0], refusal: admission.refusal },
          leftOut: queries.length < meant.length || within.tokens.length < gathered.tokens.length,
          problem: asked.ok ? null : asked.error,
        }
      }
    }
  }

  /** Whose token it is that was named, where this stands in a directory; the database knows the others. */
  async function ownerElsewhere(token: Token | undefined, settings: Settings, facts: Facts): Promise<Found> {
    const owner = token?.owner
    return owner && isDirectory(settings, owner.resolver)
      ? directories.askedBy(facts).findById(settings, [owner])
      : NOTHING_FOUND
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
}

/** Where the user may be; policy moves nobody in self-service. */
function queriesOf({ user, self }: CheckCommand, settings: Settings, facts: Facts): Result<Queries, UserProblem> {
  if (user === null) return ok([])
  return self ? userQueries(user, settings) : movedQueries(user, settings, facts)
}
type Queries = readonly UserQuery[]

/** Where wrong answers of this client are counted. */
export const failuresOf = (settings: Settings, { client, now }: Facts): readonly Bucket[] =>
  bucketsOf(`failures:client:${clientNetwork(client)}`, settingOf(settings, clientFailLimit), now)
const isAmong = (unavailable: readonly Unavailable[], name: string): boolean =>
  unavailable.some(({ resolver }) => resolver === name)

const NOBODY_ADMITTED: Admitted = { refusal: null, realms: [] }

/** Tokens, and their challenges, that the client's key may ask for; after the read, so that it takes the same time. */
function tokensWithin(gathered: StoreGathered, settings: Settings, admitted: Admitted): StoreGathered {
  const tokens = gathered.tokens.filter((token) => isTokenWithin(token, settings, admitted))
  const serials = tokens.map(({ serial }) => serial)
  return { ...gathered, tokens, challenges: gathered.challenges.filter(({ serial }) => serials.includes(serial)) }
}

/** Users of the database and of directories, in the order of their resolvers. */
function merged(gathered: StoreGathered, queries: readonly UserQuery[], lookups: readonly Found[]): StoreGathered {
  const users = gathered.users.map((rows, index) =>
    inOrder([...rows, ...(lookups[index]?.users ?? [])], queries[index]?.resolvers ?? []),
  )
  return { ...gathered, users }
}

/**
 * That a directory is down is a reason of its own: nobody may be let in as unknown because of it. Whoever was found
 * elsewhere and has a token does not suffer, but a token whose owner cannot be asked for does: its owner's policies are
 * not known.
 */
function failureOf(
  found: Subject | CheckFailure,
  owned: Found,
  unavailable: readonly Unavailable[],
): CheckFailure | null {
  if (typeof found === 'string')
    return found === 'user_unknown' && unavailable.length > 0 ? 'resolver_unavailable' : found
  return owned.unavailable.length > 0 ? 'resolver_unavailable' : null
}

type Subject = {
  readonly user: UserRecord | null
  readonly realm: string | null
  readonly tokens: readonly Token[]
  readonly hasToken: boolean
}
const NOBODY_FOUND: Subject = { user: null, realm: null, tokens: [], hasToken: false }

/** Whose tokens are asked. A serial beside a user must be that user's own (contract 12.2 #1). */
function identify(
  command: CheckCommand,
  queries: readonly UserQuery[],
  gathered: StoreGathered,
): Subject | CheckFailure {
  if (command.user === null)
    return { user: null, realm: null, tokens: gathered.tokens, hasToken: gathered.tokens.length > 0 }
  if (queries.length === 0) return 'realm_unknown'
  const index = gathered.users.findIndex((records) => records.length > 0)
  const [user, ...others] = gathered.users[index] ?? []
  const realm = queries[index]?.realm.name
  if (!user || realm === undefined) return 'user_unknown'
  if (others.some((other) => other.userId !== user.userId)) return 'user_ambiguous'
  const named = command.self?.owner
  if (named && !isSame(named, user)) return 'user_unknown'
  const owned = gathered.tokens.filter(({ owner }) => owner !== null && isSame(owner, user))
  // A `*` stands for any text, among the user's own tokens alone.
  const { serial: wanted } = command
  const isMeant = wanted?.includes('*')
    ? readPattern(wanted, { any: '*', one: null }).matches
    : (serial: string) => wanted === null || serial === wanted
  const tokens = owned.filter(
    ({ serial, type }) => isMeant(serial) && (command.tokenType === null || type === command.tokenType),
  )
  return { user, realm, tokens, hasToken: owned.length > 0 }
}

const isSame = (a: Owner, b: Owner): boolean => a.userId === b.userId && a.resolver === b.resolver

/** Active, so that a decision takes as long as about any token. The row of this serial is not: nothing can be committed for it. */
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
  lastFailedAt: null,
  active: true,
  owner: null,
  realms: [],
  info: {},
  revision: 0,
  createdAt: 0,
  lastAuthMatch: null,
  lastAuthSuccess: null,
}
