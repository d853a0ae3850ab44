/**
 * Is a check as fast with millions of dead challenges in the table as with none? `npm run bench:challenges [-- N]`
 *
 * Two databases side by side, asked in turn: one with N expired challenges of other tokens (1,000,000 by default), one
 * without. Prints the medians of a wrong answer and of a trigger, and their ratio.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient } from '@libsql/client'
import { processEdges } from '../src/cli/edges.ts'
import { openServer } from '../src/cli/open.ts'
import { readConfig } from '../src/config.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
const ROUNDS = 400
const folder = mkdtempSync(join(tmpdir(), 'otpost-bench-'))
const edges = {
  ...processEdges({
    capabilities: { runtime: 'node', files: true, smtpPort25: true, tlsOptions: true, sharedConnections: true },
  }),
  log: silent(),
}
const config = readConfig({ OTPOST_SQLITE_SYNCHRONOUS: 'NORMAL' })
if (!config.ok) throw new Error(config.error)

const servers = { empty: await prepare('empty', 0), full: await prepare('full', rows) }
for (const [name, pass] of [
  ['wrong answer', 'pin-000000'],
  ['trigger', 'pin-'],
] as const) {
  const times = { empty: [] as number[], full: [] as number[] }
  for (let round = 0; round < ROUNDS; round++)
    for (const which of round % 2 === 0 ? (['empty', 'full'] as const) : (['full', 'empty'] as const))
      times[which].push(await timed(() => servers[which].check(pass)))
  const [empty, full] = [median(times.empty), median(times.full)]
  console.log(
    `${name}: ${empty.toFixed(2)} ms without, ${full.toFixed(2)} ms with ${rows.toLocaleString('en')} dead challenges, ratio ${(full / empty).toFixed(2)}`,
  )
}
console.log(`database: ${Math.round(statSync(join(folder, 'full', 'otpost.db')).size / 1024 / 1024)} MiB`)
for (const server of Object.values(servers)) server.close()
rmSync(folder, { recursive: true })

async function prepare(name: string, dead: number) {
  const data = join(folder, name)
  const server = await openServer(config.ok ? config.value : never(), edges, data)
  const post = async (path: string, fields: Record<string, string>): Promise<string> => {
    const request = new Request(`http://bench${path}`, { method: 'POST', body: new URLSearchParams(fields) })
    return (await server.app.fetch(request, { peer: '127.0.0.1', secure: false, operator: 'bench' })).text()
  }
  await post('/system/setConfig', { EmailBlockingTimeout: '0' })
  await post('/system/setResolver', { name: 'r', type: 'passwdresolver', 'passwdresolver.content': 'ada:x:1:1:Ada' })
  await post('/system/setRealm', { realm: 'r', resolvers: 'r' })
  await post('/admin/init', {
    type: 'email',
    user: 'ada',
    serial: 'BENCH',
    pin: 'pin-',
    email_address: 'ada@bench.test',
  })
  await post('/admin/set', { serial: 'BENCH', MaxFailCount: '1000000' })
  // Nobody takes the messages: what is measured is the database.
  const config25 = JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: 9 })
  await post('/system/setProvider', {
    name: 'none',
    type: 'email',
    class: 'SMTPEmailProvider',
    timeout: '120',
    config: config25,
  })
  if (dead > 0) await insert(data, dead)
  return { check: (pass: string) => post('/validate/check', { user: 'ada', pass }), close: server.close }
}

/** Expired challenges of a thousand other tokens, a hundred thousand in one statement. */
async function insert(data: string, dead: number): Promise<void> {
  const client = createClient({ url: pathToFileURL(join(data, 'otpost.db')).href })
  for (let done = 0; done < dead; done += 100_000) {
    await client.execute({
      sql: `WITH RECURSIVE n (i) AS (SELECT ? UNION ALL SELECT i + 1 FROM n WHERE i < ?)
        INSERT INTO challenges (transaction_id, parent_id, serial, counter, state, delivery, created_at, expires_at, opened_by)
        SELECT printf('%017d', i), printf('%017d', i), 'DEAD' || (i % 1000), i, 'open', 'delivered', 1000, 1120, 'r' || i FROM n`,
      args: [done, Math.min(dead, done + 100_000) - 1],
    })
    process.stderr.write(`\r${(done + 100_000).toLocaleString('en')} challenges`)
  }
  process.stderr.write('\n')
  client.close()
}

async function timed(run: () => Promise<unknown>): Promise<number> {
  const started = performance.now()
  await run()
  return performance.now() - started
}

function median(times: readonly number[]): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? 0
}

function silent() {
  const nothing = () => {}
  return { debug: nothing, info: nothing, warn: nothing, error: nothing }
}

function never(): never {
  throw new Error('unreachable')
}
