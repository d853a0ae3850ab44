/** The store: one implementation over one function, for every database. */
import { sql } from 'drizzle-orm/sql'
import { CLOCK_SKEW, type Seconds } from '../../core/time.ts'
import type { Batch, Store } from '../../ports/store.ts'
import { adminStore } from './admins.ts'
import { auditStore, watchAudit } from './audit.ts'
import { sweepBuckets } from './buckets.ts'
import { challengeReads } from './challenge-reads.ts'
import { challengeStore } from './challenges.ts'
import { claimStore, sweepClaims } from './claims.ts'
import { keyStore } from './keys.ts'
import { loginStore } from './logins.ts'
import { somebodys } from './nobody.ts'
import { ownTokenStore } from './own-tokens.ts'
import { policyStore } from './policies.ts'
import { sweepRests } from './provider-rests.ts'
import { providerStore } from './providers.ts'
import { number } from './rows.ts'
import { settingsStore } from './settings.ts'
import { changeWhere, read, write } from './statements.ts'
import { templateStore } from './templates.ts'
import { tokenCreationStore } from './token-creation.ts'
import { tokenStore } from './tokens.ts'
import { sweepUserSessions, userSessionStore } from './user-sessions.ts'
import { userStore } from './users.ts'

/** The migration that this code was written for: the last number in `migrations/`. */
export const SCHEMA_VERSION = 15

/** Challenges are kept this long after they ended, so that an operator can still look at them. */
const KEPT: Seconds = 86_400
/** A clock that was ahead and is set right must not find that a session has lost its end. */
const KEPT_REVOKED: Seconds = 30 * 86_400

export function createStore(given: Batch): Store {
  const watched = watchAudit(given)
  const { batch } = watched
  return {
    ...auditStore(watched),
    ...challengeStore(batch),
    ...challengeReads(batch),
    ...tokenStore(batch),
    ...tokenCreationStore(batch),
    ...ownTokenStore(batch),
    ...userSessionStore(batch),
    ...settingsStore(batch),
    ...userStore(batch),
    ...providerStore(batch),
    ...adminStore(batch),
    ...loginStore(batch),
    ...policyStore(batch),
    ...templateStore(batch),
    ...keyStore(batch),
    ...claimStore(batch),

    schemaVersion: async () => {
      const [[table] = []] = await read(batch, [
        sql`SELECT COUNT(*) AS n FROM sqlite_master WHERE type = 'table' AND name = 'meta'`,
      ])
      if (!table || number(table, 'n') === 0) return null
      const [[row] = []] = await read(batch, [sql`SELECT value FROM meta WHERE key = 'schema'`])
      return row ? number(row, 'value') : null
    },

    leapAhead: async (by, audit) => {
      const [tokens, challenges] =
        (await changeWhere(batch, audit, sql`1`, (won) => [
          sql`UPDATE tokens SET counter = counter + ${by}, revision = revision + 1 WHERE ${somebodys} AND ${won} RETURNING id`,
          sql`UPDATE challenges SET state = 'superseded', closed_by = ${audit.requestId} WHERE state = 'open' AND ${won} RETURNING id`,
        ])) ?? []
      return { tokens: tokens?.length ?? 0, challenges: challenges?.length ?? 0 }
    },

    sweep: async (now) => {
      const swept = await write(batch, [
        sql`DELETE FROM challenges WHERE expires_at < ${now - KEPT} OR created_at > ${now + CLOCK_SKEW} RETURNING id`,
        sql`DELETE FROM revoked_sessions WHERE expires_at < ${now - KEPT_REVOKED} RETURNING id`,
        sweepUserSessions(now),
        sql`DELETE FROM login_attempts WHERE ends_at <= ${now} RETURNING key`,
        sweepRests(now),
        sweepBuckets(now),
        sweepClaims(now),
      ])
      return swept.flat().length
    },
  }
}
