/**
 * Holds the two places together where it is said what may still be answered: `isAnswerable` and the token rules in
 * core, and the guards of `accept` and `open` in SQL. Every combination is put to both.
 */
import { describe, expect, it } from 'vitest'
import { toChallenge } from '../../src/adapters/store/rows.ts'
import { type Challenge, isAnswerable } from '../../src/core/challenge.ts'
import { failedOnce, isLocked, isWaiting, type Throttle } from '../../src/core/throttle.ts'
import { type Token, type TokenInfo, usageExceeded } from '../../src/core/token.ts'
import { UNTHROTTLED } from '../support/records.ts'
import { openLibsqlFile } from './store-databases.ts'
import { acceptCommand, auditRow, createSuite, enrolledMany, NOW, openCommand, type Suite } from './store-fixture.ts'

const STATES = ['open', 'accepted', 'exhausted', 'superseded']
const DELIVERIES = ['pending', 'delivered', 'undelivered']
/** When it was made and when it ends, in seconds from now; the last two are from before the clock was set back. */
const TIMES = [
  [-60, -1],
  [-60, 0],
  [-60, 1],
  [60, 180],
  [61, 181],
  [86_400, 86_520],
] as const
/** Attempts and the most that are allowed; 0 allows any number. */
const ATTEMPTS = [
  [7, 0],
  [2, 3],
  [3, 3],
] as const

const CHALLENGES = STATES.flatMap((state) =>
  DELIVERIES.flatMap((delivery) =>
    TIMES.flatMap(([made, end]) =>
      ATTEMPTS.map(([attempts, maxAttempts]) => ({
        ...{ state, delivery, attempts, maxAttempts },
        ...{ createdAt: NOW + made, expiresAt: NOW + end },
      })),
    ),
  ),
)

/** Fail count and its maximum. */
const FAILURES = [
  [9, 10],
  [10, 10],
  [0, 0],
] as const
const LIMITS: readonly (readonly [string, TokenInfo])[] = [
  ['no limit', { count_auth: 9, count_auth_success_max: 0, count_auth_success: 9 }],
  ['uses left', { count_auth_max: 3, count_auth: 2, count_auth_success_max: '3', count_auth_success: '2' }],
  ['no tries left', { count_auth_max: 2, count_auth: 2, count_auth_success_max: 9 }],
  ['no successes left', { count_auth_max: 9, count_auth_success_max: 1, count_auth_success: 2 }],
  // Text, and not the text of a number: neither is a limit.
  ['odd texts', { count_auth_max: 'many', count_auth: '5', count_auth_success_max: '', count_auth_success: 5 }],
]
const TOKENS = [true, false].flatMap((active) =>
  FAILURES.flatMap(([failCount, maxFailCount]) =>
    LIMITS.map(([name, info]) => [active ? 'active' : 'inactive', `${failCount}/${maxFailCount}`, name, info] as const),
  ),
)

describe('the guards of the store', { timeout: 30_000 }, () => {
  const suite = createSuite(() => openLibsqlFile('NORMAL'))

  it.each(TOKENS)(
    'accept what core calls answerable, and nothing else: token %s, failures %s, %s',
    async (...condition) => {
      const tokens = await tokensIn(suite, CHALLENGES.length, condition)
      const challenges = await challengesOf(suite, tokens)

      const mismatches: string[] = []
      for (const [n, challenge] of challenges.entries()) {
        const token = tokens[n]
        if (!token) throw new Error('one token per challenge')
        const expected =
          isAnswerable(challenge, NOW) && token.active && !isLocked(token, UNTHROTTLED, NOW) && !usageExceeded(token)
        const outcome = await suite.store.accept(acceptCommand(suite, { challenge, token }, { reset: [] }))
        if ((outcome === 'done') !== expected) mismatches.push(describeChallenge(challenge, expected, outcome))
      }

      expect(challenges).toHaveLength(CHALLENGES.length)
      expect(mismatches).toEqual([])
    },
  )

  it.each(TOKENS)(
    'open for tokens that core calls usable, and no others: token %s, failures %s, %s',
    async (...condition) => {
      const tokens = await tokensIn(suite, 1, condition)

      const { opened } = await suite.store.open(openCommand(suite, tokens))

      expect(opened).toHaveLength(tokens.filter((token) => token.active && !isLocked(token, UNTHROTTLED, NOW)).length)
    },
  )

  it.each(THROTTLES)('hold the throttle of core: unlock after %d s, delay of %d s', async (unlockAfter, delay) => {
    const throttle: Throttle = { unlockAfter, delay }
    const combined = COUNTS.flatMap((failCount) =>
      MAXIMA.flatMap((maxFailCount) => SINCE.map((since) => ({ failCount, maxFailCount, since }))),
    )
    const plain = await enrolledMany(suite, combined.length)
    const tokens: Token[] = []
    for (const [n, { failCount, maxFailCount, since }] of combined.entries()) {
      const [serial, lastFailedAt] = [plain[n]?.serial ?? '', since === null ? null : NOW - since]
      await suite.rows(
        'UPDATE tokens SET fail_count = ?, max_fail_count = ?, last_failed_at = ? WHERE serial = ?',
        ...[failCount, maxFailCount, lastFailedAt, serial],
      )
      tokens.push({ ...(plain[n] as Token), failCount, maxFailCount, lastFailedAt })
    }
    const told = ({ failCount, maxFailCount, lastFailedAt }: Token) => `${failCount}/${maxFailCount} at ${lastFailedAt}`

    const { opened } = await suite.store.open({ ...openCommand(suite, tokens), throttle })
    const counts = await suite.store.reject({
      ...{ now: NOW, throttle, failed: tokens.map(({ serial }) => serial), judged: [], guessed: [] },
      audit: auditRow(suite.next('reject-')),
    })

    const asked = new Set(opened.map(({ serial }) => serial))
    const expected = tokens.filter((one) => !isLocked(one, throttle, NOW) && !isWaiting(one, throttle, NOW))
    expect(tokens.filter(({ serial }) => asked.has(serial)).map(told)).toEqual(expected.map(told))
    expect(tokens.map((one) => [told(one), counts.get(one.serial)])).toEqual(
      tokens.map((one) => [told(one), failedOnce(one, throttle, NOW)]),
    )
  })
})

const THROTTLES = [0, 600].flatMap((unlockAfter) => [0, 1, 30, 3600].map((delay) => [unlockAfter, delay] as const))
const COUNTS = [0, 1, 2, 3, 4, 5, 9, 10, 11, 15, 70, 1_000_000]
const MAXIMA = [0, 3, 10, 2_000_000]
/** Seconds since the newest failure, which may stand in the future. */
const SINCE = [null, -86_400, -61, -60, -5, 0, 1, 29, 30, 59, 60, 599, 600, 3599, 3600]

async function tokensIn(
  suite: Suite,
  n: number,
  [active, failures, , info]: (typeof TOKENS)[number],
): Promise<readonly Token[]> {
  const [failCount = 0, maxFailCount = 0] = failures.split('/').map(Number)
  const tokens = await enrolledMany(suite, n, { active: active === 'active', maxFailCount, info })
  const serials = JSON.stringify(tokens.map(({ serial }) => serial))
  await suite.rows(
    'UPDATE tokens SET fail_count = ? WHERE serial IN (SELECT value FROM json_each(?))',
    failCount,
    serials,
  )
  return tokens.map((token) => ({ ...token, failCount }))
}

/** One challenge of each kind, each for a token and a transaction of its own. */
async function challengesOf(suite: Suite, tokens: readonly Token[]): Promise<readonly Challenge[]> {
  const challenges = CHALLENGES.map((challenge, n) => ({
    ...challenge,
    id: suite.next('17'),
    serial: tokens[n]?.serial,
  }))
  const rows = await suite.rows(
    `INSERT INTO challenges (transaction_id, parent_id, serial, counter, state, delivery, attempts, max_attempts,
       created_at, expires_at, opened_by)
     SELECT c.value ->> 'id', c.value ->> 'id', c.value ->> 'serial', 1, c.value ->> 'state', c.value ->> 'delivery',
       c.value ->> 'attempts', c.value ->> 'maxAttempts', c.value ->> 'createdAt', c.value ->> 'expiresAt', 'product'
     FROM json_each(?) c RETURNING *`,
    JSON.stringify(challenges),
  )
  return rows.map(toChallenge).toSorted((a, b) => a.id - b.id)
}

function describeChallenge(challenge: Challenge, expected: boolean, outcome: string): string {
  const { state, delivery, createdAt, expiresAt, attempts, maxAttempts } = challenge
  const kind = `${state}, ${delivery}, made at ${createdAt - NOW}, expires at ${expiresAt - NOW}, attempts ${attempts}/${maxAttempts}`
  return `${kind}: core says ${expected ? 'answerable' : 'not answerable'}, the store says ${outcome}`
}
