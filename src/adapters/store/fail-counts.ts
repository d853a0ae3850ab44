/**
 * Fail counts of tokens: how they rise, and whether a token may be asked. core/throttle.ts as SQL.
 *
 * The columns stand without the name of a table, since only tokens have them.
 */
import { type SQL, sql } from 'drizzle-orm/sql'
import { FREE_FAILURES, MAX_DELAY, MAX_DOUBLINGS, type Throttle } from '../../core/throttle.ts'
import { CLOCK_SKEW, type Instant } from '../../core/time.ts'

export type Throttling = { readonly throttle: Throttle; readonly now: Instant }

/** The time of its lock is over. Never true where no failure was timed. */
const beginsAnew = ({ throttle: { unlockAfter }, now }: Throttling): SQL => sql`(${unlockAfter} > 0
  AND max_fail_count > 0 AND fail_count >= max_fail_count AND COALESCE(last_failed_at, ${now}) <= ${now - unlockAfter})`

const waits = ({ throttle: { delay }, now }: Throttling): SQL => sql`(${delay} > 0 AND fail_count > ${FREE_FAILURES}
  AND COALESCE(last_failed_at, 0) + min(${MAX_DELAY}, ${delay} * (1 << min(fail_count - ${FREE_FAILURES + 1}, ${MAX_DOUBLINGS}))) > ${now}
  AND COALESCE(last_failed_at, 0) <= ${now + CLOCK_SKEW})`

/** Of a token by the name of `t`: it is active, listens, and is unchanged since the decision was made. */
export const usable = (revision: SQL | number, throttling: Throttling): SQL =>
  sql`(t.active = 1 AND t.revision = ${revision}
    AND ((fail_count < max_fail_count AND NOT ${waits(throttling)}) OR ${beginsAnew(throttling)}))`

/**
 * Assignments for one failure more. A locked token goes on counting, but its time runs from the failure that locked it,
 * so that whoever goes on guessing does not keep its owner out for ever. It does not go back, since the clock of another
 * node may be a little ahead; where the clock was set back since, it runs from now.
 */
export const failOnce = (throttling: Throttling): SQL => sql`
  fail_count = CASE WHEN ${beginsAnew(throttling)} THEN 1 ELSE fail_count + 1 END,
  last_failed_at = CASE WHEN last_failed_at > ${throttling.now + CLOCK_SKEW} THEN ${throttling.now}
    WHEN fail_count < max_fail_count OR ${beginsAnew(throttling)} THEN max(COALESCE(last_failed_at, 0), ${throttling.now})
    ELSE last_failed_at END`
