/** New tokens and new secrets in the store. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type {
  AuditRow,
  Batch,
  Bound,
  ChangeGuards,
  Created,
  NewToken,
  NewTokens,
  ReinitToken,
  TokenLimits,
  TokenStore,
} from '../../ports/store.ts'
import { somebodys } from './nobody.ts'
import { number, text } from './rows.ts'
import { changeUnless, insertAudits, json, write } from './statements.ts'
import { limitsOfNew, withinLimit } from './token-limits.ts'
import { allWithin } from './token-selection.ts'

export type CreationStore = Pick<TokenStore, 'createToken' | 'createTokens' | 'replaceToken' | 'reinitToken'>

export function tokenCreationStore(batch: Batch): CreationStore {
  return { createToken, createTokens, replaceToken, reinitToken }

  async function createToken(token: NewToken, audit: AuditRow): Promise<'done' | 'taken' | keyof TokenLimits> {
    const within = limitsOfNew(token).map(withinLimit)
    return changeUnless<'taken' | keyof TokenLimits>(batch, audit, [['taken', isFree(token)], ...within], () => [
      insertTokens([{ token, audit }]),
    ])
  }

  async function createTokens(entries: readonly NewTokens[]): Promise<readonly Created[]> {
    // Where numbers are limited each token counts for the next one, so they come one by one.
    const [limited, free] = [entries.filter(isLimited), distinct(entries.filter((entry) => !isLimited(entry)))]
    const outcomes = new Map<string, Created>()
    if (free.length > 0) {
      const rows = free.map(({ token, audit, alike }) => ({
        ...audit,
        ...{ newSerial: token.serial, type: token.type, ...token.owner },
        ...(alike ? { alikeField: alike.field, alikeValue: alike.value } : {}),
      }))
      const taken = sql`EXISTS (SELECT 1 FROM tokens t WHERE t.serial = r.value ->> '$.newSerial')`
      const alike = sql`(r.value ->> '$.alikeField' IS NOT NULL AND EXISTS (SELECT 1 FROM tokens t
        WHERE t.resolver = r.value ->> '$.resolver' AND t.user_id = r.value ->> '$.userId' AND t.type = r.value ->> '$.type'
          AND json_extract(t.info, '$.' || (r.value ->> '$.alikeField')) = r.value ->> '$.alikeValue'))`
      const [why = [], , made = []] = await write(batch, [
        sql`SELECT r.value ->> '$.newSerial' AS serial, ${taken} AS taken, ${alike} AS alike
          FROM json_each(${json(rows)}) r WHERE ${taken} OR ${alike}`,
        insertAudits(rows, sql`NOT ${taken} AND NOT ${alike}`),
        insertTokens(free),
      ])
      for (const row of why) outcomes.set(text(row, 'serial'), number(row, 'taken') === 1 ? 'taken' : 'alike')
      for (const row of made) outcomes.set(text(row, 'serial'), 'done')
    }
    for (const entry of limited)
      if (!outcomes.has(entry.token.serial)) outcomes.set(entry.token.serial, await createOne(entry))
    const told = new Set<string>()
    return entries.map((entry) => {
      const first = !told.has(entry.token.serial)
      told.add(entry.token.serial)
      if (!first) return 'taken'
      return outcomes.get(entry.token.serial) ?? 'alike'
    })
  }

  async function createOne({ token, audit, alike }: NewTokens): Promise<Created> {
    const { owner, type } = token
    const isNew =
      alike &&
      sql`NOT EXISTS (SELECT 1 FROM tokens WHERE resolver = ${owner?.resolver ?? null} AND user_id = ${owner?.userId ?? null}
        AND type = ${type} AND json_extract(info, ${`$.${alike.field}`}) = ${alike.value})`
    const within = limitsOfNew(token).map(withinLimit)
    const conditions = [...(isNew ? [['alike', isNew] as const] : []), ...within]
    return changeUnless<Exclude<Created, 'done'>>(batch, audit, [['taken', isFree(token)], ...conditions], () => [
      insertTokens([{ token, audit }]),
    ])
  }

  async function replaceToken(
    token: NewToken,
    replaced: { readonly serial: string; readonly revision: number },
    audit: AuditRow,
    bound: Bound = {},
  ): Promise<'done' | 'taken' | 'lost' | 'elsewhere'> {
    return changeUnless<'taken' | 'lost' | 'elsewhere'>(
      batch,
      audit,
      [['taken', isFree(token)], ['lost', isAsSeen(replaced)], ...allWithin([replaced.serial], bound)],
      (won) => [
        insertTokens([{ token, audit }]),
        sql`UPDATE tokens SET active = 0, revision = revision + 1 WHERE serial = ${replaced.serial} AND ${won}`,
        // What was sent to it is in other hands now.
        sql`UPDATE challenges SET state = 'superseded', closed_by = ${audit.requestId}
        WHERE serial = ${replaced.serial} AND state = 'open' AND ${won}`,
      ],
    )
  }

  async function reinitToken(
    token: ReinitToken,
    audit: AuditRow,
    { limits = [], ...bound }: Omit<ChangeGuards, 'unchanged'> = {},
  ): Promise<'done' | 'lost' | 'elsewhere' | keyof TokenLimits> {
    const reached = allWithin([token.serial], bound)
    const conditions = [['lost', isAsSeen(token)], ...reached, ...limits.map(withinLimit)] as const
    return changeUnless<'lost' | 'elsewhere' | keyof TokenLimits>(batch, audit, conditions, (won) => [
      sql`UPDATE tokens SET secret = ${token.sealedSecret}, pin = ${token.sealedPin}, digits = ${token.digits}, hash = ${token.hash},
          counter = 0, fail_count = 0, user_id = ${token.owner?.userId ?? null}, resolver = ${token.owner?.resolver ?? null},
          realms = ${json(token.realms)}, info = json_patch(info, ${json(token.info)}),
          description = COALESCE(${token.description}, description), revision = revision + 1
        WHERE serial = ${token.serial} AND ${won}`,
      // What was sent under the old secret is worth nothing, and must not block the new one.
      sql`DELETE FROM challenges WHERE serial = ${token.serial} AND ${won}`,
    ])
  }
}

const isFree = ({ serial }: NewToken): SQL => sql`NOT EXISTS (SELECT 1 FROM tokens WHERE serial = ${serial})`
const isAsSeen = ({ serial, revision }: { readonly serial: string; readonly revision: number }): SQL =>
  sql`EXISTS (SELECT 1 FROM tokens WHERE serial = ${serial} AND revision = ${revision} AND ${somebodys})`
const isLimited = ({ token }: NewTokens): boolean => Object.keys(token.limits ?? {}).length > 0

/** Of several with one serial, or one user and address, the first. */
function distinct(entries: readonly NewTokens[]): readonly NewTokens[] {
  const seen = new Set<string>()
  return entries.filter(({ token, alike }) => {
    const keys = [token.serial, ...(alike ? [json([token.owner, token.type, alike])] : [])]
    const isNew = keys.every((key) => !seen.has(key))
    for (const key of keys) seen.add(key)
    return isNew
  })
}

/** Each where its audit row was written in the same batch. */
function insertTokens(entries: readonly { readonly token: NewToken; readonly audit: AuditRow }[]): SQL {
  const rows = entries.map(({ token: { limits: _, owner, ...token }, audit }) => ({
    ...token,
    ...{ active: token.active ? 1 : 0, userId: owner?.userId ?? null, resolver: owner?.resolver ?? null },
    requestId: audit.requestId,
  }))
  const column = (name: keyof (typeof rows)[number]): SQL => sql`t.value ->> ${`$.${name}`}`
  return sql`INSERT INTO tokens (serial, type, description, secret, pin, digits, hash, count_window, sync_window, max_fail_count,
      active, user_id, resolver, realms, info, created_at)
    SELECT ${column('serial')}, ${column('type')}, ${column('description')}, ${column('sealedSecret')}, ${column('sealedPin')},
      ${column('digits')}, ${column('hash')}, ${column('countWindow')}, ${column('syncWindow')}, ${column('maxFailCount')},
      ${column('active')}, ${column('userId')}, ${column('resolver')}, t.value -> '$.realms', t.value -> '$.info', ${column('createdAt')}
    FROM json_each(${json(rows)}) t
    WHERE EXISTS (SELECT 1 FROM audit WHERE request_id = ${column('requestId')}) RETURNING serial`
}
