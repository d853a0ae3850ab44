/**
 * Gather: everything a check decides on, in one read: settings, user, tokens, open challenges, and the policy that holds.
 */

import type { Challenge } from '../core/challenge.ts'
import type { CheckFailure } from '../core/failures.ts'
import { type Bucket, bucketsOf, clientNetwork } from '../core/limits.ts'
import { readPattern } from '../core/pattern.ts'
import { setRealm } from '../core/policy/actions.ts'
import type { Policy } from '../core/policy/policy.ts'
import { policyFor } from '../core/policy/subject.ts'
import { clientFailLimit } from '../core/setting-keys.ts'
import { findRealm, type Settings, settingOf } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import { type UserQuery, type UserRecord, userQueries } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store, Gathered as StoreGathered } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { AuditDetails } from './audit.ts'
import type { CheckCommand } from './check.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'

export type Gathered = {
  readonly settings: Settings
  readonly policy: Policy
  /** Why there is nobody to ask, or null. */
  readonly failure: CheckFailure | null
  readonly user: UserRecord | null
  /** The same; where the request names a token instead of a user, who owns it. */
  readonly owner: UserRecord | null
  readonly realm: string | null
  /** Where the user was looked for. */
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

type Parts = { readonly store: Store; readonly vault: Vault; readonly edges: Edges; readonly settings: SettingsCache }

export function createGather({ store, vault, edges, settings: cache }: Parts): Gather {
  let decoy: Promise<Token> | undefined

  return async (command, facts) => {
    const { settings, queries, failures, gathered } = await read(command, facts)
    const found = identify(command, queries, gathered)
    const { user, realm, tokens, hasToken } = typeof found === 'string' ? NOBODY_FOUND : found
    const named = queries[0]
    const owner = user ?? gathered.owners.get(tokens[0]?.serial ?? '') ?? null
    // A token that nobody owns is asked about as nobody in its first realm (contract 3.6), never as anybody.
    const asked = owner ?? { login: named?.login ?? '', resolver: '', attributes: {} }
    const askedRealm = realm ?? named?.realm.name ?? tokens[0]?.realms[0] ?? ''
    decoy ??= makeDecoy()
    return {
      settings,
      policy: policyFor(settings, { user: asked, realm: askedRealm, client: facts.client, time: facts.time }),
      failure: typeof found === 'string' ? found : null,
      ...{ user, owner, realm, tokens, hasToken },
      resolvers: queries.flatMap(({ resolvers }) => resolvers),
      candidates: tokens.length > 0 ? tokens : [await decoy],
      challenges: gathered.challenges,
      ...{ failures, full: gathered.full },
      who: command.user?.user
        ? { user: user?.login ?? named?.login ?? command.user.user, realm: askedRealm || (command.user.realm ?? '') }
        : { user: '', realm: '' },
    }
  }

  /** One read; a second one when the settings have moved since this process read them. */
  async function read(command: CheckCommand, facts: Facts) {
    for (let settings = await cache.known(), tries = 0; ; settings = await cache.fresh(), tries++) {
      const queries = queriesOf(command, settings, facts)
      const users = queries.map(({ login, resolvers }) => ({ login, resolvers }))
      // A named user in an unknown realm must find nobody, not everybody with that serial.
      const nobody = command.user !== null && users.length === 0
      const failures = failuresOf(settings, facts)
      const gathered = await store.gather({
        buckets: failures,
        users: nobody ? [{ login: '', resolvers: [] }] : users,
        // A user's tokens are all read: what the request filters away still counts as having one.
        serial: command.user ? null : command.serial,
        tokenType: command.user ? null : command.tokenType,
        ...(command.transactionId === null ? {} : { transactionId: command.transactionId }),
        now: facts.now,
      })
      if (gathered.version === settings.version || tries === 2) return { settings, queries, failures, gathered }
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
}

/** Where the user may be; policy may put another realm in the place of the one that was named. */
function queriesOf(command: CheckCommand, settings: Settings, facts: Facts): readonly UserQuery[] {
  const found = command.user ? userQueries(command.user, settings) : null
  if (!found?.ok) return []
  return found.value.flatMap((query) => {
    const asked = { login: query.login, resolver: '', attributes: {} }
    const policy = policyFor(settings, { user: asked, realm: query.realm.name, client: facts.client, time: facts.time })
    const name = policy.value(setRealm).trim()
    if (name === '') return [query]
    const realm = findRealm(settings, name)
    return realm ? [{ login: query.login, realm, resolvers: realm.resolvers }] : []
  })
}

const failuresOf = (settings: Settings, { client, now }: Facts): readonly Bucket[] =>
  bucketsOf(`failures:client:${clientNetwork(client)}`, settingOf(settings, clientFailLimit), now)

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
  if (command.user.user === '') return 'user_missing'
  if (queries.length === 0) return 'realm_unknown'
  const index = gathered.users.findIndex((records) => records.length > 0)
  const [user, ...others] = gathered.users[index] ?? []
  const realm = queries[index]?.realm.name
  if (!user || realm === undefined) return 'user_unknown'
  if (others.some((other) => other.userId !== user.userId)) return 'user_ambiguous'
  const owned = gathered.tokens.filter(({ owner }) => owner?.userId === user.userId && owner.resolver === user.resolver)
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
