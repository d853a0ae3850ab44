/** Users, realms and resolvers in LinOTP's words (contract 7.7 to 7.9). */
import { isWithin } from '../../../core/policy/reach.ts'
import { findRealm, findResolver, type Settings } from '../../../core/settings.ts'
import { namedResolver, type UserRecord } from '../../../core/users.ts'
import type { Facts } from '../../../flows/facts.ts'
import type { ResolverAdmin, SaveResolver, TestedResolver } from '../../../flows/resolver-admin.ts'
import { resolversWithin } from '../../../flows/rights.ts'
import { FILTERS, type UserListQuestion } from '../../../flows/user-list.ts'
import { type Params, param } from '../../params.ts'
import { type Json, type JsonObject, success } from './envelope.ts'

/** Classes of LinOTP, as specs name them; the last two are otpost's own. */
const CLASSES: Readonly<Record<string, string>> = {
  passwdresolver: 'PasswdIdResolver',
  ldapresolver: 'LDAPIdResolver',
  sqlresolver: 'SQLIdResolver',
  httpresolver: 'HTTPIdResolver',
  localresolver: 'LocalIdResolver',
}
/** A key of each class, which stands in the name of its entry. */
const ENTRIES: Readonly<Record<string, string>> = {
  passwdresolver: 'fileName',
  ldapresolver: 'LDAPURI',
  sqlresolver: 'Where',
  httpresolver: 'USER_URL',
  localresolver: 'name',
}

/** `useridresolver.PasswdIdResolver.IdResolver.name` or the bare name. */
export const resolverName = (spec: string): string => spec.trim().split('.').at(-1) ?? ''
export const resolverSpec = (settings: Settings, name: string): string =>
  `useridresolver.${resolverClass(settings, name)}.IdResolver.${name}`
/** A resolver that is gone was one of passwd, for all that is known. */
const resolverClass = (settings: Settings, name: string): string =>
  CLASSES[findResolver(settings, name)?.type ?? ''] ?? 'PasswdIdResolver'

/** What belongs to the request and not to the resolver. */
const OF_THE_REQUEST: ReadonlySet<string> = new Set([
  ...['name', 'type', 'previous_name', 'readonly', 'resolver', 'session', 'csrf_token', 'httperror', 'client'],
])

/** Keys may have the type before them (`passwdresolver.fileName`). */
export function decodeResolver(name: string, type: string, params: Params): SaveResolver {
  const own = [...params.keys()].flatMap((key): readonly (readonly [string, string])[] => {
    const plain = key.startsWith(`${type}.`) ? key.slice(type.length + 1) : key
    return OF_THE_REQUEST.has(key) ? [] : [[plain, param(params, key) ?? '']]
  })
  return { name, type, params: Object.fromEntries(own), previousName: param(params, 'previous_name') || null }
}

/** @param adminRealm name of the realm of administrators */
export function encodeRealms(settings: Settings, adminRealm: string, only: string | null): JsonObject {
  const realms = settings.realms.filter((realm) => only === null || realm.name === only.toLowerCase())
  return Object.fromEntries(
    realms.map(({ name, resolvers, isDefault }) => [
      name,
      {
        realmname: name,
        entry: `linotp.useridresolver.group.${name}`,
        useridresolver: resolvers.map((resolver) => resolverSpec(settings, resolver)),
        ...(isDefault ? { default: 'true' } : {}),
        admin: name === adminRealm,
      },
    ]),
  )
}

const inRealm = (settings: Settings, realm: string, resolver: string): boolean =>
  findRealm(settings, realm)?.resolvers.includes(resolver) ?? false

export function encodeResolvers(settings: Settings, adminRealm: string): JsonObject {
  return Object.fromEntries(
    settings.resolvers.map(({ name, type }) => [
      name,
      {
        resolvername: name,
        entry: `linotp.${type}.${ENTRIES[type] ?? 'name'}.${name}`,
        type,
        spec: resolverSpec(settings, name),
        admin: inRealm(settings, adminRealm, name),
        immutable: false,
      },
    ]),
  )
}

export function encodeResolver(
  name: string,
  found: Awaited<ReturnType<ResolverAdmin['show']>>,
  settings: Settings,
  adminRealm: string,
): Json {
  if (!found) return { type: null, data: {}, resolver: name }
  const { type } = found.record
  const spec = `useridresolver.${CLASSES[type] ?? 'PasswdIdResolver'}.IdResolver.${name}`
  return {
    type,
    data: found.params,
    resolver: name,
    spec,
    admin: inRealm(settings, adminRealm, name),
    immutable: false,
  }
}

export const encodeTested = (tested: TestedResolver): JsonObject => ({
  result: tested.works,
  desc: tested.description,
  ...(tested.user ? { user: tested.user.attributes } : {}),
})

export const encodeUser = (user: UserRecord, settings: Settings): JsonObject => ({
  ...user.attributes,
  resolver: resolverSpec(settings, user.resolver),
})

const wholeNumber = (text: string | null): number | null =>
  text !== null && /^\s*\d{1,6}\s*$/.test(text) ? Number(text) : null

const filterOf = (params: Params): UserListQuestion['filter'] =>
  Object.fromEntries(
    FILTERS.flatMap((name) => {
      const written = param(params, name)
      return written === null ? [] : [[name, written] as const]
    }),
  )

/** `rp` users on page `page`, which is counted from 0. */
export function decodeUserlist(params: Params): UserListQuestion {
  const size = wholeNumber(param(params, 'rp'))
  const resolver = namedResolver(param(params, 'resConf') ?? '')
  return {
    realm: param(params, 'realm') || null,
    resolver: resolver ? resolverName(resolver) : null,
    filter: filterOf(params),
    page: size ? { index: wholeNumber(param(params, 'page')) ?? 0, size } : null,
  }
}

/** LinOTP streams this list: no versionNumber, and `queried` behind the value, with the page unless it is the first. */
export async function* encodeUserlist(
  users: AsyncIterable<UserRecord>,
  settings: Settings,
  page: number,
): AsyncGenerator<string> {
  const { versionNumber: _, result: __, id, ...envelope } = success([], 1)
  yield `{"result": {"status": true, "value": [`
  let queried = 0
  for await (const user of users) yield `${queried++ > 0 ? ',' : ''}\n${JSON.stringify(encodeUser(user, settings))}`
  const paged = page > 0 ? `, "page": ${page}` : ''
  yield `\n], "queried": ${queried}${paged}}, ${JSON.stringify({ ...envelope, id }).slice(1)}\n`
}

/** Version 2: pages are counted from 0; 0 users on a page means all. */
export function decodeUsersV2(
  params: Params,
  where: Pick<UserListQuestion, 'realm' | 'resolver'>,
  pageSize: number,
): UserListQuestion {
  const size = wholeNumber(param(params, 'pageSize')) ?? pageSize
  const page = size === 0 ? null : { index: wholeNumber(param(params, 'page')) ?? 0, size }
  return { ...where, filter: filterOf(params), page, counted: true }
}

export async function encodeUsersV2(
  listing: { users: AsyncIterable<UserRecord>; settings: Settings; total: () => Promise<number> },
  page: UserListQuestion['page'],
): Promise<JsonObject> {
  const records: JsonObject[] = []
  for await (const user of listing.users) records.push(encodeUserV2(user, listing.settings))
  const total = await listing.total()
  const size = page?.size ?? total
  const pages = size === 0 ? 1 : Math.max(1, Math.ceil(total / size))
  return { page: page?.index ?? 0, pageSize: size, totalPages: pages, totalRecords: total, pageRecords: records }
}

/** Missing is null, as in the other answers of version 2. */
export function encodeUserV2({ userId, login, resolver, attributes }: UserRecord, settings: Settings): JsonObject {
  const value = (name: string) => attributes[name] || null
  return {
    ...{ userId, username: login, givenName: value('givenname'), surname: value('surname'), email: value('email') },
    ...{ phone: value('phone'), mobile: value('mobile'), userDescription: value('description') },
    idResolverInfo: { resolverName: resolver, resolverClass: resolverClass(settings, resolver) },
  }
}

/** @param facts those of other realms than the administrator reaches are left out */
export const encodeRealmsV2 = (settings: Settings, adminRealm: string, { within }: Facts): Json =>
  settings.realms
    .filter(({ name }) => isWithin([name], within))
    .map(({ name, resolvers, isDefault }) => ({
      ...{ name, entry: `linotp.useridresolver.group.${name}` },
      userIdResolvers: resolvers.map((resolver) => resolverSpec(settings, resolver)),
      ...{ default: isDefault, admin: name === adminRealm },
    }))

export const encodeResolversV2 = (settings: Settings, adminRealm: string, facts: Facts): Json => {
  const reached = resolversWithin(settings, facts)
  return settings.resolvers
    .filter(({ name }) => reached.includes(name))
    .map(({ name, type }) => ({
      ...{ name, type, spec: resolverSpec(settings, name) },
      realms: settings.realms.filter((realm) => realm.resolvers.includes(name)).map((realm) => realm.name),
      ...{ readOnly: false, immutable: false, admin: inRealm(settings, adminRealm, name) },
    }))
}
