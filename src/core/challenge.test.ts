import { describe, expect, it } from 'vitest'
import { aChallenge, NOON } from '../../test/support/records.ts'
import { belongsTo, type Challenge, isAnswerable, newTransactionId, transactionIds, validityOf } from './challenge.ts'

describe('isAnswerable', () => {
  it.each<[string, Partial<Challenge>, boolean]>([
    ['it was just delivered', {}, true],
    ['its message may still be under way', { delivery: 'pending' }, true],
    ['nobody took its message', { delivery: 'undelivered' }, false],
    ['it expires in the next second', { expiresAt: NOON + 1 }, true],
    ['it expires this very second', { expiresAt: NOON }, false],
    ['it expired a second ago', { expiresAt: NOON - 1 }, false],
    ['it was accepted', { state: 'accepted' }, false],
    ['its attempts were used up', { state: 'exhausted' }, false],
    ['another one was accepted', { state: 'superseded' }, false],
    ['it was answered often, with no limit', { attempts: 99 }, true],
    ['one attempt is left', { attempts: 2, maxAttempts: 3 }, true],
    ['no attempt is left', { attempts: 3, maxAttempts: 3 }, false],
    ['it has more attempts than are allowed by now', { attempts: 4, maxAttempts: 3 }, false],
  ])('when %s', (_, over, answerable) => {
    expect(isAnswerable(aChallenge(over), NOON)).toBe(answerable)
  })
})

describe('belongsTo', () => {
  const single = aChallenge()
  const second = aChallenge({ transactionId: '12345678901234.02', parentId: '12345678901234' })

  it.each([
    [single, '12345678901234567', true],
    [second, '12345678901234', true],
    [second, '12345678901234.02', true],
    // Truncated, extended, or somebody else's.
    [single, '1234567890123456', false],
    [single, '123456789012345678', false],
    [single, '12345678901234567.', false],
    [single, ' 12345678901234567', false],
    [single, '', false],
    [second, '1234567890123', false],
    [second, '12345678901234.', false],
    [second, '12345678901234.0', false],
    [second, '12345678901235.02', false],
    [second, '', false],
  ])('$transactionId and the id %j: %s', (challenge, transactionId, belongs) => {
    expect(belongsTo(challenge, transactionId)).toBe(belongs)
  })
})

/** Gives the bytes of `pool` one after the other, again and again. */
function cycling(pool: readonly number[]): (bytes: number) => Uint8Array {
  let n = 0
  return (bytes) => Uint8Array.from({ length: bytes }, () => pool[n++ % pool.length] ?? 0)
}

describe('newTransactionId', () => {
  it.each([12, 14, 17])('has %d decimal digits', (length) => {
    const every = Array.from({ length: 256 }, (_, n) => n)

    expect(newTransactionId(length, cycling(every))).toMatch(new RegExp(`^\\d{${length}}$`))
  })

  it('throws the bytes away that would make some digits likelier, and asks for more', () => {
    expect(newTransactionId(12, cycling([250, 251, 252, 253, 254, 255, 249, 7]))).toBe('979797979797')
  })

  it('makes every digit of exactly 25 of the 256 bytes', () => {
    const made = Array.from({ length: 256 }, (_, byte) => newTransactionId(1, cycling([byte, 3])))

    const kept = made.slice(0, 250)
    const counts = Array.from({ length: 10 }, (_, digit) => kept.filter((text) => text === String(digit)).length)
    expect(counts).toEqual(Array(10).fill(25))
  })
})

describe('transactionIds', () => {
  const random = cycling(Array.from({ length: 10 }, (_, n) => n))

  it.each([12, 17])('gives one challenge one id of %d digits', (length) => {
    const { parentId, ids } = transactionIds(1, length, random)

    expect(parentId).toMatch(new RegExp(`^\\d{${length}}$`))
    expect(ids).toEqual([parentId])
  })

  it.each([12, 17])('numbers several challenges under a parent, so that each id has %d characters', (length) => {
    const { parentId, ids } = transactionIds(11, length, random)

    expect(parentId).toMatch(new RegExp(`^\\d{${length - 3}}$`))
    expect(ids.slice(0, 2)).toEqual([`${parentId}.01`, `${parentId}.02`])
    expect(ids[10]).toBe(`${parentId}.11`)
    expect(new Set(ids.map((id) => id.length))).toEqual(new Set([length]))
  })
})

describe('validityOf', () => {
  it.each([
    [600, null, 600],
    [600, 0, 600],
    [600, 120, 120],
    [120, 600, 120],
    [600, Number.NaN, 600],
  ])('of %d seconds and a provider time-out of %j is %d', (configured, timeout, validity) => {
    expect(validityOf(configured, timeout)).toBe(validity)
  })
})
