/**
 * Users: which user and realm a request means (contract 7.8), and what a record of a user looks like.
 */
import { err, ok, type Result } from './result.ts'
import { splitAtSign } from './setting-keys.ts'
import { defaultRealm, findRealm, type RealmRecord, type Settings, settingOf } from './settings.ts'

export type UserRecord = {
  readonly resolver: string
  readonly userId: string
  readonly login: string
  /** username, userid, description, email, givenname, surname, phone, mobile; missing ones are empty. */
  readonly attributes: Readonly<Record<string, string>>
}

export type UserRequest = {
  readonly user: string
  readonly realm?: string | undefined
  readonly resConf?: string | undefined
  /** What stands behind an `@` names a realm only where there is one by that name; else it belongs to the login. */
  readonly onlyKnownRealm?: boolean
}

/** Where to look for a user. */
export type UserQuery = { readonly login: string; readonly realm: RealmRecord; readonly resolvers: readonly string[] }

/** Nobody's is longer, and the patterns of policies may take a time that grows with its square or cube. */
const MAX_LOGIN = 255

/**
 * The realms in which a request's user may be, in the order they are tried. With `realm` the login is taken literally;
 * without it, it is split at the last `@` or the first `\` when `splitAtSign` says so.
 */
export function userQueries(request: UserRequest, settings: Settings): Result<readonly UserQuery[], UserProblem> {
  const { user, realm } = request
  if (user === '') return err('user_missing')
  const within = (record: RealmRecord | undefined, login: string): readonly UserQuery[] =>
    record ? [{ login, realm: record, resolvers: restrict(record.resolvers, request.resConf) }] : []

  if (realm !== undefined && realm !== '') return found(within(findRealm(settings, realm), user))
  const parts = splitLogin(user)
  if (parts === null || (request.onlyKnownRealm === true && !findRealm(settings, parts.realm)))
    return found(within(defaultRealm(settings), user))
  if (settingOf(settings, splitAtSign)) return found(within(findRealm(settings, parts.realm), parts.login))
  // Without the split the whole text is a login first; a user principal name of a known realm still works.
  return found([
    ...within(defaultRealm(settings), user),
    ...(user.includes('@') ? within(findRealm(settings, parts.realm), parts.login) : []),
  ])
}

/** Why nobody is looked for. */
export type UserProblem = 'user_missing' | 'user_unknown' | 'realm_unknown'

function found(queries: readonly UserQuery[]): Result<readonly UserQuery[], UserProblem> {
  if (queries.some(({ login }) => login.length > MAX_LOGIN)) return err('user_unknown')
  return queries.length > 0 ? ok(queries) : err('realm_unknown')
}

function splitLogin(user: string): { login: string; realm: string } | null {
  const at = user.lastIndexOf('@')
  if (at >= 0) return { login: user.slice(0, at), realm: user.slice(at + 1) }
  const backslash = user.indexOf('\\')
  return backslash >= 0 ? { login: user.slice(backslash + 1), realm: user.slice(0, backslash) } : null
}

function restrict(resolvers: readonly string[], resConf = ''): readonly string[] {
  const name = namedResolver(resConf)
  return name ? resolvers.filter((resolver) => resolver === name) : resolvers
}

/** The resolver that `resConf` names, also in the form `name (class)`. Anybody may send it: it is looked through once. */
export function namedResolver(resConf: string): string {
  const text = resConf.trim()
  const parenthesis = text.endsWith(')') ? text.indexOf('(') : -1
  return parenthesis < 0 ? text : text.slice(0, parenthesis).trim()
}
