/** Searching in an audit of many pages: order, filters over pieces, times by halving. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { type AuditFilter, createAuditSearch } from '../../src/flows/audit-search.ts'
import type { SentRecord } from '../../src/ports/audit.ts'
import { fillAudit, type LargeAudit, openAudit } from '../support/audit-fill.ts'
import { SCRATCH } from '../support/scratch.ts'

const ROWS = 24_000
const folder = mkdtempSync(join(SCRATCH, 'otpost-pages-'))
let audit: LargeAudit
beforeAll(async () => {
  audit = await openAudit(join(folder, 'otpost.db'))
  await fillAudit(audit, ROWS)
}, 60_000)
afterAll(() => {
  audit.client.close()
  rmSync(folder, { recursive: true })
})

const ALL: AuditFilter = { matches: null, hints: [] }
/** One row in five thousand. */
const USER: AuditFilter = { matches: ({ user }) => user === 'user17', hints: [{ column: 'user', holds: 'user17' }] }
const pageOf = (filter: AuditFilter, offset: number, limit: number, descending = false) =>
  createAuditSearch(audit.store).page({ ...filter, offset, limit, descending, key: null })
const numbers = (rows: readonly SentRecord[]) => rows.map(({ number }) => number)
const collect = async (filter: AuditFilter, descending: boolean): Promise<readonly SentRecord[]> => {
  const { rows } = await audit.store.auditBounds()
  const found: SentRecord[] = []
  for await (const some of createAuditSearch(audit.store).stream({ ...filter, descending }, rows)) found.push(...some)
  return found
}

it.each([
  [0, 3, false, [1, 2, 3]],
  [23_998, 5, false, [23_999, 24_000]],
  [0, 3, true, [24_000, 23_999, 23_998]],
  [23_999, 3, true, [1]],
  [24_000, 3, true, []],
])('gives the page at %d of %d rows, descending: %s', async (offset, limit, descending, expected) => {
  const { rows, total } = await pageOf(ALL, offset, limit, descending)

  expect([numbers(rows), total]).toEqual([expected, ROWS])
})

it('reads the last page as fast as the first', async () => {
  const time = async (offset: number) => {
    const started = performance.now()
    for (let n = 0; n < 20; n++) await pageOf(ALL, offset, 15)
    return performance.now() - started
  }
  await time(0)

  const [first, last] = [await time(0), await time(ROWS - 15)]

  // Ten times as long would be a scan; a busy machine needs some air.
  expect(last / first).toBeLessThan(5)
})

it.each([
  ['what the database can look for', USER],
  ['what only the caller knows', { ...USER, hints: [] }],
])('finds %s in every piece, in either order', async (_, filter) => {
  const expected = [18, 5018, 10_018, 15_018, 20_018]

  expect(numbers(await collect(filter, false))).toEqual(expected)
  expect(numbers(await collect(filter, true))).toEqual(expected.toReversed())
  expect(await pageOf(filter, 1, 2, true)).toMatchObject({ total: 5, rows: [{ number: 15_018 }, { number: 10_018 }] })
})

it('streams each row once', async () => {
  const up = numbers(await collect(ALL, false))
  const down = numbers(await collect(ALL, true))

  expect(up).toHaveLength(ROWS)
  expect(down).toEqual(up.toReversed())
})

it.each([
  [1_700_000_100, 1_700_000_102, [1001, 1020]],
  [1_700_000_000, 1_700_000_001, [1, 10]],
  [1_600_000_000, 1_700_000_001, [1, 10]],
  [1_700_002_399, 1_900_000_000, [23_991, 24_000]],
])('finds the rows from %d to %d', async (since, until, [first, last]) => {
  const found = numbers(await collect({ ...ALL, since, until }, false))

  expect([found[0], found.at(-1), found.length]).toEqual([first, last, (last ?? 0) - (first ?? 0) + 1])
})

it('finds nothing where there is nothing', async () => {
  expect(await collect({ ...ALL, since: 1_900_000_000 }, false)).toEqual([])
  expect(await collect({ ...ALL, until: 1_600_000_000 }, true)).toEqual([])
})
