import { describe, expect, it } from 'vitest'
import { rates } from './rate.ts'

describe('rates', () => {
  it.each([
    ['5/10m', [{ count: 5, window: 600 }]],
    ['1/1s', [{ count: 1, window: 1 }]],
    ['100/7d', [{ count: 100, window: 604_800 }]],
    [' 5/10m  20/1d ', [5, 20].map((count, n) => ({ count, window: n === 0 ? 600 : 86_400 }))],
  ])('reads %j', (written, value) => {
    expect(rates.read(written)).toEqual({ ok: true, value })
  })

  it.each([
    '',
    '5',
    '5/m',
    '5/10',
    '0/10m',
    '101/1h',
    '5/0s',
    '5/8d',
    '5/10m,1/1s',
    '5/10M',
    '-5/10m',
    '5/10m x',
    '5 / 10m',
  ])('refuses %j', (written) => {
    expect(rates.read(written).ok).toBe(false)
  })

  it('refuses a switch', () => {
    expect([rates.read(true).ok, rates.read(false).ok]).toEqual([false, false])
  })
})
