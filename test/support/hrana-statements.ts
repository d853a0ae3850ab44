/**
 * What a Hrana stream does with one request: the half of the test server that speaks SQL. See hrana-server.ts.
 *
 * Source: https://github.com/tursodatabase/libsql/blob/main/docs/HRANA_3_SPEC.md (structures shared by all versions).
 */
import { type Client, type InValue, LibsqlError, type Transaction } from '@libsql/client'

type Value =
  | { type: 'null' }
  | { type: 'integer'; value: string }
  | { type: 'float'; value: number }
  | { type: 'text'; value: string }
  | { type: 'blob'; base64: string }
type Sql = { sql?: string | null; sql_id?: number | null }
type Statement = Sql & { args?: Value[]; named_args?: { name: string; value: Value }[]; want_rows?: boolean }
type Condition =
  | { type: 'ok' | 'error'; step: number }
  | { type: 'not'; cond: Condition }
  | { type: 'and' | 'or'; conds: Condition[] }
  | { type: 'is_autocommit' }
type Step = { condition?: Condition | null; stmt: Statement }
export type StreamRequest =
  | { type: 'execute'; stmt: Statement }
  | { type: 'batch'; batch: { steps: Step[] } }
  | ({ type: 'sequence' | 'describe' } & Sql)
  | { type: 'store_sql'; sql_id: number; sql: string }
  | { type: 'close_sql'; sql_id: number }
  | { type: 'get_autocommit' | 'close' }
export type Pipeline = { baton?: string | null; requests: StreamRequest[] }

export type Stream = {
  readonly texts: Map<number, string>
  transaction?: Transaction | undefined
  /** Gives the lock back; there while a pipeline runs, and from one to the next while a transaction is open. */
  release?: (() => void) | undefined
  expiry?: NodeJS.Timeout
}

/** Rejects with what `toFailure` puts into words. */
export async function answer(client: Client, stream: Stream, request: StreamRequest) {
  switch (request.type) {
    case 'execute':
      return { type: request.type, result: await execute(client, stream, request.stmt) }
    case 'batch':
      return { type: request.type, result: await executeBatch(client, stream, request.batch.steps) }
    case 'sequence':
      await (openTransaction(stream) ?? client).executeMultiple(textOf(stream, request))
      return { type: request.type }
    case 'describe':
      return { type: request.type, result: await describe(openTransaction(stream) ?? client, textOf(stream, request)) }
    case 'store_sql':
      stream.texts.set(request.sql_id, request.sql)
      return { type: request.type }
    case 'close_sql':
      stream.texts.delete(request.sql_id)
      return { type: request.type }
    case 'get_autocommit':
      return { type: request.type, is_autocommit: openTransaction(stream) === undefined }
    case 'close':
      return { type: request.type }
  }
}

/** SQLite ends a transaction by itself after some errors; the client object only notices. */
export function openTransaction(stream: Stream): Transaction | undefined {
  if (stream.transaction?.closed) {
    stream.transaction.close()
    stream.transaction = undefined
  }
  return stream.transaction
}

function textOf(stream: Stream, { sql, sql_id }: Sql): string {
  const text = sql ?? stream.texts.get(sql_id ?? Number.NaN)
  if (text === undefined) throw failure('SQL_NOT_FOUND', `SQL text ${sql_id} is not stored on this stream`)
  return text
}

/** The embedded client lends its connection for one call only, so BEGIN, COMMIT and ROLLBACK go through its object. */
async function execute(client: Client, stream: Stream, statement: Statement) {
  const sql = textOf(stream, statement)
  const transaction = openTransaction(stream)
  const words = sql.replace(/^(?:\s+|--[^\n]*\n|\/\*[\s\S]*?\*\/)+/, '').toUpperCase()
  const verb = /^[A-Z]*/.exec(words)?.[0] ?? ''
  const nothing = { cols: [], rows: [], affected_row_count: 0, last_insert_rowid: null }

  if (verb === 'BEGIN') {
    if (transaction !== undefined) throw failure('SQLITE_ERROR', 'cannot start a transaction within a transaction')
    const write = /^BEGIN\s+(?:IMMEDIATE|EXCLUSIVE)/.test(words)
    stream.transaction = await client.transaction(write ? 'write' : /READONLY/.test(words) ? 'read' : 'deferred')
    return nothing
  }
  if (
    verb === 'COMMIT' ||
    verb === 'END' ||
    (verb === 'ROLLBACK' && !/^ROLLBACK\s+(?:TRANSACTION\s+)?TO\b/.test(words))
  ) {
    if (transaction === undefined)
      throw failure('SQLITE_ERROR', `cannot ${verb.toLowerCase()} - no transaction is active`)
    await (verb === 'ROLLBACK' ? transaction.rollback() : transaction.commit())
    stream.transaction = undefined
    return nothing
  }
  if (verb === 'SAVEPOINT' && transaction === undefined)
    throw failure('SQLITE_ERROR', 'this test server needs a BEGIN first')

  const executor = transaction ?? client
  const args = (statement.args ?? []).map(fromValue)
  const named = (statement.named_args ?? []).map(({ name, value }) => [name, fromValue(value)] as const)
  const result = await executor.execute({ sql, args: named.length > 0 ? Object.fromEntries(named) : args })
  const writes = /^(?:INSERT|REPLACE|UPDATE|DELETE|WITH)$/.test(verb)
  let { rowsAffected, lastInsertRowid } = result
  if (writes && /\bRETURNING\b/.test(words)) {
    // With RETURNING the embedded client counts nothing; a server does.
    const counted = (await executor.execute('SELECT changes(), last_insert_rowid()')).rows[0]
    rowsAffected = Number(counted?.[0])
    lastInsertRowid = BigInt(String(counted?.[1]))
  }
  return {
    cols: result.columns.map((name, i) => ({ name, decltype: result.columnTypes[i] || null })),
    rows: statement.want_rows === false ? [] : result.rows.map((row) => Array.from(row, toValue)),
    affected_row_count: writes ? rowsAffected : 0,
    last_insert_rowid: verb === 'INSERT' || verb === 'REPLACE' ? String(lastInsertRowid) : null,
  }
}

async function executeBatch(client: Client, stream: Stream, steps: readonly Step[]) {
  const done: unknown[] = []
  const failed: unknown[] = []

  const holds = (condition: Condition): boolean => {
    switch (condition.type) {
      case 'ok':
        return (done[condition.step] ?? null) !== null
      case 'error':
        return (failed[condition.step] ?? null) !== null
      case 'not':
        return !holds(condition.cond)
      case 'and':
        return condition.conds.every(holds)
      case 'or':
        return condition.conds.some(holds)
      case 'is_autocommit':
        return openTransaction(stream) === undefined
    }
  }

  for (const [i, step] of steps.entries()) {
    done[i] = failed[i] = null
    if (step.condition && !holds(step.condition)) continue
    await execute(client, stream, step.stmt).then(
      (result) => {
        done[i] = result
      },
      (error) => {
        failed[i] = toFailure(error)
      },
    )
  }
  return { step_results: done, step_errors: failed }
}

/** Reads the program that SQLite compiled: its variables are the parameters, a write transaction makes it a writer. */
async function describe(executor: Pick<Client, 'execute'>, sql: string) {
  const isExplain = /^\s*EXPLAIN\b/i.test(sql)
  const program = (await executor.execute(isExplain ? sql : `EXPLAIN ${sql}`)).rows
  const params: { name: string | null }[] = []
  for (const { opcode, p1, p4 } of program) {
    if (opcode === 'Variable') params[Number(p1) - 1] = { name: p4 === null ? null : String(p4) }
  }
  const columns = await executor.execute(`SELECT * FROM (${sql.replace(/;\s*$/, '')}) LIMIT 0`).catch(() => undefined)
  return {
    params: Array.from(params, (param) => param ?? { name: null }),
    cols: (columns?.columns ?? []).map((name, i) => ({ name, decltype: columns?.columnTypes[i] || null })),
    is_explain: isExplain,
    is_readonly: !program.some(({ opcode, p2 }) => opcode === 'Transaction' && Number(p2) > 0),
  }
}

function fromValue(value: Value): InValue {
  switch (value.type) {
    case 'null':
      return null
    case 'integer':
      return BigInt(value.value)
    case 'blob':
      return Uint8Array.from(Buffer.from(value.base64, 'base64'))
    default:
      return value.value
  }
}

function toValue(value: unknown): Value {
  if (typeof value === 'bigint') return { type: 'integer', value: String(value) }
  if (typeof value === 'number') return { type: 'float', value }
  if (typeof value === 'string') return { type: 'text', value }
  if (value instanceof ArrayBuffer) return { type: 'blob', base64: Buffer.from(value).toString('base64') }
  return { type: 'null' }
}

export const failure = (code: string, message: string) => Object.assign(new Error(message), { code })

/** Hrana's error: SQLite's own words behind "SQLite error:", as a server says them. */
export function toFailure(error: unknown) {
  if (error instanceof LibsqlError) {
    return {
      message: `SQLite error: ${error.cause instanceof Error ? error.cause.message : error.message}`,
      code: error.code,
    }
  }
  const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN'
  return { message: error instanceof Error ? error.message : String(error), code }
}
