/**
 * Directories: users who live outside the database, behind the resolvers of a snapshot of the settings.
 *
 * A directory is opened when it is first asked and closed when its resolver was saved anew or deleted, on whatever node.
 * Whatever a directory does, its answer comes by the deadline, and a failure is an answer: one that is down must stop
 * neither the other resolvers of a realm nor anybody else.
 */
import { err, ok, type Result } from '../core/result.ts'
import * as keys from '../core/setting-keys.ts'
import { findResolver, isDirectory, type ResolverRecord, type Settings, settingOf } from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Directory, DirectoryUser, FindResolver, FromDirectory, UserFilter } from '../ports/users.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Facts } from './facts.ts'
import { createLookupCache, type Question } from './lookup-cache.ts'

/** `reason` holds no secret. */
export type Unavailable = { readonly resolver: string; readonly reason: string }
export type Owner = { readonly resolver: string; readonly userId: string }
export type Found = { readonly users: readonly UserRecord[]; readonly unavailable: readonly Unavailable[] }

export type Lookups = {
  /** Asks those of `resolvers` that are directories, all at once; users come in the order of `resolvers`. */
  readonly findByLogin: (settings: Settings, resolvers: readonly string[], login: string) => Promise<Found>
  /** Those of `owners` that belong to directories. */
  readonly findById: (settings: Settings, owners: readonly Owner[]) => Promise<Found>
  readonly list: (
    settings: Settings,
    resolver: string,
    filter: UserFilter,
    limit: number,
  ) => Promise<Result<readonly UserRecord[], Unavailable>>
  /** @param user null: nobody, which takes as long */
  readonly passwordMatches: (
    settings: Settings,
    resolver: string,
    user: UserRecord | null,
    password: string,
  ) => Promise<Result<boolean, Unavailable>>
}
export type Directories = Lookups & {
  /** The same, where the log knows which request asks. */
  readonly askedBy: (facts: Pick<Facts, 'requestId'>) => Lookups
  /** Lets go of directories that these settings no longer have. */
  readonly sync: (settings: Settings) => void
  readonly close: () => Promise<void>
}

type Parts = { readonly vault: Vault; readonly edges: Edges; readonly findResolver: FindResolver }
type Opened = { readonly sealedConfig: string; readonly directory: Promise<Result<Directory, string>> }
/** Who asks for what, as the log has it. */
type Asking = { readonly settings: Settings; readonly request: string | undefined; readonly kind: string }
type Ask<T> = (directory: Directory, signal: AbortSignal) => FromDirectory<T>

const NOTHING: Found = { users: [], unavailable: [] }
/** Lookups by id that are under way at once, for lists of tokens. */
const AT_ONCE = 8

export function createDirectories({ vault, edges, findResolver: findClass }: Parts): Directories {
  const opened = new Map<string, Opened>()
  const cache = createLookupCache()
  let synced = -1

  return {
    ...lookups(),
    askedBy: ({ requestId }) => lookups(requestId),

    sync,

    close: async () => {
      const all = [...opened.keys()]
      await Promise.all(all.map(letGo))
    },
  }

  function lookups(request?: string): Lookups {
    return {
      findByLogin: async (settings, resolvers, login) => {
        const names = resolvers.filter((name) => isDirectory(settings, name))
        if (names.length === 0) return NOTHING
        const signal = deadline(settings)
        const ask = (resolver: string) =>
          lookUp({ settings, request, kind: 'login' }, { resolver, kind: 'login', value: login }, signal)
        return merge(await Promise.all(names.map(ask)))
      },

      findById: async (settings, owners) => {
        const asked = new Map(
          owners
            .filter(({ resolver }) => isDirectory(settings, resolver))
            .map((owner) => [JSON.stringify([owner.resolver, owner.userId]), owner]),
        )
        if (asked.size === 0) return NOTHING
        const signal = deadline(settings)
        const waiting = [...asked.values()]
        const answers: Result<readonly UserRecord[], Unavailable>[] = []
        // A directory that has failed once is not asked for the rest.
        const failed = new Set<string>()
        const work = async () => {
          for (let next = waiting.shift(); next; next = waiting.shift()) {
            if (failed.has(next.resolver)) continue
            const answer = await lookUp(
              { settings, request, kind: 'id' },
              { resolver: next.resolver, kind: 'id', value: next.userId },
              signal,
            )
            if (!answer.ok) failed.add(next.resolver)
            answers.push(answer)
          }
        }
        await Promise.all(Array.from({ length: AT_ONCE }, work))
        return merge(answers)
      },

      list: async (settings, resolver, filter, limit) => {
        const answer = await ask(
          { settings, request, kind: 'list' },
          resolver,
          deadline(settings),
          (directory, signal) => directory.list(filter, limit, signal),
        )
        return answer.ok ? ok(answer.value.slice(0, limit).map((user) => toRecord(resolver, user))) : answer
      },

      passwordMatches: async (settings, resolver, user, password) => {
        const asked = user && { userId: user.userId, login: user.login, attributes: user.attributes }
        const answer = await ask(
          { settings, request, kind: 'password' },
          resolver,
          deadline(settings),
          (directory, signal) => directory.passwordMatches(asked, password, signal),
        )
        // Whatever a directory says of nobody, nobody has a password.
        return answer.ok ? ok(answer.value && user !== null && password !== '') : answer
      },
    }
  }

  function deadline(settings: Settings): AbortSignal {
    return edges.deadline(settingOf(settings, keys.resolverTimeout))
  }

  async function lookUp(
    asking: Asking,
    { resolver, kind, value }: Omit<Question, 'sealedConfig'>,
    signal: AbortSignal,
  ): Promise<Result<readonly UserRecord[], Unavailable>> {
    const { settings, request } = asking
    const [enabled, expiration] =
      kind === 'login' ? [keys.loginCache, keys.loginCacheExpiration] : [keys.userCache, keys.userCacheExpiration]
    const cached = settingOf(settings, enabled)
    const sealedConfig = findResolver(settings, resolver)?.sealedConfig ?? ''
    const question = { resolver, sealedConfig, kind, value }
    const known = cached ? cache.get(question, edges.clock()) : undefined
    if (known) {
      edges.log.debug('directory_remembered', { request, resolver, kind, users: known.length })
      return ok(known)
    }
    const answer = await ask<readonly DirectoryUser[]>(asking, resolver, signal, async (directory, bySignal) => {
      if (kind === 'login') return directory.findByLogin(value, bySignal)
      const found = await directory.findById(value, bySignal)
      return found.ok ? ok(found.value ? [found.value] : []) : found
    })
    if (!answer.ok) return answer
    const users = answer.value.map((user) => toRecord(resolver, user))
    if (cached) cache.put(question, users, settingOf(settings, expiration), edges.clock())
    return ok(users)
  }

  /** Comes by `signal`, whatever the directory does; what it says later no longer counts. */
  async function ask<T>(
    { settings, request, kind }: Asking,
    name: string,
    signal: AbortSignal,
    question: Ask<T>,
  ): Promise<Result<T, Unavailable>> {
    const { promise: late, resolve } = Promise.withResolvers<Result<T, string>>()
    const onAbort = () => resolve(err('deadline'))
    if (signal.aborted) onAbort()
    signal.addEventListener('abort', onAbort, { once: true })
    edges.log.debug('directory_asked', { request, resolver: name, kind })
    const answer = await Promise.race([late, attempt(settings, name, signal, question)])
    signal.removeEventListener('abort', onAbort)
    if (answer.ok) {
      const users = Array.isArray(answer.value) ? answer.value.length : undefined
      edges.log.debug('directory_answered', { request, resolver: name, kind, users })
      return answer
    }
    edges.log.warn('resolver_unavailable', { request, resolver: name, reason: answer.error })
    return err({ resolver: name, reason: answer.error })
  }

  /** Never rejects. */
  async function attempt<T>(
    settings: Settings,
    name: string,
    signal: AbortSignal,
    question: Ask<T>,
  ): Promise<Result<T, string>> {
    const record = findResolver(settings, name)
    if (!record) return err('resolver_unknown')
    try {
      const directory = await open(record)
      if (!directory.ok) return directory
      const answer = await question(directory.value, signal)
      return answer.ok ? answer : err(answer.error.reason)
    } catch (error) {
      // Its text may hold what was asked.
      return err(`failed: ${error instanceof Error ? error.name : 'unknown'}`)
    }
  }

  function open(record: ResolverRecord): Promise<Result<Directory, string>> {
    const { name, sealedConfig } = record
    const known = opened.get(name)
    if (known?.sealedConfig === sealedConfig) return known.directory
    if (known) void letGo(name)
    const directory = make(record)
    opened.set(name, { sealedConfig, directory })
    // What could not be opened may be openable next time: a key that was missing, a file that was not there.
    directory.then(
      (made) => made.ok || forget(),
      () => forget(),
    )
    const forget = () => void (opened.get(name)?.directory === directory && opened.delete(name))
    return directory
  }

  async function make({ name, type, sealedConfig }: ResolverRecord): Promise<Result<Directory, string>> {
    const found = findClass(type)
    if (!found) return err(`type_unknown: ${type}`)
    const plain = await vault.open(sealedConfig, place.resolver(name))
    if (!plain.ok) return err(`config_${plain.error}`)
    // It was an object when it was sealed.
    const read = await found.read(JSON.parse(new TextDecoder().decode(plain.value)), edges)
    if (!read.ok) return err(`config_invalid: ${read.error.key} ${read.error.rule}`)
    return ok(found.create(read.value.config, edges))
  }

  function sync(settings: Settings): void {
    if (settings.version <= synced) return
    synced = settings.version
    for (const [name, { sealedConfig }] of opened)
      if (findResolver(settings, name)?.sealedConfig !== sealedConfig) void letGo(name)
  }

  async function letGo(name: string): Promise<void> {
    const known = opened.get(name)
    opened.delete(name)
    cache.drop(name)
    const directory = await known?.directory.catch(() => undefined)
    if (directory?.ok)
      await directory.value.close().catch((error: unknown) => {
        edges.log.warn('resolver_not_closed', {
          resolver: name,
          reason: error instanceof Error ? error.name : 'unknown',
        })
      })
  }
}

/** For the audit: `corp: connection_refused`. */
export const reasonsOf = (unavailable: readonly Unavailable[]): string =>
  unavailable.map(({ resolver, reason }) => `${resolver}: ${reason}`).join(', ')

function merge(answers: readonly Result<readonly UserRecord[], Unavailable>[]): Found {
  return {
    users: answers.flatMap((answer) => (answer.ok ? answer.value : [])),
    unavailable: answers.flatMap((answer) => (answer.ok ? [] : [answer.error])),
  }
}

/** Attributes that no resolver may bring along. */
const HIDDEN = /^(?:crypt)?passw(?:or)?d$|^cryptpass$|^userpassword$/i

/** Whole characters only: databases and replies take no halves of surrogate pairs. */
function toRecord(resolver: string, { userId, login, attributes }: DirectoryUser): UserRecord {
  const own = Object.entries(attributes)
    .filter(([name]) => !HIDDEN.test(name))
    .map(([name, value]) => [name.toWellFormed(), value.toWellFormed()] as const)
  const known = { ...EMPTY, ...Object.fromEntries(own) }
  const [id, username] = [userId.toWellFormed(), login.toWellFormed()]
  return { resolver, userId: id, login: username, attributes: { ...known, username, userid: id } }
}

/** What every user has, be it empty (contract 7.9). */
const EMPTY = {
  ...{ username: '', userid: '', description: '', email: '' },
  ...{ givenname: '', surname: '', phone: '', mobile: '' },
}
