/**
 * What users do for themselves, in the store: their sessions, and changes of tokens that hold only while the token is
 * theirs. Whose a token is stands as a guard in each statement.
 */
import type { Instant } from '../core/time.ts'
import type { Owner } from '../core/token.ts'
import type { AuditRow } from './audit.ts'
import type { TokenChange, TokenLimit } from './store.ts'

/** `authenticated` may do everything; the others wait for the second factor (contract 10.1). */
export type UserSessionState = 'credentials_verified' | 'challenge_triggered' | 'authenticated'

export type UserSession = Owner & {
  /** SHA-256 of the text that the client holds, which has 256 random bits. */
  readonly id: string
  readonly login: string
  readonly realm: string
  /** Address that the user logged in from; nobody else may use the session. */
  readonly client: string
  readonly state: UserSessionState
  /** What the second factor answers; empty: nothing was sent. */
  readonly transactionId: string
  readonly expiresAt: Instant
}

/** One token, and whose it must be. */
export type OwnToken = { readonly serial: string; readonly owner: Owner }

export type TakenToken = OwnToken & {
  /** The realms that the token comes to; it lies in one of them before, or in none at all. */
  readonly realms: readonly string[]
  readonly set: Pick<TokenChange['set'], 'sealedPin' | 'description'>
  readonly limits: readonly TokenLimit[]
}

export type SelfServiceStore = {
  /** @param audit null: the request has its row already */
  readonly beginUserSession: (session: UserSession, audit: AuditRow | null) => Promise<void>
  /** null: there is none, it has ended, or it is another client's. */
  readonly findUserSession: (id: string, client: string, now: Instant) => Promise<UserSession | null>
  /** Gives it another id, state and transaction. `lost`: it has moved since it was read, or ended. */
  readonly moveUserSession: (
    seen: UserSession,
    to: Pick<UserSession, 'id' | 'state' | 'transactionId'>,
    now: Instant,
  ) => Promise<'done' | 'lost'>
  readonly endUserSessions: (ids: readonly string[], audit: AuditRow) => Promise<void>

  /** `unknown`: there is no such token of this owner. */
  readonly changeOwnToken: (
    token: OwnToken,
    set: Pick<TokenChange['set'], 'sealedPin' | 'description' | 'active'>,
    limits: readonly TokenLimit[],
    audit: AuditRow,
  ) => Promise<'done' | 'unknown' | TokenLimit['kind']>
  readonly resetOwnToken: (token: OwnToken, audit: AuditRow) => Promise<'done' | 'unknown'>
  /** Challenges included. */
  readonly removeOwnToken: (token: OwnToken, audit: AuditRow) => Promise<'done' | 'unknown'>
  /** Nobody's then; PIN and realms stay, fail count and challenges end. */
  readonly releaseOwnToken: (token: OwnToken, audit: AuditRow) => Promise<'done' | 'unknown'>
  /** `owned`: somebody has it. `foreign_realm`: it lies in other realms. */
  readonly takeToken: (
    token: TakenToken,
    audit: AuditRow,
  ) => Promise<'done' | 'unknown' | 'owned' | 'foreign_realm' | TokenLimit['kind']>
}
