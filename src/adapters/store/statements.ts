/**
 * Statements: Drizzle's `sql` template, compiled for `Batch`, and the two patterns that all changes follow.
 */
import { CasingCache } from 'drizzle-orm/casing'
import { type SQL, sql } from 'drizzle-orm/sql'
import type { AuditRow, Batch, Row, Statement } from '../../ports/store.ts'

/** How SQLite is written. Drizzle's dialect would do, but it brings along much that is slow to load. */
const SQLITE = {
  escapeName: (name: string) => `"${name.replaceAll('"', '""')}"`,
  escapeParam: () => '?',
  escapeString: (text: string) => `'${text.replaceAll("'", "''")}'`,
  casing: new CasingCache(),
}

export function compile(statement: SQL): Statement {
  const { sql: text, params } = statement.toQuery(SQLITE)
  return { sql: text, params: params.map(bindable) }
}

function bindable(value: unknown): string | number | null {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (typeof value === 'boolean') return value ? 1 : 0
  throw new Error(`a ${typeof value} cannot be bound to a statement`)
}

export const read = async (batch: Batch, statements: readonly SQL[]): Promise<readonly (readonly Row[])[]> =>
  batch(statements.map(compile), 'read')
export const write = async (batch: Batch, statements: readonly SQL[]): Promise<readonly (readonly Row[])[]> =>
  batch(statements.map(compile), 'write')

/**
 * Records as one bound parameter, for `json_each`. JSON may escape half a surrogate pair, which SQLite turns into bytes
 * that are no UTF-8, and libSQL ends the process when it reads them back: such a half becomes U+FFFD.
 */
export const json = (value: unknown): string =>
  JSON.stringify(value, (_, inner) => (typeof inner === 'string' ? inner.toWellFormed() : inner))

/** A list as one bound parameter: D1 allows a hundred of them. Use as `x IN ${list(values)}`. */
export const list = (values: readonly (string | number)[]): SQL => sql`(SELECT value FROM json_each(${json(values)}))`

/** Inserts the audit row where `guard` holds; RETURNING tells whether it did, and audit.ts what was written. */
export function insertAudit(row: AuditRow, guard: SQL = sql`1`): SQL {
  return sql`INSERT INTO audit (request_id, at, action, success, serial, token_type, user, realm, administrator, action_detail, info, client,
      server, cited_number, cited_mark, mac)
    SELECT ${row.requestId}, ${row.at}, ${row.action}, ${row.success}, ${row.serial}, ${row.tokenType}, ${row.user}, ${row.realm},
      ${row.administrator}, ${row.actionDetail}, ${row.info}, ${row.client},
      ${row.server ?? ''}, ${row.cites?.number ?? 0}, ${row.cites?.mark ?? ''}, ${row.mac}
    WHERE ${guard} RETURNING number, request_id AS audited, mac`
}

/** The same for many requests at once: each row where `guard` holds, in which it is the JSON object `r.value`. */
export function insertAudits(rows: readonly AuditRow[], guard: SQL): SQL {
  const column = (name: keyof AuditRow): SQL => sql`r.value ->> ${`$.${name}`}`
  return sql`INSERT INTO audit (request_id, at, action, success, serial, token_type, user, realm, administrator, action_detail, info, client,
      server, cited_number, cited_mark, mac)
    SELECT ${column('requestId')}, ${column('at')}, ${column('action')}, ${column('success')}, ${column('serial')}, ${column('tokenType')},
      ${column('user')}, ${column('realm')}, ${column('administrator')}, ${column('actionDetail')}, ${column('info')}, ${column('client')},
      COALESCE(${column('server')}, ''), COALESCE(r.value ->> '$.cites.number', 0), COALESCE(r.value ->> '$.cites.mark', ''), ${column('mac')}
    FROM json_each(${json(rows)}) r WHERE ${guard} RETURNING number, request_id AS audited, mac`
}

/**
 * One conditional change. The audit row is the stamp: it is written first, where `guard` holds, and each of `changes`
 * carries `won(requestId)`, so that nothing happens without its line in the audit and no line stands without its change.
 *
 * @returns rows of each change when the guard held, null when it did not
 */
export async function changeWhere(
  batch: Batch,
  audit: AuditRow,
  guard: SQL,
  changes: (won: SQL) => readonly SQL[],
): Promise<readonly (readonly Row[])[] | null> {
  const won = sql`EXISTS (SELECT 1 FROM audit WHERE request_id = ${audit.requestId})`
  const [stamp = [], ...rows] = await write(batch, [insertAudit(audit, guard), ...changes(won)])
  return stamp.length === 1 ? rows : null
}

/** A condition of a change, and what its caller is told where it does not hold. */
export type Condition<R extends string> = readonly [refusal: R, holds: SQL]

/** The same under several conditions. @returns the refusal of the first one that does not hold */
export async function changeUnless<R extends string>(
  batch: Batch,
  audit: AuditRow,
  conditions: readonly [Condition<R>, ...(readonly Condition<R>[])],
  changes: (won: SQL) => readonly SQL[],
): Promise<'done' | R> {
  const holds = conditions.map(([, condition]) => condition)
  if (await changeWhere(batch, audit, sql.join(holds, sql` AND `), changes)) return 'done'
  const [[first], ...others] = conditions
  if (others.length === 0) return first
  // Which one it was is for the message only.
  const columns = holds.map((condition, n) => sql`${condition} AS ${sql.identifier(`c${n}`)}`)
  const [[row] = []] = await read(batch, [sql`SELECT ${sql.join(columns, sql`, `)}`])
  return conditions.find((_, n) => row?.[`c${n}`] !== 1)?.[0] ?? first
}

/** Moves the version of the settings, so that every node reads them again before its next decision. */
export const moveVersion = (won: SQL): SQL => sql`UPDATE meta SET value = value + 1 WHERE key = 'version' AND ${won}`
