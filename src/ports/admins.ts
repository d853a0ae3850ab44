/** Administrators in the store: who they are, their sessions, logins and API tokens. Part of `Store`. */
import type { Grant } from '../core/policy/grant.ts'
import type { Instant, Seconds } from '../core/time.ts'
import type { AuditRow } from './audit.ts'

export type NewApiToken = {
  readonly id: string
  readonly admin: string
  readonly name: string
  readonly hash: string
  readonly createdAt: Instant
  /** null: it may do all that its administrator may. */
  readonly grant: Grant | null
  /** null: it lasts. */
  readonly expiresAt: Instant | null
}
export type ListedApiToken = Omit<NewApiToken, 'hash'> & {
  /** To the hour; null: never. */
  readonly lastUsedAt: Instant | null
}
export type FoundApiToken = Pick<NewApiToken, 'admin' | 'hash' | 'grant'> & Pick<ListedApiToken, 'lastUsedAt'>

/** Whose password a session belongs to: a local administrator's, or a user's of a resolver, under the login of then. */
export type SessionHolder =
  | { readonly username: string }
  | { readonly resolver: string; readonly userId: string; readonly login: string }

export type LoginLimit = {
  readonly key: string
  /** Payments in one period, at most. */
  readonly limit: number
  /** While there is a row by this key, the limit does not hold. */
  readonly unless?: string
}
export type SettledLogin = {
  /** Keys that begin anew, and keys that get one payment back. */
  readonly cleared: readonly string[]
  readonly paidBack: readonly string[]
  readonly known: { readonly key: string; readonly until: Instant } | null
}

export type AdminStore = {
  readonly addAdmin: (
    admin: { username: string; passwordHash: string; createdAt: Instant },
    audit: AuditRow,
  ) => Promise<'done' | 'taken'>
  /** Only while there is no administrator at all; several processes may try at once. */
  readonly addFirstAdmin: (admin: {
    username: string
    passwordHash: string
    createdAt: Instant
  }) => Promise<'done' | 'taken'>
  readonly findAdmin: (username: string) => Promise<{ readonly username: string; readonly passwordHash: string } | null>
  readonly listAdmins: () => Promise<readonly { readonly username: string; readonly createdAt: Instant }[]>
  /** Ends the administrator's sessions too, since each belongs to a password. */
  readonly setAdminPassword: (username: string, passwordHash: string, audit: AuditRow) => Promise<'done' | 'unknown'>
  /** Also revokes the administrator's API tokens. `last`: somebody must be left. */
  readonly removeAdmin: (username: string, audit: AuditRow) => Promise<'done' | 'unknown' | 'last'>
  /** `unknown`: there is no such administrator. */
  readonly addApiToken: (token: NewApiToken, audit: AuditRow) => Promise<'done' | 'unknown'>
  /** One that has not expired, and the version of the settings whether there is one or not. One read. */
  readonly findApiToken: (
    id: string,
    now: Instant,
  ) => Promise<{ readonly version: number; readonly token: FoundApiToken | null }>
  /** Notes a use, unless one was noted less than `every` ago. */
  readonly noteApiTokenUse: (id: string, now: Instant, every: Seconds) => Promise<void>
  readonly listApiTokens: () => Promise<readonly ListedApiToken[]>
  readonly revokeApiToken: (id: string, audit: AuditRow) => Promise<'done' | 'unknown'>
  /**
   * The version of the settings, and the password hash of the session's holder, null where none is stored. null: the
   * session has ended. One read.
   */
  readonly readSession: (
    sessionId: string,
    holder: SessionHolder,
  ) => Promise<{ readonly version: number; readonly passwordHash: string | null } | null>
  readonly endSession: (sessionId: string, expiresAt: Instant, audit: AuditRow) => Promise<void>
  /**
   * Pays for one login under all of `limits`, or for none when one of them is reached. A row counts until `endsAt` of the
   * first payment.
   */
  readonly payLogin: (limits: readonly LoginLimit[], now: Instant, endsAt: Instant) => Promise<boolean>
  /** Gives back what a login that succeeded has paid, and remembers where it came from. */
  readonly settleLogin: (login: SettledLogin, audit: AuditRow | null) => Promise<void>
}
