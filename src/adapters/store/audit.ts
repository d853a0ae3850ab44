/** The audit in the store: rows by number, deliveries beside them, checkpoints, cuts. */
import { type SQL, sql } from 'drizzle-orm/sql'
import type { AuditCheckpoint, AuditCut, AuditHint, AuditRange, AuditRow, AuditStore } from '../../ports/audit.ts'
import type { Batch, Row } from '../../ports/store.ts'
import { toCheckpoint, toCut, toDelivery, toRecord, toSentRecord } from './audit-rows.ts'
import { number, text } from './rows.ts'
import { changeWhere, insertAudit, json, read, write } from './statements.ts'

/** Requests whose rows nobody asked about are forgotten beyond this many. */
const REMEMBERED = 10_000

/** A batch that looks at what it writes into the audit. */
export type Watched = {
  readonly batch: Batch
  readonly newest: () => { readonly number: number; readonly mac: string } | null
  readonly take: (requestId: string) => boolean
}

/** Costs nothing but memory: `insertAudit` returns what it has written, in whatever place of a batch it stands. */
export function watchAudit(given: Batch): Watched {
  let newest: { number: number; mac: string } | null = null
  const audited = new Set<string>()
  const note = (row: Row) => {
    const written = number(row, 'number')
    if (newest === null || written > newest.number) newest = { number: written, mac: text(row, 'mac') }
    audited.add(text(row, 'audited'))
    const [oldest] = audited
    if (audited.size > REMEMBERED && oldest !== undefined) audited.delete(oldest)
  }
  return {
    batch: async (statements, mode) => {
      const results = await given(statements, mode)
      // What is no audit row says so in its first one.
      if (mode === 'write')
        for (const rows of results) if (rows[0]?.audited !== undefined) for (const row of rows) note(row)
      return results
    },
    newest: () => newest,
    take: (requestId) => audited.delete(requestId),
  }
}

const COLUMNS: Readonly<Record<AuditHint['column'], SQL>> = {
  action: sql`a.action`,
  serial: sql`a.serial`,
  tokenType: sql`a.token_type`,
  user: sql`a.user`,
  realm: sql`a.realm`,
  administrator: sql`a.administrator`,
  info: sql`a.info`,
  client: sql`a.client`,
}

/** `instr`, since D1 takes no LIKE pattern of more than 50 bytes. */
const holds = ({ column, holds }: AuditHint): SQL => sql`instr(lower(${COLUMNS[column]}), ${holds.toLowerCase()}) > 0`

const within = (column: SQL, { from, to }: AuditRange): SQL => sql`${column} BETWEEN ${from} AND ${to}`
const issued = (table: string): SQL => sql`COALESCE((SELECT seq FROM sqlite_sequence WHERE name = ${table}), 0)`
const lastCut = (column: SQL): SQL => sql`COALESCE((SELECT ${column} FROM audit_cuts ORDER BY id DESC LIMIT 1), 0)`
const issuedCheckpoint = sql`max(${issued('audit_checkpoints')}, ${lastCut(sql`checkpoint`)},
  COALESCE((SELECT MAX(id) FROM audit_checkpoints), 0))`

/** Lets other requests have their turn: an embedded database does its work without ever waiting for anything. */
const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve))

export function auditStore({ batch, newest, take }: Watched): AuditStore {
  return {
    writeAudit: async (row) => void (await write(batch, [insertAudit(row)])),

    newestAudit: async () => {
      const written = newest()
      if (written) return written
      const [[row] = []] = await read(batch, [sql`SELECT number, mac FROM audit ORDER BY number DESC LIMIT 1`])
      return row ? { number: number(row, 'number'), mac: text(row, 'mac') } : null
    },

    wasAudited: take,

    auditBounds: async () => {
      const bounds = (table: SQL, column: SQL, after: SQL, given: SQL) => sql`SELECT
        COALESCE((SELECT ${column} FROM ${table} WHERE ${column} > ${after} ORDER BY ${column} LIMIT 1), 0) AS first,
        COALESCE((SELECT ${column} FROM ${table} WHERE ${column} > ${after} ORDER BY ${column} DESC LIMIT 1), 0) AS last,
        ${given} AS issued`
      const rows = await read(batch, [
        bounds(sql`audit`, sql`number`, lastCut(sql`last`), issued('audit')),
        bounds(sql`deliveries`, sql`id`, lastCut(sql`last_delivery`), issued('deliveries')),
        bounds(sql`audit_checkpoints`, sql`id`, lastCut(sql`checkpoint`), issuedCheckpoint),
      ])
      const [audit, deliveries, checkpoints] = rows.map(([row = {}]) => ({
        first: number(row, 'first'),
        last: number(row, 'last'),
        issued: number(row, 'issued'),
      }))
      const none = { first: 0, last: 0, issued: 0 }
      return { rows: audit ?? none, deliveries: deliveries ?? none, checkpoints: checkpoints ?? none }
    },

    findAudit: async ({ descending, hints, ...range }) => {
      await pause()
      const conditions = sql.join([within(sql`a.number`, range), ...hints.map(holds)], sql` AND `)
      const [rows = []] = await read(batch, [
        sql`SELECT a.*, (SELECT json_group_array(json_object('id', d.id, 'request_id', d.request_id, 'serial', d.serial,
            'provider', d.provider, 'status', d.status, 'reason', d.reason, 'at', d.at, 'mac', d.mac))
            FROM deliveries d WHERE d.request_id = a.request_id) AS sent
          FROM audit a WHERE ${conditions} ORDER BY a.number ${descending ? sql`DESC` : sql`ASC`} LIMIT ${range.limit}`,
      ])
      return rows.map(toSentRecord)
    },

    readAudit: async (range) => {
      await pause()
      const [rows = []] = await read(batch, [
        sql`SELECT a.*, EXISTS (SELECT 1 FROM audit b WHERE b.request_id = a.request_id AND b.number < a.number) AS repeated
          FROM audit a WHERE ${within(sql`a.number`, range)} ORDER BY a.number LIMIT ${range.limit}`,
      ])
      return rows.map((row) => ({ ...toRecord(row), repeated: number(row, 'repeated') === 1 }))
    },

    readDeliveries: async (range) => {
      await pause()
      const [rows = []] = await read(batch, [
        sql`SELECT * FROM deliveries WHERE ${within(sql`id`, range)} ORDER BY id LIMIT ${range.limit}`,
      ])
      return rows.map(toDelivery)
    },

    findMacs: async (numbers) => {
      const [rows = []] = await read(batch, [
        sql`SELECT a.number, a.mac FROM json_each(${json(numbers)}) n CROSS JOIN audit a ON a.number = n.value`,
      ])
      return new Map(rows.map((row) => [number(row, 'number'), text(row, 'mac')]))
    },

    lastCheckpoint: async () => {
      const [[row] = []] = await read(batch, [sql`SELECT * FROM audit_checkpoints ORDER BY id DESC LIMIT 1`])
      return row ? toCheckpoint(row) : null
    },

    findCheckpoint: async (row) => {
      const [[found] = []] = await read(batch, [
        sql`SELECT * FROM audit_checkpoints WHERE first <= ${row} AND last >= ${row} ORDER BY id DESC LIMIT 1`,
      ])
      return found ? toCheckpoint(found) : null
    },

    readCheckpoints: async (after, limit) => {
      const [rows = []] = await read(batch, [
        sql`SELECT * FROM audit_checkpoints WHERE id > ${after} ORDER BY id LIMIT ${limit}`,
      ])
      return rows.map(toCheckpoint)
    },

    addCheckpoint: async (c: AuditCheckpoint) => {
      const [rows = []] = await write(batch, [
        sql`INSERT INTO audit_checkpoints (id, first, last, first_delivery, last_delivery, newest, at, digest, delivery_digest,
            previous, marks, broken, mac)
          SELECT ${c.id}, ${c.first}, ${c.last}, ${c.firstDelivery}, ${c.lastDelivery}, ${c.newest}, ${c.at}, ${c.digest},
            ${c.deliveryDigest}, ${c.previous}, ${c.marks}, ${c.broken}, ${c.mac}
          WHERE ${issuedCheckpoint} = ${c.id - 1} RETURNING id`,
      ])
      return rows.length === 1 ? 'done' : 'lost'
    },

    readCuts: async () => {
      const [rows = []] = await read(batch, [sql`SELECT * FROM audit_cuts ORDER BY id`])
      return rows.map(toCut)
    },

    addCut: async (cut: AuditCut, audit: AuditRow) => {
      const next = sql`${lastCut(sql`id`)} = ${cut.id - 1} AND EXISTS (SELECT 1 FROM audit_checkpoints WHERE id = ${cut.checkpoint})`
      const done = await changeWhere(batch, audit, next, (won) => [
        sql`INSERT INTO audit_cuts (id, last, last_delivery, checkpoint, digest, findings, at, mac)
          SELECT ${cut.id}, ${cut.last}, ${cut.lastDelivery}, ${cut.checkpoint}, ${cut.digest}, ${cut.findings}, ${cut.at},
            ${cut.mac} WHERE ${won}`,
        sql`DELETE FROM audit_checkpoints WHERE id <= ${cut.checkpoint} AND ${won}`,
      ])
      return done ? 'done' : 'lost'
    },

    removeCutRows: async (limit) => {
      await pause()
      const doomed = (table: SQL, column: SQL, end: SQL) => sql`DELETE FROM ${table} WHERE ${column} IN (
        SELECT ${column} FROM ${table} WHERE ${column} <= ${lastCut(end)} ORDER BY ${column} LIMIT ${limit}) RETURNING ${column}`
      const gone = await write(batch, [
        doomed(sql`audit`, sql`number`, sql`last`),
        doomed(sql`deliveries`, sql`id`, sql`last_delivery`),
      ])
      return gone.reduce((sum, rows) => sum + rows.length, 0)
    },

    resealAudit: async (kind, { id, before, after }) => {
      const table = kind === 'cut' ? sql`audit_cuts` : sql`audit_checkpoints`
      const [rows = []] = await write(batch, [
        sql`UPDATE ${table} SET mac = ${after} WHERE id = ${id} AND mac = ${before} RETURNING id`,
      ])
      return rows.length === 1 ? 'done' : 'lost'
    },
  }
}
