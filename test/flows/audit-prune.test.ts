/** Retention: what may go, what the cut leaves behind, and what housekeeping does of itself. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuditAdmin } from '../../src/flows/audit-admin.ts'
import { type AuditFixture, factsOf, NOW, startAuditFixture, textsOf } from '../support/audit.ts'
import { auditReader } from '../support/audit-http.ts'
import { startHarness } from '../support/harness.ts'

const DAY = 86_400

let a: AuditFixture
beforeEach(async () => {
  a = await startAuditFixture()
})
afterEach(() => a.close())

const facts = () => ({ ...factsOf(NOW + 100 * DAY), action: 'otpost/audit/prune' })
const cut = (before: number, force = false) => a.prune.prune({ before, force }, facts())

/** Three days of five rows, each under a checkpoint of its own. */
const threeDays = async () => {
  for (const day of [0, 1, 2]) {
    await a.write(4, NOW + day * DAY)
    await a.deliver()
    await a.seal.checkpoint(NOW + day * DAY)
  }
}
const count = async (table: string): Promise<unknown> =>
  (await a.client.execute(`SELECT COUNT(*) AS n FROM ${table}`)).rows[0]?.n

describe('prune', () => {
  it('removes whole checkpoints that are old enough, and the audit stays intact', async () => {
    await threeDays()

    const done = await cut(NOW + 2 * DAY)

    expect(done).toEqual({ ok: true, value: { first: 1, last: 10, findings: 0 } })
    expect([await count('audit'), await count('deliveries')]).toEqual([6, 2])
    const verdict = await a.verify()
    expect(verdict).toMatchObject({ verdict: 'intact', first: 11, rows: 6, deliveries: 2, sealed: 15 })
    expect(verdict.unseen).toContain('rows up to 10 were removed by retention, in 1 cut')
  })

  it('keeps a checkpoint in which one row is too young', async () => {
    await threeDays()

    expect(await cut(NOW + DAY)).toMatchObject({ value: { last: 5 } })
    expect(await cut(NOW + DAY)).toMatchObject({ value: { first: 0, last: 0 } })
    expect(await cut(NOW + 99 * DAY)).toMatchObject({ value: { first: 6 } })
    expect(await a.verify()).toMatchObject({ verdict: 'intact' })
  })

  it('goes on being verifiable after everything was removed', async () => {
    await threeDays()
    await cut(NOW + 200 * DAY)

    await a.write(3, NOW + 101 * DAY)
    await a.seal.checkpoint(NOW + 101 * DAY)

    expect(await a.verify()).toMatchObject({ verdict: 'intact', first: 16, last: 19 })
  })

  it.each([
    ['a row more than the cut says', 'DELETE FROM audit WHERE number = 11', 'row 11 is missing'],
    ['the record of the cut', 'DELETE FROM audit_cuts', 'rows 1 to 10 are missing'],
    ['a record that was rewritten', 'UPDATE audit_cuts SET last = 11', 'cut 1 was altered'],
  ])('misses %s', async (_, statement, said) => {
    await threeDays()
    await cut(NOW + 2 * DAY)

    await a.sql(statement)

    expect(textsOf(await a.verify()).join('\n')).toContain(said)
  })

  it('is not what a hand did that removes the beginning without the keys', async () => {
    await threeDays()

    await a.sql(
      'DELETE FROM audit WHERE number <= 5',
      'DELETE FROM audit_checkpoints WHERE id = 1',
      'INSERT INTO audit_cuts SELECT 1, 5, 2, 1, previous, 0, at, mac FROM audit_checkpoints WHERE id = 2',
    )

    expect((await a.verify()).verdict).toBe('broken')
  })

  it('removes nothing that is broken, unless it is told to, and then says how much that was', async () => {
    await threeDays()
    await a.sql("UPDATE audit SET user = 'eve' WHERE number = 3")

    const refused = await cut(NOW + 2 * DAY)
    const forced = await cut(NOW + 2 * DAY, true)

    expect(refused).toEqual({ ok: false, error: { code: 'audit_broken', finding: 'row 3 was altered', found: 1 } })
    expect(forced).toMatchObject({ ok: true, value: { last: 10, findings: 1 } })
    expect((await a.store.readCuts()).map(({ findings }) => findings)).toEqual([1])
  })

  it('is done by one of fifty, and finished by the next housekeeping when it was interrupted', async () => {
    await threeDays()
    const outcomes = await Promise.all(
      Array.from({ length: 50 }, () => a.reopen().prune.prune({ before: NOW + 2 * DAY, force: false }, facts())),
    )

    expect(outcomes.filter((outcome) => outcome.ok && outcome.value.last === 10)).toHaveLength(1)
    await a.sql(
      "INSERT INTO audit SELECT 2, 'left over', at, action, success, '', '', '', '', '', '', '', '', mac, '', 0, '' FROM audit LIMIT 1",
    )
    expect(await a.verify()).toMatchObject({ verdict: 'intact', first: 11 })
    expect(await a.prune.finish()).toBe(1)
  })
})

it('takes nothing for missing that retention removed while it was verifying', async () => {
  await a.write(3000)
  await a.seal.checkpoint(NOW)
  const running = a.verifying(null)
  await running.next()

  await cut(NOW + 9 * DAY)

  let step = await running.next()
  while (!step.done) step = await running.next()
  expect(step.value).toMatchObject({ verdict: 'intact', first: 3001, cuts: 1 })
})

it('writes down that a verification was broken off', async () => {
  await a.write(2500)
  const { store, vault, audit, seal, prune } = a
  const admin = createAuditAdmin({ store, vault, audit, seal, prune, verify: a.verifying })

  for await (const _ of admin.verify(null, { ...factsOf(NOW), action: 'otpost/audit/verify' })) break

  const { rows } = await store.auditBounds()
  const [last] = await store.readAudit({ from: rows.last, to: rows.last, limit: 1 })
  expect(last).toMatchObject({ success: false, info: 'broken off' })
})

describe('housekeeping', () => {
  it('seals, and prunes what the setting says, with a row that tells of it', async () => {
    const h = await startHarness()
    const { newest } = auditReader(() => h)
    await h.admin('/system/setConfig', { audit_retention_days: '30' })

    const first = await h.housekeeping()
    h.pass(31 * DAY)
    const second = await h.housekeeping()
    const third = await h.housekeeping()

    expect(first).toMatchObject({ sealed: 4, pruned: 0 })
    expect(second).toMatchObject({ sealed: 0, pruned: 4 })
    expect(third).toMatchObject({ sealed: 1, pruned: 0 })
    expect(await newest({ action: 'housekeeping' })).toMatchObject({ success: true, info: 'rows 1 to 4' })
    await h.close()
  })

  it('prunes nothing without the setting, and nothing that is broken', async () => {
    const h = await startHarness()
    await h.housekeeping()
    h.pass(10_000 * DAY)
    const without = await h.housekeeping()
    await h.admin('/system/setConfig', { audit_retention_days: '1' })
    await h.client.execute("UPDATE audit SET user = 'eve' WHERE number = 1")

    const broken = await h.housekeeping()

    expect([without.pruned, broken.pruned]).toEqual([0, 0])
    expect(h.log.some((line) => line.includes('audit_not_pruned'))).toBe(true)
    await h.close()
  })
})
