/**
 * Lists of users, page by page, from the database and from directories (contract 7.1).
 *
 * The database is read in parts as the list is taken, and a page of it costs the same wherever it lies. A directory is
 * asked before the list begins, for all up to the end of the page: more than `MAX_LISTED` it does not show.
 */
import type { AdminFailure } from '../core/failures.ts'
import { readPattern } from '../core/pattern.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findRealm, findResolver, isDirectory, type Settings } from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import type { Store } from '../ports/store.ts'
import type { UserFilter } from '../ports/users.ts'
import type { Audit } from './audit.ts'
import { type Directories, reasonsOf, type Unavailable } from './directories.ts'
import type { Facts } from './facts.ts'
import { keepWithin, resolversWithin } from './rights.ts'
import type { SettingsCache } from './settings.ts'

/** Attributes that can be searched by. */
export const FILTERS = [
  ...(['username', 'userid', 'description', 'email', 'givenname', 'surname'] as const),
  ...(['phone', 'mobile', 'gender'] as const),
]

export type UserListQuestion = {
  /** null and `*`: all realms. */
  readonly realm: string | null
  /** Only this resolver; null: those of the realm. */
  readonly resolver: string | null
  /** By attribute; `*` stands for any text. */
  readonly filter: UserFilter
  /** null: everybody. */
  readonly page: { readonly index: number; readonly size: number } | null
  /** `total` will be asked for. */
  readonly counted?: boolean
}
export type UserListing = {
  readonly settings: Settings
  readonly users: AsyncGenerator<UserRecord>
  /** Directories whose users are missing. */
  readonly unavailable: readonly Unavailable[]
  /** How many there are on all pages; a list of its own where there is a filter. */
  readonly total: () => Promise<number>
}

export type UserList = {
  readonly list: (question: UserListQuestion, facts: Facts) => Promise<Result<UserListing, AdminFailure>>
  readonly find: (
    resolver: string,
    userId: string,
    facts: Facts,
  ) => Promise<Result<{ readonly user: UserRecord | null; readonly settings: Settings }, AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly directories: Directories
}

const MAX_LISTED = 10_000
/** Rows that are read at once. */
const PART = 500

export function createUserList({ store, audit, settings: cache, directories }: Parts): UserList {
  return {
    list: async (question, facts) => {
      const settings = await cache.fresh()
      const named = resolversOf(question, settings, facts)
      if (!named.ok) return named
      const { page } = question
      const filter = meaningful(question.filter)
      const limit = page && !question.counted ? Math.min(MAX_LISTED, (page.index + 1) * page.size) : MAX_LISTED
      const asked = named.value.filter((name) => isDirectory(settings, name))
      const answers = await Promise.all(
        asked.map((name) => directories.askedBy(facts).list(settings, name, filter, limit)),
      )
      const unavailable = answers.flatMap((answer) => (answer.ok ? [] : [answer.error]))
      const [failure] = unavailable
      if (failure && unavailable.length === named.value.length) return err({ code: 'resolver_unavailable', ...failure })
      await audit.write(facts, {
        success: true,
        realm: question.realm?.toLowerCase() ?? '',
        info: reasonsOf(unavailable),
      })
      const known = new Map(
        answers.flatMap((answer, n) => (answer.ok ? [[asked[n] ?? '', answer.value] as const] : [])),
      )
      const sources = named.value.filter((name) => known.has(name) || !asked.includes(name))
      return ok({
        settings,
        users: pageOf(sources, known, filter, page),
        unavailable,
        total: () => count(sources, known, filter),
      })
    },

    find: async (resolver, userId, facts) => {
      const settings = await cache.fresh()
      if (!findResolver(settings, resolver)) return err({ code: 'resolver_unknown', resolver })
      if (!resolversWithin(settings, facts).includes(resolver)) return err({ code: 'right_elsewhere', what: 'user' })
      const owner = { resolver, userId }
      const rows = await store.findUsersById([owner])
      const { users, unavailable } = await directories.askedBy(facts).findById(settings, [owner])
      const [failure] = unavailable
      if (failure) return err({ code: 'resolver_unavailable', ...failure })
      await audit.write(facts, { success: true, info: resolver })
      return ok({ user: rows[0] ?? users[0] ?? null, settings })
    },
  }

  /** Skips whole resolvers by their number of users, and rows within one in the index, unless a filter has to see them. */
  async function* pageOf(
    sources: readonly string[],
    known: ReadonlyMap<string, readonly UserRecord[]>,
    filter: UserFilter,
    page: UserListQuestion['page'],
  ): AsyncGenerator<UserRecord> {
    let skip = page ? page.index * page.size : 0
    let left = page ? page.size : Number.POSITIVE_INFINITY
    for (const source of sources) {
      if (left <= 0) return
      const fetched = known.get(source)
      const mayBeAfter = isEmpty(filter) && skip > 0 && source !== sources.at(-1)
      const all = fetched?.length ?? (mayBeAfter ? await store.countUsers(source) : null)
      if (all !== null && skip >= all) {
        skip -= all
        continue
      }
      // With a filter what is skipped has to be read.
      const inIndex = !fetched && isEmpty(filter) ? skip : 0
      skip -= inIndex
      for await (const user of fetched ?? rowsOf(source, filter, inIndex, skip + left)) {
        if (skip > 0) {
          skip--
          continue
        }
        yield user
        if (--left <= 0) return
      }
    }
  }

  async function* rowsOf(resolver: string, filter: UserFilter, skip: number, most: number): AsyncGenerator<UserRecord> {
    const patterns = Object.entries(filter).map(([attribute, written]) => ({
      attribute,
      pattern: readPattern(written, { any: '*', one: null }),
    }))
    const holds = patterns
      .filter(({ pattern }) => pattern.holds !== '')
      .map(({ attribute, pattern }) => ({ attribute, text: pattern.holds }))
    const limit = patterns.length > 0 ? PART : Math.min(PART, most)
    let next: number | null = 0
    for (let first = true; next !== null; first = false) {
      const part: Awaited<ReturnType<Store['listUsers']>> = await store.listUsers({
        ...{ resolver, after: next, skip: first ? skip : 0, limit, holds },
      })
      for (const user of part.users)
        if (patterns.every(({ attribute, pattern }) => pattern.matches(attributeOf(user, attribute)))) yield user
      next = part.next
    }
  }

  async function count(
    sources: readonly string[],
    known: ReadonlyMap<string, readonly UserRecord[]>,
    filter: UserFilter,
  ): Promise<number> {
    let total = 0
    for (const source of sources) {
      const fetched = known.get(source)
      if (fetched) total += fetched.length
      else if (isEmpty(filter)) total += await store.countUsers(source)
      else for await (const _ of rowsOf(source, filter, 0, PART)) total++
    }
    return total
  }
}

function resolversOf(
  { realm: name, resolver }: UserListQuestion,
  settings: Settings,
  facts: Facts,
): Result<readonly string[], AdminFailure> {
  const realm = name === null || name === '*' ? undefined : findRealm(settings, name)
  if (name !== null && name !== '*' && !realm) return err({ code: 'realm_unknown', realm: name })
  const reached = realm ? keepWithin('realm', [realm.name], facts) : ok(true)
  if (!reached.ok) return reached
  const known = realm?.resolvers ?? resolversWithin(settings, facts)
  if (resolver === null) return ok(known)
  if (known.includes(resolver)) return ok([resolver])
  const elsewhere = !realm && settings.resolvers.some((one) => one.name === resolver)
  return err(elsewhere ? { code: 'right_elsewhere', what: 'user' } : { code: 'resolver_unknown', resolver })
}

/** `*` alone asks for nothing. */
const meaningful = (filter: UserFilter): UserFilter =>
  Object.fromEntries(Object.entries(filter).filter(([, written]) => !/^\**$/.test(written)))
const isEmpty = (filter: UserFilter): boolean => Object.keys(filter).length === 0

const attributeOf = (user: UserRecord, attribute: string): string =>
  attribute === 'username' ? user.login : attribute === 'userid' ? user.userId : (user.attributes[attribute] ?? '')
