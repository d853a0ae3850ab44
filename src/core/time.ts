/** Time inside otpost: epoch seconds. Only `Edges.clock` knows what time it is. */

/** A point in time, whole seconds since 1970-01-01T00:00:00Z. */
export type Instant = number
/** A length of time in whole seconds. */
export type Seconds = number

/**
 * How far apart the clocks of nodes may be, as in Kerberos (RFC 4120 §1.6): an OTP that outlives a clock by this and its two
 * minutes is still below the ten of NIST SP 800-63B. What lies further ahead was noted before the clock was set back: nobody knows
 * how long ago that was, so it holds nothing up and opens nothing.
 */
export const CLOCK_SKEW: Seconds = 300
export const liesAhead = (at: Instant, now: Instant): boolean => at > now + CLOCK_SKEW

/** Less than this long ago, in the memory of one process, whose clock may have been set in the meantime. */
export const isWithin = (length: Seconds, at: Instant, now: Instant): boolean => Math.abs(now - at) < length

/** A moment in the server's own time zone. Month 1 is January, weekday 0 is Sunday. */
export type LocalTime = {
  readonly minute: number
  readonly hour: number
  readonly day: number
  readonly month: number
  readonly weekday: number
  readonly year: number
}

/** The moment in UTC, for runtimes that know no other zone. Days to a date as in RFC 3339 appendix B, turned around. */
export function utcTime(now: Instant): LocalTime {
  const days = Math.floor(now / 86_400)
  const seconds = now - days * 86_400
  // Years begin in March here, so that the leap day is the last one.
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const dayOfEra = z - era * 146_097
  const yearOfEra = Math.floor(
    (dayOfEra - Math.floor(dayOfEra / 1460) + Math.floor(dayOfEra / 36_524) - Math.floor(dayOfEra / 146_096)) / 365,
  )
  const dayOfYear = dayOfEra - (365 * yearOfEra + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100))
  const shifted = Math.floor((5 * dayOfYear + 2) / 153)
  const month = shifted < 10 ? shifted + 3 : shifted - 9
  return {
    minute: Math.floor(seconds / 60) % 60,
    hour: Math.floor(seconds / 3600),
    day: dayOfYear - Math.floor((153 * shifted + 2) / 5) + 1,
    month,
    weekday: (((days + 4) % 7) + 7) % 7,
    year: yearOfEra + era * 400 + (month <= 2 ? 1 : 0),
  }
}

const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const twoDigits = (n: number): string => String(n).padStart(2, '0')

/** As in the Date header of a mail (RFC 5322 §3.3). `-0000`: the time is UTC and says nothing about where we are. */
export function mailDate(now: Instant): string {
  const { minute, hour, day, month, weekday, year } = utcTime(now)
  const time = [hour, minute, ((now % 60) + 60) % 60].map(twoDigits).join(':')
  return `${WEEKDAYS[weekday]}, ${twoDigits(day)} ${MONTHS[month - 1]} ${year} ${time} -0000`
}
