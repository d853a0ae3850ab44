/** Verifying a large audit takes time, not memory. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect, it } from 'vitest'
import { fillAudit, openAudit } from '../support/audit-fill.ts'
import { SCRATCH } from '../support/scratch.ts'

const ROWS = 40_000
const MIB = 1024 * 1024

it('verifies forty thousand rows on a heap that does not grow', { timeout: 240_000 }, async () => {
  const folder = mkdtempSync(join(SCRATCH, 'otpost-memory-'))
  const audit = await openAudit(join(folder, 'otpost.db'))
  // Half of it under checkpoints, half without.
  await fillAudit(audit, ROWS / 2)
  await audit.seal.checkpoint(1_800_000_000)
  await fillAudit(audit, ROWS / 2, { from: ROWS / 2 })
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void // the flag has made it
  const heaps: number[] = []

  const running = audit.verify(null)
  let step = await running.next()
  for (let n = 0; !step.done; n++, step = await running.next()) {
    if (n % 10 !== 5) continue
    collect()
    heaps.push(process.memoryUsage().heapUsed)
  }

  expect(step.value).toMatchObject({ verdict: 'intact', rows: ROWS, sealed: ROWS / 2, found: 0 })
  expect(heaps).toHaveLength(4)
  // A page is about a megabyte; all rows at once would be eighty.
  expect((Math.max(...heaps) - Math.min(...heaps)) / MIB).toBeLessThan(8)
  audit.client.close()
  rmSync(folder, { recursive: true })
})
