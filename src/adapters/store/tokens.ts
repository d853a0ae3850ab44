/** Tokens in the store: enrolment and administration. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type {
  AuditRow,
  Batch,
  Bound,
  ChangeGuards,
  CounterMove,
  OwnedToken,
  TokenChange,
  TokenLimits,
  TokenPage,
  TokenSelection,
  TokenStore,
} from '../../ports/store.ts'
import { somebodys } from './nobody.ts'
import { number } from './rows.ts'
import { changeUnless, changeWhere, json, list, read } from './statements.ts'
import type { CreationStore } from './token-creation.ts'
import { withinLimit } from './token-limits.ts'
import { allWithin, ORDER, selected, TOKENS_AND_USERS, toOwnedToken } from './token-selection.ts'

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
  failCount: sql`fail_count`,
} as const satisfies Record<Exclude<keyof TokenChange['set'], 'info' | 'owner' | 'realms'>, SQL>

export function tokenStore(batch: Batch): Omit<TokenStore, keyof CreationStore> {
  return {
    findTokens,
    pageOfTokens,
    countTokens,
    changeTokens,
    moveCounter,
    removeTokens,
    resetFailCounts,
  }

  async function findTokens(selection: TokenSelection): Promise<readonly OwnedToken[]> {
    const { limit } = selection
    const [tokens = []] = await read(batch, [
      sql`SELECT t.*, u.login, u.attributes FROM ${TOKENS_AND_USERS} WHERE ${selected(selection)} ORDER BY t.id
        LIMIT ${limit ?? -1}`,
    ])
    return tokens.map(toOwnedToken)
  }

  async function pageOfTokens({ where, order, descending, offset, limit }: TokenPage) {
    const direction = descending ? sql`DESC` : sql`ASC`
    const ordered = sql`ORDER BY ${ORDER[order]} ${direction}, t.id ${direction}`
    const chosen = sql`FROM ${TOKENS_AND_USERS} WHERE ${selected(where)}`
    const [counted = [], tokens = []] = await read(batch, [
      sql`SELECT COUNT(*) AS n ${chosen}`,
      // Ids are sorted and counted off; only what stands on the page is read in full.
      sql`SELECT t.*, u.login, u.attributes FROM ${TOKENS_AND_USERS}
        WHERE t.id IN (SELECT t.id ${chosen} ${ordered} LIMIT ${limit ?? -1} OFFSET ${offset}) ${ordered}`,
    ])
    return { tokens: tokens.map(toOwnedToken), total: number(counted[0] ?? {}, 'n') }
  }

  async function countTokens(type: string): Promise<number> {
    const [rows = []] = await read(batch, [sql`SELECT COUNT(*) AS n FROM tokens WHERE type = ${type}`])
    return number(rows[0] ?? {}, 'n')
  }

  async function changeTokens(
    changes: readonly TokenChange[],
    audit: AuditRow,
    { unchanged = [], limits = [], ...bound }: ChangeGuards = {},
  ): Promise<'done' | 'lost' | 'elsewhere' | keyof TokenLimits> {
    const seen = [...changes, ...unchanged].map(({ serial, revision }) => ({ serial, revision }))
    const asSeen = sql`(SELECT COUNT(*) FROM json_each(${json(seen)}) c JOIN tokens t ON t.serial = c.value ->> '$.serial'
      AND t.revision = c.value ->> '$.revision' AND ${somebodys}) = ${seen.length}`
    const reached = allWithin(
      seen.map(({ serial }) => serial),
      bound,
    )
    const moved = changes.filter(({ set }) => set.owner !== undefined).map(({ serial }) => serial)
    return changeUnless<'lost' | 'elsewhere' | keyof TokenLimits>(
      batch,
      audit,
      [['lost', asSeen], ...reached, ...limits.map(withinLimit)],
      (won) => [
        ...grouped(changes).map(
          ({ serials, set }) => sql`UPDATE tokens SET ${assignments(set)} WHERE serial IN ${list(serials)} AND ${won}`,
        ),
        ...(moved.length > 0
          ? [
              sql`UPDATE challenges SET state = 'superseded', closed_by = ${audit.requestId}
              WHERE serial IN ${list(moved)} AND state = 'open' AND ${won}`,
            ]
          : []),
      ],
    )
  }

  async function moveCounter(
    move: CounterMove,
    audit: AuditRow,
    bound: Bound = {},
  ): Promise<'done' | 'lost' | 'elsewhere'> {
    const { serial, revision, matched, next, resetFailCount } = move
    const ahead = sql`EXISTS (SELECT 1 FROM tokens WHERE serial = ${serial} AND revision = ${revision} AND counter <= ${matched} AND ${somebodys})`
    const conditions = [['lost', ahead], ...allWithin([serial], bound)] as const
    return changeUnless<'lost' | 'elsewhere'>(batch, audit, conditions, (won) => [
      sql`UPDATE tokens SET counter = ${next}, fail_count = CASE WHEN ${resetFailCount} THEN 0 ELSE fail_count END
        WHERE serial = ${serial} AND ${won}`,
    ])
  }

  async function removeTokens(serials: readonly string[], audit: AuditRow, bound: Bound = {}) {
    const done = await changeWhere(batch, audit, reachable(serials, bound), (won) => [
      sql`DELETE FROM challenges WHERE serial IN ${list(serials)} AND ${won}`,
      sql`DELETE FROM tokens WHERE serial IN ${list(serials)} AND ${somebodys} AND ${won} RETURNING id`,
    ])
    return done?.[1]?.length ?? 'elsewhere'
  }

  async function resetFailCounts(serials: readonly string[], audit: AuditRow, bound: Bound = {}) {
    const done = await changeWhere(batch, audit, reachable(serials, bound), (won) => [
      sql`UPDATE tokens SET fail_count = 0 WHERE serial IN ${list(serials)} AND ${somebodys} AND ${won} RETURNING id`,
    ])
    return done?.[0]?.length ?? 'elsewhere'
  }
}

const reachable = (serials: readonly string[], bound: Bound): SQL => allWithin(serials, bound)[0]?.[1] ?? sql`1`

/** Tokens that change in the same way share a statement. */
function grouped(changes: readonly TokenChange[]): readonly { serials: string[]; set: TokenChange['set'] }[] {
  const groups = new Map<string, { serials: string[]; set: TokenChange['set'] }>()
  for (const { serial, set } of changes) {
    const key = json(set)
    const group = groups.get(key)
    if (group) group.serials.push(serial)
    else groups.set(key, { serials: [serial], set })
  }
  return [...groups.values()]
}

/** Never empty: the revision moves. */
export function assignments(set: TokenChange['set']): SQL {
  const { info, owner, realms, ...columns } = set
  const parts = Object.entries(columns).map(
    ([field, value]) => sql`${COLUMNS[field as keyof typeof COLUMNS]} = ${value}`,
  ) // keys of `set`
  if (owner !== undefined) parts.push(sql`user_id = ${owner?.userId ?? null}, resolver = ${owner?.resolver ?? null}`)
  if (realms) parts.push(sql`realms = ${json(realms)}`)
  if (info) parts.push(sql`info = json_patch(info, ${json(info)})`)
  return sql.join([...parts, sql`revision = revision + 1`], sql`, `)
}
