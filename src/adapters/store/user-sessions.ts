/** Sessions of users in the store. What they hold is random, and stands here as its hash. */
import { sql } from 'drizzle-orm/sql'
import type { SelfServiceStore, UserSession } from '../../ports/self-service.ts'
import type { Batch, Row } from '../../ports/store.ts'
import { number, text } from './rows.ts'
import { insertAudit, list, read, write } from './statements.ts'

type UserSessionStore = Pick<
  SelfServiceStore,
  'beginUserSession' | 'findUserSession' | 'moveUserSession' | 'endUserSessions'
>

export function userSessionStore(batch: Batch): UserSessionStore {
  return {
    beginUserSession: async (session, audit) => {
      await write(batch, [
        ...(audit ? [insertAudit(audit)] : []),
        sql`INSERT INTO user_sessions (id, resolver, user_id, login, realm, client, state, transaction_id, expires_at)
          VALUES (${session.id}, ${session.resolver}, ${session.userId}, ${session.login}, ${session.realm}, ${session.client},
            ${session.state}, ${session.transactionId}, ${session.expiresAt})`,
      ])
    },

    findUserSession: async (id, client, now) => {
      const [[row] = []] = await read(batch, [
        sql`SELECT * FROM user_sessions WHERE id = ${id} AND client = ${client} AND expires_at > ${now}`,
      ])
      return row ? toUserSession(row) : null
    },

    moveUserSession: async (seen, to, now) => {
      const [moved = []] = await write(batch, [
        sql`UPDATE user_sessions SET id = ${to.id}, state = ${to.state}, transaction_id = ${to.transactionId}
          WHERE id = ${seen.id} AND state = ${seen.state} AND transaction_id = ${seen.transactionId} AND expires_at > ${now}
          RETURNING id`,
      ])
      return moved.length === 1 ? 'done' : 'lost'
    },

    endUserSessions: async (ids, audit) => {
      await write(batch, [insertAudit(audit), sql`DELETE FROM user_sessions WHERE id IN ${list(ids)}`])
    },
  }
}

export const sweepUserSessions = (now: number) => sql`DELETE FROM user_sessions WHERE expires_at <= ${now} RETURNING id`

const toUserSession = (row: Row): UserSession => ({
  id: text(row, 'id'),
  resolver: text(row, 'resolver'),
  userId: text(row, 'user_id'),
  login: text(row, 'login'),
  realm: text(row, 'realm'),
  client: text(row, 'client'),
  // The states are written by this store alone.
  state: text(row, 'state') as UserSession['state'],
  transactionId: text(row, 'transaction_id'),
  expiresAt: number(row, 'expires_at'),
})
