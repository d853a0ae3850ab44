/** Logins in the store: what was tried, by key, and where logins have come from. What the keys mean: flows/login-limits.ts. */
import { sql } from 'drizzle-orm/sql'
import type { AdminStore } from '../../ports/admins.ts'
import type { Batch } from '../../ports/store.ts'
import { insertAudit, json, list, write } from './statements.ts'

export function loginStore(batch: Batch): Pick<AdminStore, 'payLogin' | 'settleLogin'> {
  return {
    payLogin: async (limits, now, endsAt) => {
      if (limits.length === 0) return true
      const given = json(limits)
      const reached = sql`SELECT 1 FROM json_each(${given}) l JOIN login_attempts a ON a.key = l.value ->> '$.key'
        WHERE a.ends_at > ${now} AND a.attempts >= l.value ->> '$.limit' AND NOT EXISTS (
          SELECT 1 FROM login_attempts k WHERE k.key = l.value ->> '$.unless' AND k.ends_at > ${now})`
      const [paid = []] = await write(batch, [
        sql`INSERT INTO login_attempts (key, attempts, ends_at)
          SELECT g.value ->> '$.key', 1, ${endsAt} FROM json_each(${given}) g WHERE NOT EXISTS (${reached})
          ON CONFLICT (key) DO UPDATE SET
            attempts = CASE WHEN login_attempts.ends_at > ${now} THEN login_attempts.attempts + 1 ELSE 1 END,
            ends_at = CASE WHEN login_attempts.ends_at > ${now} THEN login_attempts.ends_at ELSE excluded.ends_at END
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
