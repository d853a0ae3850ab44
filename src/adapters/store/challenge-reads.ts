/** Challenges as they are looked at: by transaction, by token, by id. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { Challenge, DeliveryState } from '../../core/challenge.ts'
import { CLOCK_SKEW, type Instant } from '../../core/time.ts'
import type { Batch, Store } from '../../ports/store.ts'
import { text, toChallenge, toToken } from './rows.ts'
import { list, read } from './statements.ts'

/** The challenges that a transaction id means (core/challenge.ts, `belongsTo`), in any state, unless they are expired. */
export const inTransaction = (transactionId: string, now: Instant): SQL =>
  sql`(transaction_id = ${transactionId} OR parent_id = ${transactionId} OR ${partOf(transactionId)}) AND ${lives(now)}`

/** It has begun and has not ended, by the clock of now. */
export const lives = (now: Instant): SQL => sql`(expires_at > ${now} AND created_at <= ${now + CLOCK_SKEW})`

/** `.01`, `.02` … of a transaction; a range, so that the index serves. */
export const partOf = (transactionId: string): SQL =>
  sql`(transaction_id > ${`${transactionId}.`} AND transaction_id < ${`${transactionId}/`})`

export function challengeReads(
  batch: Batch,
): Pick<Store, 'deliveryState' | 'findChallenges' | 'challengesOf' | 'listChallenges'> {
  return { deliveryState, findChallenges, challengesOf, listChallenges }

  async function deliveryState(id: number): Promise<DeliveryState> {
    const [[row] = []] = await read(batch, [sql`SELECT delivery FROM challenges WHERE id = ${id}`])
    // The states are written by this store alone.
    return row ? (text(row, 'delivery') as DeliveryState) : 'undelivered'
  }

  async function findChallenges(transactionId: string, now: number) {
    const [rows = [], tokens = []] = await read(batch, [
      sql`SELECT * FROM challenges WHERE ${inTransaction(transactionId, now)} ORDER BY id`,
      sql`SELECT * FROM tokens WHERE serial IN (SELECT serial FROM challenges WHERE ${inTransaction(transactionId, now)})`,
    ])
    const bySerial = new Map(tokens.map((row) => [text(row, 'serial'), toToken(row)]))
    return rows.flatMap((row) => {
      const token = bySerial.get(text(row, 'serial'))
      return token ? [{ challenge: toChallenge(row), token }] : []
    })
  }

  async function challengesOf(serials: readonly string[], now: number): Promise<readonly Challenge[]> {
    const [rows = []] = await read(batch, [
      sql`SELECT * FROM challenges WHERE serial IN ${list(serials)} AND ${lives(now)} ORDER BY id`,
    ])
    return rows.map(toChallenge)
  }

  async function listChallenges(serial: string | null, now: number): Promise<readonly Challenge[]> {
    const ofToken = serial === null ? sql`1` : sql`serial = ${serial}`
    const [rows = []] = await read(batch, [
      sql`SELECT * FROM challenges WHERE ${lives(now)} AND ${ofToken} ORDER BY id DESC`,
    ])
    return rows.map(toChallenge)
  }
}
