/** Examines a database before otpost works with it: is it otpost's, and can its pages be read? */
import { sql } from 'drizzle-orm/sql'
import type { Batch } from '../../ports/store.ts'
import { type DatabasePlace, explain } from './failures.ts'
import { text } from './rows.ts'
import { read } from './statements.ts'

/** What servers, SQLite and tools around them keep for themselves. */
const INTERNAL = /^(_|sqlite_|libsql_|d1_)/

/** @throws where others have tables and otpost has none: a migration would put its own between them */
export async function refuseForeign(batch: Batch, place: DatabasePlace): Promise<void> {
  const [rows = []] = await read(batch, [sql`SELECT name FROM sqlite_master WHERE type = 'table'`])
  const tables = rows.map((row) => text(row, 'name')).filter((name) => !INTERNAL.test(name))
  if (tables.length === 0 || ['meta', 'tokens', 'challenges'].every((name) => tables.includes(name))) return
  throw new Error(
    `${place.name} is the database of another program, with the table ${tables[0]}: name another place for otpost's`,
  )
}

/**
 * Reads every page of a file but those of the audit, which may be many, and are verified by its own means.
 *
 * @throws when one cannot be read
 */
export async function refuseDamaged(batch: Batch, place: DatabasePlace): Promise<void> {
  const [[found] = []] = await read(batch, [
    sql`SELECT quick_check AS found FROM sqlite_master AS tables, pragma_quick_check(tables.name)
      WHERE tables.type = 'table' AND tables.name NOT IN ('audit', 'deliveries') AND quick_check <> 'ok' LIMIT 1`,
  ])
  if (!found) return
  const cause = new Error(text(found, 'found').replace(/^\*.*\*\s*/, ''))
  throw explain(Object.assign(cause, { code: 'SQLITE_CORRUPT' }), place)
}
