/** Contract of the throttle: a lock that ends after a time, and a token that is not asked for a while. */
import { describe, expect, it } from 'vitest'
import type { Throttle } from '../../src/core/throttle.ts'
import type { Instant } from '../../src/core/time.ts'
import type { Token } from '../../src/core/token.ts'
import type { AcceptCommand } from '../../src/ports/store.ts'
import {
  acceptCommand,
  auditRow,
  challenged,
  countOf,
  enrolled,
  NOW,
  openCommand,
  type Suite,
  times,
  tokenOf,
} from './store-fixture.ts'

const ENDING: Throttle = { unlockAfter: 600, delay: 0 }
const SLOWING: Throttle = { unlockAfter: 0, delay: 30 }
const LATER: Instant = NOW + 600

type Prepared = Pick<AcceptCommand, 'challenge' | 'token'>

/** A token with a challenge that outlives all this. */
async function prepare(suite: Suite, set: string): Promise<Prepared> {
  const token = await enrolled(suite, { maxFailCount: 10 })
  const challenge = await challenged(suite, token, { validity: 86_400 })
  await suite.rows(`UPDATE tokens SET ${set} WHERE serial = ?`, token.serial)
  return { token: await tokenOf(suite, token.serial), challenge }
}

const failures = async (suite: Suite, { serial }: Token) => {
  const { failCount, lastFailedAt } = await tokenOf(suite, serial)
  return { failCount, lastFailedAt }
}

export function throttleTests(suite: Suite): void {
  const guess = ({ challenge, token }: Prepared, now: Instant, throttle: Throttle) =>
    suite.store.reject({
      ...{ now, throttle, failed: [token.serial], judged: [token.serial], guessed: [challenge.id] },
      audit: auditRow(suite.next('guess-'), 'otp_wrong'),
    })
  const answer = (prepared: Prepared, now: Instant, throttle: Throttle) =>
    suite.store.accept(acceptCommand(suite, prepared, { now, throttle }))

  describe('a lock that ends', () => {
    it('begins anew with the first of fifty wrong answers at once, and locks again', async () => {
      const prepared = await prepare(suite, `fail_count = 14, last_failed_at = ${NOW}`)

      await times(50, () => guess(prepared, LATER, ENDING))

      expect(await failures(suite, prepared.token)).toEqual({ failCount: 50, lastFailedAt: LATER })
      expect(await answer(prepared, LATER, ENDING)).toBe('lost')
    })

    it('lets one of fifty right answers in, and forgets the failures', async () => {
      const prepared = await prepare(suite, `fail_count = 14, last_failed_at = ${NOW}`)

      const outcomes = await times(50, () => answer(prepared, LATER, ENDING))

      expect(countOf(outcomes, 'done')).toBe(1)
      // The one that won forgot them; those that came after it failed again.
      expect((await failures(suite, prepared.token)).failCount).toBe(49)
    })

    it.each([
      ['a second too early', LATER - 1, ENDING],
      ['without the setting', LATER, { unlockAfter: 0, delay: 0 }],
    ])('holds %s: fifty right answers are lost, and no challenge is opened', async (_, now, throttle) => {
      const prepared = await prepare(suite, `fail_count = 10, last_failed_at = ${NOW}`)

      const outcomes = await times(50, () => answer(prepared, now, throttle))
      const { opened } = await suite.store.open(openCommand(suite, [prepared.token], { now, throttle }))

      expect([countOf(outcomes, 'lost'), opened]).toEqual([50, []])
      // Its time runs from the failure that locked it, whoever goes on.
      expect(await failures(suite, prepared.token)).toEqual({ failCount: 60, lastFailedAt: NOW })
    })

    it.each([
      ['that locked it', 'fail_count = 10'],
      ['before', 'fail_count = 5'],
    ])('runs from the failure %s, also when fifty more are counted by a node whose clock is behind', async (_, set) => {
      const prepared = await prepare(suite, `${set}, last_failed_at = ${NOW}`)

      await times(50, () => guess(prepared, NOW - 30, ENDING))

      expect((await failures(suite, prepared.token)).lastFailedAt).toBe(NOW)
    })

    it('opens a challenge and leaves the count alone, which an answer that is lost then begins anew', async () => {
      const { token, challenge } = await prepare(suite, `fail_count = 14, last_failed_at = ${NOW}`)

      const { opened } = await suite.store.open(openCommand(suite, [token], { now: LATER, throttle: ENDING }))
      const between = await failures(suite, token)
      await suite.rows("UPDATE challenges SET state = 'exhausted' WHERE id = ?", challenge.id)

      expect([opened.length, between]).toEqual([1, { failCount: 14, lastFailedAt: NOW }])
      expect(await answer({ token, challenge }, LATER, ENDING)).toBe('lost')
      expect(await failures(suite, token)).toEqual({ failCount: 1, lastFailedAt: LATER })
    })
  })

  describe('a delay', () => {
    it('holds after fifty wrong answers at once: nothing is accepted or opened before it is over', async () => {
      const prepared = await prepare(suite, 'fail_count = 0, max_fail_count = 1000')
      await times(50, () => guess(prepared, NOW, SLOWING))
      const tried = async (now: Instant) => {
        const { opened } = await suite.store.open(openCommand(suite, [prepared.token], { now, throttle: SLOWING }))
        return [await answer(prepared, now, SLOWING), opened.length]
      }

      expect(await failures(suite, prepared.token)).toEqual({ failCount: 50, lastFailedAt: NOW })
      expect(await tried(NOW)).toEqual(['lost', 0])
      // The lost answer has prolonged it.
      expect(await tried(NOW + 3599)).toEqual(['lost', 0])
      expect(await tried(NOW + 3599 + 3600)).toEqual(['done', 1])
    })

    it('lets fifty wrong answers at once make one right one wait, from the third on', async () => {
      const prepared = await prepare(suite, 'fail_count = 0, max_fail_count = 1000')
      const outcomes = await times(
        51,
        (n): Promise<unknown> => (n === 25 ? answer(prepared, NOW, SLOWING) : guess(prepared, NOW, SLOWING)),
      )
      const { failCount } = await failures(suite, prepared.token)

      if (outcomes[25] === 'done') expect(failCount).toBeGreaterThanOrEqual(48)
      else expect([outcomes[25], failCount]).toEqual(['lost', 51])
    })
  })
}
