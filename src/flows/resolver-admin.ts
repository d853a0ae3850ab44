/**
 * Administration of resolvers (contract 7.9). Users of a passwd resolver come as a text, those of a local one are edited
 * one by one (`user-admin.ts`), those of a directory stay where they are.
 */
import type { AdminFailure } from '../core/failures.ts'
import { readPasswd } from '../core/passwd.ts'
import { err, ok, type Result } from '../core/result.ts'
import {
  findResolver,
  isDirectory,
  LOCAL_RESOLVER,
  PASSWD_RESOLVER,
  type ResolverRecord,
  type Settings,
} from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { NewResolver, Store } from '../ports/store.ts'
import type { FindResolver } from '../ports/users.ts'
import type { Audit } from './audit.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import type { ResolverConfigs, ResolverParams } from './resolver-configs.ts'
import { keepFromAdmins } from './rights.ts'
import type { SettingsCache } from './settings.ts'

export type SaveResolver = {
  readonly name: string
  readonly type: string
  /** Everything else, without what belongs to the request. */
  readonly params: ResolverParams
  /** The resolver to change; null makes a new one. */
  readonly previousName: string | null
}
export type TestedResolver = {
  readonly works: boolean
  /** What was found, or why nothing was; no secrets. */
  readonly description: string
  readonly user: UserRecord | null
}

export type ResolverAdmin = {
  /** @returns warnings: keys that are kept but not understood */
  readonly save: (command: SaveResolver, facts: Facts) => Promise<Result<readonly string[], AdminFailure>>
  readonly remove: (name: string, facts: Facts) => Promise<Result<boolean, AdminFailure>>
  /** null: there is no such resolver. */
  readonly show: (
    name: string,
    facts: Facts,
  ) => Promise<{ readonly record: ResolverRecord; readonly params: ResolverParams } | null>
  /** @param login looks for this user; null: for any */
  readonly test: (name: string, login: string | null, facts: Facts) => Promise<Result<TestedResolver, AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly directories: Directories
  readonly configs: ResolverConfigs
  readonly findResolver: FindResolver
  /** Names of the types that `findResolver` knows. */
  readonly types: readonly string[]
}
type Made = { readonly resolver: NewResolver; readonly warnings: readonly string[] }

const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)

export function createResolverAdmin(parts: Parts): ResolverAdmin {
  const { store, edges, audit, settings: cache, directories, configs, findResolver: findClass, types } = parts
  return {
    save: async (command, facts) => {
      const { name, type, previousName } = command
      if (!/^[\w-]{1,64}$/.test(name)) return invalid('name', 'must be 1 to 64 letters, digits, _ or -')
      if (previousName !== null && previousName !== name)
        return invalid('previous_name', 'must be the same as name: a resolver keeps its name')
      const settings = await cache.fresh()
      const kept = keepFromAdmins(name, settings, facts)
      if (!kept.ok) return kept
      const before = previousName === null ? undefined : findResolver(settings, name)
      if (before && before.type !== type) return invalid('type', `must be ${before.type}: a resolver keeps its type`)
      const made = await make(command, before)
      if (!made.ok) return made
      const row = await audit.row(facts, { success: true, info: name })
      const done = await store.saveResolver(made.value.resolver, previousName === null ? 'create' : 'replace', row)
      if (done === 'done') return ok(made.value.warnings)
      return err({ code: done === 'taken' ? 'resolver_exists' : 'resolver_unknown', resolver: name })
    },

    remove: async (name, facts) => {
      const done = await store.deleteResolver(name, await audit.row(facts, { success: true, info: name }))
      if (done !== 'in_use') return ok(done === 'done')
      const { realms } = await cache.fresh()
      return err({
        code: 'resolver_in_use',
        resolver: name,
        realms: realms.filter((r) => r.resolvers.includes(name)).map((r) => r.name),
      })
    },

    show: async (name, facts) => {
      const record = findResolver(await cache.fresh(), name)
      await audit.write(facts, { success: true, info: name })
      return record ? { record, params: { ...record.data, ...(await configs.shown(record)) } } : null
    },

    test: async (name, login, facts) => {
      const settings = await cache.fresh()
      if (!findResolver(settings, name)) return err({ code: 'resolver_unknown', resolver: name })
      const tested = isDirectory(settings, name)
        ? await testDirectory(settings, name, login, facts)
        : await testTable(name, login)
      await audit.write(facts, { success: tested.works, info: `${name}: ${tested.description}` })
      return ok(tested)
    },
  }

  async function make(command: SaveResolver, before: ResolverRecord | undefined): Promise<Result<Made, AdminFailure>> {
    const { name, type, params } = command
    if (type === LOCAL_RESOLVER) return ok({ resolver: { name, type, data: {}, users: null }, warnings: [] })
    if (type === PASSWD_RESOLVER) return makePasswd(command)
    const found = findClass(type)
    if (!found) return invalid('type', `must be ${[PASSWD_RESOLVER, LOCAL_RESOLVER, ...types].join(', ')}`)
    const read = await configs.read(name, params, { resolver: found, before })
    if (!read.ok) return read
    const { sealedConfig, warnings } = read.value
    return ok({ resolver: { name, type, data: {}, sealedConfig, users: null }, warnings })
  }

  /** The text itself wins over the file, whose name is then a label. */
  async function makePasswd({ name, type, params }: SaveResolver): Promise<Result<Made, AdminFailure>> {
    const { fileName = '', content } = params
    const text = content === undefined ? await readFile(fileName) : ok(content)
    if (!text.ok) return text
    const users = readPasswd(text.value)
    const field = content === undefined ? 'fileName' : 'passwdresolver.content'
    if (!users.ok) return invalid(field, `line ${users.error.line} ${users.error.rule}`)
    return ok({ resolver: { name, type, data: { fileName }, users: users.value }, warnings: [] })
  }

  async function readFile(fileName: string): Promise<Result<string, AdminFailure>> {
    if (fileName === '') return err({ code: 'parameter_missing', field: 'fileName' })
    if (!edges.readFile) return invalid('fileName', 'cannot be read on this runtime: send passwdresolver.content')
    try {
      return ok(await edges.readFile(fileName))
    } catch {
      // The reason would tell what there is on the machine; that it cannot be read is all an administrator needs.
      return invalid('fileName', 'must be a file that this process can read')
    }
  }

  async function testDirectory(
    settings: Settings,
    name: string,
    login: string | null,
    facts: Facts,
  ): Promise<TestedResolver> {
    if (login === null) {
      const listed = await directories.askedBy(facts).list(settings, name, {}, 1)
      if (!listed.ok) return { works: false, description: listed.error.reason, user: null }
      const description = listed.value.length === 0 ? 'answers, and has no user' : 'answers, and has users'
      return { works: true, description, user: listed.value[0] ?? null }
    }
    const { users, unavailable } = await directories.askedBy(facts).findByLogin(settings, [name], login)
    const [failure] = unavailable
    return failure ? { works: false, description: failure.reason, user: null } : outcome(users)
  }

  async function testTable(name: string, login: string | null): Promise<TestedResolver> {
    if (login !== null) return outcome(await store.findUsers([name], login))
    return { works: true, description: `has ${await store.countUsers(name)} users`, user: null }
  }
}

function outcome(users: readonly UserRecord[]): TestedResolver {
  const [user = null, ...others] = users
  if (!user) return { works: false, description: 'answers, and knows no such user', user }
  return others.length === 0
    ? { works: true, description: 'knows the user', user }
    : { works: false, description: `knows ${users.length} users of this name, and none of them can log in`, user: null }
}
