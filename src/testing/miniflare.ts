/** otpost in workerd, by Miniflare: a D1 database in memory, a port of 127.0.0.1. */
import { readdir, readFile } from 'node:fs/promises'
import type { D1Database } from '../adapters/store/d1.ts'
import type { Variables } from '../config.ts'
import type { Backend } from './node.ts'
import { workerBundle } from './worker-bundle.ts'

const MIGRATIONS = new URL('../../migrations/', import.meta.url)

/**
 * @param log takes each line that the Worker logs
 * @throws when miniflare, which is no dependency of otpost, is not installed
 */
export async function startInMiniflare(variables: Variables, log: (line: string) => void): Promise<Backend> {
  const { convertV4MiniflareOptions, Miniflare } = await loadMiniflare()
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'workers.js', contents: await readFile(await workerBundle(), 'utf8') }],
      compatibilityDate: '2026-11-01',
      compatibilityFlags: ['nodejs_compat'],
      d1Databases: ['DB'],
      bindings: { ...variables },
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs: ({ message }) => log(message),
    }),
  )
  try {
    const { origin } = await miniflare.ready
    await migrateD1((await miniflare.getD1Database('DB')) as D1Database) // Miniflare's, of which ours names a part
    return { url: origin, stop: () => miniflare.dispose() }
  } catch (cause) {
    await miniflare.dispose().catch(() => {}) // what went wrong first is what counts
    throw cause
  }
}

/** What `wrangler d1 migrations apply` does. */
export async function migrateD1(database: D1Database): Promise<void> {
  const files = (await readdir(MIGRATIONS)).filter((name) => name.endsWith('.sql')).sort()
  for (const name of files) {
    const text = await readFile(new URL(name, MIGRATIONS), 'utf8')
    await database.batch(text.split('--> statement-breakpoint').map((statement) => database.prepare(statement)))
  }
}

async function loadMiniflare() {
  try {
    return await import('miniflare')
  } catch (cause) {
    throw new Error(
      "runtime 'miniflare' needs the package miniflare, 5 or later: npm install --save-dev miniflare@beta",
      { cause },
    )
  }
}
