/** Contract of `reject` and `resetFailCounts`: what wrong answers cost, and how an administrator takes it back. */
import { describe, expect, it } from 'vitest'
import type { Challenge } from '../../src/core/challenge.ts'
import type { Token } from '../../src/core/token.ts'
import { UNTHROTTLED } from '../support/records.ts'
import {
  acceptCommand,
  auditOf,
  auditRow,
  auditsOf,
  challenged,
  challengeOf,
  countOf,
  enrolled,
  NOW,
  type OpenOptions,
  openCommand,
  type Suite,
  times,
  tokenOf,
  wrongAnswer,
} from './store-fixture.ts'

export function failureTests(suite: Suite): void {
  describe('reject', () => {
    guessing(suite)
    mixedAnswers(suite)
    attempts(suite)
    counting(suite)
  })
  describe('resetFailCounts', () => resetting(suite))
}

type Prepared = { readonly token: Token; readonly challenge: Challenge }

async function ready(suite: Suite, options: OpenOptions = {}): Promise<Prepared> {
  const token = await enrolled(suite, { maxFailCount: 10 })
  return { token, challenge: await challenged(suite, token, options) }
}

function guessing(suite: Suite): void {
  it('counts each of fifty wrong answers at once, with a line of audit each, and then refuses the right one', async () => {
    const prepared = await ready(suite)
    const { serial } = prepared.token
    const ids = Array.from({ length: 50 }, () => suite.next('guess-'))

    await Promise.all(
      ids.map((id) => {
        const audit = auditRow(id, 'otp_wrong')
        return suite.store.reject({
          now: NOW,
          throttle: UNTHROTTLED,
          failed: [serial],
          judged: [serial],
          guessed: [prepared.challenge.id],
          audit,
        })
      }),
    )

    expect((await tokenOf(suite, serial)).failCount).toBe(50)
    expect(await challengeOf(suite, prepared.challenge.id)).toEqual({ ...prepared.challenge, attempts: 50 })
    expect(await auditsOf(suite, ids)).toEqual(ids.map(() => ['otp_wrong']))
    expect(await suite.store.accept(acceptCommand(suite, prepared))).toBe('lost')
  })
}

function mixedAnswers(suite: Suite): void {
  /** One right answer among `n` wrong ones, all at once. */
  const answered = async (n: number, place: number) => {
    const prepared = await ready(suite)
    const command = acceptCommand(suite, prepared)
    const outcomes = await times(
      n + 1,
      (i): Promise<unknown> => (i === place ? suite.store.accept(command) : wrongAnswer(suite, prepared)),
    )
    const [token, challenge] = [
      await tokenOf(suite, prepared.token.serial),
      await challengeOf(suite, prepared.challenge.id),
    ]
    return { outcome: outcomes[place], token, challenge, audit: await auditOf(suite, command.requestId) }
  }

  it.each([0, 9])('accepts the right answer among nine wrong ones at once, sent after %d of them', async (place) => {
    const { outcome, token, challenge, audit } = await answered(9, place)

    expect([outcome, challenge.state, audit]).toEqual(['done', 'accepted', ['done']])
    // What failed before the right answer was forgotten with it.
    expect(token.failCount).toBeLessThanOrEqual(9)
  })

  it.each([10, 25])(
    'takes the right answer among fifty wrong ones as a whole or not at all, sent after %d',
    async (place) => {
      const { outcome, token, challenge, audit } = await answered(50, place)

      expect([
        ['done', 'accepted', ['done']],
        ['lost', 'open', ['lost']],
      ]).toContainEqual([outcome, challenge.state, audit])
      if (outcome === 'lost') expect(token.failCount).toBe(51)
      else expect(token.failCount).toBeGreaterThan(40)
    },
  )
}

function attempts(suite: Suite): void {
  it('exhausts a challenge at its last attempt, however many come at once', async () => {
    const prepared = await ready(suite, { maxAttempts: 3 })

    await times(50, () => wrongAnswer(suite, prepared))

    const { state, attempts } = await challengeOf(suite, prepared.challenge.id)
    expect([state, attempts]).toEqual(['exhausted', 3])
  })

  it('exhausts it by guesses that ask for a challenge as well, fifty at once', async () => {
    const { token, challenge } = await ready(suite, { maxAttempts: 3 })
    const guess = () => openCommand(suite, [token], { guessed: [challenge.id], failed: [token.serial], blocking: 600 })

    const outcomes = await times(50, () => suite.store.open(guess()))

    const { state, attempts } = await challengeOf(suite, challenge.id)
    expect([state, attempts]).toEqual(['exhausted', 3])
    // The three that ended it were blocked by it; of those that came after, one opened the next.
    expect(outcomes.map(({ blocking }) => blocking[0]?.id).filter((id) => id === challenge.id)).toHaveLength(3)
    expect(outcomes.filter(({ opened }) => opened.length > 0)).toHaveLength(1)
  })

  it('keeps a challenge open until its last attempt', async () => {
    const prepared = await ready(suite, { maxAttempts: 3 })
    await times(2, () => wrongAnswer(suite, prepared))

    expect((await challengeOf(suite, prepared.challenge.id)).state).toBe('open')
    expect(await suite.store.accept(acceptCommand(suite, prepared))).toBe('done')
  })

  it.each([
    ['expires this very second', `expires_at = ${NOW}`],
    ['was accepted', "state = 'accepted'"],
    ['is exhausted', "state = 'exhausted'"],
    ['was superseded', "state = 'superseded'"],
  ])('leaves a challenge alone that %s', async (_, set) => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token, { set, maxAttempts: 5 })

    await wrongAnswer(suite, { token, challenge })

    expect(await challengeOf(suite, challenge.id)).toEqual(challenge)
    expect((await tokenOf(suite, token.serial)).failCount).toBe(1)
  })
}

function counting(suite: Suite): void {
  it('says what the fail counts came to, of those that failed', async () => {
    const [first, second] = [await enrolled(suite, {}, 'fail_count = 4'), await enrolled(suite, {}, 'fail_count = 12')]
    const failed = [first.serial, second.serial, 'NOBODY']
    const audit = () => auditRow(suite.next('reject-'))

    const counts = await suite.store.reject({
      now: NOW,
      throttle: UNTHROTTLED,
      failed,
      judged: [],
      guessed: [],
      audit: audit(),
    })
    const none = await suite.store.reject({
      now: NOW,
      throttle: UNTHROTTLED,
      failed: [],
      judged: [],
      guessed: [],
      audit: audit(),
    })

    expect([...counts].toSorted()).toEqual([
      [first.serial, 5],
      [second.serial, 13],
    ])
    expect(none.size).toBe(0)
  })

  it('goes on counting when the token is locked, also where there is no challenge', async () => {
    const token = await enrolled(suite, {}, 'fail_count = 10')
    const audit = auditRow(suite.next('reject-'))

    await suite.store.reject({
      now: NOW,
      throttle: UNTHROTTLED,
      failed: [token.serial],
      judged: [],
      guessed: [],
      audit,
    })

    expect((await tokenOf(suite, token.serial)).failCount).toBe(11)
  })

  it('counts a use of judged tokens with a maximum, and of no others', async () => {
    const limited = { count_auth_max: 60, count_auth_success_max: 60 }
    const [judged, skipped] = [await enrolled(suite, { info: limited }), await enrolled(suite, { info: limited })]
    const unlimited = await enrolled(suite, { info: { count_auth: 3 } })
    const failed = [judged.serial, skipped.serial, unlimited.serial]

    await times(50, () =>
      suite.store.reject({
        now: NOW,
        throttle: UNTHROTTLED,
        failed,
        judged: [judged.serial, unlimited.serial],
        guessed: [],
        audit: auditRow(suite.next('reject-')),
      }),
    )

    const after = await suite.store.findTokens({ serials: failed })
    expect(after.map((token) => token.failCount)).toEqual([50, 50, 50])
    expect(after.map((token) => token.info)).toEqual([{ ...limited, count_auth: 50 }, limited, { count_auth: 3 }])
  })

  it('touches no token and no challenge that was not named', async () => {
    const { token, challenge } = await ready(suite)
    const requestId = suite.next('reject-')

    await suite.store.reject({
      now: NOW,
      throttle: UNTHROTTLED,
      failed: [],
      judged: [],
      guessed: [],
      audit: auditRow(requestId, 'user_unknown'),
    })

    expect(await tokenOf(suite, token.serial)).toMatchObject({ failCount: 0, counter: 2 })
    expect(await challengeOf(suite, challenge.id)).toEqual(challenge)
    expect(await auditOf(suite, requestId)).toEqual(['user_unknown'])
  })
}

function resetting(suite: Suite): void {
  it('makes the open challenge of a locked token answerable again', async () => {
    const prepared = await ready(suite)
    await times(10, () => wrongAnswer(suite, prepared))
    const requestId = suite.next('reset-')

    const lost = await suite.store.accept(acceptCommand(suite, prepared))
    const reset = await suite.store.resetFailCounts([prepared.token.serial], auditRow(requestId, 'reset'))
    const done = await suite.store.accept(acceptCommand(suite, prepared))

    expect([lost, reset, done]).toEqual(['lost', 1, 'done'])
    expect(await auditOf(suite, requestId)).toEqual(['reset'])
  })

  it('resets only named tokens, says how many there were, and does so fifty times at once', async () => {
    const [first, second] = [await enrolled(suite, {}, 'fail_count = 1'), await enrolled(suite, {}, 'fail_count = 2')]
    const other = await enrolled(suite, {}, 'fail_count = 3')
    const serials = [first.serial, second.serial, 'NOBODY']

    const counts = await times(50, () => suite.store.resetFailCounts(serials, auditRow(suite.next('reset-'))))

    expect(countOf(counts, 2)).toBe(50)
    const after = await suite.store.findTokens({ serials: [...serials, other.serial] })
    expect(after.map((token) => token.failCount).toSorted()).toEqual([0, 0, 3])
  })
}
