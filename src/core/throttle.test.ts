import { describe, expect, it } from 'vitest'
import { aToken, NOON, UNTHROTTLED } from '../../test/support/records.ts'
import { failedOnce, isLocked, isWaiting } from './throttle.ts'

const MINUTES = { unlockAfter: 600, delay: 0 }
const failed = (failCount: number, maxFailCount: number, ago: number | null = 60) =>
  aToken({ failCount, maxFailCount, lastFailedAt: ago === null ? null : NOON - ago })

describe('isLocked', () => {
  it.each([
    [0, 10, false],
    [9, 10, false],
    [10, 10, true],
    [11, 10, true],
    // No failure is allowed, so nothing is.
    [0, 0, true],
  ])('says of %d failures of %d: %s', (failCount, maxFailCount, locked) => {
    expect(isLocked(failed(failCount, maxFailCount), UNTHROTTLED, NOON)).toBe(locked)
    expect(isLocked(failed(failCount, maxFailCount), MINUTES, NOON)).toBe(locked)
  })

  it.each([
    ['a second before its time', 10, 10, 599, true],
    ['at its time', 10, 10, 600, false],
    ['long after, having gone on counting', 99, 10, 86_400, false],
    ['of a maximum of 0, for ever', 5, 0, 86_400, true],
    ['of which nobody knows when, for ever', 10, 10, null, true],
    ['of a failure that is to come', 10, 10, -86_400, true],
  ])('says of a lock that may end, %s', (_, failCount, maxFailCount, ago, locked) => {
    expect(isLocked(failed(failCount, maxFailCount, ago), MINUTES, NOON)).toBe(locked)
    expect(isLocked(failed(failCount, maxFailCount, ago), UNTHROTTLED, NOON)).toBe(true)
  })
})

describe('isWaiting', () => {
  it.each([
    [2, 30, 0, false],
    [3, 30, 29, true],
    [3, 30, 30, false],
    [4, 30, 59, true],
    [4, 30, 60, false],
    [9, 30, 1919, true],
    [10, 30, 3599, true],
    [10, 30, 3600, false],
    [1_000_000, 30, 3599, true],
    [1_000_000, 30, 3600, false],
    [3, 3600, 3599, true],
    [1_000_000, 1, 3600, false],
    [5, 0, 0, false],
  ])('after %d failures with a delay of %d s, %d s ago: %s', (failCount, delay, ago, waiting) => {
    expect(isWaiting(failed(failCount, 2_000_000, ago), { unlockAfter: 0, delay }, NOON)).toBe(waiting)
  })

  it('is over with the lock', () => {
    expect(isWaiting(failed(10, 10, 600), { unlockAfter: 600, delay: 3600 }, NOON)).toBe(false)
  })

  it('needs a failure whose time is known', () => {
    expect(isWaiting(failed(9, 10, null), { unlockAfter: 0, delay: 3600 }, NOON)).toBe(false)
  })
})

describe('failedOnce', () => {
  it.each([
    ['goes on', 4, 60, 5],
    ['goes on while locked', 12, 599, 13],
    ['begins anew with the end of the lock', 12, 600, 1],
  ])('%s', (_, failCount, ago, after) => {
    expect(failedOnce(failed(failCount, 10, ago), MINUTES, NOON)).toBe(after)
  })
})
