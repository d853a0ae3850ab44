/**
 * ldapresolver: users of an LDAP directory (RFC 4511), OpenLDAP and Active Directory among them.
 *
 * Searches are made as the account of the configuration, over connections that serve one search after the other. A
 * password is tried by a bind as its user, over a connection that is closed after it. Referrals are not followed: they
 * lead to servers that nobody configured. Keys: contract/linotp.md §7.9.
 */
import type { Entry } from 'ldapts'
import { readPattern } from '../../core/pattern.ts'
import { err, ok } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import {
  type Directory,
  type DirectoryUser,
  defineResolver,
  type FromDirectory,
  type UserFilter,
} from '../../ports/users.ts'
import { type LdapConfig, readLdapConfig } from './ldap-config.ts'
import { createConnections } from './ldap-connections.ts'
import type { FromServer, LdapFailure } from './ldap-failures.ts'
import { type Filter, fillFilter, patternFilter } from './ldap-filter.ts'
import { idFilter, isBelow, unknownId } from './ldap-ids.ts'
import type { Question } from './ldap-session.ts'
import { type FoundUser, readUser, wantedAttributes } from './ldap-user.ts'

export const resolver = defineResolver<LdapConfig>({
  name: 'ldapresolver',
  secretKeys: ['BINDPW'],
  boundKeys: ['LDAPURI', 'BINDDN', 'EnforceTLS', 'only_trusted_certs', 'TLS_CA', 'CACERTIFICATE'],
  sample: {
    LDAPURI: 'ldaps://ldap1.example.com, ldaps://ldap2.example.com',
    LDAPBASE: 'ou=people,dc=example,dc=com',
    BINDDN: 'cn=otpost,dc=example,dc=com',
    BINDPW: 'change me',
    LOGINNAMEATTRIBUTE: 'uid',
    LDAPSEARCHFILTER: '(uid=*)(objectClass=inetOrgPerson)',
    LDAPFILTER: '(&(uid=%s)(objectClass=inetOrgPerson))',
    USERINFO:
      '{"username": "uid", "email": "mail", "mobile": "mobile", "phone": "telephoneNumber", "givenname": "givenName", "surname": "sn"}',
    UIDTYPE: 'entryUUID',
    TIMEOUT: 5,
    SIZELIMIT: 500,
  },
  read: readLdapConfig,
  create: createDirectory,
})

/** Enough to see that a login is not unique. */
const MAX_NAMESAKES = 10
const NO_SUCH_OBJECT = 32
const INVALID_DN = 34
/**
 * Results of a bind that are a verdict on this user and password: constraint violation (too many tries), no such object,
 * invalid DN, no password to compare with, wrong password, no access, unwilling (account locked).
 */
const REFUSALS: readonly number[] = [19, NO_SUCH_OBJECT, INVALID_DN, 48, 49, 50, 53]

function createDirectory(config: LdapConfig, edges: Edges): Directory {
  const connections = createConnections(config, edges)
  const common = { attributes: wantedAttributes(config), timeLimit: Math.ceil(config.timeout) }
  const everybody = fillFilter(config.loginFilter, null)

  const search = async (
    question: Omit<Question, 'attributes' | 'timeLimit'>,
    signal: AbortSignal,
  ): FromServer<readonly Entry[]> => {
    const found = await connections.ask((session, limit) => session.search({ ...question, ...common }, limit), signal)
    const nobody =
      question.scope === 'base' && !found.ok && [NO_SUCH_OBJECT, INVALID_DN].includes(found.error.result ?? 0)
    return nobody ? ok([]) : found
  }

  async function findEntry(userId: string, signal: AbortSignal): FromServer<FoundUser | null> {
    const place = placeOf(config, userId)
    if (!place) return ok(null)
    const filter: Filter = { kind: 'and', filters: [everybody, ...place.filters] }
    const found = await search({ base: place.base, scope: place.scope, filter, limit: 2 }, signal)
    if (!found.ok) return found
    const users = usersOf(config, found.value)
    return ok(users.length === 1 ? (users[0] ?? null) : null)
  }

  /** @returns the name to bind by; for nobody one that there is not, found at the same cost */
  async function bindName(user: DirectoryUser | null, signal: AbortSignal): FromServer<string> {
    const nobody = `cn=${unknownId(edges.random)},${config.base}`
    if (config.id.kind === 'dn') return ok(user?.userId.includes('=') ? user.userId : nobody)
    const found = await findEntry(user?.userId ?? unknownId(edges.random), signal)
    return found.ok ? ok(found.value?.dn ?? nobody) : found
  }

  return {
    findByLogin: async (login, signal) => {
      if (!canBeValue(login)) return ok([])
      const filter = fillFilter(config.loginFilter, login)
      const found = await search({ base: config.base, scope: 'sub', filter, limit: MAX_NAMESAKES }, signal)
      return found.ok ? ok(usersOf(config, found.value, login).map(({ user }) => user)) : unavailable(found.error)
    },

    findById: async (userId, signal) => {
      const found = await findEntry(userId, signal)
      return found.ok ? ok(found.value?.user ?? null) : unavailable(found.error)
    },

    list: async (filter, limit, signal) => {
      const wanted = listQuestion(config, filter)
      const most = Math.min(limit, config.sizeLimit)
      if (!wanted || most < 1) return ok([])
      const found = await search({ ...wanted.question, limit: wanted.fits ? config.sizeLimit : most }, signal)
      if (!found.ok) return unavailable(found.error)
      const users = usersOf(config, found.value).map(({ user }) => user)
      return ok(users.filter(({ userId }) => wanted.fits?.(userId) ?? true).slice(0, most))
    },

    passwordMatches: async (user, password, signal) => {
      // A bind without a password succeeds as nobody (RFC 4513 §5.1.2).
      if (password === '') return ok(false)
      const name = await bindName(user, signal)
      if (!name.ok) return unavailable(name.error)
      const bound = await connections.askAlone((session, limit) => session.bind(name.value, password, limit), signal)
      if (bound.ok) return ok(user !== null)
      return REFUSALS.includes(bound.error.result ?? 0) ? ok(false) : unavailable(bound.error)
    },

    close: async () => connections.close(),
  }
}

const unavailable = ({ reason }: LdapFailure): Awaited<FromDirectory<never>> =>
  err({ code: 'directory_unavailable', reason })

function usersOf(config: LdapConfig, entries: readonly Entry[], login?: string): readonly FoundUser[] {
  return entries.map((entry) => readUser(config, entry, login)).filter((user) => user !== null)
}

/** Where the one entry with this id is to be looked for; undefined when there can be none. */
function placeOf(
  { id, base }: LdapConfig,
  userId: string,
): (Pick<Question, 'base' | 'scope'> & { readonly filters: readonly Filter[] }) | undefined {
  if (!canBeValue(userId)) return undefined
  // Beyond the base there is nobody: whoever may ask for one user could read the whole directory.
  if (id.kind === 'dn') return isBelow(userId, base) ? { base: userId, scope: 'base', filters: [] } : undefined
  const filter = idFilter(id, userId)
  return filter ? { base, scope: 'sub', filters: [filter] } : undefined
}

type ListQuestion = {
  readonly question: Omit<Question, 'attributes' | 'timeLimit' | 'limit'>
  /** Asked of each user id, where the directory cannot be asked. */
  readonly fits: ((userId: string) => boolean) | undefined
}

/** @returns undefined when nobody can fit */
function listQuestion(config: LdapConfig, wanted: UserFilter): ListQuestion | undefined {
  const filters: Filter[] = [fillFilter(config.listFilter, null)]
  let place: Pick<Question, 'base' | 'scope'> = { base: config.base, scope: 'sub' }
  let fits: ListQuestion['fits']
  for (const [name, pattern] of Object.entries(wanted)) {
    if (/^\*+$/.test(pattern)) continue
    if (name === 'userid' && pattern.includes('*')) {
      fits = readPattern(pattern, { any: '*', one: null }).matches
      continue
    }
    if (name === 'userid') {
      const found = placeOf(config, pattern)
      if (!found) return undefined
      place = { base: found.base, scope: found.scope }
      filters.push(...found.filters)
      continue
    }
    const mapped = Object.hasOwn(config.attributes, name) ? config.attributes[name] : undefined
    const attribute = name === 'username' ? config.loginAttribute : mapped
    if (attribute === undefined && pattern === '') continue
    if (attribute === undefined || pattern.includes('\0')) return undefined
    filters.push(patternFilter(attribute, pattern))
  }
  return { question: { ...place, filter: { kind: 'and', filters } }, fits }
}

/** No directory holds these, and some servers take a NUL for the end of the text. */
const canBeValue = (text: string): boolean => text !== '' && !text.includes('\0') && text.isWellFormed()
