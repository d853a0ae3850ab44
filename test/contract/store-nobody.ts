/** Contract of the token that stands in where there is none: written to like any other, and met by nobody. */
import { describe, expect, it } from 'vitest'
import type { GatherQuery } from '../../src/ports/store.ts'
import { UNTHROTTLED } from '../support/records.ts'
import { auditOf, auditRow, enrolled, NOW, newToken, type Suite, times } from './store-fixture.ts'

const SERIAL = '(nobody)'

export function nobodyTests(suite: Suite): void {
  const row = async () => (await suite.rows('SELECT * FROM tokens WHERE serial = ?', SERIAL))[0]
  const failures = async () => Number((await row())?.fail_count)
  const reject = (failed: readonly string[]) =>
    suite.store.reject({
      now: NOW,
      throttle: UNTHROTTLED,
      failed,
      judged: failed,
      guessed: [],
      audit: auditRow(suite.next('nobody-')),
    })

  describe('nobody', () => {
    it('pays where no token does: fifty refusals at once are fifty failures, of which none is told', async () => {
      const before = await failures()

      const counts = await times(50, () => reject([]))

      expect(await failures()).toBe(before + 50)
      expect(counts.every(({ size }) => size === 0)).toBe(true)
    })

    it('pays nothing where a token does', async () => {
      const { serial } = await enrolled(suite)
      const before = await row()

      await reject([serial])

      expect(await row()).toEqual(before)
    })

    it.each<readonly [string, Partial<GatherQuery>]>([
      ['an unknown user', { users: [{ login: 'nobody', resolvers: ['people'] }] }],
      ['a user in no resolver', { users: [{ login: 'nobody', resolvers: [] }] }],
      ['its own serial', { serial: SERIAL }],
      ['its own serial and type', { serial: SERIAL, tokenType: '' }],
      ['a transaction', { transactionId: SERIAL }],
      ['nothing', {}],
    ])('is not gathered by %s', async (_, over) => {
      const gathered = await suite.store.gather({ users: [], serial: null, tokenType: null, now: NOW, ...over })

      expect(gathered.users.flat()).toEqual([])
      expect(gathered.tokens).toEqual([])
      expect([...gathered.owners]).toEqual([])
    })

    it('is found neither among all tokens nor by its serial, and takes no place in a limit', async () => {
      const limits = { ofUser: 1, ofUserAndType: 1, activeInRealm: 1 }
      const realms = [suite.next('realm-')]
      const owner = { userId: suite.next('user-'), resolver: 'people' }
      const token = newToken(suite.next('LSEM'), { owner, realms, limits })

      expect((await suite.store.findTokens({})).map(({ serial }) => serial)).not.toContain(SERIAL)
      expect(await suite.store.findTokens({ serials: [SERIAL] })).toEqual([])
      expect(await suite.store.createToken(token, auditRow(suite.next('create-')))).toBe('done')
    })

    it('cannot be enrolled, renewed, changed, reset or removed', async () => {
      const { store } = suite
      const before = await row()
      const ids = Array.from({ length: 5 }, () => suite.next('admin-'))
      const [create, renew, change, reset, remove] = ids.map((id) => auditRow(id, 'done'))
      if (!create || !renew || !change || !reset || !remove) throw new Error('five rows')
      const owner = { userId: '1', resolver: 'people' }
      const renewal = { ...newToken(SERIAL, { owner }), description: null, revision: 1 }

      const outcomes = [
        await store.createToken(newToken(SERIAL), create),
        await store.reinitToken(renewal, renew),
        await store.changeTokens([{ serial: SERIAL, revision: 1, set: { active: true } }], change),
        await store.resetFailCounts([SERIAL], reset),
        await store.removeTokens([SERIAL], remove),
      ]

      expect(outcomes).toEqual(['taken', 'lost', 'lost', 0, 0])
      expect(await row()).toEqual(before)
      expect(await Promise.all(ids.slice(0, 3).map((id) => auditOf(suite, id)))).toEqual([[], [], []])
    })
  })
}
