/**
 * Rests of providers that did not take a message: known to every node, begun and lifted by one statement each, in a
 * batch that is sent anyway.
 */
import { type SQL, sql } from 'drizzle-orm/sql'
import { IMPORTED_DEFAULT, legacyKeys } from '../../core/legacy-providers.ts'
import type { ProviderKey } from '../../core/settings.ts'
import { CLOCK_SKEW, type Instant, type Seconds } from '../../core/time.ts'
import type { FailedProvider } from '../../ports/store.ts'
import { json } from './statements.ts'

/** The first rest, doubled with each that follows without a success between, up to the longest. */
const FIRST: Seconds = 30
const LONGEST: Seconds = 600

/** Rests that ended this long ago no longer make the next one longer. */
const FORGOTTEN_AFTER: Seconds = 86_400

/** None ends later than the longest could that began now, save one from before the clock was set back. */
const rests = (now: Instant): SQL => sql`(until > ${now} AND until <= ${now + LONGEST + CLOCK_SKEW})`

export const findResting = (now: Instant): SQL =>
  sql`SELECT type, name FROM provider_rests WHERE ${rests(now)} ORDER BY type, name`

/** The newest delivery is near the end of the table, where the search begins. */
export const showResting = (now: Instant): SQL =>
  sql`SELECT type, name, until, COALESCE((SELECT reason FROM deliveries d
      WHERE d.provider = r.name AND d.status = 'unavailable' ORDER BY d.id DESC LIMIT 1), '') AS reason
    FROM provider_rests r WHERE ${rests(now)} ORDER BY type, name`

/**
 * Of any number of failures during one rest only the first counts. A failure of a configuration that has been replaced
 * meanwhile says nothing about the new one.
 */
export const beginRests = (failed: readonly FailedProvider[], now: Instant): SQL => sql`
  INSERT INTO provider_rests (type, name, rests, until)
  SELECT p.type, p.name, 1, ${now + FIRST} FROM json_each(${json(failed)}) f
    JOIN (SELECT type, name, config FROM providers UNION ALL ${legacy}) p ON p.type = f.value ->> '$.type' AND p.name = f.value ->> '$.name' AND p.config = f.value ->> '$.sealedConfig'
  WHERE true
  ON CONFLICT (type, name) DO UPDATE
    SET rests = rests + 1, until = ${now} + min(${LONGEST}, ${FIRST} << min(rests, 5))
    WHERE NOT ${rests(now)}`

/** `imported_default`, which has no row of its own (core/legacy-providers.ts). */
const legacy = sql.join(
  Object.entries(legacyKeys).map(
    ([type, keys]) => sql`SELECT ${type}, ${IMPORTED_DEFAULT}, value FROM config WHERE key = ${keys.config}`,
  ),
  sql` UNION ALL `,
)

export const liftRest = ({ type, name }: ProviderKey): SQL =>
  sql`DELETE FROM provider_rests WHERE type = ${type} AND name = ${name}`

export const sweepRests = (now: Instant): SQL =>
  sql`DELETE FROM provider_rests WHERE until < ${now - FORGOTTEN_AFTER} RETURNING name`
