/** Administrators, API tokens and ended sessions in the store. */
import { sql } from 'drizzle-orm/sql'
import type { Grant } from '../../core/policy/grant.ts'
import type { AdminStore } from '../../ports/admins.ts'
import type { Batch, Row } from '../../ports/store.ts'
import { instant, number, strings, text } from './rows.ts'
import { changeWhere, insertAudit, json, read, write } from './statements.ts'

export function adminStore(batch: Batch): Omit<AdminStore, 'payLogin' | 'settleLogin'> {
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

    setAdminPassword: async (username, passwordHash, audit) => {
      const done = await changeWhere(batch, audit, exists(username), (won) => [
        sql`UPDATE admins SET password_hash = ${passwordHash} WHERE username = ${username} AND ${won}`,
      ])
      return done ? 'done' : 'unknown'
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
        sql`INSERT INTO api_tokens (id, admin, name, hash, created_at, scope, realms, expires_at)
          SELECT ${token.id}, ${token.admin}, ${token.name}, ${token.hash}, ${token.createdAt},
            ${token.grant?.rights.join(' ') ?? ''}, ${json(token.grant?.realms ?? [])}, ${token.expiresAt} WHERE ${won}`,
      ])
      return done ? 'done' : 'unknown'
    },

    findApiToken: async (id, now) => {
      const [[row] = []] = await read(batch, [
        sql`SELECT m.value AS version, t.admin, t.hash, t.scope, t.realms, t.last_used_at FROM meta m
          LEFT JOIN api_tokens t ON t.id = ${id} AND (t.expires_at IS NULL OR t.expires_at > ${now})
          WHERE m.key = 'version'`,
      ])
      const version = number(row ?? {}, 'version')
      if (!row || row.admin === null) return { version, token: null }
      const [admin, hash] = [text(row, 'admin'), text(row, 'hash')]
      return { version, token: { admin, hash, grant: grantOf(row), lastUsedAt: instant(row, 'last_used_at') } }
    },

    noteApiTokenUse: async (id, now, every) => {
      await write(batch, [
        sql`UPDATE api_tokens SET last_used_at = ${now}
          WHERE id = ${id} AND (last_used_at IS NULL OR last_used_at <= ${now - every} OR last_used_at > ${now})`,
      ])
    },

    listApiTokens: async () => {
      const [rows = []] = await read(batch, [
        sql`SELECT id, admin, name, created_at, scope, realms, expires_at, last_used_at FROM api_tokens
          ORDER BY created_at, id`,
      ])
      return rows.map((row) => ({
        id: text(row, 'id'),
        admin: text(row, 'admin'),
        name: text(row, 'name'),
        createdAt: number(row, 'created_at'),
        grant: grantOf(row),
        expiresAt: instant(row, 'expires_at'),
        lastUsedAt: instant(row, 'last_used_at'),
      }))
    },

    revokeApiToken: async (id, audit) => {
      const done = await changeWhere(batch, audit, sql`EXISTS (SELECT 1 FROM api_tokens WHERE id = ${id})`, (won) => [
        sql`DELETE FROM api_tokens WHERE id = ${id} AND ${won}`,
      ])
      return done ? 'done' : 'unknown'
    },

    readSession: async (sessionId, holder) => {
      const password =
        'username' in holder
          ? sql`SELECT password_hash FROM admins WHERE username = ${holder.username}`
          : sql`SELECT password_hash FROM users
              WHERE resolver = ${holder.resolver} AND user_id = ${holder.userId} AND login = ${holder.login}`
      const [[row] = []] = await read(batch, [
        sql`SELECT ${settingsVersion} AS version, (${password}) AS password_hash
          WHERE NOT EXISTS (SELECT 1 FROM revoked_sessions WHERE id = ${sessionId})`,
      ])
      if (!row) return null
      const stored = row.password_hash !== null && row.password_hash !== undefined
      return { version: number(row, 'version'), passwordHash: stored ? text(row, 'password_hash') : null }
    },

    endSession: async (sessionId, expiresAt, audit) => {
      await write(batch, [
        insertAudit(audit),
        sql`INSERT OR IGNORE INTO revoked_sessions (id, expires_at) VALUES (${sessionId}, ${expiresAt})`,
      ])
    },
  }
}

const settingsVersion = sql`(SELECT value FROM meta WHERE key = 'version')`

function grantOf(row: Row): Grant | null {
  const scope = text(row, 'scope')
  return scope === '' ? null : { rights: scope.split(' '), realms: strings(row, 'realms') }
}
