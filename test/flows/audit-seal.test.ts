/** Checkpoints of the audit: the chain they make, the end that they cannot hold, and keys that change. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type AuditFixture, KEYS, NOW, startAuditFixture, textsOf } from '../support/audit.ts'

let a: AuditFixture
beforeEach(async () => {
  a = await startAuditFixture()
})
afterEach(() => a.close())

describe('the end of the audit', () => {
  const cutEnd = [
    'DELETE FROM audit WHERE number > 10',
    'DELETE FROM audit_checkpoints WHERE id > 1',
    "UPDATE sqlite_sequence SET seq = 10 WHERE name = 'audit'",
    "UPDATE sqlite_sequence SET seq = 1 WHERE name = 'audit_checkpoints'",
  ]
  const grow = async () => {
    await a.write(10)
    await a.seal.checkpoint(NOW)
    await a.write(10)
    await a.seal.checkpoint(NOW)
  }

  it('can be cut off with everything that tells of it, and the verdict says that it would not see that', async () => {
    await grow()

    await a.sql(...cutEnd)

    const verdict = await a.verify()
    expect(verdict).toMatchObject({ verdict: 'intact', last: 10 })
    expect(verdict.unseen).toContain(
      'rows that were cut off at the very end together with their checkpoints: give an anchor that was noted elsewhere',
    )
  })

  it('is known by an anchor that was noted elsewhere, which the log has', async () => {
    await grow()
    const { anchor } = await a.verify()

    expect(await a.verify(anchor)).toMatchObject({ verdict: 'intact' })
    await a.sql(...cutEnd)

    expect(a.log.map((line) => JSON.parse(line).anchor)).toContain(anchor)
    expect(textsOf(await a.verify(anchor))).toEqual([
      'checkpoint 2 is not the one that was noted (there were rows up to 20)',
    ])
  })

  it('is known by an anchor when something else was written in its place', async () => {
    await grow()
    const { anchor } = await a.verify()
    await a.sql(...cutEnd)
    await a.reopen().write(10)
    await a.seal.checkpoint(NOW)

    expect(textsOf(await a.verify(anchor))).toEqual(['checkpoint 2 is not the one that was noted'])
  })

  it('is missed when its checkpoints are left, or when only they are gone', async () => {
    await grow()

    await a.sql('DELETE FROM audit_checkpoints WHERE id = 2')

    expect(textsOf(await a.verify())).toEqual(['checkpoint 2 is missing'])
  })
})

describe('checkpoints', () => {
  const three = async () => {
    for (let n = 0; n < 3; n++) {
      await a.write(5)
      await a.seal.checkpoint(NOW)
    }
  }

  it.each([
    ['removed', 'DELETE FROM audit_checkpoints WHERE id = 2', 'checkpoint 2 is missing'],
    ['altered', 'UPDATE audit_checkpoints SET last = 9 WHERE id = 2', 'checkpoint 2 was altered'],
    ['given another digest', "UPDATE audit_checkpoints SET digest = 'x' WHERE id = 2", 'checkpoint 2 was altered'],
  ])('are missed when one is %s', async (_, statement, said) => {
    await three()

    await a.sql(statement)

    expect(textsOf(await a.verify())).toContain(said)
  })

  it('does not make an altered row a good one by sealing it', async () => {
    await a.write(5)
    await a.sql("UPDATE audit SET user = 'eve' WHERE number = 3")

    await a.seal.checkpoint(NOW)

    expect(textsOf(await a.verify())).toEqual(['row 3 was altered'])
    expect(a.log.some((line) => line.includes('audit_broken'))).toBe(true)
  })

  it('seals thousands of rows in pieces, once, though fifty ask at once', async () => {
    await a.write(2500)

    const sealed = await Promise.all(Array.from({ length: 50 }, () => a.reopen().seal.checkpoint(NOW)))

    expect(sealed.reduce((sum, n) => sum + n)).toBe(2500)
    expect(await a.verify()).toMatchObject({ verdict: 'intact', checkpoints: 3, sealed: 2500 })
  })
})

describe('a new key', () => {
  it('seals beside the old one, and both verify', async () => {
    await a.write(5)
    await a.seal.checkpoint(NOW)
    const rotated = a.reopen(KEYS.new)
    await rotated.write(5)

    expect(await rotated.verify()).toMatchObject({ verdict: 'intact', rows: 10 })
  })

  it('takes over the checkpoints, so that rows outlive the key they were sealed with', async () => {
    await a.write(5)
    await a.deliver()
    await a.seal.checkpoint(NOW)
    await a.write(5)
    const rotated = a.reopen(KEYS.new)
    await rotated.seal.checkpoint(NOW)
    expect(await rotated.seal.reseal()).toBe(1)

    const later = a.reopen(KEYS.onlyNew)
    await later.write(3)

    expect(await later.verify()).toMatchObject({ verdict: 'intact', rows: 14, checkpoints: 2 })
    await a.sql("UPDATE audit SET user = 'eve' WHERE number = 2")
    expect((await later.verify()).verdict).toBe('broken')
  })

  it('does not hide an old key that went too early', async () => {
    await a.write(3)

    const texts = textsOf(await a.reopen(KEYS.onlyNew).verify())

    expect(texts).toEqual(["rows 1 to 3 were altered (or sealed with a key 'k1' that is not here)"])
  })

  it('takes over nothing that is not right', async () => {
    await a.write(3)
    await a.seal.checkpoint(NOW)
    await a.sql("UPDATE audit_checkpoints SET digest = 'x'")

    expect(await a.reopen(KEYS.new).seal.reseal()).toBe(0)
  })
})
