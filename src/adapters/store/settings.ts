/** Settings in the store: system configuration, resolvers, realms. */
import { sql } from 'drizzle-orm/sql'
import { legacyProviders, legacyTypeOf } from '../../core/legacy-providers.ts'
import { type CompiledPolicy, compilePolicy, mutePolicy } from '../../core/policy/policy.ts'
import { isRightScope } from '../../core/policy/rights.ts'
import type { ConfigEntry, Settings } from '../../core/settings.ts'
import type { AuditRow, Batch, NewResolver, Row, Store } from '../../ports/store.ts'
import { markFirst, toProvider } from './providers.ts'
import { number, record, strings, text } from './rows.ts'
import { changeWhere, insertAudit, json, list, moveVersion, read, write } from './statements.ts'
import { insertUsers, usersJson } from './users.ts'

type SettingsStore = Pick<
  Store,
  | 'settings'
  | 'setConfig'
  | 'deleteConfig'
  | 'saveResolver'
  | 'deleteResolver'
  | 'saveRealm'
  | 'deleteRealm'
  | 'setDefaultRealm'
>

const always = sql`1`

export function settingsStore(batch: Batch): SettingsStore {
  return {
    settings,
    setConfig,
    deleteConfig,
    saveResolver,
    deleteResolver,
    saveRealm,
    deleteRealm,
    setDefaultRealm,
  }

  async function settings(): Promise<Settings> {
    const [version = [], config = [], providers = [], resolvers = [], realms = [], policies = []] = await read(batch, [
      sql`SELECT value FROM meta WHERE key = 'version'`,
      sql`SELECT key, value, type, description FROM config ORDER BY key`,
      sql`SELECT type, name, class, config, managed, timeout, is_default FROM providers ORDER BY position, name`,
      sql`SELECT name, type, data, config FROM resolvers ORDER BY position, name`,
      sql`SELECT name, resolvers, is_default FROM realms ORDER BY position, name`,
      sql`SELECT name, scope, action, realm, user, client, time, active FROM policies ORDER BY position, name`,
    ])
    const entries = new Map(config.map((row) => [text(row, 'key'), toConfigEntry(row)]))
    const rows = providers.map(toProvider)
    return {
      version: number(version[0] ?? {}, 'value'),
      config: entries,
      providers: [...legacyProviders(entries, rows), ...rows],
      resolvers: resolvers.map((row) => ({
        name: text(row, 'name'),
        type: text(row, 'type'),
        data: record<string>(row, 'data'),
        sealedConfig: text(row, 'config'),
      })),
      realms: realms.map((row) => ({
        name: text(row, 'name'),
        resolvers: strings(row, 'resolvers'),
        isDefault: number(row, 'is_default') === 1,
      })),
      policies: policies.flatMap(toPolicy),
    }
  }

  async function setConfig(entries: readonly ConfigEntry[], audit: AuditRow): Promise<void> {
    await write(batch, [
      insertAudit(audit),
      sql`INSERT INTO config (key, value, type, description)
        SELECT e.value ->> '$.key', e.value ->> '$.value', e.value ->> '$.type', e.value ->> '$.description'
        FROM json_each(${json(entries)}) e WHERE true
        ON CONFLICT (key) DO UPDATE SET value = excluded.value, type = excluded.type, description = excluded.description`,
      moveVersion(always),
    ])
  }

  async function deleteConfig(key: string, audit: AuditRow): Promise<void> {
    const type = legacyTypeOf(key)
    await write(batch, [
      insertAudit(audit),
      moveVersion(sql`EXISTS (SELECT 1 FROM config WHERE key = ${key})`),
      sql`DELETE FROM config WHERE key = ${key}`,
      ...(type ? [markFirst(type)] : []),
    ])
  }

  async function saveResolver(
    { name, type, data, sealedConfig = '', users }: NewResolver,
    mode: 'create' | 'replace',
    audit: AuditRow,
  ): Promise<'done' | 'taken' | 'unknown'> {
    const free = sql`NOT EXISTS (SELECT 1 FROM resolvers WHERE name = ${name})`
    const same = sql`EXISTS (SELECT 1 FROM resolvers WHERE name = ${name} AND type = ${type})`
    const done = await changeWhere(batch, audit, mode === 'create' ? free : same, (won) => [
      sql`INSERT INTO resolvers (name, type, data, config, position)
        SELECT ${name}, ${type}, ${json(data)}, ${sealedConfig}, (SELECT COALESCE(MAX(position), 0) + 1 FROM resolvers) WHERE ${won}
        ON CONFLICT (name) DO UPDATE SET data = excluded.data, config = excluded.config`,
      ...(users
        ? [sql`DELETE FROM users WHERE resolver = ${name} AND ${won}`, insertUsers(name, usersJson(users), won)]
        : []),
      moveVersion(won),
    ])
    if (done) return 'done'
    return mode === 'create' ? 'taken' : 'unknown'
  }

  async function deleteResolver(name: string, audit: AuditRow): Promise<'done' | 'unknown' | 'in_use'> {
    const exists = sql`EXISTS (SELECT 1 FROM resolvers WHERE name = ${name})`
    const unused = sql`NOT EXISTS (SELECT 1 FROM realms r, json_each(r.resolvers) j WHERE j.value = ${name})`
    const done = await changeWhere(batch, audit, sql`${exists} AND ${unused}`, (won) => [
      sql`DELETE FROM users WHERE resolver = ${name} AND ${won}`,
      sql`DELETE FROM resolvers WHERE name = ${name} AND ${won}`,
      moveVersion(won),
    ])
    if (done) return 'done'
    const [rows = []] = await read(batch, [sql`SELECT ${exists} AS present`])
    return number(rows[0] ?? {}, 'present') === 1 ? 'in_use' : 'unknown'
  }

  async function saveRealm(name: string, resolvers: readonly string[], audit: AuditRow): Promise<'done' | 'unknown'> {
    const known = sql`(SELECT COUNT(*) FROM resolvers WHERE name IN ${list(resolvers)}) = ${new Set(resolvers).size}`
    const done = await changeWhere(batch, audit, known, (won) => [
      sql`INSERT INTO realms (name, resolvers, is_default, position)
        SELECT ${name}, ${json(resolvers)}, NOT EXISTS (SELECT 1 FROM realms), (SELECT COALESCE(MAX(position), 0) + 1 FROM realms)
        WHERE ${won} ON CONFLICT (name) DO UPDATE SET resolvers = excluded.resolvers`,
      moveVersion(won),
    ])
    return done ? 'done' : 'unknown'
  }

  async function deleteRealm(name: string, audit: AuditRow): Promise<boolean> {
    const rows = await changeWhere(batch, audit, sql`EXISTS (SELECT 1 FROM realms WHERE name = ${name})`, (won) => [
      sql`DELETE FROM realms WHERE name = ${name} AND ${won}`,
      sql`UPDATE tokens SET realms = (SELECT json_group_array(j.value) FROM json_each(tokens.realms) j WHERE j.value <> ${name}), revision = revision + 1
        WHERE EXISTS (SELECT 1 FROM json_each(tokens.realms) j WHERE j.value = ${name}) AND ${won}`,
      moveVersion(won),
    ])
    return rows !== null
  }

  async function setDefaultRealm(name: string, audit: AuditRow): Promise<boolean> {
    const known = name === '' ? always : sql`EXISTS (SELECT 1 FROM realms WHERE name = ${name})`
    const rows = await changeWhere(batch, audit, known, (won) => [
      sql`UPDATE realms SET is_default = 0 WHERE ${won}`,
      sql`UPDATE realms SET is_default = 1 WHERE name = ${name} AND ${won}`,
      moveVersion(won),
    ])
    return rows !== null
  }
}

const toConfigEntry = (row: Row): ConfigEntry => ({
  key: text(row, 'key'),
  value: text(row, 'value'),
  type: text(row, 'type'),
  description: text(row, 'description'),
})

/** What cannot be read was refused when it was saved; a row from elsewhere must not stop a realm. */
function toPolicy(row: Row): readonly CompiledPolicy[] {
  const policy = {
    name: text(row, 'name'),
    scope: text(row, 'scope'),
    action: text(row, 'action'),
    realm: text(row, 'realm'),
    user: text(row, 'user'),
    client: text(row, 'client'),
    time: text(row, 'time'),
    active: number(row, 'active') === 1,
  }
  const compiled = compilePolicy(policy)
  if (compiled.ok) return [compiled.value]
  // Without it, a scope of rights might have no policy left, and then everybody may do everything.
  return isRightScope(policy.scope) ? [mutePolicy(policy)] : []
}
