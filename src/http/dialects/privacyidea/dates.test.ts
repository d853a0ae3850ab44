import { describe, expect, it } from 'vitest'
import { decodeDate, encodeDate } from './dates.ts'

describe('decodeDate', () => {
  it.each([
    ['2026-12-31T23:59+0100', '31/12/26 22:59'],
    ['2026-12-31T23:59+01:00', '31/12/26 22:59'],
    ['2026-12-31T23:30-0100', '01/01/27 00:30'],
    ['2026-12-31T23:59', '31/12/26 23:59'],
    ['2026-12-31 23:59:59.123Z', '31/12/26 23:59'],
    ['2028-02-29T00:00+0000', '29/02/28 00:00'],
    ['31/12/26 23:59', '31/12/26 23:59'],
  ])('makes %s to %s', (text, inside) => expect(decodeDate(text)).toBe(inside))

  it.each([
    '2027-02-29T00:00',
    '2027-13-01T00:00',
    '2027-04-31T12:00',
    '2027-01-01T24:30',
    '2127-01-01T00:00',
    '',
    'soon',
  ])('hands on %j, which the rule of the flow refuses', (text) => expect(decodeDate(text)).toBe(text))
})

describe('encodeDate', () => {
  it('writes UTC', () => expect(encodeDate(1_800_000_000)).toBe('2027-01-15T08:00+0000'))
})
