/** `npm run test:model [-- --steps 300000] [--walks 4] [--seed N] [--shipped]`: long walks with progress. */
import { parseArgs } from 'node:util'
import { type Tally, walk } from './walk.ts'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '300000' },
    /** How many at once: while one waits for its ciphers, another goes on. */
    walks: { type: 'string', default: '4' },
    /** Of the first walk; the others count on from it. */
    seed: { type: 'string' },
    shipped: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('npm run test:model [-- --steps 300000] [--walks 4] [--seed N] [--shipped]')
  process.exit()
}
const steps = Number(values.steps)
const first = values.seed === undefined ? Math.floor(Math.random() * 2 ** 31) : Number(values.seed)
const seeds = Array.from({ length: Number(values.walks) }, (_, n) => first + n)
const started = performance.now()
const speed = (done: number): number => Math.round(done / ((performance.now() - started) / 1000))
let done = 0

console.log(`seeds ${seeds.join(', ')}, ${steps} steps together`)
const goOn = (): boolean => {
  if (done >= steps) return false
  done++
  if (done % 10_000 === 0)
    console.log(`${done} steps, ${speed(done)} a second, ${Math.round(process.memoryUsage.rss() / 2 ** 20)} MiB`)
  return true
}
try {
  const walks = await Promise.all(
    seeds.map((seed) => walk({ seed, database: values.shipped ? 'shipped' : 'kept', goOn })),
  )
  const total: Tally = {}
  for (const { tally } of walks) for (const [name, n] of Object.entries(tally)) total[name] = (total[name] ?? 0) + n
  for (const [name, n] of Object.entries(total).sort(([, a], [, b]) => b - a))
    console.log(`${String(n).padStart(8)}  ${name}`)
  console.log(`${done} steps as the documents say, ${speed(done)} a second`)
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exit(1)
}
