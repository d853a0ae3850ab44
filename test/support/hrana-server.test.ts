import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, createClient } from '@libsql/client/http'
import { createClient as createWebClient } from '@libsql/client/web'
import { drizzle } from 'drizzle-orm/libsql'
import { migrate } from 'drizzle-orm/libsql/migrator'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type HranaServer, startHranaServer } from './hrana-server.ts'
import { startRuntime } from './runtimes.ts'

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

describe('statements', () => {
  it('carries every kind of value there and back', async () => {
    const big = createClient({ url: server.url, authToken: server.token, intMode: 'bigint' })
    const args = [null, 'añ\n', 1.5, 2n ** 62n, -1n, new Uint8Array([0, 255, 7]), '']

    const { rows, columns } = await big.execute({ sql: 'SELECT ? AS a, ?, ?, ?, ?, ?, ?', args })

    expect(columns[0]).toBe('a')
    expect(Array.from(rows[0] ?? [])).toEqual([
      null,
      'añ\n',
      1.5,
      2n ** 62n,
      -1n,
      new Uint8Array([0, 255, 7]).buffer,
      '',
    ])
    big.close()
  })

  it('binds named arguments', async () => {
    const { rows } = await client.execute({ sql: 'SELECT :a || @b AS ab', args: { a: 'x', b: 'y' } })

    expect(rows[0]?.ab).toBe('xy')
  })

  it('returns rows, and counts them, for RETURNING', async () => {
    const result = await client.execute("INSERT INTO counters (n, label) VALUES (5, 'x'), (6, 'y') RETURNING id, n")

    expect(result.rows.map((row) => ({ ...row }))).toEqual([
      { id: 2, n: 5 },
      { id: 3, n: 6 },
    ])
    expect(result.columnTypes).toEqual(['INTEGER', 'INTEGER'])
    expect(result.rowsAffected).toBe(2)
    expect(result.lastInsertRowid).toBe(3n)
  })

  it('counts the rows of a write without RETURNING, and none for a query after it', async () => {
    const write = await client.execute('UPDATE counters SET n = n + 1')
    const read = await client.execute('SELECT * FROM counters')

    expect(write.rowsAffected).toBe(1)
    expect(read.rowsAffected).toBe(0)
  })

  it('reports a broken constraint with the code of SQLite and the words of a server', async () => {
    const insert = client.execute("INSERT INTO counters VALUES (2, 0, 'one')")

    await expect(insert).rejects.toMatchObject({
      code: 'SQLITE_CONSTRAINT',
      message: 'SQLITE_CONSTRAINT: SQLite error: UNIQUE constraint failed: counters.label',
    })
  })

  it('runs several statements of one text', async () => {
    await client.executeMultiple('UPDATE counters SET n = 7; CREATE TABLE other (id); INSERT INTO other VALUES (1)')

    expect(await countOf()).toBe(7)
    expect((await client.execute('SELECT * FROM other')).rows).toHaveLength(1)
  })
})

describe('batch', () => {
  it('commits as a whole', async () => {
    const results = await client.batch(
      [
        'UPDATE counters SET n = 1',
        { sql: 'INSERT INTO counters VALUES (?, ?, ?)', args: [2, 2, 'two'] },
        'SELECT * FROM counters',
      ],
      'write',
    )

    expect(results.map((result) => result.rowsAffected)).toEqual([1, 1, 0])
    expect(results[2]?.rows).toHaveLength(2)
  })

  it('rolls back as a whole and says which statement failed', async () => {
    const batch = client.batch(['UPDATE counters SET n = 1', "INSERT INTO counters VALUES (2, 0, 'one')"], 'write')

    await expect(batch).rejects.toMatchObject({ code: 'SQLITE_CONSTRAINT', statementIndex: 1 })
    expect(await countOf()).toBe(0)
  })

  it('accepts exactly one of fifty equal conditional updates', async () => {
    const results = await times(50, (i) =>
      client.batch(
        [{ sql: 'UPDATE counters SET n = 1, label = ? WHERE id = 1 AND n = 0 RETURNING label', args: [`winner ${i}`] }],
        'write',
      ),
    )

    expect(results.filter(([result]) => result?.rows.length === 1)).toHaveLength(1)
  })

  it('does not let concurrent read-then-write batches interleave', async () => {
    await times(50, () =>
      client.batch(
        [
          'CREATE TABLE seen AS SELECT n FROM counters WHERE id = 1',
          'UPDATE counters SET n = (SELECT n + 1 FROM seen)',
          'DROP TABLE seen',
        ],
        'write',
      ),
    )

    expect(await countOf()).toBe(50)
  })
})

describe('access', () => {
  it('refuses a wrong token and none', async () => {
    for (const access of [{ authToken: 'wrong' }, {}]) {
      const stranger = createClient({ url: server.url, ...access })

      await expect(stranger.execute('SELECT 1')).rejects.toMatchObject({
        code: 'SERVER_ERROR',
        message: expect.stringContaining('401'),
      })
    }
  })

  it('speaks version 2 only', async () => {
    const statuses = ['/v2', '/v3', '/v3-protobuf', '/v3/pipeline', '/'].map(
      async (path) => (await fetch(server.url + path)).status,
    )

    expect(await Promise.all(statuses)).toEqual([200, 404, 404, 404, 404])
  })

  it('answers what is no pipeline with 400 and goes on', async () => {
    const response = await fetch(`${server.url}/v2/pipeline`, {
      method: 'POST',
      headers: { authorization: `Bearer ${server.token}` },
      body: '{',
    })

    expect(response.status).toBe(400)
    expect(await countOf()).toBe(0)
  })
})

describe('clients', () => {
  it('lets drizzle migrate, once', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'otpost-migrations-'))
    await mkdir(join(folder, 'meta'))
    const entry = { idx: 0, version: '6', when: 1_750_000_000_000, tag: '0000_first', breakpoints: true }
    await writeFile(
      join(folder, 'meta/_journal.json'),
      JSON.stringify({ version: '7', dialect: 'sqlite', entries: [entry] }),
    )
    await writeFile(
      join(folder, '0000_first.sql'),
      'CREATE TABLE tokens (serial TEXT PRIMARY KEY);\n--> statement-breakpoint\nCREATE INDEX by_serial ON tokens (serial);',
    )
    const db = drizzle(client)

    await migrate(db, { migrationsFolder: folder })
    await migrate(db, { migrationsFolder: folder })

    const { rows } = await client.execute(
      "SELECT name FROM sqlite_schema WHERE tbl_name = 'tokens' AND sql IS NOT NULL",
    )
    expect(rows.map((row) => row.name)).toEqual(['tokens', 'by_serial'])
    await rm(folder, { recursive: true })
  })

  it('keeps a file it was given, for the next server on it', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'otpost-hrana-file-'))
    const open = async () => {
      const other = await startHranaServer({ file: join(folder, 'kept.db'), token: 'fixed' })
      return { other, web: createWebClient({ url: other.url, authToken: 'fixed' }) }
    }

    const first = await open()
    await first.web.batch(['CREATE TABLE kept (n)', 'INSERT INTO kept VALUES (1)'], 'write')
    await first.other.close()
    const second = await open()

    expect((await second.web.execute('SELECT n FROM kept')).rows[0]?.n).toBe(1)
    await second.other.close()
    await rm(folder, { recursive: true })
  })

  it.each(['node', 'deno', 'bun'] as const)('answers a child process on %s', async (runtime) => {
    const child = await startRuntime(runtime, {
      script: new URL('./children/query.ts', import.meta.url),
      args: [server.url, server.token],
      ready: /^rows (.*)$/,
    })

    expect(JSON.parse(child.url)).toEqual([{ n: 1, label: 'one' }])
    expect(await child.exited).toEqual({ code: 0, signal: null })
    expect(await countOf()).toBe(1)
  })
})
