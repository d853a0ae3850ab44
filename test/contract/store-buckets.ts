/** Contract of buckets: limits on sending and guessing that go beyond one token. */
import { beforeEach, describe, expect, it } from 'vitest'
import type { Bucket } from '../../src/core/limits.ts'
import { bucketsOf } from '../../src/core/limits.ts'
import { UNTHROTTLED } from '../support/records.ts'
import {
  acceptCommand,
  auditRow,
  challenged,
  countOf,
  enrolled,
  enrolledMany,
  NOW,
  openCommand,
  type Suite,
  times,
} from './store-fixture.ts'

const three = (key: string, now = NOW): readonly Bucket[] => bucketsOf(key, [{ count: 3, window: 60 }], now)

export function bucketTests(suite: Suite): void {
  const numbers = async () =>
    Object.fromEntries((await suite.rows('SELECT key, n FROM buckets')).map(({ key, n }) => [key, n]))
  const reject = (failures: readonly Bucket[], now = NOW) =>
    suite.store.reject({
      now,
      throttle: UNTHROTTLED,
      failed: [],
      judged: [],
      guessed: [],
      failures,
      audit: auditRow(suite.next('bucket-')),
    })
  const isFull = async (buckets: readonly Bucket[]) =>
    (await suite.store.gather({ users: [], serial: 'none', tokenType: null, now: NOW, buckets })).full

  describe('buckets', () => {
    beforeEach(() => suite.clear('buckets'))

    it('opens no more than fits of fifty triggers of fifty tokens at once, and names the bucket that is full', async () => {
      const tokens = await enrolledMany(suite, 50)
      const wide = bucketsOf('total', [{ count: 100, window: 60 }], NOW)

      const outcomes = await times(50, (n) =>
        suite.store.open(openCommand(suite, tokens.slice(n, n + 1), { buckets: [...wide, ...three('user')] })),
      )

      expect(outcomes.flatMap(({ opened }) => opened)).toHaveLength(3)
      expect(outcomes.flatMap(({ limited }) => limited.map(({ bucket }) => bucket))).toEqual(Array(47).fill('user'))
      expect(await numbers()).toEqual({ total: 3, user: 3 })
    })

    it('lets no more through of one request for several tokens', async () => {
      const tokens = await enrolledMany(suite, 5)

      const { opened, limited } = await suite.store.open(openCommand(suite, tokens, { buckets: three('user') }))

      expect([opened.length, limited.length]).toEqual([3, 2])
      expect(await numbers()).toEqual({ user: 3 })
    })

    it('holds each of several windows', async () => {
      const token = await enrolled(suite)
      const rates = [
        { count: 2, window: 10 },
        { count: 3, window: 1000 },
      ]
      const start = NOW - (NOW % 1000)

      const opened: number[] = []
      for (const after of [0, 1, 2, 10, 11, 1000]) {
        const buckets = bucketsOf('user', rates, start + after)
        const command = openCommand(suite, [token], { now: start + after, buckets })
        opened.push((await suite.store.open(command)).opened.length)
      }

      expect(opened).toEqual([1, 1, 0, 1, 0, 1])
    })

    it('does not begin anew when the clock is set back', async () => {
      await times(3, () => reject(three('client')))

      expect(await isFull(three('client', NOW - 600))).toBe(true)
      await reject(three('client', NOW - 600))
      expect(await numbers()).toEqual({ client: 4 })
    })

    it('counts each of fifty failures at once', async () => {
      expect(await isFull(three('client'))).toBe(false)

      await times(50, () => reject(three('client')))

      expect(await numbers()).toEqual({ client: 50 })
      expect([await isFull(three('client')), await isFull(three('other'))]).toEqual([true, false])
    })

    it('counts each of fifty triggers at once that are failures as well', async () => {
      const tokens = await enrolledMany(suite, 50)

      await times(50, (n) =>
        suite.store.open({ ...openCommand(suite, tokens.slice(n, n + 1)), failures: three('client') }),
      )

      expect(await numbers()).toEqual({ client: 50 })
    })

    it('accepts nothing while a bucket is full, however many right answers come', async () => {
      const token = await enrolled(suite)
      const challenge = await challenged(suite, token)
      await times(3, () => reject(three('client')))

      const verdicts = await times(50, () =>
        suite.store.accept(acceptCommand(suite, { token, challenge }, { failures: three('client'), reset: [] })),
      )

      expect(countOf(verdicts, 'lost')).toBe(50)
      expect(await suite.store.accept(acceptCommand(suite, { token, challenge }, { failures: three('other') }))).toBe(
        'done',
      )
    })

    it('of fifty equal right answers counts the forty-nine that lose', async () => {
      const token = await enrolled(suite)
      const challenge = await challenged(suite, token)
      const failures = bucketsOf('client', [{ count: 1000, window: 60 }], NOW)

      await times(50, () => suite.store.accept(acceptCommand(suite, { token, challenge }, { failures })))

      expect(await numbers()).toEqual({ client: 49 })
    })

    it('is swept away when its window is long over', async () => {
      await reject([...three('old', NOW - 9 * 86_400), ...three('young')])

      await suite.store.sweep(NOW)

      expect(await numbers()).toEqual({ young: 1 })
    })
  })
}
