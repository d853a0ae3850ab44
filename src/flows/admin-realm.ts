/**
 * Realm of administrators (contract 1.6): users of its resolvers administer, beside the local administrators, who are
 * shown as if they belonged to it. Without a realm by that name there are only the local ones.
 */
import type { Administrator } from '../core/policy/reach.ts'
import { findRealm } from '../core/settings.ts'
import type { PasswordMatches } from '../ports/passwords.ts'
import type { Store } from '../ports/store.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import { passwordOf } from './password.ts'
import type { SettingsCache } from './settings.ts'
import { findUser } from './users.ts'

/** The resolver that LinOTP's audit shows for local administrators. */
const LOCAL_RESOLVER = 'LinOTP_local_admins'

export type AdminRealm = {
  readonly name: string
  readonly local: (username: string) => Administrator
  /** Whose password it is; the resolvers are asked in their order. `passwordHash` null: none is stored. */
  readonly logIn: (
    username: string,
    password: string,
    facts: Pick<Facts, 'requestId'>,
  ) => Promise<{ readonly administrator: Administrator; readonly passwordHash: string | null } | null>
  /** Does the realm have this resolver? */
  readonly holds: (resolver: string, version: number) => Promise<boolean>
  /** Is there still such a user? */
  readonly finds: (administrator: Administrator) => Promise<boolean>
}

type Parts = {
  readonly store: Store
  readonly settings: SettingsCache
  readonly passwordMatches: PasswordMatches
  readonly directories: Directories
}

export function createAdminRealm(
  name: string,
  { store, settings: cache, passwordMatches, directories }: Parts,
): AdminRealm {
  const local = (login: string): Administrator => ({
    ...{ login, realm: name, resolver: LOCAL_RESOLVER, userId: null, grant: null },
  })

  return {
    name,
    local,

    logIn: async (username, password, facts) => {
      const sources = { store, directories: directories.askedBy(facts) }
      const settings = await cache.fresh()
      for (const resolver of findRealm(settings, name)?.resolvers ?? []) {
        const asked = await findUser(sources, settings, {
          user: username,
          realm: name,
          resConf: resolver,
        })
        const user = asked.ok ? asked.value : null
        const subject = { settings, user, resolvers: [resolver] }
        const matches = await passwordOf({ ...sources, passwordMatches }, subject).matches(password)
        if (!user || !matches) continue
        const { own } = await store.passwordHashes(user, [])
        const administrator = { ...local(user.login), resolver, userId: user.userId }
        return { administrator, passwordHash: own === '' ? null : own }
      }
      return null
    },

    holds: async (resolver, version) => findRealm(await cache.at(version), name)?.resolvers.includes(resolver) ?? false,

    finds: async ({ login, resolver, userId }) => {
      const found = await findUser({ store, directories }, await cache.fresh(), {
        user: login,
        realm: name,
        resConf: resolver,
      })
      return found.ok && found.value.userId === userId
    },
  }
}
