import { describe, expect, it } from 'vitest'
import { readExpiry } from './expiry.ts'

const NOW = Date.UTC(2026, 10, 28, 12) / 1000

describe('readExpiry', () => {
  it.each([
    ['90d', NOW + 90 * 86_400],
    [' 12h ', NOW + 12 * 3600],
    ['30m', NOW + 1800],
    ['2027-01-31', Date.UTC(2027, 1, 1) / 1000],
    ['2026-11-28', Date.UTC(2026, 10, 29) / 1000],
    ['2028-02-29', Date.UTC(2028, 2, 1) / 1000],
    ['2027-01-31T12:00:00Z', Date.UTC(2027, 0, 31, 12) / 1000],
  ])('reads %s', (text, expected) => expect(readExpiry(text, NOW)).toBe(expected))

  it.each([
    ...['', '0d', '90', '90w', '-1d', '1.5d', '2026-11-27', '2026-11-28T11:59:59Z', '2026-11-28T12:00:00Z'],
    ...['2027-02-29', '2027-04-31', '2027-13-01', '2027-00-10', '2027-01-31T24:30:00Z', '31.01.2027', 'never'],
  ])('refuses %j', (text) => expect(readExpiry(text, NOW)).toBeNull())
})
