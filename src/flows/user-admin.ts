/** Users of otpost's own resolvers, one by one. Their tokens are not touched: a token whose owner is gone stays. */
import type { AdminFailure } from '../core/failures.ts'
import { EMPTY_USER, type UserFields, userProblems } from '../core/local-user.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findResolver, LOCAL_RESOLVER, type Settings } from '../core/settings.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store, UserChange } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import { hex } from './digest.ts'
import type { Facts } from './facts.ts'
import { keepFromAdmins } from './rights.ts'
import type { SettingsCache } from './settings.ts'

/** A user by resolver and login. */
export type UserKey = { readonly resolver: string; readonly username: string }

export type UserAdmin = {
  /** `fields` may hold `password` or `password_hash`. */
  readonly add: (
    resolver: string,
    fields: UserFields,
    facts: Facts,
  ) => Promise<Result<{ readonly userId: string }, AdminFailure>>
  /** Changes what is given and leaves the rest; a new `username` renames, tokens stay with the user. */
  readonly change: (key: UserKey, fields: UserFields, facts: Facts) => Promise<Result<true, AdminFailure>>
  /** `tokens`: how many have lost their owner. */
  readonly remove: (key: UserKey, facts: Facts) => Promise<Result<{ readonly tokens: number }, AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly vault: Pick<Vault, 'hashPassword'>
  readonly edges: Pick<Edges, 'random'>
  readonly audit: Audit
  readonly settings: SettingsCache
}

/** No password fits: nothing has this form. */
export const NO_PASSWORD = '*'

export const newUserId = (random: Edges['random']): string => hex(random(8))

export function createUserAdmin({ store, vault, edges, audit, settings: cache }: Parts): UserAdmin {
  return {
    add: async (resolver, given, facts) => {
      const own = { userid: given.userid || newUserId(edges.random), username: given.username ?? '' }
      const fields: UserFields & typeof own = { ...given, ...own }
      const problem = localProblem(await cache.fresh(), resolver, facts) ?? problemOf(fields)
      if (problem) return err(problem)
      const { password: _, password_hash: __, ...attributes } = fields
      const user = {
        ...{ userId: fields.userid, login: fields.username, attributes: { ...EMPTY_USER, ...attributes } },
        passwordHash: (await hashOf(given)) ?? NO_PASSWORD,
      }
      const row = await audit.row(facts, { success: true, user: user.login, info: resolver })
      const done = await store.addUser(resolver, user, row)
      if (done === 'done') return ok({ userId: user.userId })
      if (done === 'resolver_unknown') return err({ code: 'resolver_unknown', resolver })
      return done === 'login_taken'
        ? err({ code: 'user_exists', user: user.login, field: 'username' })
        : err({ code: 'user_exists', user: user.userId, field: 'userid' })
    },

    change: async ({ resolver, username }, fields, facts) => {
      if (Object.keys(fields).length === 0) return err({ code: 'parameter_missing', field: 'username' })
      if (fields.userid !== undefined)
        return err({ code: 'parameter_invalid', field: 'userid', rule: 'must stay: tokens are tied to it' })
      const problem = localProblem(await cache.fresh(), resolver, facts) ?? problemOf(fields)
      if (problem) return err(problem)
      const { username: login, password: _, password_hash: __, ...attributes } = fields
      const passwordHash = await hashOf(fields)
      const set: UserChange = {
        ...(login === undefined ? {} : { login }),
        ...(Object.keys(attributes).length === 0 ? {} : { attributes }),
        ...(passwordHash === null ? {} : { passwordHash }),
      }
      const info = `${resolver}: ${Object.keys(fields).join(', ')}`
      const done = await store.changeUser(
        resolver,
        username,
        set,
        await audit.row(facts, { success: true, user: username, info }),
      )
      if (done === 'done') return ok(true)
      return done === 'unknown'
        ? err({ code: 'user_unknown', user: username })
        : err({ code: 'user_exists', user: login ?? '', field: 'username' })
    },

    remove: async ({ resolver, username }, facts) => {
      const problem = localProblem(await cache.fresh(), resolver, facts)
      if (problem) return err(problem)
      const row = await audit.row(facts, { success: true, user: username, info: resolver })
      const done = await store.removeUser(resolver, username, row)
      return done === 'unknown' ? err({ code: 'user_unknown', user: username }) : ok(done)
    },
  }

  /** null: none is given. An empty password takes it away. */
  async function hashOf({ password, password_hash: hash }: UserFields): Promise<string | null> {
    if (hash !== undefined && hash !== '') return hash
    if (password === undefined && hash === undefined) return null
    return password ? vault.hashPassword(password) : NO_PASSWORD
  }
}

/** Why users of a resolver cannot be edited, or null. */
export function localProblem(settings: Settings, name: string, facts: Facts): AdminFailure | null {
  const resolver = findResolver(settings, name)
  if (!resolver) return { code: 'resolver_unknown', resolver: name }
  if (resolver.type === LOCAL_RESOLVER) {
    const kept = keepFromAdmins(name, settings, facts)
    return kept.ok ? null : kept.error
  }
  const rule = `must be a ${LOCAL_RESOLVER}: users of a ${resolver.type} are not edited here`
  return { code: 'parameter_invalid', field: 'resolver', rule }
}

function problemOf({ password, password_hash: hash, ...fields }: UserFields): AdminFailure | null {
  if (password && hash)
    return { code: 'parameter_invalid', field: 'password', rule: 'must not be given beside password_hash' }
  // An empty one takes the password away.
  const [problem] = userProblems({
    ...fields,
    ...(password ? { password } : {}),
    ...(hash ? { password_hash: hash } : {}),
  })
  return problem ? { code: 'parameter_invalid', ...problem } : null
}
