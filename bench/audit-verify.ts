/**
 * How long does it take to verify a million rows, and does memory stay flat? `npm run bench:audit [-- N]`
 *
 * Fills a database with N rows (1,000,000 by default) whose MACs are right and which cite each other, seals them, and
 * verifies all of it, as `otpost audit verify` does. Prints rows a second and the heap after each tenth.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fillAudit, openAudit } from '../test/support/audit-fill.ts'

const rows = Number(process.argv[2] ?? 1_000_000)
const folder = mkdtempSync(join(tmpdir(), 'otpost-bench-'))
const audit = await openAudit(join(folder, 'otpost.db'))

await timed('filling', () =>
  fillAudit(audit, rows, { progress: (done) => void process.stderr.write(`\r${done.toLocaleString('en')} rows`) }),
)
process.stderr.write('\n')
await timed('sealing', () => audit.seal.checkpoint(1_800_000_000))
console.log(`database: ${Math.round(statSync(join(folder, 'otpost.db')).size / 1024 / 1024)} MiB`)

const heaps: number[] = []
let verdict = 'none'
await timed('verifying', async () => {
  const running = audit.verify(null)
  for (let next = 0; ; ) {
    const step = await running.next()
    if (step.done) {
      verdict = `${step.value.verdict}, ${step.value.rows} rows, ${step.value.checkpoints} checkpoints`
      return
    }
    if (step.value.verified >= next) {
      heaps.push(heapNow())
      next += rows / 10
    }
  }
})
console.log(`${verdict}; heap in MiB at each tenth: ${heaps.join(' ')}`)
audit.client.close()
rmSync(folder, { recursive: true })

async function timed(what: string, run: () => Promise<unknown>): Promise<void> {
  const started = performance.now()
  await run()
  const seconds = (performance.now() - started) / 1000
  console.log(`${what}: ${seconds.toFixed(1)} s, ${Math.round(rows / seconds).toLocaleString('en')} rows/s`)
}

/** What is alive, where the garbage can be asked to go (`node --expose-gc`). */
function heapNow(): number {
  globalThis.gc?.()
  return Math.round(process.memoryUsage().heapUsed / 1024 / 1024)
}
