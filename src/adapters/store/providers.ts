/**
 * Providers in the store. One of each type is the default: the one that is marked, else `imported_default`, which is kept
 * in keys of the system configuration (core/legacy-providers.ts) and so has no row to mark.
 */
import { type SQL, sql } from 'drizzle-orm/sql'
import { IMPORTED_DEFAULT, legacyKeys } from '../../core/legacy-providers.ts'
import type { ProviderKey, ProviderRecord, ProviderType } from '../../core/settings.ts'
import type { Instant } from '../../core/time.ts'
import type { AuditRow, Batch, ProviderRest, Row, Store } from '../../ports/store.ts'
import { liftRest, showResting } from './provider-rests.ts'
import { number, text } from './rows.ts'
import { changeWhere, insertAudit, json, list, moveVersion, read, unmoved, write } from './statements.ts'

type ProviderStore = Pick<Store, 'saveProvider' | 'deleteProvider' | 'setDefaultProvider' | 'listRests' | 'endRest'>

const always = sql`1`

export function providerStore(batch: Batch): ProviderStore {
  return {
    saveProvider: (provider, managed, audit) =>
      provider.name === IMPORTED_DEFAULT ? saveLegacy(provider, audit) : saveRow(provider, managed, audit),
    deleteProvider: (provider, version, audit) =>
      provider.name === IMPORTED_DEFAULT
        ? deleteLegacy(provider.type, version, audit)
        : deleteRow(provider, version, audit),
    setDefaultProvider,
    listRests,
    endRest,
  }

  async function saveRow(provider: ProviderRecord, managed: string, audit: AuditRow): Promise<'done' | 'managed'> {
    const { type, name } = provider
    const foreign = sql`EXISTS (SELECT 1 FROM providers WHERE type = ${type} AND name = ${name} AND managed <> ${managed})`
    const done = await changeWhere(batch, audit, sql`NOT ${foreign}`, (won) => [
      sql`UPDATE providers SET is_default = 0 WHERE type = ${type} AND name <> ${name} AND ${provider.isDefault} AND ${won}`,
      sql`INSERT INTO providers (type, name, class, config, managed, timeout, is_default, position)
        SELECT ${type}, ${name}, ${provider.class}, ${provider.sealedConfig}, ${provider.managed}, ${provider.timeout},
          ${provider.isDefault} OR NOT (${hasMark(type)} OR ${hasLegacy(type)}),
          (SELECT COALESCE(MAX(position), 0) + 1 FROM providers) WHERE ${won}
        ON CONFLICT (type, name) DO UPDATE SET class = excluded.class, config = excluded.config, managed = excluded.managed, timeout = excluded.timeout,
          is_default = max(is_default, excluded.is_default)`,
      sql`${liftRest(provider)} AND ${won}`,
      moveVersion(won),
    ])
    return done ? 'done' : 'managed'
  }

  async function saveLegacy(provider: ProviderRecord, audit: AuditRow): Promise<'done'> {
    const { type } = provider
    const keys = legacyKeys[type]
    const entries = [
      { key: keys.class, value: provider.class, type: '' },
      { key: keys.config, value: provider.sealedConfig, type: 'password' },
      { key: keys.timeout.key, value: provider.timeout, type: '' },
    ]
    await changeWhere(batch, audit, always, (won) => [
      sql`INSERT INTO config (key, value, type)
        SELECT e.value ->> '$.key', e.value ->> '$.value', e.value ->> '$.type'
        FROM json_each(${json(entries)}) e WHERE ${won}
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, type = excluded.type`,
      sql`UPDATE providers SET is_default = 0 WHERE type = ${type} AND ${provider.isDefault} AND ${won}`,
      sql`${liftRest(provider)} AND ${won}`,
      moveVersion(won),
    ])
    return 'done'
  }

  async function deleteRow(
    { type, name, managed }: Pick<ProviderRecord, 'type' | 'name' | 'managed'>,
    version: number,
    audit: AuditRow,
  ): Promise<'done' | 'unknown' | 'default' | 'managed' | 'lost'> {
    const deletable = sql`EXISTS (SELECT 1 FROM providers WHERE type = ${type} AND name = ${name} AND managed = ${managed}
      AND (is_default = 0 OR (${countOf(type)} = 1 AND NOT ${hasLegacy(type)})))`
    const done = await changeWhere(batch, audit, sql`${unmoved(version)} AND ${deletable}`, (won) => [
      sql`DELETE FROM providers WHERE type = ${type} AND name = ${name} AND ${won}`,
      sql`${liftRest({ type, name })} AND ${won}`,
      moveVersion(won),
    ])
    if (done) return 'done'
    const [[row] = []] = await read(batch, [
      sql`SELECT ${unmoved(version)} AS unmoved, (SELECT managed FROM providers WHERE type = ${type} AND name = ${name}) AS managed`,
    ])
    if (number(row ?? {}, 'unmoved') !== 1) return 'lost'
    if (!row || row.managed === null) return 'unknown'
    return text(row, 'managed') === managed ? 'default' : 'managed'
  }

  async function deleteLegacy(
    type: ProviderType,
    version: number,
    audit: AuditRow,
  ): Promise<'done' | 'unknown' | 'default' | 'lost'> {
    const keys = legacyKeys[type]
    // It is the default unless another one is marked.
    const deletable = sql`${hasLegacy(type)} AND (${hasMark(type)} OR ${countOf(type)} = 0)`
    const done = await changeWhere(batch, audit, sql`${unmoved(version)} AND ${deletable}`, (won) => [
      sql`DELETE FROM config WHERE key IN ${list([keys.class, keys.config])} AND ${won}`,
      sql`${liftRest({ type, name: IMPORTED_DEFAULT })} AND ${won}`,
      moveVersion(won),
    ])
    if (done) return 'done'
    const [[row = {}] = []] = await read(batch, [
      sql`SELECT ${unmoved(version)} AS unmoved, ${hasLegacy(type)} AS present`,
    ])
    if (number(row, 'unmoved') !== 1) return 'lost'
    return number(row, 'present') === 1 ? 'default' : 'unknown'
  }

  async function setDefaultProvider(type: ProviderType, name: string, audit: AuditRow): Promise<'done' | 'unknown'> {
    const exists =
      name === IMPORTED_DEFAULT
        ? hasLegacy(type)
        : sql`EXISTS (SELECT 1 FROM providers WHERE type = ${type} AND name = ${name})`
    const done = await changeWhere(batch, audit, exists, (won) => [
      // Two statements, since the index allows one default at any moment.
      sql`UPDATE providers SET is_default = 0 WHERE type = ${type} AND ${won}`,
      sql`UPDATE providers SET is_default = 1 WHERE type = ${type} AND name = ${name} AND ${won}`,
      moveVersion(won),
    ])
    return done ? 'done' : 'unknown'
  }

  async function listRests(now: Instant): Promise<readonly ProviderRest[]> {
    const [rows = []] = await read(batch, [showResting(now)])
    return rows.map((row) => ({
      type: text(row, 'type') as ProviderType, // as in toProvider
      name: text(row, 'name'),
      until: number(row, 'until'),
      reason: text(row, 'reason'),
    }))
  }

  async function endRest(provider: ProviderKey, audit: AuditRow): Promise<void> {
    await write(batch, [insertAudit(audit), liftRest(provider)])
  }
}

const hasMark = (type: ProviderType): SQL =>
  sql`EXISTS (SELECT 1 FROM providers WHERE type = ${type} AND is_default = 1)`
const hasLegacy = (type: ProviderType): SQL => sql`EXISTS (SELECT 1 FROM config WHERE key = ${legacyKeys[type].config})`
const countOf = (type: ProviderType): SQL => sql`(SELECT COUNT(*) FROM providers WHERE type = ${type})`

/** Where no provider of a type is the default, the one that is listed first becomes it. */
export const markFirst = (type: ProviderType): SQL =>
  sql`UPDATE providers SET is_default = 1 WHERE type = ${type} AND NOT ${hasMark(type)} AND NOT ${hasLegacy(type)}
    AND name = (SELECT name FROM providers WHERE type = ${type} ORDER BY position, name LIMIT 1)`

export function toProvider(row: Row): ProviderRecord {
  return {
    // The two types are the only ones that are ever saved.
    type: text(row, 'type') as ProviderType,
    name: text(row, 'name'),
    class: text(row, 'class'),
    sealedConfig: text(row, 'config'),
    managed: text(row, 'managed'),
    timeout: text(row, 'timeout'),
    isDefault: number(row, 'is_default') === 1,
  }
}
