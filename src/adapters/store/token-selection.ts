/** Selections of tokens as conditions over `t`, a token, and `u`, its owner where the built-in store knows one. */
import { type SQL, sql } from 'drizzle-orm/sql'
import { isAnything } from '../../core/pattern.ts'
import type { Within } from '../../core/policy/reach.ts'
import type { Bound, OwnedToken, Row, TokenOrder, TokenSelection } from '../../ports/store.ts'
import { NOBODY } from './nobody.ts'
import { toToken, toUser } from './rows.ts'
import { type Condition, json, list } from './statements.ts'

export const TOKENS_AND_USERS: SQL = sql`tokens t LEFT JOIN users u ON u.resolver = t.resolver AND u.user_id = t.user_id`

export const toOwnedToken = (row: Row): OwnedToken => ({
  ...toToken(row),
  user: row.login === null || row.login === undefined ? null : toUser(row),
})

export const ORDER: Readonly<Record<TokenOrder, SQL>> = {
  description: sql`t.description`,
  id: sql`t.id`,
  type: sql`t.type`,
  serial: sql`t.serial`,
  resolver: sql`COALESCE(t.resolver, '')`,
  userId: sql`COALESCE(t.user_id, '')`,
  failCount: sql`t.fail_count`,
  counter: sql`t.counter`,
  active: sql`t.active`,
  createdAt: sql`t.created_at`,
  lastAuthMatch: sql`COALESCE(t.last_auth_match, 0)`,
  lastAuthSuccess: sql`COALESCE(t.last_auth_success, 0)`,
}

/** By id, which an index holds beside its own column, so that no row has to be read for it. */
const SOMEBODYS = sql`t.id <> COALESCE((SELECT id FROM tokens WHERE serial = ${NOBODY}), 0)`

/** SQLite's GLOB knows `?` and `[` beside `*`; here only the last one means anything. */
const glob = (pattern: string): string => pattern.replace(/[?[]/g, '[$&]')

function oneOf(column: SQL, patterns: readonly string[]): SQL {
  const [first, ...others] = patterns
  if (first !== undefined && others.length === 0) return sql`${column} GLOB ${glob(first)}`
  return sql`EXISTS (SELECT 1 FROM json_each(${json(patterns.map(glob))}) p WHERE ${column} GLOB p.value)`
}

const TEXTS = sql`lower(t.description || char(10) || COALESCE(t.resolver, '') || char(10) || t.serial || char(10)
  || COALESCE(t.user_id, '') || char(10) || t.type)`

export function selected(selection: TokenSelection): SQL {
  const { serials, serialPatterns, owners, login, userId, resolver, assigned, orphaned, realms, within } = selection
  const { type, active, text, after } = selection
  const conditions = [SOMEBODYS]
  if (serials) conditions.push(sql`t.serial IN ${list(serials)}`)
  if (serialPatterns) conditions.push(oneOf(sql`t.serial`, serialPatterns))
  if (owners || login !== undefined) conditions.push(ownedBy(owners, login))
  if (userId !== undefined) conditions.push(sql`t.user_id = ${userId}`)
  if (resolver !== undefined) conditions.push(sql`t.resolver GLOB ${glob(resolver)}`)
  if (assigned !== undefined) conditions.push(assigned ? sql`t.user_id IS NOT NULL` : sql`t.user_id IS NULL`)
  if (orphaned) conditions.push(sql`t.user_id IS NOT NULL AND u.login IS NULL AND NOT ${IN_DIRECTORY}`)
  if (realms?.length === 0) conditions.push(sql`json_array_length(t.realms) = 0`)
  else if (realms)
    conditions.push(sql`EXISTS (SELECT 1 FROM json_each(t.realms) r WHERE ${oneOf(sql`r.value`, realms)})`)
  if (within) conditions.push(...lies(within))
  if (type !== undefined) conditions.push(sql`t.type = ${type}`)
  if (active !== undefined) conditions.push(sql`t.active = ${active}`)
  if (text !== undefined) conditions.push(sql`instr(${TEXTS}, lower(${text})) > 0`)
  if (after !== undefined) conditions.push(sql`t.id > ${after}`)
  return sql.join(conditions, sql` AND `)
}

/** `t` lies in a realm of each list. */
const lies = (within: Within): readonly SQL[] =>
  within.map((realms) => sql`EXISTS (SELECT 1 FROM json_each(t.realms) j WHERE j.value IN ${list(realms)})`)

/** No token of these lies outside: they may have moved to other realms since they were read. */
export function allWithin(serials: readonly string[], { within = [] }: Bound): readonly Condition<'elsewhere'>[] {
  if (within.length === 0) return []
  const inside = sql.join([...lies(within)], sql` AND `)
  return [
    ['elsewhere', sql`NOT EXISTS (SELECT 1 FROM tokens t WHERE t.serial IN ${list(serials)} AND NOT (${inside}))`],
  ]
}

/** The owner lives in a directory, of whose users the database knows nothing. */
const IN_DIRECTORY = sql`EXISTS (SELECT 1 FROM resolvers d WHERE d.name = t.resolver AND d.config <> '')`

/** `*` alone stands for whoever; any other pattern finds those whom the database knows, beside `owners`. */
function ownedBy(owners: TokenSelection['owners'], login: string | undefined): SQL {
  const conditions: SQL[] = []
  if (owners)
    conditions.push(sql`(t.resolver, t.user_id) IN (
      SELECT o.value ->> '$.resolver', o.value ->> '$.userId' FROM json_each(${json(owners)}) o)`)
  if (login !== undefined) conditions.push(sql`u.login GLOB ${glob(login)}`)
  if (login !== undefined && isAnything(login)) conditions.push(IN_DIRECTORY)
  return sql`(${sql.join(conditions, sql` OR `)})`
}
