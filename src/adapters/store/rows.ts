/** Rows as the domain's records. Column types are those of `schema.ts`; JSON columns were written by this store. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { Challenge } from '../../core/challenge.ts'
import type { ProviderKey } from '../../core/settings.ts'
import type { InfoValue, Token, TokenInfo } from '../../core/token.ts'
import type { UserRecord } from '../../core/users.ts'
import type { Row } from '../../ports/store.ts'

export const text = (row: Row, column: string): string => String(row[column] ?? '')
export const number = (row: Row, column: string): number => Number(row[column] ?? 0)
export const instant = (row: Row, column: string): number | null =>
  row[column] === null || row[column] === undefined ? null : Number(row[column])

// JSON columns hold what this store wrote there.
export const strings = (row: Row, column: string): readonly string[] =>
  JSON.parse(text(row, column) || '[]') as string[]
export const record = <T extends InfoValue>(row: Row, column: string): Readonly<Record<string, T>> =>
  JSON.parse(text(row, column) || '{}') as Record<string, T>

export function toToken(row: Row): Token {
  const userId = row.user_id
  return {
    id: number(row, 'id'),
    serial: text(row, 'serial'),
    type: text(row, 'type'),
    description: text(row, 'description'),
    sealedSecret: text(row, 'secret'),
    sealedPin: text(row, 'pin'),
    counter: number(row, 'counter'),
    digits: number(row, 'digits'),
    // Enrolment stores these three and nothing else.
    hash: text(row, 'hash') as Token['hash'],
    countWindow: number(row, 'count_window'),
    syncWindow: number(row, 'sync_window'),
    failCount: number(row, 'fail_count'),
    maxFailCount: number(row, 'max_fail_count'),
    lastFailedAt: instant(row, 'last_failed_at'),
    active: number(row, 'active') === 1,
    owner: userId === null || userId === undefined ? null : { userId: String(userId), resolver: text(row, 'resolver') },
    realms: strings(row, 'realms'),
    info: record(row, 'info') satisfies TokenInfo,
    revision: number(row, 'revision'),
    createdAt: number(row, 'created_at'),
    lastAuthMatch: instant(row, 'last_auth_match'),
    lastAuthSuccess: instant(row, 'last_auth_success'),
  }
}

export function toChallenge(row: Row): Challenge {
  return {
    id: number(row, 'id'),
    transactionId: text(row, 'transaction_id'),
    parentId: text(row, 'parent_id'),
    serial: text(row, 'serial'),
    counter: number(row, 'counter'),
    // The states are written by this store alone.
    state: text(row, 'state') as Challenge['state'],
    delivery: text(row, 'delivery') as Challenge['delivery'],
    attempts: number(row, 'attempts'),
    maxAttempts: number(row, 'max_attempts'),
    message: text(row, 'message'),
    createdAt: number(row, 'created_at'),
    expiresAt: number(row, 'expires_at'),
  }
}

export const toProviderKey = (row: Row): ProviderKey => ({
  // The types are written by this store alone.
  type: text(row, 'type') as ProviderKey['type'],
  name: text(row, 'name'),
})

export const toUser = (row: Row): UserRecord => ({
  resolver: text(row, 'resolver'),
  userId: text(row, 'user_id'),
  login: text(row, 'login'),
  attributes: record<string>(row, 'attributes'),
})

/** What `toUser` reads, after the number of the lookup that found the user. */
export const USER_COLUMNS = ['lookup', 'resolver', 'user_id', 'login', 'attributes'] as const
/** What `toToken` reads. */
export const TOKEN_COLUMNS = [
  ...['id', 'serial', 'type', 'description', 'secret', 'pin', 'counter', 'digits', 'hash', 'count_window'],
  ...['sync_window', 'fail_count', 'max_fail_count', 'active', 'user_id', 'resolver', 'realms', 'info', 'revision'],
  ...['last_failed_at', 'created_at', 'last_auth_match', 'last_auth_success'],
] as const

/**
 * Columns as one JSON list, which drivers hand over far faster than a column each.
 *
 * @param columns 32 at most, as many arguments as D1 allows a function
 */
export const asOne = (columns: SQL): SQL => sql`json_array(${columns}) AS columns`

/** The row that `asOne` made one column of. */
export function asRow(row: Row, names: readonly string[]): Row {
  const values = JSON.parse(text(row, 'columns')) as readonly (string | number | null)[] // written by `asOne`
  return Object.fromEntries(names.map((name, index) => [name, values[index] ?? null]))
}
