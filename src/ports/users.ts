/**
 * Users port: where users live outside otpost's own tables. A kind of resolver is one file in `adapters/users/`,
 * exporting `resolver`; the `index.ts` beside it is the table of contents. Passwd texts and otpost's own store need none:
 * their users are rows of the database.
 */
import type { Result } from '../core/result.ts'
import type { Edges } from './edges.ts'
import type { ConfigProblem, RawConfig, ReadConfig } from './provider.ts'

/** A user as a directory knows it. Names of `attributes` are those of UserRecord (contract 7.9). */
export type DirectoryUser = {
  /** Stable and unique within the resolver, whatever becomes of the login. */
  readonly userId: string
  readonly login: string
  readonly attributes: Readonly<Record<string, string>>
}

/** The directory could not be asked. `reason` is for operators and holds no secret and no address of a user. */
export type DirectoryFailure = { readonly code: 'directory_unavailable'; readonly reason: string }
export type FromDirectory<T> = Promise<Result<T, DirectoryFailure>>

/** Which users to list: by attribute, `*` stands for any text; all of them hold. `login` is named `username` here. */
export type UserFilter = Readonly<Record<string, string>>

/**
 * One directory. Every function settles by `signal` at the latest and never throws for what a server did. What a user
 * typed reaches the server as a value, never as part of a filter, a path or a statement.
 */
export type Directory = {
  /** Users with exactly this login, as the directory compares; more than one where it is not unique there. */
  readonly findByLogin: (login: string, signal: AbortSignal) => FromDirectory<readonly DirectoryUser[]>
  readonly findById: (userId: string, signal: AbortSignal) => FromDirectory<DirectoryUser | null>
  /** @param limit at most so many users, in the directory's order */
  readonly list: (filter: UserFilter, limit: number, signal: AbortSignal) => FromDirectory<readonly DirectoryUser[]>
  /** False for a wrong and for an empty password, and, taking as long, where `user` is null. */
  readonly passwordMatches: (
    user: DirectoryUser | null,
    password: string,
    signal: AbortSignal,
  ) => FromDirectory<boolean>
  /** Lets connections go; the directory may be asked again all the same. */
  readonly close: () => Promise<void>
}

export type ResolverClass<C = unknown> = {
  /** As in `type=` of setResolver. */
  readonly name: string
  /** Keys whose values are secrets: sealed at rest, shown as `***`. */
  readonly secretKeys: readonly string[]
  /** Keys that say where secrets go and under which name: when one changes, a masked secret must be given again. */
  readonly boundKeys: readonly string[]
  /** A configuration that passes `read` on Node. */
  readonly sample: RawConfig
  /** Parses a stored or posted configuration; total, never throws. Values may be text, as LinOTP's forms send them. */
  readonly read: (raw: RawConfig, edges: Edges) => Promise<Result<ReadConfig<C>, ConfigProblem>>
  readonly create: (config: C, edges: Edges) => Directory
}

/** Ties the configuration type of `read` and `create` together, then forgets it, so that lists are uniform. */
export function defineResolver<C>(resolver: ResolverClass<C>): ResolverClass {
  return resolver as ResolverClass // each `config` goes from `read` to `create` of the same class
}

/** The classes of directories, by their names; undefined: no such one. */
export type FindResolver = (type: string) => ResolverClass | undefined

/** @param type exactly as written */
export const findIn = (classes: readonly ResolverClass[], type: string): ResolverClass | undefined =>
  classes.find(({ name }) => name === type)
