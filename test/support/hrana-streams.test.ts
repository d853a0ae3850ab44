import { type Client, createClient } from '@libsql/client/http'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HranaServer, startHranaServer } from './hrana-server.ts'

let server: HranaServer
let client: Client

beforeEach(async () => {
  server = await startHranaServer({ streamTimeoutMs: 300 })
  client = createClient({ url: server.url, authToken: server.token, concurrency: 100 })
  await client.executeMultiple(`
    CREATE TABLE counters (id INTEGER PRIMARY KEY, n INTEGER NOT NULL CHECK (n < 1000), label TEXT UNIQUE);
    INSERT INTO counters VALUES (1, 0, 'one');
  `)
})
afterEach(async () => {
  client.close()
  await server.close()
})

const countOf = async () => (await client.execute('SELECT n FROM counters WHERE id = 1')).rows[0]?.n
const times = <T>(n: number, make: (i: number) => Promise<T>) =>
  Promise.all(Array.from({ length: n }, (_, i) => make(i)))

/** One pipeline as it stands on the wire, for what the client never sends. */
async function pipeline(requests: readonly unknown[], baton: string | null = null) {
  const response = await fetch(`${server.url}/v2/pipeline`, {
    method: 'POST',
    headers: { authorization: `Bearer ${server.token}` },
    body: JSON.stringify({ baton, requests }),
  })
  return { status: response.status, body: await response.json() }
}

describe('interactive transactions', () => {
  it('run one after the other, however many are begun at once', async () => {
    await times(8, async () => {
      const transaction = await client.transaction('write')
      const { rows } = await transaction.execute('SELECT n FROM counters WHERE id = 1')
      await transaction.execute({ sql: 'UPDATE counters SET n = ?', args: [Number(rows[0]?.n) + 1] })
      await transaction.commit()
    })

    expect(await countOf()).toBe(8)
  })

  it('roll back when they are asked to, and when they are closed', async () => {
    const first = await client.transaction('write')
    await first.executeMultiple('UPDATE counters SET n = 1')
    await first.rollback()
    const second = await client.transaction('write')
    await second.execute('UPDATE counters SET n = 2')
    second.close()

    expect(await countOf()).toBe(0)
  })

  it('are rolled back when their client falls silent, and refused when it comes back', async () => {
    const transaction = await client.transaction('write')
    await transaction.execute('UPDATE counters SET n = 1')

    // Waits for the lock, so it is answered once the stream has expired.
    expect(await countOf()).toBe(0)
    await expect(transaction.execute('UPDATE counters SET n = 2')).rejects.toMatchObject({ code: 'STREAM_EXPIRED' })
  })

  it('notice a rollback that SQLite did by itself, and let the next one in', async () => {
    const insert = { type: 'execute', stmt: { sql: "INSERT OR ROLLBACK INTO counters VALUES (1, 0, 'again')" } }
    const begin = { type: 'execute', stmt: { sql: 'BEGIN' } }

    const { body } = await pipeline([begin, insert, { type: 'get_autocommit' }])

    expect(body.results[1]).toMatchObject({ type: 'error', error: { code: 'SQLITE_CONSTRAINT' } })
    expect(body.results[2].response.is_autocommit).toBe(true)
    expect(await countOf()).toBe(0)
  })
})

describe('streams', () => {
  it('honours every kind of condition', async () => {
    const select = { sql: 'SELECT 1', want_rows: true }
    const ok = { type: 'ok', step: 0 }
    const error = { type: 'error', step: 1 }
    const not = (cond: unknown) => ({ type: 'not', cond })
    const steps = [
      { stmt: select },
      { stmt: { sql: 'SELECT * FROM nowhere' } },
      { stmt: select, condition: ok },
      { stmt: select, condition: { type: 'ok', step: 1 } },
      { stmt: select, condition: error },
      { stmt: select, condition: { type: 'error', step: 3 } }, // skipped is neither ok nor error
      { stmt: select, condition: not(ok) },
      { stmt: select, condition: { type: 'and', conds: [ok, error] } },
      { stmt: select, condition: { type: 'and', conds: [ok, not(error)] } },
      { stmt: select, condition: { type: 'or', conds: [not(ok), error] } },
      { stmt: select, condition: { type: 'or', conds: [] } },
      { stmt: select, condition: { type: 'is_autocommit' } },
      { stmt: { sql: '/* x */ -- y\n begin immediate' } },
      { stmt: select, condition: { type: 'is_autocommit' } },
    ]

    const { body } = await pipeline([
      { type: 'batch', batch: { steps } },
      { type: 'get_autocommit' },
      { type: 'close' },
    ])

    const { step_results: results, step_errors: errors } = body.results[0].response.result
    expect(results.map((result: unknown) => (result === null ? '-' : '+')).join('')).toBe('+-+-+--+-+-++-')
    expect(errors.map((found: unknown) => (found === null ? '-' : '!')).join('')).toBe('-!------------')
    expect(body.results[1].response).toEqual({ type: 'get_autocommit', is_autocommit: false })
    expect(body.baton).toBeNull()
  })

  it('keep stored SQL from one pipeline to the next, and accept a baton once', async () => {
    const first = await pipeline([{ type: 'store_sql', sql_id: 7, sql: 'SELECT 42' }])
    const second = await pipeline(
      [
        { type: 'execute', stmt: { sql_id: 7 } },
        { type: 'close_sql', sql_id: 7 },
      ],
      first.body.baton,
    )
    const third = await pipeline([{ type: 'execute', stmt: { sql_id: 7 } }], second.body.baton)
    const again = await pipeline([], first.body.baton)

    expect(second.body.results[0].response.result.rows).toEqual([[{ type: 'integer', value: '42' }]])
    expect(third.body.results[0].error.code).toBe('SQL_NOT_FOUND')
    expect(again).toMatchObject({ status: 400, body: { code: 'STREAM_EXPIRED' } })
  })

  it('do not keep a transaction open when the rest of the pipeline is malformed', async () => {
    const { status } = await pipeline([{ type: 'execute', stmt: { sql: 'BEGIN IMMEDIATE' } }, null])

    expect(status).toBe(400)
    expect(await countOf()).toBe(0)
  })

  it('describe a statement', async () => {
    const sqls = ['SELECT id, n FROM counters WHERE id = :id AND n > ?', 'UPDATE counters SET n = ? RETURNING id']

    const { body } = await pipeline([...sqls.map((sql) => ({ type: 'describe', sql })), { type: 'close' }])

    expect(body.results[0].response.result).toEqual({
      params: [{ name: ':id' }, { name: null }],
      cols: [
        { name: 'id', decltype: 'INTEGER' },
        { name: 'n', decltype: 'INTEGER' },
      ],
      is_explain: false,
      is_readonly: true,
    })
    expect(body.results[1].response.result).toMatchObject({ params: [{ name: null }], is_readonly: false })
    expect(await countOf()).toBe(0)
  })
})
