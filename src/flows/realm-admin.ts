/** Administration of realms (contract 7.9). */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'

export type RealmAdmin = {
  readonly saveRealm: (name: string, resolvers: readonly string[], facts: Facts) => Promise<Result<true, AdminFailure>>
  readonly deleteRealm: (name: string, facts: Facts) => Promise<boolean>
  /** The empty name leaves no default; false: no such realm. */
  readonly setDefaultRealm: (name: string, facts: Facts) => Promise<boolean>
  readonly settings: (facts: Facts) => Promise<Settings>
  /** As this process knows them, and no row of the audit. */
  readonly known: () => Promise<Settings>
}

type Parts = { readonly store: Store; readonly audit: Audit; readonly settings: SettingsCache }

export function createRealmAdmin({ store, audit, settings: cache }: Parts): RealmAdmin {
  return {
    saveRealm: async (given, resolvers, facts) => {
      const name = given.trim().toLowerCase().replace(/\s/g, '-')
      if (!/^[\w.-]{1,64}$/.test(name))
        return err({ code: 'parameter_invalid', field: 'realm', rule: 'must be 1 to 64 letters, digits, _ . or -' })
      if (resolvers.length === 0) return err({ code: 'parameter_missing', field: 'resolvers' })
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
      return store.deleteRealm(realm, await audit.row(facts, { success: true, realm }))
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
