/** Administrators, API tokens and ended sessions in the store. */
import { sql } from 'drizzle-orm/sql'
import type { Batch, Store } from '../../ports/store.ts'
import { number, text } from './rows.ts'
import { changeWhere, insertAudit, read, write } from './statements.ts'

type AdminStore = Pick<
  Store,
  | 'addAdmin'
  | 'addFirstAdmin'
  | 'findAdmin'
  | 'listAdmins'
  | 'removeAdmin'
  | 'addApiToken'
  | 'findApiToken'
  | 'listApiTokens'
  | 'revokeApiToken'
  | 'sessionPassword'
  | 'endSession'
>

export function adminStore(batch: Batch): AdminStore {
  const exists = (username: string) => sql`EXISTS (SELECT 1 FROM admins WHERE username = ${username})`

  return {
    addAdmin: async (admin, audit) => {
      const done = await changeWhere(batch, audit, sql`NOT ${exists(admin.username)}`, (won) => [
        sql`INSERT INTO admins (username, password_hash, created_at) SELECT ${admin.username}, ${admin.passwordHash}, ${admin.createdAt} WHERE ${won}`,
      ])
      return done ? 'done' : 'taken'
    },

    addFirstAdmin: async (admin) => {
      const [rows = []] = await write(batch, [
        sql`INSERT INTO admins (username, password_hash, created_at) SELECT ${admin.username}, ${admin.passwordHash}, ${admin.createdAt}
          WHERE NOT EXISTS (SELECT 1 FROM admins) RETURNING username`,
      ])
      return rows.length === 1 ? 'done' : 'taken'
    },

    findAdmin: async (username) => {
      const [[row] = []] = await read(batch, [
        sql`SELECT username, password_hash FROM admins WHERE username = ${username}`,
      ])
      return row ? { username: text(row, 'username'), passwordHash: text(row, 'password_hash') } : null
    },

    listAdmins: async () => {
      const [rows = []] = await read(batch, [sql`SELECT username, created_at FROM admins ORDER BY username`])
      return rows.map((row) => ({ username: text(row, 'username'), createdAt: number(row, 'created_at') }))
    },

    removeAdmin: async (username, audit) => {
      const notLast = sql`${exists(username)} AND (SELECT COUNT(*) FROM admins) > 1`
      const done = await changeWhere(batch, audit, notLast, (won) => [
        sql`DELETE FROM api_tokens WHERE admin = ${username} AND ${won}`,
        sql`DELETE FROM admins WHERE username = ${username} AND ${won}`,
      ])
      if (done) return 'done'
      const [[row] = []] = await read(batch, [sql`SELECT ${exists(username)} AS present`])
      return row && number(row, 'present') === 1 ? 'last' : 'unknown'
    },

    addApiToken: async (token, audit) => {
      const done = await changeWhere(batch, audit, exists(token.admin), (won) => [
        sql`INSERT INTO api_tokens (id, admin, name, hash, created_at)
          SELECT ${token.id}, ${token.admin}, ${token.name}, ${token.hash}, ${token.createdAt} WHERE ${won}`,
      ])
      return done ? 'done' : 'unknown'
    },

    findApiToken: async (id) => {
      const [[row] = []] = await read(batch, [sql`SELECT admin, hash FROM api_tokens WHERE id = ${id}`])
      return row ? { admin: text(row, 'admin'), hash: text(row, 'hash') } : null
    },

    listApiTokens: async () => {
      const [rows = []] = await read(batch, [
        sql`SELECT id, admin, name, created_at FROM api_tokens ORDER BY created_at, id`,
      ])
      return rows.map((row) => ({
        id: text(row, 'id'),
        admin: text(row, 'admin'),
        name: text(row, 'name'),
        createdAt: number(row, 'created_at'),
      }))
    },

    revokeApiToken: async (id, audit) => {
      const done = await changeWhere(batch, audit, sql`EXISTS (SELECT 1 FROM api_tokens WHERE id = ${id})`, (won) => [
        sql`DELETE FROM api_tokens WHERE id = ${id} AND ${won}`,
      ])
      return done ? 'done' : 'unknown'
    },

    sessionPassword: async (sessionId, username) => {
      const [[row] = []] = await read(batch, [
        sql`SELECT password_hash FROM admins
          WHERE username = ${username} AND NOT EXISTS (SELECT 1 FROM revoked_sessions WHERE id = ${sessionId})`,
      ])
      return row ? text(row, 'password_hash') : null
    },

    endSession: async (sessionId, expiresAt, audit) => {
      await write(batch, [
        insertAudit(audit),
        sql`INSERT OR IGNORE INTO revoked_sessions (id, expires_at) VALUES (${sessionId}, ${expiresAt})`,
      ])
    },
  }
}
