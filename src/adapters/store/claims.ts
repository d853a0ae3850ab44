/** Claims in the store: which of equal requests under one idempotency key was the first, and what it was told. */
import { sql } from 'drizzle-orm/sql'
import type { Instant } from '../../core/time.ts'
import type { Batch, Store } from '../../ports/store.ts'
import { lives } from './challenge-reads.ts'
import { number, text, toChallenge, toToken } from './rows.ts'
import { read, write } from './statements.ts'

/** No challenge that is answered under a claim lives longer than this after it. */
const KEPT = 86_400

type ClaimStore = Pick<Store, 'claim' | 'verdictOf'>

export function claimStore(batch: Batch): ClaimStore {
  return {
    claim: async ({ key, requestId, now }) => {
      const [, [row] = []] = await write(batch, [
        sql`INSERT INTO claims (key, request_id, created_at) VALUES (${key}, ${requestId}, ${now}) ON CONFLICT (key) DO NOTHING`,
        sql`SELECT request_id FROM claims WHERE key = ${key}`,
      ])
      return text(row ?? {}, 'request_id')
    },

    verdictOf: async (requestId, now) => {
      const open = sql`opened_by = ${requestId} AND state = 'open' AND delivery <> 'undelivered' AND ${lives(now)}`
      const [[row] = [], [accepted] = [], challenges = [], tokens = []] = await read(batch, [
        sql`SELECT success, action_detail FROM audit WHERE request_id = ${requestId}`,
        sql`SELECT serial FROM challenges WHERE closed_by = ${requestId} AND state = 'accepted' AND ${lives(now)}`,
        sql`SELECT * FROM challenges WHERE ${open} ORDER BY id`,
        sql`SELECT * FROM tokens WHERE serial IN (SELECT serial FROM challenges WHERE ${open})`,
      ])
      if (!row) return null
      const bySerial = new Map(tokens.map((token) => [text(token, 'serial'), toToken(token)]))
      return {
        success: number(row, 'success') === 1,
        actionDetail: text(row, 'action_detail'),
        acceptedSerial: accepted ? text(accepted, 'serial') : null,
        opened: challenges.flatMap((one) => {
          const token = bySerial.get(text(one, 'serial'))
          return token ? [{ challenge: toChallenge(one), token }] : []
        }),
      }
    },
  }
}

export const sweepClaims = (now: Instant) => sql`DELETE FROM claims WHERE created_at < ${now - KEPT} RETURNING key`
