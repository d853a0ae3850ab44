/** Contract of the store when the clock is set back: what was noted before holds nothing up, and opens nothing. */
import { beforeEach, describe, expect, it } from 'vitest'
import { bucketsOf } from '../../src/core/limits.ts'
import { CLOCK_SKEW, type Instant } from '../../src/core/time.ts'
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
  tokenOf,
} from './store-fixture.ts'

const DAY = 86_400
/** What another node may have noted whose clock is ahead, and what only a clock can have that was set back since. */
const [AHEAD, SET_BACK] = [NOW + CLOCK_SKEW, NOW + DAY]

export function clockTests(suite: Suite): void {
  describe('after the clock was set back', () => {
    challenges(suite)
    sending(suite)
    logins(suite)
    locks(suite)
  })
}

function challenges(suite: Suite): void {
  const answer = async (made: Instant, now: Instant) => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token, { now: made })
    return suite.store.accept(acceptCommand(suite, { challenge, token }, { now }))
  }

  it('a challenge of before is not answered; one of a node that is ahead is', async () => {
    expect([await answer(AHEAD, NOW), await answer(AHEAD + 1, NOW), await answer(SET_BACK, NOW)]).toEqual([
      ...['done', 'lost', 'lost'],
    ])
  })

  it('it does not block either: of fifty triggers at once one opens, and the old challenge is cleared away', async () => {
    const token = await enrolled(suite)
    const old = await challenged(suite, token, { now: SET_BACK })

    const outcomes = await times(50, () => suite.store.open(openCommand(suite, [token], { blocking: 120 })))

    const opened = outcomes.flatMap((outcome) => outcome.opened)
    expect(opened).toHaveLength(1)
    expect(outcomes.flatMap(({ blocking }) => blocking.map(({ id }) => id))).toEqual(Array(49).fill(opened[0]?.id))
    // Else it would come to life again when the clock gets there.
    expect(await suite.rows('SELECT id FROM challenges WHERE id = ?', old.id)).toEqual([])
  })

  it('one of a node that is ahead blocks', async () => {
    const token = await enrolled(suite)
    const first = await challenged(suite, token, { now: AHEAD })

    const { opened, blocking } = await suite.store.open(openCommand(suite, [token], { blocking: 120 }))

    expect([opened, blocking.map(({ id }) => id)]).toEqual([[], [first.id]])
  })

  it.each([[AHEAD], [NOW + 1]])(
    'one of a node that is ahead, of %d, blocks nothing where nothing blocks',
    async (made) => {
      const token = await enrolled(suite)
      await challenged(suite, token, { now: made })

      const outcomes = await times(50, () => suite.store.open(openCommand(suite, [token], { blocking: 0 })))

      expect(outcomes.flatMap(({ blocking }) => blocking)).toEqual([])
      expect(outcomes.flatMap(({ opened }) => opened)).toHaveLength(50)
    },
  )

  it('nobody is shown it, and the sweep removes it', async () => {
    const token = await enrolled(suite)
    const { id, transactionId } = await challenged(suite, token, { now: SET_BACK })

    const seen = [
      await suite.store.findChallenges(transactionId, NOW),
      await suite.store.challengesOf([token.serial], NOW),
      await suite.store.listChallenges(token.serial, NOW),
      (await suite.store.gather({ users: [], serial: token.serial, tokenType: null, now: NOW })).challenges,
    ]
    await suite.store.sweep(NOW)

    expect(seen).toEqual([[], [], [], []])
    expect(await suite.rows('SELECT id FROM challenges WHERE id = ?', id)).toEqual([])
  })
}

function sending(suite: Suite): void {
  const limits = [{ count: 2, window: 600 }]

  it.each([
    ['count no more, when they are of before', SET_BACK, 1],
    ['count, when they are of a node that is ahead', AHEAD, 0],
  ])('moments of messages %s', async (_, at, opens) => {
    const token = await enrolled(suite, {}, `sent_at = '[${at}, ${at}]'`)

    const { opened } = await suite.store.open(openCommand(suite, [token], { limits }))

    expect(opened).toHaveLength(opens)
  })

  describe('a full bucket', () => {
    beforeEach(() => suite.clear('buckets'))
    const HOUR = 3600
    const rates = [{ count: 2, window: HOUR }]
    /** The second before a window begins, so that a node may be in the next one. */
    const BORDER = NOW - (NOW % HOUR) + HOUR - 1
    const fillAt = (now: Instant) => suite.store.reject(failing(suite, now, bucketsOf('total', rates, now)))
    const triggersAt = async (now: Instant) => {
      const tokens = await enrolledMany(suite, 50)
      const buckets = bucketsOf('total', rates, now)
      const outcomes = await times(50, (n) => {
        const command = openCommand(suite, tokens.slice(n, n + 1), { now, buckets })
        return suite.store.open(command)
      })
      return outcomes.flatMap(({ opened }) => opened).length
    }

    it('of before begins anew, for two of fifty triggers at once', async () => {
      await times(2, () => fillAt(BORDER + DAY))

      expect(await triggersAt(BORDER)).toBe(2)
      expect(await triggersAt(BORDER + 1)).toBe(2)
    })

    it('of a node that is ahead of the hour counts', async () => {
      await times(2, () => fillAt(BORDER + 5))

      expect(await triggersAt(BORDER)).toBe(0)
    })

    it('is removed by the sweep, when it is of before', async () => {
      await fillAt(SET_BACK)

      await suite.store.sweep(NOW)

      expect(await suite.rows('SELECT key FROM buckets')).toEqual([])
    })
  })

  it('a rest of a provider is over, and the next failure begins another', async () => {
    const rests = (until: Instant) =>
      suite.rows(
        "INSERT OR REPLACE INTO provider_rests (type, name, rests, until) VALUES ('email', 'clock', 3, ?)",
        until,
      )
    const resting = async () => {
      const { resting: found } = await suite.store.open(openCommand(suite, [await enrolled(suite)]))
      return found.some(({ name }) => name === 'clock')
    }

    await rests(NOW + 600 + CLOCK_SKEW)
    const ofNow = await resting()
    await rests(SET_BACK)
    const ofBefore = await resting()
    await suite.clear('provider_rests')

    expect([ofNow, ofBefore]).toEqual([true, false])
  })
}

const failing = (suite: Suite, now: Instant, failures: ReturnType<typeof bucketsOf>) => ({
  ...{ now, throttle: { unlockAfter: 0, delay: 0 }, failed: [], judged: [], guessed: [], failures },
  audit: auditRow(suite.next('clock-')),
})

function logins(suite: Suite): void {
  const pay = (key: string, now: Instant) => suite.store.payLogin([{ key, limit: 3 }], now, now + 900)

  it('passwords that were wrong before keep nobody out, and are counted anew', async () => {
    const key = suite.next('pair-')
    await times(50, () => pay(key, SET_BACK))

    const paid = await times(50, () => pay(key, NOW))

    expect(countOf(paid, true)).toBe(3)
  })

  it('those of a node that is ahead count', async () => {
    const key = suite.next('pair-')
    await times(3, () => pay(key, AHEAD))

    expect(await pay(key, NOW)).toBe(false)
  })
}

function locks(suite: Suite): void {
  it('a lock that ends runs from the next failure, and not from one that is still to come', async () => {
    const ending = { unlockAfter: 600, delay: 0 }
    const { serial } = await enrolled(suite, { maxFailCount: 3 }, `fail_count = 3, last_failed_at = ${SET_BACK}`)
    const fail = (now: Instant) =>
      suite.store.reject({ ...failing(suite, now, []), throttle: ending, failed: [serial], judged: [serial] })

    await times(50, () => fail(NOW))
    const locked = await tokenOf(suite, serial)
    await fail(NOW + 600)
    const begun = await tokenOf(suite, serial)

    expect([locked.failCount, locked.lastFailedAt]).toEqual([53, NOW])
    expect([begun.failCount, begun.lastFailedAt]).toEqual([1, NOW + 600])
  })
}
