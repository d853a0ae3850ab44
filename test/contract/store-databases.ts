/** Databases for the store suite on Node: a libSQL file, libSQL over HTTP, and D1 in Miniflare. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { Agent, type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { createClient } from '@libsql/client'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import { type D1Database, d1Batch } from '../../src/adapters/store/d1.ts'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import { startHranaServer } from '../support/hrana-server.ts'
import { SCRATCH } from '../support/scratch.ts'
import type { Database } from './store-fixture.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

/** A folder of its own, and a path in it for a database that is not there yet. */
export async function temporaryFile(): Promise<{ readonly path: string; readonly remove: () => Promise<void> }> {
  const folder = await mkdtemp(join(SCRATCH, 'otpost-store-'))
  return { path: join(folder, 'otpost.db'), remove: () => rm(folder, { recursive: true, force: true }) }
}

/** A client as the runtimes make it: one connection, which waits for the locks of other processes. */
export const fileClient = (path: string) => createClient({ url: `file:${path}`, concurrency: 1, timeout: 5000 })

/** @param synchronous as in production, unless durability is of no interest */
export async function openLibsqlFile(synchronous: 'FULL' | 'NORMAL' = 'FULL'): Promise<Database> {
  const { path, remove } = await temporaryFile()
  const client = fileClient(path)
  await prepareFile(client, synchronous)
  const batch = libsqlBatch(client)
  await migrateDatabase(client, createStore(batch))
  const close = async () => {
    client.close()
    await remove()
  }
  return { batch, close }
}

export async function openLibsqlHttp(): Promise<Database> {
  const server = await startHranaServer({ token: 'contract' })
  const client = createClient({ url: server.url, authToken: server.token })
  const batch = libsqlBatch(client)
  await migrateDatabase(client, createStore(batch))
  const close = async () => {
    client.close()
    await server.close()
  }
  return { batch, close }
}

/**
 * Hands a whole batch to the real binding. `miniflare.getD1Database` would make three synchronous round trips of each
 * statement, which is ten times as slow.
 */
const D1_WORKER = `export default {
  async fetch(request, { DB }) {
    const statements = await request.json()
    try {
      return Response.json(await DB.batch(statements.map(({ sql, values }) => DB.prepare(sql).bind(...values))))
    } catch (error) {
      return new Response(String(error), { status: 500 })
    }
  },
}`

type Values = readonly (string | number | null)[]
type Bound = { readonly sql: string; readonly values: Values; readonly bind: (...values: Values) => Bound }

/** The binding as `d1.ts` sees it, in front of `D1_WORKER`. */
function d1Through(url: URL): D1Database {
  const bound = (sql: string, values: Values): Bound => ({ sql, values, bind: (...given) => bound(sql, given) })
  const agent = new Agent({ keepAlive: true, maxSockets: 8 })
  return {
    prepare: (sql) => bound(sql, []),
    batch: async (statements) => {
      const response = await post(url, agent, JSON.stringify(statements))
      const answer = await text(response)
      if (response.statusCode !== 200) throw new Error(answer)
      return JSON.parse(answer) // what the binding returned; the worker adds nothing
    },
  }
}

/** `fetch` takes three times the CPU for it. */
const post = (url: URL, agent: Agent, body: string): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => {
    request(url, { method: 'POST', agent }, resolve).once('error', reject).end(body)
  })

export async function openD1(): Promise<Database> {
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: D1_WORKER,
      compatibilityDate: '2026-11-01',
      d1Databases: ['DB'],
    }),
  )
  const batch = d1Batch(d1Through(await miniflare.ready))
  // `wrangler d1 migrations apply` splits at the same marks.
  for (const file of (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql')).toSorted()) {
    const sql = await readFile(join(MIGRATIONS, file), 'utf8')
    const statements = sql.split('--> statement-breakpoint').map((statement) => ({ sql: statement, params: [] }))
    await batch(statements, 'write')
  }
  return { batch, close: () => miniflare.dispose() }
}
