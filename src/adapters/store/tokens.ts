/** Tokens in the store: enrolment and administration. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { Within } from '../../core/policy/reach.ts'
import type {
  AuditRow,
  Batch,
  NewToken,
  ReinitToken,
  Row,
  Store,
  TokenChange,
  TokenLimits,
  TokenSelection,
} from '../../ports/store.ts'
import { somebodys } from './nobody.ts'
import { number, toToken, toUser } from './rows.ts'
import { changeWhere, json, list, read } from './statements.ts'

type TokenStore = Pick<
  Store,
  'findTokens' | 'countTokens' | 'createToken' | 'reinitToken' | 'changeTokens' | 'removeTokens' | 'resetFailCounts'
>

/** Column of each field that an administrator may set one by one; `info` is a patch, so that counts are not lost. */
const COLUMNS = {
  sealedPin: sql`pin`,
  description: sql`description`,
  digits: sql`digits`,
  hash: sql`hash`,
  countWindow: sql`count_window`,
  syncWindow: sql`sync_window`,
  maxFailCount: sql`max_fail_count`,
  active: sql`active`,
} as const satisfies Record<Exclude<keyof TokenChange['set'], 'info'>, SQL>

export function tokenStore(batch: Batch): TokenStore {
  return { findTokens, countTokens, createToken, reinitToken, changeTokens, removeTokens, resetFailCounts }

  async function findTokens(selection: TokenSelection) {
    const bySerial = selection.serials ? sql`t.serial IN ${list(selection.serials)}` : sql`1`
    const byOwner = selection.owners
      ? sql`(t.resolver, t.user_id) IN (
          SELECT o.value ->> '$.resolver', o.value ->> '$.userId' FROM json_each(${json(selection.owners)}) o)`
      : sql`1`
    const [tokens = []] = await read(batch, [
      sql`SELECT t.*, u.login, u.attributes FROM tokens t
        LEFT JOIN users u ON u.resolver = t.resolver AND u.user_id = t.user_id
        WHERE ${bySerial} AND ${byOwner} AND ${somebodys} ORDER BY t.id`,
    ])
    return tokens.map((row: Row) => ({
      ...toToken(row),
      user: row.login === null || row.login === undefined ? null : toUser(row),
    }))
  }

  async function countTokens(type: string): Promise<number> {
    const [rows = []] = await read(batch, [sql`SELECT COUNT(*) AS n FROM tokens WHERE type = ${type}`])
    return number(rows[0] ?? {}, 'n')
  }

  async function createToken(token: NewToken, audit: AuditRow): Promise<'done' | 'taken' | keyof TokenLimits> {
    const free = sql`NOT EXISTS (SELECT 1 FROM tokens WHERE serial = ${token.serial})`
    const within = limitsOf(token)
    const done = await changeWhere(
      batch,
      audit,
      sql.join([free, ...within.map(([, holds]) => holds)], sql` AND `),
      (won) => [
        sql`INSERT INTO tokens (serial, type, description, secret, pin, digits, hash, count_window, sync_window, max_fail_count,
          active, user_id, resolver, realms, info, created_at)
        SELECT ${token.serial}, ${token.type}, ${token.description}, ${token.sealedSecret}, ${token.sealedPin}, ${token.digits}, ${token.hash},
          ${token.countWindow}, ${token.syncWindow}, ${token.maxFailCount}, ${token.active}, ${token.owner?.userId ?? null},
          ${token.owner?.resolver ?? null}, ${json(token.realms)}, ${json(token.info)}, ${token.createdAt} WHERE ${won}`,
      ],
    )
    if (done) return 'done'
    if (within.length === 0) return 'taken'
    // Which of the conditions did not hold is for the message only.
    const [[row] = []] = await read(batch, [
      sql`SELECT ${sql.join([sql`${free} AS free`, ...within.map(([name, holds]) => sql`${holds} AS ${sql.identifier(name)}`)], sql`, `)}`,
    ])
    return within.map(([name]) => name).find((name) => row && number(row, name) === 0) ?? 'taken'
  }

  async function reinitToken(token: ReinitToken, audit: AuditRow): Promise<'done' | 'lost'> {
    const seen = sql`EXISTS (SELECT 1 FROM tokens WHERE serial = ${token.serial} AND revision = ${token.revision} AND ${somebodys})`
    const done = await changeWhere(batch, audit, seen, (won) => [
      sql`UPDATE tokens SET secret = ${token.sealedSecret}, pin = ${token.sealedPin}, digits = ${token.digits}, hash = ${token.hash},
          counter = 0, fail_count = 0, user_id = ${token.owner?.userId ?? null}, resolver = ${token.owner?.resolver ?? null},
          realms = ${json(token.realms)}, info = json_patch(info, ${json(token.info)}),
          description = COALESCE(${token.description}, description), revision = revision + 1
        WHERE serial = ${token.serial} AND ${won}`,
      // What was sent under the old secret is worth nothing, and must not block the new one.
      sql`DELETE FROM challenges WHERE serial = ${token.serial} AND ${won}`,
    ])
    return done ? 'done' : 'lost'
  }

  async function changeTokens(changes: readonly TokenChange[], audit: AuditRow): Promise<'done' | 'lost'> {
    const seen = json(changes.map(({ serial, revision }) => ({ serial, revision })))
    const unchanged = sql`(SELECT COUNT(*) FROM json_each(${seen}) c JOIN tokens t ON t.serial = c.value ->> '$.serial'
      AND t.revision = c.value ->> '$.revision' AND ${somebodys}) = ${changes.length}`
    const done = await changeWhere(batch, audit, unchanged, (won) =>
      changes.map(({ serial, set }) => sql`UPDATE tokens SET ${assignments(set)} WHERE serial = ${serial} AND ${won}`),
    )
    return done ? 'done' : 'lost'
  }

  async function removeTokens(serials: readonly string[], audit: AuditRow, within: Within = []) {
    const done = await changeWhere(batch, audit, allWithin(serials, within), (won) => [
      sql`DELETE FROM challenges WHERE serial IN ${list(serials)} AND ${won}`,
      sql`DELETE FROM tokens WHERE serial IN ${list(serials)} AND ${somebodys} AND ${won} RETURNING id`,
    ])
    return done?.[1]?.length ?? 'elsewhere'
  }

  async function resetFailCounts(serials: readonly string[], audit: AuditRow, within: Within = []) {
    const done = await changeWhere(batch, audit, allWithin(serials, within), (won) => [
      sql`UPDATE tokens SET fail_count = 0 WHERE serial IN ${list(serials)} AND ${somebodys} AND ${won} RETURNING id`,
    ])
    return done?.[0]?.length ?? 'elsewhere'
  }
}

/** No token of these lies outside: they may have moved to other realms since they were read. */
const allWithin = (serials: readonly string[], within: Within): SQL =>
  sql.join(
    [
      sql`1`,
      ...within.map(
        (realms) => sql`NOT EXISTS (SELECT 1 FROM tokens t WHERE t.serial IN ${list(serials)} AND NOT EXISTS (
          SELECT 1 FROM json_each(t.realms) j WHERE j.value IN ${list(realms)}))`,
      ),
    ],
    sql` AND `,
  )

/** Each limit that is set, as the condition under which one token more is within it. */
function limitsOf({ owner, type, realms, limits = {} }: NewToken): readonly (readonly [keyof TokenLimits, SQL])[] {
  const { ofUser, ofUserAndType, activeInRealm } = limits
  const owned = sql`SELECT COUNT(*) FROM tokens WHERE user_id = ${owner?.userId ?? null} AND resolver = ${owner?.resolver ?? null}`
  const conditions: (readonly [keyof TokenLimits, SQL])[] = []
  if (owner && ofUser !== undefined) conditions.push(['ofUser', sql`(${owned}) < ${ofUser}`])
  if (owner && ofUserAndType !== undefined)
    conditions.push(['ofUserAndType', sql`(${owned} AND type = ${type}) < ${ofUserAndType}`])
  if (activeInRealm !== undefined)
    conditions.push([
      'activeInRealm',
      sql`NOT EXISTS (SELECT 1 FROM json_each(${json(realms)}) r WHERE (SELECT COUNT(*) FROM tokens t
        WHERE t.active = 1 AND EXISTS (SELECT 1 FROM json_each(t.realms) j WHERE j.value = r.value)) >= ${activeInRealm})`,
    ])
  return conditions
}

function assignments(set: TokenChange['set']): SQL {
  const { info, ...columns } = set
  const parts = Object.entries(columns).map(
    ([field, value]) => sql`${COLUMNS[field as keyof typeof COLUMNS]} = ${value}`,
  ) // keys of `set`
  if (info) parts.push(sql`info = json_patch(info, ${json(info)})`)
  return sql.join([...parts, sql`revision = revision + 1`], sql`, `)
}
