/** Master keys in the store: which ones seal something, and values sealed anew with another. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type {
  AuditRow,
  Batch,
  KeyUse,
  MasterKeyRecord,
  Resealed,
  SealedKind,
  SealedValue,
  Store,
} from '../../ports/store.ts'
import { somebodys } from './nobody.ts'
import { number, text } from './rows.ts'
import { changeWhere, json, list, moveVersion, read, write } from './statements.ts'

type KeyStore = Pick<
  Store,
  'readKeys' | 'addKey' | 'someSealed' | 'keyUses' | 'sealedOtherwise' | 'resealValues' | 'forgetKeys'
>

/** Where sealed values stand: `name` is unique in its table. */
type Source = { readonly table: SQL; readonly name: SQL; readonly value: SQL; readonly where: SQL }
const SOURCES: Readonly<Record<SealedKind, Source>> = {
  secret: { table: sql`tokens`, name: sql`serial`, value: sql`secret`, where: somebodys },
  pin: { table: sql`tokens`, name: sql`serial`, value: sql`pin`, where: somebodys },
  config: { table: sql`config`, name: sql`key`, value: sql`value`, where: sql`type = 'password'` },
  provider: { table: sql`providers`, name: sql`type || ':' || name`, value: sql`config`, where: sql`1` },
  resolver: { table: sql`resolvers`, name: sql`name`, value: sql`config`, where: sql`config <> ''` },
}
const KINDS = Object.keys(SOURCES) as readonly SealedKind[] // the keys of the record above

export function keyStore(batch: Batch): KeyStore {
  return { readKeys, addKey, someSealed, keyUses, sealedOtherwise, resealValues, forgetKeys }

  async function readKeys(): Promise<readonly MasterKeyRecord[]> {
    const [rows = []] = await read(batch, [sql`SELECT id, canary FROM master_keys ORDER BY created_at, id`])
    return rows.map((row) => ({ id: text(row, 'id'), canary: text(row, 'canary') }))
  }

  async function addKey({ id, canary, createdAt }: MasterKeyRecord & { readonly createdAt: number }): Promise<void> {
    await write(batch, [
      sql`INSERT INTO master_keys (id, canary, created_at) VALUES (${id}, ${canary}, ${createdAt}) ON CONFLICT (id) DO NOTHING`,
    ])
  }

  async function someSealed(): Promise<SealedValue | null> {
    const found = await read(
      batch,
      KINDS.map((kind) => {
        const { table, name, value, where } = SOURCES[kind]
        return sql`SELECT ${name} AS name, ${value} AS sealed FROM ${table} WHERE ${where} ORDER BY rowid DESC LIMIT 1`
      }),
    )
    const n = found.findIndex((rows) => rows.length > 0)
    const [row] = found[n] ?? []
    const kind = KINDS[n]
    return row && kind ? { kind, name: text(row, 'name'), sealed: text(row, 'sealed') } : null
  }

  async function keyUses(): Promise<readonly KeyUse[]> {
    const found = await read(
      batch,
      USES.map(({ kind, ids }) => sql`SELECT u.id, ${kind} AS kind, COUNT(*) AS n FROM (${ids}) u GROUP BY u.id`),
    )
    return found.flat().map((row) => ({ id: text(row, 'id'), kind: text(row, 'kind'), count: number(row, 'n') }))
  }

  async function sealedOtherwise(
    keyId: string,
    kind: SealedKind,
    after: string,
    limit: number,
  ): Promise<readonly SealedValue[]> {
    const { table, name, value, where } = SOURCES[kind]
    const [rows = []] = await read(batch, [
      sql`SELECT ${name} AS name, ${value} AS sealed FROM ${table}
        WHERE ${name} > ${after} AND ${where} AND ${sealedBy(value)} <> ${keyId} ORDER BY ${name} LIMIT ${limit}`,
    ])
    return rows.map((row) => ({ kind, name: text(row, 'name'), sealed: text(row, 'sealed') }))
  }

  async function resealValues(values: readonly Resealed[], audit: AuditRow): Promise<number> {
    const changed = KINDS.flatMap((kind) => {
      const ofKind = values.filter((one) => one.kind === kind)
      return ofKind.length === 0 ? [] : [{ ...SOURCES[kind], values: ofKind }]
    })
    const done = await changeWhere(batch, audit, sql`1`, (won) => [
      ...changed.map(
        // What has been changed meanwhile is left alone.
        (one) => sql`UPDATE ${one.table} SET ${one.value} = given.sealed_after
          FROM (SELECT value ->> '$.name' AS given_name, value ->> '$.sealed' AS sealed_before, value ->> '$.after' AS sealed_after
            FROM json_each(${json(one.values)})) given
          WHERE ${one.name} = given_name AND ${one.value} = sealed_before AND ${one.where} AND ${won}
          RETURNING 1`,
      ),
      moveVersion(won),
    ])
    return (done ?? []).flat().length
  }

  async function forgetKeys(keep: readonly string[], audit: AuditRow): Promise<readonly string[]> {
    const inUse = USES.map(({ ids }) => sql`id IN (${ids})`)
    const unused = sql`id NOT IN ${list(keep)} AND NOT (${sql.join(inUse, sql` OR `)})`
    const done = await changeWhere(batch, audit, sql`1`, (won) => [
      sql`DELETE FROM master_keys WHERE ${unused} AND ${won} RETURNING id`,
    ])
    return (done?.[0] ?? []).map((row) => text(row, 'id'))
  }
}

/** `v1.<key id>.<nonce>.<ciphertext>`; ids hold no dot. */
const sealedBy = (value: SQL): SQL => sql`substr(${value}, 4, max(0, instr(substr(${value}, 4), '.') - 1))`
/** `<key id>.<mac>` */
const macBy = sql`substr(mac, 1, max(0, instr(mac, '.') - 1))`

/** A cut takes checkpoints away, but is never ahead of the last one. */
const lastSealed = (column: 'last' | 'last_delivery'): SQL =>
  sql`COALESCE((SELECT MAX(${sql.identifier(column)}) FROM audit_checkpoints), (SELECT MAX(${sql.identifier(column)}) FROM audit_cuts), 0)`

/**
 * The id of a key, once for each value and each MAC that it alone can read; rows of the audit under a checkpoint need
 * theirs no more. Statements of their own: D1 joins no more than five with UNION.
 */
const USES: readonly { readonly kind: string; readonly ids: SQL }[] = [
  ...KINDS.map((kind) => {
    const { table, value, where } = SOURCES[kind]
    return { kind, ids: sql`SELECT ${sealedBy(value)} AS id FROM ${table} WHERE ${where}` }
  }),
  { kind: 'audit', ids: sql`SELECT ${macBy} AS id FROM audit WHERE number > ${lastSealed('last')}` },
  { kind: 'audit', ids: sql`SELECT ${macBy} AS id FROM deliveries WHERE id > ${lastSealed('last_delivery')}` },
  { kind: 'audit', ids: sql`SELECT ${macBy} AS id FROM audit_checkpoints` },
  { kind: 'audit', ids: sql`SELECT ${macBy} AS id FROM audit_cuts` },
]
