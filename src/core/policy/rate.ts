/**
 * Rates: so many in so long, `5/10m`. Several separated by blanks hold all at once: `5/10m 20/1d`.
 *
 * Both numbers are bounded, because what is counted is kept beside the token: no more than `MAX_COUNT` moments, none older
 * than `MAX_WINDOW`.
 */
import { err, ok } from '../result.ts'
import type { Seconds } from '../time.ts'
import type { ValueKind } from './action.ts'

export type Rate = { readonly count: number; readonly window: Seconds }

export const MAX_COUNT = 100
export const MAX_WINDOW: Seconds = 7 * 86_400

const UNITS: Readonly<Record<string, Seconds>> = { s: 1, m: 60, h: 3600, d: 86_400 }
/** What a list of rates must look like, in words. */
export const rateRule = (maxCount: number): string =>
  `a rate like 5/10m: 1 to ${maxCount}, a slash, a time in s, m, h or d of at most 7d; several separated by blanks`

export const rates: ValueKind<readonly Rate[]> = {
  type: 'str',
  read: (written) => {
    const read = typeof written === 'string' ? readRates(written, MAX_COUNT) : null
    return read ? ok(read) : err(`not ${rateRule(MAX_COUNT)}`)
  },
}

/** null for what is no list of rates, the empty text included. */
export function readRates(text: string, maxCount: number): readonly Rate[] | null {
  const texts = text.trim().split(/\s+/)
  const read = texts.flatMap((one) => readRate(one, maxCount) ?? [])
  return read.length === texts.length ? read : null
}

function readRate(text: string, maxCount: number): Rate | null {
  const [, digits = '', length = '', unit = ''] = /^(\d{1,9})\/(\d{1,6})([smhd])$/.exec(text) ?? []
  const [count, window] = [Number(digits), Number(length) * (UNITS[unit] ?? 0)]
  return count >= 1 && count <= maxCount && window >= 1 && window <= MAX_WINDOW ? { count, window } : null
}
