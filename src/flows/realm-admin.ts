/** Administration of realms (contract 7.9). */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import type { Store } from '../ports/store.ts'
import type { AdminRealm } from './admin-realm.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import { keepFromAdmins } from './rights.ts'
import type { SettingsCache } from './settings.ts'

export type RealmAdmin = {
  readonly adminRealm: string
  readonly saveRealm: (name: string, resolvers: readonly string[], facts: Facts) => Promise<Result<true, AdminFailure>>
  /** false: no such realm. The realm of administrators is kept. */
  readonly deleteRealm: (name: string, facts: Facts) => Promise<Result<boolean, AdminFailure>>
  /** The empty name leaves no default; false: no such realm. */
  readonly setDefaultRealm: (name: string, facts: Facts) => Promise<boolean>
  readonly settings: (facts: Facts) => Promise<Settings>
  /** As this process knows them, and no row of the audit. */
  readonly known: () => Promise<Settings>
}

type Parts = {
  readonly store: Store
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly adminRealm: Pick<AdminRealm, 'name'>
}

export function createRealmAdmin({ store, audit, settings: cache, adminRealm }: Parts): RealmAdmin {
  return {
    adminRealm: adminRealm.name,

    saveRealm: async (given, resolvers, facts) => {
      const name = given.trim().toLowerCase().replace(/\s/g, '-')
      if (!/^[\w.-]{1,64}$/.test(name))
        return err({ code: 'parameter_invalid', field: 'realm', rule: 'must be 1 to 64 letters, digits, _ . or -' })
      if (resolvers.length === 0) return err({ code: 'parameter_missing', field: 'resolvers' })
      if (name === adminRealm.name) {
        const kept = keepFromAdmins(null, await cache.fresh(), facts)
        if (!kept.ok) return kept
      }
      const own = name === adminRealm.name && facts.by && facts.by.userId !== null ? facts.by.resolver : null
      if (own !== null && !resolvers.includes(own))
        return err({ code: 'parameter_invalid', field: 'resolvers', rule: `must keep '${own}', which you log in by` })
      const done = await store.saveRealm(
        name,
        resolvers,
        await audit.row(facts, { success: true, realm: name, info: resolvers.join(', ') }),
      )
      if (done === 'done') return ok(true)
      const known = (await cache.fresh()).resolvers.map((resolver) => resolver.name)
      return err({ code: 'resolver_unknown', resolver: resolvers.find((resolver) => !known.includes(resolver)) ?? '' })
    },

    deleteRealm: async (name, facts) => {
      const realm = name.toLowerCase()
      if (realm === adminRealm.name)
        return err({ code: 'parameter_invalid', field: 'realm', rule: 'must not be the realm of administrators' })
      return ok(await store.deleteRealm(realm, await audit.row(facts, { success: true, realm })))
    },

    setDefaultRealm: async (name, facts) => {
      const realm = name.toLowerCase()
      return store.setDefaultRealm(realm, await audit.row(facts, { success: true, realm }))
    },

    known: () => cache.known(),

    settings: async (facts) => {
      const settings = await cache.fresh()
      await audit.write(facts, { success: true })
      return settings
    },
  }
}
