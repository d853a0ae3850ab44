/** Contract of lists of tokens: selections, orders, pages. */
import { describe, expect, it } from 'vitest'
import type { TokenPage } from '../../src/ports/store.ts'
import { enrolled, type Suite, times } from './store-fixture.ts'

export function tokenPageTests(suite: Suite): void {
  describe('pageOfTokens', () => paging(suite))
}

function paging(suite: Suite): void {
  it('has pages of a selection in any order, and counts all of them', async () => {
    const type = suite.next('type-')
    const some = ['b', 'a', 'c', 'a'].map((description, n) => ({
      type,
      description,
      active: n !== 2,
      realms: n > 1 ? ['x'] : [],
    }))
    const serials: string[] = []
    for (const over of some) serials.push((await enrolled(suite, over)).serial)
    const page = async (over: Partial<TokenPage>) => {
      const all = { where: { type }, order: 'description', descending: false, offset: 0, limit: null } as const
      const { tokens, total } = await suite.store.pageOfTokens({ ...all, ...over })
      return [tokens.map(({ serial }) => serials.indexOf(serial)).join(''), total]
    }

    expect(await page({})).toEqual(['1302', 4])
    expect(await page({ descending: true })).toEqual(['2031', 4])
    expect(await page({ offset: 1, limit: 2 })).toEqual(['30', 4])
    expect(await page({ offset: 9, limit: 2 })).toEqual(['', 4])
    expect(await page({ order: 'active' })).toEqual(['2013', 4])
    expect(await page({ where: { type, active: true, realms: ['x'] } })).toEqual(['3', 1])
    expect(await page({ where: { type, realms: [] }, order: 'id' })).toEqual(['01', 2])
    expect(await page({ where: { type, within: [['x', 'y']] }, limit: 1 })).toEqual(['3', 2])
    expect(await page({ where: { type, within: [['x'], ['y']] } })).toEqual(['', 0])
    const serialPatterns = [serials[0] ?? '', `*${serials[1]?.slice(-6)}`]
    expect(await page({ where: { type, serialPatterns }, order: 'id' })).toEqual(['01', 2])
  })

  it('goes through all tokens lump by lump', async () => {
    const type = suite.next('type-')
    await times(5, () => enrolled(suite, { type }))
    const seen: number[] = []

    for (let after = 0; ; ) {
      const lump = await suite.store.findTokens({ type, after, limit: 2 })
      seen.push(...lump.map(({ id }) => id))
      if (lump.length < 2) break
      after = lump.at(-1)?.id ?? after
    }

    expect(seen).toHaveLength(5)
    expect(seen).toEqual(seen.toSorted((a, b) => a - b))
  })
}
