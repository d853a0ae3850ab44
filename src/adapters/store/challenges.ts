/**
 * Challenges in the store: gather, open, accept, reject, note the delivery (architecture, state changes).
 *
 * The guards repeat core/challenge.ts and core/token.ts as SQL; test/contract/store.ts holds the two together.
 */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { Challenge } from '../../core/challenge.ts'
import { MAX_COUNT, MAX_WINDOW } from '../../core/policy/rate.ts'
import { CLOCK_SKEW, type Instant } from '../../core/time.ts'
import { VERIFICATION } from '../../core/token.ts'
import type {
  AcceptCommand,
  AuditRow,
  Batch,
  DeliveryNote,
  Gathered,
  GatherQuery,
  OpenCommand,
  Opened,
  RejectCommand,
  Store,
} from '../../ports/store.ts'
import { fill, fullBuckets } from './buckets.ts'
import { inTransaction, lives, partOf } from './challenge-reads.ts'
import { failOnce, type Throttling, usable } from './fail-counts.ts'
import { NOBODY, NOBODY_AS_USER } from './nobody.ts'
import { beginRests, findResting, liftRest } from './provider-rests.ts'
import {
  asOne,
  asRow,
  number,
  TOKEN_COLUMNS,
  text,
  toChallenge,
  toProviderKey,
  toToken,
  toUser,
  USER_COLUMNS,
} from './rows.ts'
import { insertAudit, json, list, read, write } from './statements.ts'

/** `count_…` in TokenInfo has not reached `count_…_max`, or there is no maximum. */
const withinLimit = (key: 'count_auth' | 'count_auth_success'): SQL => sql`(
  COALESCE(t.info ->> ${`$.${key}_max`}, 0) + 0 <= 0 OR COALESCE(t.info ->> ${`$.${key}`}, 0) + 0 < (t.info ->> ${`$.${key}_max`}) + 0)`

/** TokenInfo with the count one higher where a maximum is set (contract 2.2). */
const counted = (info: SQL, key: 'count_auth' | 'count_auth_success'): SQL => sql`CASE
  WHEN COALESCE(${info} ->> ${`$.${key}_max`}, 0) + 0 > 0
  THEN json_set(${info}, ${`$.${key}`}, COALESCE(${info} ->> ${`$.${key}`}, 0) + 1) ELSE ${info} END`

/** Path of the mark of a token that waits for its verification. */
const UNVERIFIED = `$.${VERIFICATION}`

/** The transaction that a challenge was opened in, which is its parent unless a later one has taken it over. */
const familyOf = ({ transactionId }: Challenge): string => transactionId.split('.')[0] ?? transactionId

const raiseFailCount = (
  throttling: Throttling,
  serials: readonly string[],
  judged: readonly string[] = [],
): SQL => sql`UPDATE tokens
  SET ${failOnce(throttling)},
    info = CASE WHEN serial IN ${list(judged)} THEN ${counted(sql`info`, 'count_auth')} ELSE info END
  WHERE serial IN ${list(serials)} RETURNING serial, fail_count`

/**
 * The challenges that share a transaction with this one: those opened in it, and those that stand in it now. Read anew,
 * since a trigger may have taken the challenge over.
 */
function sharesTransaction(challenge: Challenge): SQL {
  const family = familyOf(challenge)
  const parent = sql`(SELECT parent_id FROM challenges WHERE id = ${challenge.id})`
  return sql`(parent_id IN (${family}, ${parent}) OR ${partOf(family)}
    OR (transaction_id > ${parent} || '.' AND transaction_id < ${parent} || '/'))`
}

/** Columns of `gather`; what nobody has to do with it says nobody.ts. */
const USER_OR_NOBODY = sql.join(
  USER_COLUMNS.map((name) => sql`COALESCE(f.${sql.raw(name)}, ${NOBODY_AS_USER[name]})`),
  sql`, `,
)
const OF_TOKEN = sql.raw(TOKEN_COLUMNS.map((name) => `t.${name}`).join(', '))

const countAttempts = (ids: readonly number[], now: Instant): SQL => sql`UPDATE challenges SET attempts = attempts + 1,
    state = CASE WHEN max_attempts > 0 AND attempts + 1 >= max_attempts THEN 'exhausted' ELSE state END
  WHERE id IN ${list(ids)} AND state = 'open' AND ${lives(now)}`

type ChallengeStore = Pick<Store, 'gather' | 'open' | 'accept' | 'reject' | 'noteDelivery'>

export function challengeStore(batch: Batch): ChallengeStore {
  return { gather, open, accept, reject, noteDelivery }

  async function gather(query: GatherQuery): Promise<Gathered> {
    const lookups = json(query.users)
    // CROSS JOIN keeps the order of the loops: few lookups, then the index on login.
    const found = sql`json_each(${lookups}) q CROSS JOIN json_each(q.value, '$.resolvers') r
      CROSS JOIN users u ON u.login = q.value ->> '$.login' AND u.resolver = r.value`
    const restricted = sql`(${query.serial} IS NULL OR t.serial = ${query.serial}) AND (${query.tokenType} IS NULL OR t.type = ${query.tokenType})`
    const candidates = (columns: SQL): SQL =>
      query.users.length > 0
        ? sql`SELECT ${columns} FROM ${found} CROSS JOIN tokens t ON t.resolver = u.resolver AND t.user_id = u.user_id WHERE ${restricted}
            UNION SELECT ${columns} FROM json_each(${json(query.owners ?? [])}) o
              CROSS JOIN tokens t ON t.resolver = o.value ->> '$.resolver' AND t.user_id = o.value ->> '$.userId' WHERE ${restricted}`
        : query.serial === null && query.transactionId !== undefined
          ? sql`SELECT ${columns} FROM tokens t WHERE t.serial IN (SELECT serial FROM challenges
              WHERE ${inTransaction(query.transactionId, query.now)} AND delivery <> 'undelivered') AND ${restricted}`
          : sql`SELECT ${columns} FROM tokens t WHERE t.serial = ${query.serial} AND ${restricted}`
    // Whose token it is, for policies and audit; a user that was named is known already.
    const ofOwner = (column: SQL): SQL =>
      query.users.length > 0
        ? sql`NULL`
        : sql`(SELECT ${column} FROM users o WHERE o.resolver = t.resolver AND o.user_id = t.user_id)`
    const [version = [], userRows = [], tokenRows = [], challenges = []] = await read(batch, [
      sql`SELECT value, EXISTS (SELECT 1 ${fullBuckets(sql`${json(query.buckets ?? [])}`, query.now)}) AS is_full FROM meta WHERE key = 'version'`,
      sql`SELECT ${asOne(USER_OR_NOBODY)} FROM (SELECT 1) LEFT JOIN
          (SELECT q.key AS lookup, r.key AS place, u.resolver, u.user_id, u.login, u.attributes FROM ${found}) f ON 1
        ORDER BY f.lookup, f.place`,
      sql`SELECT ${asOne(sql`${OF_TOKEN}, ${ofOwner(sql`login`)}, ${ofOwner(sql`attributes`)}`)}
        FROM (SELECT 1) LEFT JOIN (${candidates(sql`t.serial`)}) c ON 1 CROSS JOIN tokens t ON t.serial = COALESCE(c.serial, ${NOBODY})
        ORDER BY t.id`,
      sql`SELECT * FROM challenges WHERE state = 'open' AND ${lives(query.now)} AND serial IN (${candidates(sql`t.serial`)}) ORDER BY id`,
    ])
    const users = userRows
      .map((row) => asRow(row, USER_COLUMNS))
      .map((row) => ({ lookup: number(row, 'lookup'), user: toUser(row) }))
    const tokens = tokenRows.map((row) => asRow(row, [...TOKEN_COLUMNS, 'login', 'attributes']))
    return {
      version: number(version[0] ?? {}, 'value'),
      full: number(version[0] ?? {}, 'is_full') === 1,
      users: query.users.map((_, index) => users.filter(({ lookup }) => lookup === index).map(({ user }) => user)),
      tokens: tokens.map(toToken).filter(({ serial }) => serial !== NOBODY),
      challenges: challenges.map(toChallenge),
      owners: new Map(tokens.filter((row) => row.login).map((row) => [text(row, 'serial'), toUser(row)])),
    }
  }

  async function open(command: OpenCommand): Promise<Opened> {
    const { requestId, now } = command
    const openings = json(
      command.openings.map(({ token, ...o }) => ({ ...o, serial: token.serial, revision: token.revision })),
    )
    const opened = sql`(SELECT serial FROM challenges WHERE opened_by = ${requestId})`
    /** A blocking time of 0 blocks nothing, not even what a node has sent whose clock is ahead. */
    const blocks = (
      blocking: SQL,
    ): SQL => sql`c.state = 'open' AND ${blocking} > 0 AND c.expires_at > ${now} AND c.created_at > ${now} - ${blocking} AND c.created_at <= ${now + CLOCK_SKEW}
      AND (c.delivery = 'delivered' OR (c.delivery = 'pending' AND c.created_at > ${now} - ${command.sendDeadline}))`
    const blocked = sql`FROM json_each(${openings}) o JOIN tokens t ON t.serial = o.value ->> '$.serial'
      JOIN challenges c ON c.serial = t.serial
      WHERE ${usable(sql`o.value ->> '$.revision'`, command)} AND c.serial NOT IN ${opened} AND ${blocks(sql`(o.value ->> '$.blocking')`)}`
    /** An opening before this one in the request may take a place in the same bucket. */
    const ahead = sql`(SELECT COUNT(*) FROM json_each(${openings}) e CROSS JOIN json_each(e.value, '$.buckets') x
      WHERE e.key < o.key AND x.value ->> '$.key' = b.value ->> '$.key' AND x.value ->> '$.window' = b.value ->> '$.window')`
    const full = fullBuckets(sql`COALESCE(o.value -> '$.buckets', '[]')`, now, ahead)
    /** A limit is reached: the window that ends now holds as many moments as it may, or a bucket is full. */
    const spent = sql`(EXISTS (SELECT 1 FROM json_each(o.value, '$.limits') l WHERE (l.value ->> '$.count') <=
      (SELECT COUNT(*) FROM json_each(t.sent_at) s WHERE s.value > ${now} - (l.value ->> '$.window') AND s.value <= ${now + CLOCK_SKEW})) OR EXISTS (SELECT 1 ${full}))`
    const limited = sql`FROM json_each(${openings}) o JOIN tokens t ON t.serial = o.value ->> '$.serial'
      WHERE ${usable(sql`o.value ->> '$.revision'`, command)} AND t.serial NOT IN ${opened} AND ${spent}
        AND t.serial NOT IN (SELECT c.serial ${blocked})`
    const own = (field: string): SQL =>
      sql`(SELECT o.value -> ${`$.${field}`} FROM json_each(${openings}) o WHERE o.value ->> '$.serial' = tokens.serial)`
    const nothing = sql`NOT EXISTS ${opened} AND NOT EXISTS (SELECT 1 ${blocked})`
    // Limits of other clients and times may look further back, so what they need is kept as well.
    const noted = sql`(SELECT json_group_array(value) FROM (SELECT value FROM json_each(tokens.sent_at)
      WHERE value > ${now - MAX_WINDOW} AND value <= ${now + CLOCK_SKEW}
      UNION ALL SELECT ${now} ORDER BY value DESC LIMIT ${MAX_COUNT}))`
    const [, , made = [], , , , , blocking = [], , overLimit = [], , resting = []] = await write(batch, [
      raiseFailCount(command, command.failed),
      // A token clears away its own dead challenges; `sweep` does the rest.
      sql`DELETE FROM challenges WHERE NOT ${lives(now)} AND serial IN ${list(command.openings.map(({ token }) => token.serial))}`,
      // OR IGNORE: a transaction id that exists already opens nothing.
      sql`INSERT OR IGNORE INTO challenges (transaction_id, parent_id, serial, counter, max_attempts, message, created_at, expires_at, opened_by)
        SELECT o.value ->> '$.transactionId', ${command.parentId}, t.serial, t.counter + 1, o.value ->> '$.maxAttempts',
          o.value ->> '$.message', ${now}, ${now} + (o.value ->> '$.validity'), ${requestId}
        FROM json_each(${openings}) o JOIN tokens t ON t.serial = o.value ->> '$.serial'
        WHERE ${usable(sql`o.value ->> '$.revision'`, command)}
          AND NOT EXISTS (SELECT 1 FROM challenges c WHERE c.serial = t.serial AND ${blocks(sql`(o.value ->> '$.blocking')`)})
          AND NOT ${spent}
        RETURNING *`,
      // The counter is burnt with the commit, whether or not the message goes out: no OTP is handed out twice.
      sql`UPDATE tokens SET
          counter = counter + ${own('step')},
          info = json_patch(info, COALESCE(${own('stamp')}, '{}')),
          sent_at = CASE WHEN json_array_length(COALESCE(${own('limits')}, '[]')) > 0 THEN ${noted} ELSE sent_at END
        WHERE serial IN ${opened}`,
      fill(
        sql`SELECT COALESCE(o.value -> '$.buckets', '[]') AS buckets FROM json_each(${openings}) o WHERE o.value ->> '$.serial' IN ${opened}`,
        now,
      ),
      insertAudit(command.audit.done, sql`EXISTS ${opened}`),
      // What blocks joins the new transaction, or, where nothing was opened, that of the newest: the id at the top of the
      // reply leads to everything that stands in it.
      sql`UPDATE challenges SET parent_id = CASE WHEN EXISTS ${opened} THEN ${command.parentId}
          ELSE (SELECT c.parent_id ${blocked} ORDER BY c.id DESC LIMIT 1) END
        WHERE ${command.openings.length > 1} AND id IN (SELECT c.id ${blocked})`,
      sql`SELECT c.* ${blocked} ORDER BY c.id DESC`,
      insertAudit(command.audit.limited, sql`${nothing} AND EXISTS (SELECT 1 ${limited})`),
      sql`SELECT t.serial, (SELECT b.value ->> '$.key' ${full} LIMIT 1) AS bucket ${limited}`,
      insertAudit(command.audit.blocked, sql`NOT EXISTS ${opened} AND EXISTS (SELECT 1 ${blocked})`),
      findResting(now),
      insertAudit(command.audit.lost, sql`${nothing} AND NOT EXISTS (SELECT 1 ${limited})`),
      fill(sql`SELECT ${json(command.failures ?? [])} AS buckets`, now),
      // Last: a challenge that this guess ends still blocks, so that no guess brings a message about.
      countAttempts(command.guessed, now),
    ])
    return {
      opened: made.map(toChallenge),
      blocking: blocking.map(toChallenge),
      limited: overLimit.map((row) => ({ serial: text(row, 'serial'), bucket: text(row, 'bucket') || null })),
      resting: resting.map(toProviderKey),
    }
  }

  async function accept(command: AcceptCommand): Promise<'done' | 'lost'> {
    const { requestId, now, challenge, token } = command
    const paid = counted(counted(sql`info`, 'count_auth'), 'count_auth_success')
    const won = sql`EXISTS (SELECT 1 FROM challenges WHERE id = ${challenge.id} AND closed_by = ${requestId})`
    const failures = sql`${json(command.failures ?? [])}`
    const [, winner = []] = await write(batch, [
      raiseFailCount(command, command.failed),
      // Paying and winning are one statement: of N equal answers one gets the row.
      sql`UPDATE challenges SET state = 'accepted', attempts = attempts + 1, closed_by = ${requestId}
        WHERE id = ${challenge.id} AND state = 'open' AND delivery <> 'undelivered' AND ${lives(now)}
          AND (max_attempts = 0 OR attempts < max_attempts)
          AND EXISTS (SELECT 1 FROM tokens t WHERE t.serial = ${token.serial} AND ${usable(token.revision, command)}
            AND ${withinLimit('count_auth')} AND ${withinLimit('count_auth_success')})
          AND NOT EXISTS (SELECT 1 ${fullBuckets(failures, now)})
        RETURNING id`,
      // The rest of the transaction and older challenges of the token end; newer ones stay.
      sql`UPDATE challenges SET state = 'superseded', closed_by = ${requestId}
        WHERE state = 'open' AND (${sharesTransaction(challenge)} OR (serial = ${token.serial} AND id < ${challenge.id})) AND ${won}`,
      sql`UPDATE tokens SET counter = max(counter, ${challenge.counter + 1}),
          info = ${command.verifies ? sql`json_remove(${paid}, ${UNVERIFIED})` : paid},
          last_auth_success = CASE WHEN ${command.stampAccess} THEN ${now} ELSE last_auth_success END
        WHERE serial = ${token.serial} AND ${won}`,
      sql`UPDATE tokens SET fail_count = 0, last_auth_match = CASE WHEN ${command.stampAccess} THEN ${now} ELSE last_auth_match END
        WHERE serial IN ${list(command.reset)} AND ${won}`,
      // Somebody was first, or time or the limit ran out: the answer counts as a failure of every candidate.
      sql`UPDATE tokens SET ${failOnce(command)} WHERE serial IN ${list(command.reset)} AND NOT ${won}`,
      fill(sql`SELECT ${failures} AS buckets WHERE NOT ${won}`, now),
      insertAudit(command.audit.done, won),
      insertAudit(command.audit.lost, sql`NOT ${won}`),
      ...(command.audit.purged && command.purge ? purge(command.purge, command.audit.purged, won) : []),
    ])
    return winner.length === 1 ? 'done' : 'lost'
  }

  /** A token whose scope was lifted in the meantime stays. */
  function purge(serials: readonly string[], audit: AuditRow, won: SQL): readonly SQL[] {
    const chosen = sql`serial IN ${list(serials)} AND ${won}`
    const restricted = sql`serial IN (SELECT serial FROM tokens WHERE json_array_length(info, '$.scope.path') > 0)`
    return [
      insertAudit(audit, sql`EXISTS (SELECT 1 FROM tokens WHERE ${chosen} AND ${restricted})`),
      sql`DELETE FROM challenges WHERE ${chosen} AND ${restricted}`,
      sql`DELETE FROM tokens WHERE ${chosen} AND ${restricted}`,
    ]
  }

  /** Somebody always pays, see nobody.ts. */
  async function reject(command: RejectCommand): Promise<ReadonlyMap<string, number>> {
    const paid = command.failed.length > 0
    const [counts = []] = await write(batch, [
      paid ? raiseFailCount(command, command.failed, command.judged) : raiseFailCount(command, [NOBODY], [NOBODY]),
      countAttempts(command.guessed, command.now),
      fill(sql`SELECT ${json(command.failures ?? [])} AS buckets`, command.now),
      insertAudit(command.audit),
    ])
    return new Map(paid ? counts.map((row) => [text(row, 'serial'), number(row, 'fail_count')]) : [])
  }

  async function noteDelivery(note: DeliveryNote): Promise<void> {
    const { rests } = note
    await write(batch, [
      sql`UPDATE challenges SET delivery = ${note.delivered ? 'delivered' : 'undelivered'}, message = ${note.message}, expires_at = ${note.expiresAt}
        WHERE id = ${note.challengeId} AND delivery = 'pending'`,
      sql`INSERT INTO deliveries (request_id, serial, provider, status, reason, at, mac)
        SELECT ${note.requestId}, ${note.serial}, d.value ->> '$.provider', d.value ->> '$.status', d.value ->> '$.reason', ${note.at},
          COALESCE(d.value ->> '$.mac', '')
        FROM json_each(${json(note.tries)}) d`,
      ...(rests && rests.failed.length > 0 ? [beginRests(rests.failed, rests.now)] : []),
      ...(rests?.took ? [liftRest(rests.took)] : []),
    ])
  }
}
