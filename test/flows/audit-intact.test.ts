/** What rows that are shown are called once the key that they were sealed with is gone. */
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createAreIntact } from '../../src/flows/audit-intact.ts'
import { type AuditFixture, KEYS, NOW, startAuditFixture, swapRows } from '../support/audit.ts'

let a: AuditFixture
beforeEach(async () => {
  a = await startAuditFixture()
  await a.write(3)
  await a.seal.checkpoint(NOW)
  await a.write(3)
  const rotated = a.reopen(KEYS.new)
  await rotated.seal.checkpoint(NOW)
  await rotated.seal.reseal()
  await rotated.write(1)
})
afterEach(() => a.close())

/** Numbers of the rows that are not what was written, as a node sees it that has the new key alone. */
async function altered(): Promise<readonly number[]> {
  const { store, vault } = a.reopen(KEYS.onlyNew)
  const rows = await store.findAudit({ from: 1, to: 100, limit: 100, descending: true, hints: [] })
  const intact = await createAreIntact({ store, vault })(rows)
  return rows.filter((_, n) => !intact[n]).map(({ number }) => number)
}

it('are intact by their checkpoint', async () => {
  expect(await altered()).toEqual([])
})

it.each([
  ['a row was altered', ["UPDATE audit SET user = 'eve' WHERE number = 2"]],
  ['rows were moved', swapRows(1, 3)],
  ['the checkpoint was altered', ["UPDATE audit_checkpoints SET broken = '{}' WHERE id = 1"]],
  ['the checkpoint is gone', ['DELETE FROM audit_checkpoints WHERE id = 1']],
])('none of their checkpoint is where %s, and all of the next one are', async (_, statements) => {
  await a.sql(...statements)

  expect(await altered()).toEqual([3, 2, 1])
})

it('are never intact where they were broken when they were sealed', async () => {
  await a.write(2)
  await a.sql("UPDATE audit SET user = 'eve' WHERE number = 8")
  const rotated = a.reopen(KEYS.new)
  await rotated.seal.checkpoint(NOW)
  await rotated.seal.reseal()

  expect(await altered()).toEqual([8])
})
