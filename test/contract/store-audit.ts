/** Contract of the audit: numbers, what a row cites, searching, checkpoints and cuts, of which one of fifty is made. */
import { describe, expect, it } from 'vitest'
import { createStore } from '../../src/adapters/store/store.ts'
import type { AuditCheckpoint, AuditCut } from '../../src/ports/audit.ts'
import type { Batch, Statement } from '../../src/ports/store.ts'
import { auditOf, auditRow, countOf, NOW, type Suite, times } from './store-fixture.ts'

export function auditTests(suite: Suite): void {
  describe('rows of the audit', () => rowTests(suite))
  describe('findAudit', () => searchTests(suite))
  describe('checkpoints of the audit', () => checkpointTests(suite))
  describe('cuts of the audit', () => cutTests(suite))
}

const EVERYTHING = { from: 1, to: Number.MAX_SAFE_INTEGER, limit: 1000 }
/** D1 numbers are whole numbers of JavaScript; the largest one is a bound like any other. */
const written = async (suite: Suite, n: number, over = {}): Promise<readonly number[]> => {
  const ids = Array.from({ length: n }, () => suite.next('audit-'))
  for (const id of ids) await suite.store.writeAudit({ ...auditRow(id), ...over })
  const rows = await suite.rows(
    'SELECT number FROM audit WHERE request_id IN (SELECT value FROM json_each(?)) ORDER BY number',
    JSON.stringify(ids),
  )
  return rows.map(({ number }) => Number(number))
}

function rowTests(suite: Suite): void {
  it('come back as they were written, with their number', async () => {
    const id = suite.next('audit-')
    const row = { ...auditRow(id, 'otp_wrong'), server: 'node-1', cites: { number: 3, mark: 'abc' } }
    await suite.store.writeAudit(row)

    const { rows } = await suite.store.auditBounds()
    const [found] = await suite.store.readAudit({ from: rows.last, to: rows.last, limit: 1 })

    expect(found).toEqual({ ...row, number: rows.last, repeated: false })
  })

  it('are written once a request, by one of fifty', async () => {
    const id = suite.next('audit-')

    const outcomes = await times(50, (n) =>
      suite.store.writeAudit(auditRow(id, `row ${n}`)).then(
        () => 'done',
        (error: unknown) => String(error),
      ),
    )

    expect(countOf(outcomes, 'done')).toBe(1)
    expect(outcomes.filter((outcome) => outcome.includes('UNIQUE constraint failed: audit.request_id'))).toHaveLength(
      49,
    )
    expect(await auditOf(suite, id)).toEqual([`row ${outcomes.indexOf('done')}`])
  })

  it('are numbered in a row when fifty are written at once, and the process knows the newest', async () => {
    const before = (await suite.store.auditBounds()).rows

    await times(50, () => suite.store.writeAudit(auditRow(suite.next('audit-'))))

    const after = (await suite.store.auditBounds()).rows
    expect([after.last - before.last, after.issued]).toEqual([50, after.last])
    expect((await suite.store.newestAudit())?.number).toBe(after.last)
  })

  it('are known to a new process by one read', async () => {
    await suite.store.writeAudit({ ...auditRow(suite.next('audit-')), mac: 'k1.newest' })

    expect(await createStore(suite.batch).newestAudit()).toEqual({
      number: (await suite.store.auditBounds()).rows.last,
      mac: 'k1.newest',
    })
  })

  it('are remembered by request, until they are asked for', async () => {
    const id = suite.next('audit-')
    await suite.store.writeAudit(auditRow(id))

    expect([suite.store.wasAudited(id), suite.store.wasAudited(id), suite.store.wasAudited('never')]).toEqual([
      ...[true, false, false],
    ])
  })

  it('are found by number, those that exist', async () => {
    const [first = 0, second = 0] = await written(suite, 2)

    const macs = await suite.store.findMacs([second, first, 999_999])

    expect([...macs.keys()].toSorted((a, b) => a - b)).toEqual([first, second])
  })
}

function searchTests(suite: Suite): void {
  it('gives a range in either order, with the deliveries of the request', async () => {
    const id = suite.next('audit-')
    await suite.store.writeAudit(auditRow(id))
    await suite.store.noteDelivery({
      ...{ requestId: id, challengeId: 0, serial: 'S1', at: NOW, delivered: true, message: '', expiresAt: NOW },
      tries: [
        { provider: 'a', status: 'unavailable', reason: 'timeout', mac: 'm1' },
        { provider: 'b', status: 'accepted', reason: '' },
      ],
    })
    const [next = 0] = await written(suite, 1)
    const range = { from: next - 1, to: next, limit: 10, hints: [] }

    const up = await suite.store.findAudit({ ...range, descending: false })
    const down = await suite.store.findAudit({ ...range, descending: true })

    expect(up.map(({ number }) => number)).toEqual([next - 1, next])
    expect(down.map(({ number }) => number)).toEqual([next, next - 1])
    const [{ deliveries } = { deliveries: [] }, without] = up
    expect(deliveries.map(({ provider, status, reason, mac }) => [provider, status, reason, mac])).toEqual([
      ['a', 'unavailable', 'timeout', 'm1'],
      ['b', 'accepted', '', ''],
    ])
    expect(without?.deliveries).toEqual([])
    const read = await suite.store.readDeliveries({
      ...range,
      from: deliveries[0]?.id ?? 0,
      to: deliveries[1]?.id ?? 0,
    })
    expect(read).toEqual(deliveries)
  })

  it('throws out what does not hold the hints, whatever their case and length', async () => {
    // D1 takes no LIKE pattern of more than 50 bytes.
    const long = `a-name-of-more-than-fifty-bytes-${'x'.repeat(60)}`
    const [number = 0] = await written(suite, 1, { user: `before ${long.toUpperCase()} after`, serial: '100%_' })
    await written(suite, 1, { user: 'somebody else' })
    const hold = (user: string, serial: string) =>
      suite.store.findAudit({
        ...{ from: number, to: number + 1, limit: 10, descending: false },
        hints: [{ column: 'user', holds: user } as const, { column: 'serial', holds: serial } as const],
      })

    const [found, none] = [await hold(long, '100%_'), await hold(long, '100__')]

    expect([found.map((row) => row.number), none]).toEqual([[number], []])
  })
}

const tip = async (suite: Suite) => (await suite.store.auditBounds()).checkpoints.issued
export const checkpoint = async (suite: Suite, over: Partial<AuditCheckpoint> = {}): Promise<AuditCheckpoint> => ({
  id: (await tip(suite)) + 1,
  ...{ first: 1, last: 2, firstDelivery: 1, lastDelivery: 0, newest: NOW, at: NOW, digest: 'd', deliveryDigest: 'e' },
  ...{ previous: '', marks: 'abc', broken: '{}', mac: 'k1.mac' },
  ...over,
})

function checkpointTests(suite: Suite): void {
  it('are made by one of fifty that saw the same one before', async () => {
    const next = await checkpoint(suite)

    const outcomes = await times(50, (n) => suite.store.addCheckpoint({ ...next, mac: `k1.${n}` }))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    const made = await suite.store.lastCheckpoint()
    expect(made).toEqual({ ...next, mac: `k1.${outcomes.indexOf('done')}` })
    expect(await suite.store.readCheckpoints(next.id - 1, 10)).toEqual([made])
  })

  it('are found by any of the rows that they seal', async () => {
    const made = await checkpoint(suite, { first: 700_001, last: 700_003 })
    await suite.store.addCheckpoint(made)
    const found = (row: number) => suite.store.findCheckpoint(row)

    expect(await Promise.all([700_001, 700_003].map(found))).toEqual([made, made])
    expect(await Promise.all([700_000, 700_004].map(found))).toEqual([null, null])
  })

  it('are sealed again by one of fifty', async () => {
    const next = await checkpoint(suite)
    await suite.store.addCheckpoint(next)
    const seal = { id: next.id, before: next.mac, after: 'k2.mac' }

    const outcomes = await times(50, () => suite.store.resealAudit('checkpoint', seal))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    expect((await suite.store.lastCheckpoint())?.mac).toBe('k2.mac')
  })
}

const cutAt = async (suite: Suite, last: number): Promise<AuditCut> => {
  const made = await checkpoint(suite, { last, lastDelivery: 0 })
  await suite.store.addCheckpoint(made)
  const id = ((await suite.store.readCuts()).at(-1)?.id ?? 0) + 1
  return { id, last, lastDelivery: 0, checkpoint: made.id, digest: 'd', findings: 0, at: NOW, mac: 'k1.cut' }
}

function cutTests(suite: Suite): void {
  it('are made by one of fifty, with one line of audit, and take the checkpoints away', async () => {
    const [last = 0] = await written(suite, 1)
    const cut = await cutAt(suite, last)
    const ids = Array.from({ length: 50 }, () => suite.next('cut-'))

    const outcomes = await Promise.all(ids.map((id) => suite.store.addCut(cut, auditRow(id, 'cut'))))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, 49])
    expect((await Promise.all(ids.map((id) => auditOf(suite, id)))).flat()).toEqual(['cut'])
    expect([(await suite.store.readCuts()).at(-1), await suite.store.lastCheckpoint()]).toEqual([cut, null])
    // The rows are still there, and count as gone.
    expect((await suite.store.auditBounds()).rows.first).toBe(last + 1)
    expect((await suite.store.auditBounds()).checkpoints).toEqual({ first: 0, last: 0, issued: cut.checkpoint })
  })

  it('have their rows removed piece by piece, each once though fifty remove', async () => {
    while ((await suite.store.removeCutRows(1000)) > 0);
    const numbers = await written(suite, 5)
    const cut = await cutAt(suite, numbers[3] ?? 0)
    await suite.store.addCut(cut, auditRow(suite.next('cut-')))
    const [{ n = 0 } = {}] = await suite.rows('SELECT COUNT(*) AS n FROM audit WHERE number <= ?', cut.last)

    const removed = await times(50, () => suite.store.removeCutRows(1))

    expect(removed.reduce((sum, one) => sum + one)).toBe(Math.min(50, Number(n)))
    expect(removed.every((one) => one <= 1)).toBe(true)
    while ((await suite.store.removeCutRows(1000)) > 0);
    const [oldest] = await suite.store.readAudit({ ...EVERYTHING, limit: 1 })
    expect(oldest?.number).toBe(numbers[4])
  })

  it('refuse a checkpoint that is not there', async () => {
    const cut = await cutAt(suite, (await suite.store.auditBounds()).rows.last)

    expect(await suite.store.addCut({ ...cut, checkpoint: cut.checkpoint + 7 }, auditRow(suite.next('cut-')))).toBe(
      'lost',
    )
  })

  it('leave nothing behind when their batch fails, no line of audit either', async () => {
    const bad: Statement = { sql: "INSERT INTO meta (key, value) VALUES ('schema', 0)", params: [] }
    const failing: Batch = (statements, mode) => suite.batch(mode === 'write' ? [...statements, bad] : statements, mode)
    const cut = await cutAt(suite, (await suite.store.auditBounds()).rows.last)
    const next = await checkpoint(suite)
    const id = suite.next('cut-')
    const store = createStore(failing)
    const before = [await suite.store.auditBounds(), await suite.store.readCuts()]

    await expect(store.addCut(cut, auditRow(id))).rejects.toThrow()
    await expect(store.addCheckpoint(next)).rejects.toThrow()
    await expect(store.removeCutRows(10)).rejects.toThrow()

    expect([await suite.store.auditBounds(), await suite.store.readCuts()]).toEqual(before)
    expect(await auditOf(suite, id)).toEqual([])
  })
}
