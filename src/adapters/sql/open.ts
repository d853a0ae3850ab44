/** SQL databases of others, for Node, Deno and Bun: `OpenSql`. A client is loaded when it is first needed. */
import type { OpenSql, SqlTarget } from '../../ports/sql.ts'
import type { SqlConnection } from './connection.ts'
import { createPool } from './pool.ts'

export const openSql: OpenSql = (target, limit, metrics) =>
  createPool(async (signal) => connect(await target(), signal), { limit, metrics })

/** @throws what the system or the client said when there is no connection */
async function connect(target: SqlTarget, signal: AbortSignal): Promise<SqlConnection> {
  if (!('user' in target)) return (await import('./libsql.ts')).connectLibsql(target)
  if (target.dialect === 'mysql') return (await import('./mysql.ts')).connectMysql(target, signal)
  return (await import('./postgresql.ts')).connectPostgresql(target, signal)
}
