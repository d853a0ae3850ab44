/** Expiry: when something ends, as people write it. */
import { type Instant, type Seconds, utcTime } from './time.ts'

const UNITS: Readonly<Record<string, Seconds>> = { m: 60, h: 3600, d: 86_400 }
export const EXPIRY_RULE =
  'must be a time like 90d, 12h or 30m, a day like 2027-01-31 or a moment like 2027-01-31T12:00:00Z, and lie ahead'

/**
 * Reads `90d`, `12h`, `30m` from `now` on, `2027-01-31` (to the end of that day, UTC) and `2027-01-31T12:00:00Z`.
 *
 * @returns null for anything else, and for what has passed
 */
export function readExpiry(text: string, now: Instant): Instant | null {
  const [, count, unit = ''] = /^\s*(\d{1,5})([mhd])\s*$/.exec(text) ?? []
  if (count !== undefined) return Number(count) > 0 ? now + Number(count) * (UNITS[unit] ?? 0) : null
  const [, day, time] = /^\s*(\d{4}-\d\d-\d\d)(T\d\d:\d\d:\d\dZ)?\s*$/.exec(text) ?? []
  if (day === undefined) return null
  const midnight = Date.parse(`${day}T00:00:00Z`) / 1000
  // A day that no month has, such as the 31st of April, is read as one of the next month.
  if (!Number.isFinite(midnight) || !isDay(day, midnight)) return null
  const end = time === undefined ? midnight + 86_400 : Date.parse(`${day}${time}`) / 1000
  return end > now ? end : null
}

function isDay(day: string, midnight: Instant): boolean {
  const { year, month, day: of } = utcTime(midnight)
  return day === [String(year).padStart(4, '0'), ...[month, of].map((n) => String(n).padStart(2, '0'))].join('-')
}
