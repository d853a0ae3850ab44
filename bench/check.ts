/**
 * What a check costs. `npm run bench [-- --rounds 1000]`
 *
 * In each round: an empty Hono route that reads the same form, one UPDATE … RETURNING on the same kind of file, then an
 * SMS challenge, a wrong answer to it and the right one, one after the other in this process. Look at the ratios: the
 * times are those of this machine at this moment.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { createClient } from '@libsql/client'
import { Hono } from 'hono'
import { prepareFile } from '../src/adapters/store/libsql.ts'
import { addressOf, startWorld } from '../test/model/world.ts'

const WARM_UP = 100
const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '1000' }, help: { type: 'boolean', default: false } },
})
if (values.help) {
  console.log('npm run bench [-- --rounds 1000]')
  process.exit()
}
const rounds = Number(values.rounds)

/** Milliseconds by the clock and on all processors, summed up. */
type Cost = { wall: number; cpu: number }
type Costs = Map<string, Cost>

async function cost<T>(costs: Costs, name: string, run: () => Promise<T>): Promise<T> {
  const [before, started] = [process.cpuUsage(), performance.now()]
  const result = await run()
  const wall = performance.now() - started
  const { user, system } = process.cpuUsage(before)
  const sum = costs.get(name) ?? { wall: 0, cpu: 0 }
  costs.set(name, { wall: sum.wall + wall, cpu: sum.cpu + (user + system) / 1000 })
  return result
}

async function measure(synchronous: 'FULL' | 'NORMAL'): Promise<Costs> {
  const folder = mkdtempSync(join(tmpdir(), 'otpost-bench-'))
  const client = createClient({ url: pathToFileURL(join(folder, 'bare.db')).href, concurrency: 1 })
  await prepareFile(client, synchronous)
  await client.batch(
    ['CREATE TABLE bare (id INTEGER PRIMARY KEY, n INTEGER)', 'INSERT INTO bare VALUES (1, 0)'],
    'write',
  )
  const bare = new Hono().post('/', async (c) => c.json({ value: Object.keys(await c.req.parseBody()).length }))

  const world = await startWorld({ database: 'shipped', mailTimeout: 0, synchronous })
  await world.operate('/system/setConfig', { SMSBlockingTimeout: '0' })
  const enrolment = { serial: 'SM-bob', type: 'sms', user: 'bob', pin: 'pin-' }
  await world.operate('/admin/init', { ...enrolment, ...addressOf('SM-bob') })

  let costs: Costs = new Map()
  for (let round = -WARM_UP; round < rounds; round++) {
    if (round === 0) costs = new Map()
    const body = new URLSearchParams({ user: 'bob', pass: 'pin-', data: '<otp> <transactionid>' })
    await cost(costs, 'Hono route', async () => (await bare.request('/', { method: 'POST', body })).text())
    await cost(costs, 'one UPDATE', () => client.execute('UPDATE bare SET n = n + 1 WHERE id = 1 RETURNING n'))

    const number = (round + WARM_UP) * 3
    const ask = { path: 'check', user: 'bob' } as const
    await cost(costs, 'trigger', () => world.ask({ ...ask, pass: 'pin-' }, undefined, number))
    const [message] = world.collect()
    if (!message) throw new Error('nothing was sent')
    const { transactionId, otp } = message
    await cost(costs, 'wrong answer', () => world.ask({ ...ask, pass: '12345x' }, transactionId, number + 1))
    const right = await cost(costs, 'right answer', () => world.ask({ ...ask, pass: otp }, transactionId, number + 2))
    if (right.result?.value !== true) throw new Error('the right answer was refused')
  }
  await world.close()
  client.close()
  rmSync(folder, { recursive: true, force: true })
  return costs
}

console.log(`${rounds} rounds, one request at a time; ratios to the bare route and the bare UPDATE of the same run`)
for (const synchronous of ['FULL', 'NORMAL'] as const) {
  const costs = await measure(synchronous)
  const route = costs.get('Hono route') ?? { wall: 0, cpu: 0 }
  const update = costs.get('one UPDATE') ?? { wall: 0, cpu: 0 }
  console.log(`\n${synchronous.padEnd(14)} requests/s   CPU ms   CPU/route  CPU/UPDATE  time/route+UPDATE`)
  for (const [name, { wall, cpu }] of costs) {
    const ratios = [cpu / route.cpu, cpu / update.cpu, wall / (route.wall + update.wall)]
    console.log(
      name.padEnd(14) +
        Math.round((rounds / wall) * 1000)
          .toString()
          .padStart(10) +
        (cpu / rounds).toFixed(3).padStart(10) +
        ratios.map((ratio, n) => ratio.toFixed(1).padStart([11, 12, 19][n] ?? 0)).join(''),
    )
  }
}
