/** Finding the user that somebody named, in the database and in directories. */
import type { AdminFailure } from '../core/failures.ts'
import { setRealm } from '../core/policy/actions.ts'
import { policyFor } from '../core/policy/subject.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findRealm, type Settings } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import { type UserProblem, type UserQuery, type UserRecord, userQueries } from '../core/users.ts'
import type { Store } from '../ports/store.ts'
import type { Lookups, Unavailable } from './directories.ts'
import type { Facts } from './facts.ts'
import { keepWithin } from './rights.ts'

export type UserSelection = {
  readonly user: string
  readonly realm?: string | undefined
  readonly resConf?: string | undefined
  /** As in `UserRequest`. */
  readonly onlyKnownRealm?: boolean
}
/** Where users are looked for. */
export type UserSources = { readonly store: Pick<Store, 'findUsers'>; readonly directories: Lookups }

/** User and realm as the audit has them when a request was refused: as they were asked for. */
export function namedUser(
  selection: UserSelection,
  settings: Settings,
): { readonly user: string; readonly realm: string } {
  const queries = userQueries(selection, settings)
  const [first] = queries.ok ? queries.value : []
  return { user: first?.login ?? selection.user, realm: first?.realm.name ?? selection.realm ?? '' }
}

/**
 * Refuses a user in a realm that the request is not bound to. Every realm in which the user would be looked for must be
 * within, since only then it does not matter where he is found.
 */
export function userWithin(selection: UserSelection, settings: Settings, facts: Facts): Result<true, AdminFailure> {
  const queries = userQueries(selection, settings)
  const realms = queries.ok ? queries.value.map(({ realm }) => realm.name) : ['']
  for (const realm of realms) {
    const reached = keepWithin('user', [realm], facts)
    if (!reached.ok) return reached
  }
  return ok(true)
}

/** Where a user may be who logs in: policy may put another realm in the place of the one that was named. */
export function movedQueries(
  selection: UserSelection,
  settings: Settings,
  { client, time }: Facts,
): Result<readonly UserQuery[], UserProblem> {
  const queries = userQueries(selection, settings)
  if (!queries.ok) return queries
  const moved = queries.value.flatMap((query): readonly UserQuery[] => {
    const asked = { login: query.login, resolver: '', attributes: {} }
    const name = policyFor(settings, { user: asked, realm: query.realm.name, client, time }).value(setRealm).trim()
    if (name === '') return [query]
    const realm = findRealm(settings, name)
    return realm ? [{ login: query.login, realm, resolvers: realm.resolvers }] : []
  })
  return moved.length > 0 ? ok(moved) : err('realm_unknown')
}

/**
 * The one user that is meant; several different ones count as none (contract 7.8). While a directory cannot be asked that
 * is what is said, whoever else is found: it may know somebody of the same name who is meant rather, or as well.
 */
export async function findUser(
  sources: UserSources,
  settings: Settings,
  selection: UserSelection,
): Promise<Result<UserRecord, AdminFailure>> {
  const queries = userQueries(selection, settings)
  const { user, unavailable } = await findByQueries(sources, settings, queries.ok ? queries.value : [])
  const [failure] = unavailable
  if (failure) return err({ code: 'resolver_unavailable', ...failure })
  return user ? ok(user) : err({ code: 'user_unknown', user: selection.user })
}

export type FoundUser = {
  readonly user: UserRecord | null
  /** Where he was found, else where he was looked for first. */
  readonly query: UserQuery | null
  /** Directories that could not be asked. */
  readonly unavailable: readonly Unavailable[]
}

/** The same among those who can be asked for: for what tells, and changes nothing. */
export async function findByQueries(
  sources: UserSources,
  settings: Settings,
  queries: readonly UserQuery[],
): Promise<FoundUser> {
  const failures: Unavailable[] = []
  for (const query of queries) {
    const { users, unavailable } = await lookUp(sources, settings, query)
    failures.push(...unavailable)
    const [user, ...others] = users
    if (!user) continue
    const isOne = others.every((other) => other.userId === user.userId)
    return { user: isOne ? user : null, query, unavailable: failures }
  }
  return { user: null, query: queries[0] ?? null, unavailable: failures }
}

async function lookUp({ store, directories }: UserSources, settings: Settings, { login, resolvers }: UserQuery) {
  const [rows, found] = await Promise.all([
    store.findUsers(resolvers, login),
    directories.findByLogin(settings, resolvers, login),
  ])
  return { users: inOrder([...rows, ...found.users], resolvers), unavailable: found.unavailable }
}

/** Users in the order of the resolvers of their realm. */
export const inOrder = (users: readonly UserRecord[], resolvers: readonly string[]): readonly UserRecord[] =>
  users.toSorted((a, b) => resolvers.indexOf(a.resolver) - resolvers.indexOf(b.resolver))

/** Tokens with their owners, where these live in directories; an owner who cannot be asked for is not there. */
export async function withOwners<T extends Token & { readonly user: UserRecord | null }>(
  directories: Lookups,
  settings: Settings,
  tokens: readonly T[],
): Promise<readonly T[]> {
  const { users } = await directories.findById(
    settings,
    tokens.flatMap(({ user, owner }) => (user || !owner ? [] : [owner])),
  )
  if (users.length === 0) return tokens
  const byOwner = new Map(users.map((user) => [JSON.stringify([user.resolver, user.userId]), user]))
  return tokens.map((token) => {
    const user = token.owner && byOwner.get(JSON.stringify([token.owner.resolver, token.owner.userId]))
    return user ? { ...token, user } : token
  })
}
