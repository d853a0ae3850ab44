/** Logins in the store: what was tried, by key, and where logins have come from. What the keys mean: flows/login-limits.ts. */
import { type SQL, sql } from 'drizzle-orm/sql'
import { CLOCK_SKEW } from '../../core/time.ts'
import type { AdminStore } from '../../ports/admins.ts'
import type { Batch } from '../../ports/store.ts'
import { insertAudit, json, list, write } from './statements.ts'

export function loginStore(batch: Batch): Pick<AdminStore, 'payLogin' | 'settleLogin'> {
  return {
    payLogin: async (limits, now, endsAt) => {
      if (limits.length === 0) return true
      const given = json(limits)
      // No period ends later than one that begins now, save one from before the clock was set back.
      const counts = (end: SQL): SQL => sql`(${end} > ${now} AND ${end} <= ${endsAt + CLOCK_SKEW})`
      const goesOn = counts(sql`login_attempts.ends_at`)
      const reached = sql`SELECT 1 FROM json_each(${given}) l JOIN login_attempts a ON a.key = l.value ->> '$.key'
        WHERE ${counts(sql`a.ends_at`)} AND a.attempts >= l.value ->> '$.limit' AND NOT EXISTS (
          SELECT 1 FROM login_attempts k WHERE k.key = l.value ->> '$.unless' AND k.ends_at > ${now})`
      const [paid = []] = await write(batch, [
        sql`INSERT INTO login_attempts (key, attempts, ends_at)
          SELECT g.value ->> '$.key', 1, ${endsAt} FROM json_each(${given}) g WHERE NOT EXISTS (${reached})
          ON CONFLICT (key) DO UPDATE SET
            attempts = CASE WHEN ${goesOn} THEN login_attempts.attempts + 1 ELSE 1 END,
            ends_at = CASE WHEN ${goesOn} THEN login_attempts.ends_at ELSE excluded.ends_at END
          RETURNING key`,
      ])
      return paid.length > 0
    },

    settleLogin: async ({ cleared, paidBack, known }, audit) => {
      await write(batch, [
        ...(audit ? [insertAudit(audit)] : []),
        sql`DELETE FROM login_attempts WHERE key IN ${list(cleared)}`,
        sql`UPDATE login_attempts SET attempts = attempts - 1 WHERE key IN ${list(paidBack)} AND attempts > 0`,
        ...(known
          ? [
              sql`INSERT INTO login_attempts (key, attempts, ends_at) VALUES (${known.key}, 0, ${known.until})
          ON CONFLICT (key) DO UPDATE SET ends_at = MAX(login_attempts.ends_at, excluded.ends_at)`,
            ]
          : []),
      ])
    },
  }
}
