/** SQLite files and libSQL servers by way of @libsql/client, in read-only transactions. */
import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Client, createClient, type Value } from '@libsql/client'
import { ok } from '../../core/result.ts'
import type { SqlCell, SqlTarget } from '../../ports/sql.ts'
import { connectionFailed, quoted, type SqlConnection, statementRefused } from './connection.ts'

/** How long a file that somebody writes to is waited for, in milliseconds; the whole process waits. */
const BUSY_MS = 1000

/** No other database has these. Whoever may write resolvers must not read the hashes and seals of a database of otpost. */
const OTPOSTS = ['admins', 'api_tokens', 'audit_checkpoints', 'revoked_sessions']

/** @throws an error with a `code` when the file cannot be read, which is never made, or the server cannot be asked */
export async function connectLibsql(target: Exclude<SqlTarget, { readonly user: string }>): Promise<SqlConnection> {
  const isFile = target.dialect === 'sqlite'
  if (isFile) await access(target.path, constants.R_OK)
  const client = isFile
    ? createClient({
        url: pathToFileURL(resolve(target.path)).href,
        intMode: 'bigint',
        concurrency: 1,
        timeout: BUSY_MS,
      })
    : createClient({
        url: target.url,
        intMode: 'bigint',
        ...(target.token === undefined ? {} : { authToken: target.token }),
      })
  try {
    if (await isOtposts(client)) throw Object.assign(new Error('own_database'), { code: 'own_database' })
  } catch (error) {
    client.close()
    throw error
  }
  // In a file, `read` alone keeps nothing from writing; of a server there are tokens that may not.
  const first = isFile ? ['PRAGMA query_only = ON'] : []
  let isOpen = true
  const close = () => {
    isOpen = false
    client.close()
  }
  return {
    run: async ({ sql, params }) => {
      try {
        const results = await client.batch([...first, { sql, args: [...params] }], 'read')
        const result = results.at(-1)
        const columns = result?.columns.length ?? 0
        return ok((result?.rows ?? []).map((row) => Array.from({ length: columns }, (_, n) => cellOf(row[n]))))
      } catch (error) {
        return failureOf(error)
      }
    },
    isOpen: () => isOpen,
    hold: () => {},
    close,
    destroy: close,
  }
}

async function isOtposts(client: Client): Promise<boolean> {
  const names = OTPOSTS.map(() => '?').join(', ')
  const sql = `SELECT count(*) AS n FROM sqlite_master WHERE type = 'table' AND name IN (${names})`
  const { rows } = await client.execute({ sql, args: OTPOSTS })
  return Number(rows[0]?.n) === OTPOSTS.length
}

function cellOf(value: Value | undefined): SqlCell {
  if (value === undefined || value === null) return null
  if (!(value instanceof ArrayBuffer)) return value
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value)
  } catch {
    return null
  }
}

/** Unknown tables and columns are told apart by nothing but their message, which holds names alone. */
function failureOf(error: unknown) {
  const { code, message } = error as Partial<Record<'code' | 'message', unknown>> // whatever it is that was thrown
  if (code === 'SQLITE_ERROR') return statementRefused(quoted('statement_refused', message))
  if (typeof code === 'string' && /^SQLITE_(?:READONLY|AUTH|BUSY|LOCKED)/.test(code)) return statementRefused(code)
  return connectionFailed(typeof code === 'string' ? code : 'connection_lost')
}
