/** Administration of resolvers and realms (contract 7.9). Users of the built-in store come as a text in passwd format. */
import type { AdminFailure } from '../core/failures.ts'
import { readPasswd } from '../core/passwd.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findRealm, type Settings } from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { AdminRealm } from './admin-realm.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import { keepWithin, resolversWithin } from './rights.ts'
import type { SettingsCache } from './settings.ts'

export type SaveResolver = {
  readonly name: string
  readonly type: string
  readonly fileName: string | null
  /** The text itself; wins over the file, whose name is then a label. */
  readonly content: string | null
  /** The resolver to change; null makes a new one. */
  readonly previousName: string | null
}

export type RealmAdmin = {
  readonly adminRealm: string
  /** @returns how many users it has */
  readonly saveResolver: (command: SaveResolver, facts: Facts) => Promise<Result<number, AdminFailure>>
  readonly deleteResolver: (name: string, facts: Facts) => Promise<Result<boolean, AdminFailure>>
  readonly saveRealm: (name: string, resolvers: readonly string[], facts: Facts) => Promise<Result<true, AdminFailure>>
  /** false: no such realm. The realm of administrators is kept. */
  readonly deleteRealm: (name: string, facts: Facts) => Promise<Result<boolean, AdminFailure>>
  /** The empty name leaves no default; false: no such realm. */
  readonly setDefaultRealm: (name: string, facts: Facts) => Promise<boolean>
  readonly settings: (facts: Facts) => Promise<Settings>
  readonly listUsers: (realm: string | null, facts: Facts) => Promise<Result<readonly UserRecord[], AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly adminRealm: Pick<AdminRealm, 'name'>
}

export function createRealmAdmin({ store, edges, audit, settings: cache, adminRealm }: Parts): RealmAdmin {
  return {
    adminRealm: adminRealm.name,

    saveResolver: async (command, facts) => {
      const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
      const { name, previousName } = command
      if (!/^[\w-]{1,64}$/.test(name)) return invalid('name', 'must be 1 to 64 letters, digits, _ or -')
      if (command.type !== 'passwdresolver') return invalid('type', 'must be passwdresolver')
      if (previousName !== null && previousName !== name)
        return invalid('previous_name', 'must be the same as name: a resolver keeps its name')
      const text = await readContent(command)
      if (!text.ok) return text
      const users = readPasswd(text.value)
      const field = command.content === null ? 'fileName' : 'passwdresolver.content'
      if (!users.ok) return invalid(field, `line ${users.error.line} ${users.error.rule}`)
      const data = { fileName: command.fileName ?? '' }
      const row = await audit.row(facts, { success: true, info: name })
      const mode = previousName === null ? 'create' : 'replace'
      const done = await store.saveResolver({ name, type: command.type, data, users: users.value }, mode, row)
      if (done === 'taken') return err({ code: 'resolver_exists', resolver: name })
      return done === 'done' ? ok(users.value.length) : err({ code: 'resolver_unknown', resolver: name })
    },

    deleteResolver: async (name, facts) => {
      const done = await store.deleteResolver(name, await audit.row(facts, { success: true, info: name }))
      if (done !== 'in_use') return ok(done === 'done')
      const { realms } = await cache.fresh()
      return err({
        code: 'resolver_in_use',
        resolver: name,
        realms: realms.filter((r) => r.resolvers.includes(name)).map((r) => r.name),
      })
    },

    saveRealm: async (given, resolvers, facts) => {
      const name = given.trim().toLowerCase().replace(/\s/g, '-')
      if (!/^[\w.-]{1,64}$/.test(name))
        return err({ code: 'parameter_invalid', field: 'realm', rule: 'must be 1 to 64 letters, digits, _ . or -' })
      if (resolvers.length === 0) return err({ code: 'parameter_missing', field: 'resolvers' })
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

    settings: async (facts) => {
      const settings = await cache.fresh()
      await audit.write(facts, { success: true })
      return settings
    },

    listUsers: async (name, facts) => {
      const settings = await cache.fresh()
      const realm = name === null ? undefined : findRealm(settings, name)
      if (name !== null && !realm) return err({ code: 'realm_unknown', realm: name })
      const reached = realm ? keepWithin('realm', [realm.name], facts) : ok(true)
      if (!reached.ok) return reached
      const resolvers = realm?.resolvers ?? resolversWithin(settings, facts)
      await audit.write(facts, { success: true, realm: realm?.name ?? '' })
      return ok(await store.findUsers(resolvers, null))
    },
  }

  async function readContent(command: SaveResolver): Promise<Result<string, AdminFailure>> {
    if (command.content !== null) return ok(command.content)
    const { fileName } = command
    if (fileName === null || fileName === '') return err({ code: 'parameter_missing', field: 'fileName' })
    if (!edges.readFile)
      return err({
        code: 'parameter_invalid',
        field: 'fileName',
        rule: 'cannot be read on this runtime: send passwdresolver.content',
      })
    try {
      return ok(await edges.readFile(fileName))
    } catch {
      // The reason would tell what there is on the machine; that it cannot be read is all an administrator needs.
      return err({ code: 'parameter_invalid', field: 'fileName', rule: 'must be a file that this process can read' })
    }
  }
}
