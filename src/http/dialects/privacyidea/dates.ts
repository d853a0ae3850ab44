/** Times of validity: `2026-12-31T23:59+0100` there, `31/12/26 22:59` in UTC inside (contract A.13, core/token.ts). */
import { type Instant, utcTime } from '../../../core/time.ts'

const ISO = /^(\d{4})-(\d\d)-(\d\d)[T ](\d\d):(\d\d)(?::\d\d(?:\.\d+)?)?\s*(?:Z|([+-])(\d\d):?(\d\d))?$/
const two = (n: number): string => String(n).padStart(2, '0')

/** Without an offset it is UTC. Anything else is handed on as it is, for the flow to refuse by its rule. */
export function decodeDate(text: string): string {
  const match = ISO.exec(text.trim())
  if (!match) return text
  const [, year = '', month = '', day = '', hour = '', minute = '', sign = '+', hours = '0', minutes = '0'] = match
  const offset = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
  const at = Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute) - offset) / 1000
  const read = utcTime(at)
  // What the calendar does not have is not turned into the day after.
  const local = utcTime(at + offset * 60)
  if (local.day !== Number(day) || local.month !== Number(month) || Number(hour) > 23 || Number(minute) > 59)
    return text
  if (read.year < 2000 || read.year > 2099) return text
  return `${two(read.day)}/${two(read.month)}/${two(read.year - 2000)} ${two(read.hour)}:${two(read.minute)}`
}

export const encodeDate = (at: Instant): string => `${new Date(at * 1000).toISOString().slice(0, 16)}+0000`

/** A moment as privacyIDEA writes it in lists. */
export const encodeMoment = (at: Instant): string => new Date(at * 1000).toISOString().replace('Z', '000')
