/**
 * Throttle: when a token that has failed is asked again (NIST SP 800-63B §5.2.2). Pure.
 *
 * `adapters/store/fail-counts.ts` says the same in SQL; test/contract/challenge-guards.test.ts holds the two together.
 */
import { failCountTimeout, failDelay } from './setting-keys.ts'
import { type Settings, settingOf } from './settings.ts'
import { type Instant, liesAhead, type Seconds } from './time.ts'
import type { Token } from './token.ts'

export type Throttle = {
  /** How long after the failure that locked it a token begins anew; 0: it stays locked. */
  readonly unlockAfter: Seconds
  /** How long a token is not asked after `FREE_FAILURES` and one more; 0: it always is. */
  readonly delay: Seconds
}
type Failed = Pick<Token, 'failCount' | 'maxFailCount' | 'lastFailedAt'>

/** Failures in a row that delay nothing: people mistype. */
export const FREE_FAILURES = 2
export const MAX_DELAY: Seconds = 3600
/** Doublings after which every delay has reached its maximum, so that no number overflows. */
export const MAX_DOUBLINGS = 12

export const throttleOf = (settings: Settings): Throttle => ({
  unlockAfter: settingOf(settings, failCountTimeout) * 60,
  delay: settingOf(settings, failDelay),
})

/** The fail count reached its maximum, and the time after which it begins anew is not over or was not set. */
export const isLocked = (token: Failed, throttle: Throttle, now: Instant): boolean =>
  token.failCount >= token.maxFailCount && !beginsAnew(token, throttle, now)

/** It failed several times, and a moment ago. */
export function isWaiting(token: Failed, throttle: Throttle, now: Instant): boolean {
  const delay = delayAfter(token.failCount, throttle)
  const last = token.lastFailedAt ?? 0
  return delay > 0 && last + delay > now && !liesAhead(last, now) && !beginsAnew(token, throttle, now)
}

/** What one more failure makes of the count. */
export const failedOnce = (token: Failed, throttle: Throttle, now: Instant): number =>
  beginsAnew(token, throttle, now) ? 1 : token.failCount + 1

/** A maximum of 0 is no number of failures, but the wish that it stays locked. */
const beginsAnew = (
  { failCount, maxFailCount, lastFailedAt }: Failed,
  { unlockAfter }: Throttle,
  now: Instant,
): boolean =>
  unlockAfter > 0 &&
  maxFailCount > 0 &&
  failCount >= maxFailCount &&
  lastFailedAt !== null &&
  lastFailedAt <= now - unlockAfter

const delayAfter = (failCount: number, { delay }: Throttle): Seconds =>
  failCount <= FREE_FAILURES
    ? 0
    : Math.min(MAX_DELAY, delay * 2 ** Math.min(failCount - FREE_FAILURES - 1, MAX_DOUBLINGS))
