/** `verify` against hands that have the database and not the keys. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  type AuditFixture,
  factsOf,
  insertCopy,
  moveRow,
  NOW,
  removeAndClose,
  startAuditFixture,
  swapRows,
  textsOf,
} from '../support/audit.ts'

let a: AuditFixture
beforeEach(async () => {
  a = await startAuditFixture()
})
afterEach(() => a.close())

describe('an audit that nobody touched', () => {
  it('is intact, and what cannot be seen is said', async () => {
    await a.write(10)
    await a.deliver()
    await a.seal.checkpoint(NOW)
    await a.write(3)

    const verdict = await a.verify()

    expect(verdict).toMatchObject({
      ...{ verdict: 'intact', first: 1, last: 14, rows: 14, deliveries: 2, checkpoints: 1, sealed: 11, found: 0 },
      ...{ findings: [], warnings: [] },
    })
    expect(verdict.anchor).toMatch(/^1:11:[0-9a-f]{32}$/)
    expect(verdict.unseen.join('\n')).toContain('rows 12 to 14 have no checkpoint yet')
    expect(verdict.unseen.join('\n')).toContain('cut off at the very end')
    expect(verdict.unseen.join('\n')).toContain('who has the keys')
  })

  it.each([
    ['a NUL', 'ada\0evil'],
    ['half of a surrogate pair', 'ada\ud800'],
    ['a pair where it is cut', `${'a'.repeat(253)}${'\u{1f600}'.repeat(5)}`],
  ])('is intact whatever a client calls itself: %s', async (_, user) => {
    await a.audit.write(factsOf(NOW), { success: false, user, info: user })

    expect(await a.verify()).toMatchObject({ verdict: 'intact', rows: 1, found: 0 })
  })

  it.each([['a\0b'], ['a\ud800']])('is intact whatever a provider says: %j', async (reason) => {
    await a.deliver([{ provider: reason, status: 'unavailable', reason }])

    expect(await a.verify()).toMatchObject({ verdict: 'intact', deliveries: 1, found: 0 })
  })

  it('is intact when it is empty', async () => {
    expect(await a.verify()).toMatchObject({ verdict: 'intact', rows: 0, anchor: null })
  })

  it('is intact after restarts, with several processes, and with requests at the same moment', async () => {
    const other = a.reopen()
    await Promise.all([a.write(30), other.write(30)])
    await Promise.all(Array.from({ length: 50 }, () => a.write(1)))
    await a.reopen().write(5)

    expect(await a.verify()).toMatchObject({ verdict: 'intact', rows: 115 })
    await a.seal.checkpoint(NOW)
    await other.write(5)
    expect(await a.verify()).toMatchObject({ verdict: 'intact', rows: 120, sealed: 115 })
  })

  it('is intact where rows of schema 2 stand at its beginning', async () => {
    const row = { requestId: 'r', at: NOW, action: 'a', success: true, serial: '', tokenType: '', user: '', realm: '' }
    const rest = { administrator: '', actionDetail: '', info: '', client: '' }
    const twelve = JSON.stringify([...Object.values(row), ...Object.values(rest)])
    await a.store.writeAudit({ ...row, ...rest, mac: await a.vault.mac('audit', twelve) })
    await a.write(2)

    expect(await a.verify()).toMatchObject({ verdict: 'intact', rows: 3 })
  })
})

/** What a hand does to twenty rows, and what is said of it. */
const TAMPERINGS: readonly (readonly [what: string, statements: readonly string[], said: readonly RegExp[]])[] = [
  ['removes a row', ['DELETE FROM audit WHERE number = 7'], [/row 7 is missing/]],
  [
    'removes several',
    ['DELETE FROM audit WHERE number IN (7, 8, 9, 12)'],
    [/rows 7 to 9 are missing/, /row 12 is missing/],
  ],
  ['tears off the beginning', ['DELETE FROM audit WHERE number < 4'], [/rows 1 to 3 are missing/]],
  ['makes a no a yes', ['UPDATE audit SET success = 1 WHERE number = 8'], [/row 8 was altered/]],
  ['puts another user in', ["UPDATE audit SET user = 'eve' WHERE number = 8"], [/row 8 was altered/]],
  ['puts another time in', ['UPDATE audit SET at = at - 5 WHERE number = 8'], [/row 8 was altered/]],
  ['puts another MAC in', ["UPDATE audit SET mac = 'k1.forged' WHERE number = 8"], [/row 8 was altered/]],
  ['takes the MAC away', ["UPDATE audit SET mac = '' WHERE number = 8"], [/row 8 was altered/]],
  ['rewrites what a row cites', ['UPDATE audit SET cited_number = 5 WHERE number = 8'], [/row 8 was altered/]],
  ['changes two neighbours', swapRows(7, 8), [/rows? 7 .*stands? at/, /row 8 |rows 7 to 8 /]],
  ['changes two rows far apart', swapRows(3, 15), [/row 3 stands at/, /row 15 /]],
  ['removes a row and closes the gap', removeAndClose(7), [/rows 7 to 1\d stand at other numbers/]],
  ['inserts a copy', insertCopy(12, 5), [/row 12 is a copy of an earlier one/]],
  ['inserts a row of its own', insertCopy(12, 5, "'made up'"), [/row 12 was altered/]],
  ['cuts the end off', ['DELETE FROM audit WHERE number > 16'], [/rows 17 to 20 are missing/]],
]

describe.each([
  ['without a checkpoint', async () => {}],
  ['under checkpoints', async () => void (await a.seal.checkpoint(NOW))],
])('a hand, %s,', (_, seal) => {
  it.each(TAMPERINGS)('that %s is seen', async (_what, statements, said) => {
    await a.write(20)
    await seal()

    await a.sql(...statements)

    const verdict = await a.verify()
    expect(verdict.verdict).toBe('broken')
    for (const text of said) expect(textsOf(verdict).join('\n')).toMatch(text)
  })

  it('is seen by what is written later, though the database counts anew', async () => {
    await a.write(20)
    await seal()

    await a.sql('DELETE FROM audit WHERE number > 16', "UPDATE sqlite_sequence SET seq = 16 WHERE name = 'audit'")
    await a.write(3)

    const verdict = await a.verify()
    expect(verdict.verdict).toBe('broken')
    expect(textsOf(verdict).join('\n')).toMatch(/row(s)? (17|18|19|20)/)
  })

  it.each([
    ['alters a delivery', "UPDATE deliveries SET status = 'accepted' WHERE id = 1", 'delivery 1 was altered'],
    [
      'gives a delivery to another request',
      "UPDATE deliveries SET request_id = 'x' WHERE id = 2",
      'delivery 2 was altered',
    ],
    ['removes a delivery', 'DELETE FROM deliveries WHERE id = 1', 'delivery 1 is missing'],
    ['removes the last delivery', 'DELETE FROM deliveries WHERE id = 4', 'delivery 4 is missing'],
  ])('that %s is seen', async (_what, statement, said) => {
    await a.deliver()
    await a.deliver()
    await seal()

    await a.sql(statement)

    expect(textsOf(await a.verify()).join('\n')).toContain(said)
  })
})

describe('rows that do not cite each other', () => {
  /** Requests of one moment: nobody has seen another one's row. */
  const together = async () => {
    await Promise.all(Array.from({ length: 10 }, () => a.write(1)))
    await a.write(1)
  }

  it('keep their order under a checkpoint, which names the ones that were moved', async () => {
    await together()
    await a.seal.checkpoint(NOW)

    await a.sql(...swapRows(4, 5))

    expect(textsOf(await a.verify())).toEqual(['rows 4 to 5 stand at other numbers than they were written under'])
  })

  it('are counted under a checkpoint, which names the one that is gone', async () => {
    await together()
    await a.seal.checkpoint(NOW)

    await a.sql(...removeAndClose(4))

    const texts = textsOf(await a.verify()).join('\n')
    expect(texts).toContain('row 4 is not the one that was written under this number (the sealed one is gone)')
    expect(texts).toContain('row 11 is missing')
  })
})

it('warns of a clock that went back, without calling the audit broken', async () => {
  await a.write(3, NOW)
  await a.write(1, NOW - 3600)

  const { verdict, warnings } = await a.verify()

  expect([verdict, warnings.map(({ text }) => text)]).toEqual(['intact', ['row 4 is older than a row before it']])
})

it('lists the first few hundred findings and counts the rest', async () => {
  await a.write(1500)
  await a.sql('DELETE FROM audit WHERE number % 2 = 1')

  const { findings, found } = await a.verify()

  expect([findings.length, found >= 750]).toEqual([500, true])
})

it('names a row that was moved out of the way', async () => {
  await a.write(5)

  await a.sql(moveRow(3, 900))

  expect(textsOf(await a.verify()).join('\n')).toContain('row 3 is missing')
})
