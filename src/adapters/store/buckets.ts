/** Buckets in the store: is one full, and one more of what they count; both are parts of another step's statements. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { Instant } from '../../core/time.ts'

/** No window is longer than a week. */
const KEPT = 8 * 86_400

/** What a bucket holds. One that began later than the clock says counts all the same: the clock was set back. */
const held = sql`COALESCE((SELECT s.n FROM buckets s WHERE s.key = b.value ->> '$.key' AND s.window = b.value ->> '$.window'
  AND s.start >= b.value ->> '$.start'), 0)`

/** Rows `b` of full buckets, to be selected from. @param buckets JSON list; `ahead`: how many the same request takes before */
export const fullBuckets = (buckets: SQL, ahead: SQL = sql`0`): SQL =>
  sql`FROM json_each(${buckets}) b WHERE ${held} + ${ahead} >= b.value ->> '$.count'`

/** @param taken a query of one JSON list of buckets for each thing that is counted, in a column `buckets` */
export const fill = (taken: SQL): SQL => sql`INSERT INTO buckets (key, window, start, n)
  SELECT b.value ->> '$.key', b.value ->> '$.window', b.value ->> '$.start', COUNT(*) FROM (${taken}) t CROSS JOIN json_each(t.buckets) b
  WHERE 1 GROUP BY 1, 2, 3
  ON CONFLICT (key, window) DO UPDATE SET n = CASE WHEN start >= excluded.start THEN n + excluded.n ELSE excluded.n END,
    start = max(start, excluded.start)`

export const sweepBuckets = (now: Instant): SQL => sql`DELETE FROM buckets WHERE start < ${now - KEPT} RETURNING key`
