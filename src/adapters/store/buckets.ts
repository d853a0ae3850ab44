/** Buckets in the store: is one full, and one more of what they count; both are parts of another step's statements. */
import { type SQL, sql } from 'drizzle-orm/sql'
import { CLOCK_SKEW, type Instant } from '../../core/time.ts'

/** No window is longer than a week. */
const KEPT = 8 * 86_400

/**
 * What a bucket holds. One that begins a little later counts all the same, since another node may be ahead; one that
 * begins much later is from before the clock was set back, and begins anew.
 */
const held = (
  now: Instant,
): SQL => sql`COALESCE((SELECT s.n FROM buckets s WHERE s.key = b.value ->> '$.key' AND s.window = b.value ->> '$.window'
  AND s.start >= b.value ->> '$.start' AND s.start <= ${now + CLOCK_SKEW}), 0)`

/** Rows `b` of full buckets, to be selected from. @param buckets JSON list; `ahead`: how many the same request takes before */
export const fullBuckets = (buckets: SQL, now: Instant, ahead: SQL = sql`0`): SQL =>
  sql`FROM json_each(${buckets}) b WHERE ${held(now)} + ${ahead} >= b.value ->> '$.count'`

/** @param taken a query of one JSON list of buckets for each thing that is counted, in a column `buckets` */
export const fill = (taken: SQL, now: Instant): SQL => sql`INSERT INTO buckets (key, window, start, n)
  SELECT b.value ->> '$.key', b.value ->> '$.window', b.value ->> '$.start', COUNT(*) FROM (${taken}) t CROSS JOIN json_each(t.buckets) b
  WHERE 1 GROUP BY 1, 2, 3
  ON CONFLICT (key, window) DO UPDATE SET n = CASE WHEN ${goesOn(now)} THEN n + excluded.n ELSE excluded.n END,
    start = CASE WHEN ${goesOn(now)} THEN start ELSE excluded.start END`

const goesOn = (now: Instant): SQL => sql`start >= excluded.start AND start <= ${now + CLOCK_SKEW}`

export const sweepBuckets = (now: Instant): SQL =>
  sql`DELETE FROM buckets WHERE start < ${now - KEPT} OR start > ${now + CLOCK_SKEW} RETURNING key`
