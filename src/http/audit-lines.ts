/** The audit in otpost's own words: JSON Lines or CSV with the codes as they are stored, for machines and spreadsheets. */
import type { AdminFailure } from '../core/failures.ts'
import { readPattern } from '../core/pattern.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Instant } from '../core/time.ts'
import type { AuditExport, ShownRecord } from '../flows/audit-admin.ts'
import type { PruneCommand } from '../flows/audit-prune.ts'
import type { AuditHint, HintColumn, SentRecord } from '../ports/audit.ts'
import { csvText } from './dialects/linotp/csv.ts'
import { type Params, param } from './params.ts'

const FIELDS: Readonly<Record<string, (row: SentRecord) => string>> = {
  number: (row) => String(row.number),
  requestId: (row) => row.requestId,
  action: (row) => row.action,
  success: (row) => String(row.success),
  // Several serials and types stand with blanks between them.
  serial: (row) => row.serial,
  tokenType: (row) => row.tokenType,
  user: (row) => row.user,
  realm: (row) => row.realm,
  administrator: (row) => row.administrator,
  detail: (row) => row.actionDetail,
  info: (row) => row.info,
  client: (row) => row.client,
  server: (row) => row.server,
}
const HINTS: readonly HintColumn[] = [
  'action',
  'serial',
  'tokenType',
  'user',
  'realm',
  'administrator',
  'info',
  'client',
]
const OTHERS = ['since', 'until', 'order', 'limit', 'format', 'session', 'csrf_token']

const invalid = (field: string, rule: string): Result<never, AdminFailure> =>
  err({ code: 'parameter_invalid', field, rule })

export type ExportQuery = { readonly what: AuditExport; readonly format: 'jsonl' | 'csv' }

/** `*` stands for any text. An unknown name is refused: with a slip of the pen everything would be exported. */
export function decodeExport(params: Params): Result<ExportQuery, AdminFailure> {
  const unknown = [...params.keys()].find((name) => !Object.hasOwn(FIELDS, name) && !OTHERS.includes(name))
  if (unknown !== undefined) return invalid(unknown, `is no filter: there are ${Object.keys(FIELDS).join(', ')}`)
  const patterns = Object.entries(FIELDS).flatMap(([name, read]) => {
    const written = param(params, name)
    return written ? [{ name, read, ...readPattern(written, { any: '*', one: null }) }] : []
  })
  const [since, until] = [readTime(params, 'since'), readTime(params, 'until')]
  if (!since.ok) return since
  if (!until.ok) return until
  const [order, limit] = [param(params, 'order') || 'asc', param(params, 'limit')]
  if (order !== 'asc' && order !== 'desc') return invalid('order', 'must be asc or desc')
  if (limit !== null && !/^\d{1,9}$/.test(limit)) return invalid('limit', 'must be a whole number')
  const format = param(params, 'format') || 'jsonl'
  if (format !== 'jsonl' && format !== 'csv') return invalid('format', 'must be jsonl or csv')
  const what: AuditExport = {
    matches: patterns.length === 0 ? null : (row) => patterns.every(({ matches, read }) => matches(read(row))),
    hints: patterns.flatMap(({ name, holds }): AuditHint[] => {
      const column = HINTS.find((one) => one === name)
      return column && /^[ -~]+$/.test(holds) ? [{ column, holds }] : []
    }),
    ...{ since: since.value, until: until.value, descending: order === 'desc' },
    limit: limit === null ? null : Number(limit),
  }
  return ok({ what, format })
}

/** Epoch seconds, or a date or time of RFC 3339; without a zone it is UTC. */
function readTime(params: Params, name: string): Result<Instant | null, AdminFailure> {
  const text = param(params, name)
  if (!text) return ok(null)
  if (/^\d{1,11}$/.test(text)) return ok(Number(text))
  const [, day, time = '00:00', zone = 'Z'] = /^(\d{4}-\d\d-\d\d)(?:[T ]([\d:.]+)(Z|[+-]\d\d:\d\d)?)?$/.exec(text) ?? []
  const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`)
  return Number.isNaN(at)
    ? invalid(name, 'must be seconds since 1970, a date or a time like 2026-07-01T12:00:00Z')
    : ok(Math.floor(at / 1000))
}

export function decodePrune(params: Params, now: Instant): Result<PruneCommand, AdminFailure> {
  const [before, keep] = [readTime(params, 'before'), param(params, 'keep_days')]
  if (!before.ok) return before
  if (keep !== null && !/^\d{1,5}$/.test(keep)) return invalid('keep_days', 'must be a whole number')
  if ((before.value === null) === (keep === null)) return invalid('before', 'or keep_days must be given, one of them')
  const force = param(params, 'force')?.toLowerCase() === 'true'
  return ok({ before: before.value ?? now - Number(keep) * 86_400, force })
}

/** A row as it is exported. */
const exported = ({ at, deliveries, actionDetail, cites, ...row }: ShownRecord) => ({
  ...{ number: row.number, time: new Date(at * 1000).toISOString().replace('.000', ''), requestId: row.requestId },
  ...{ action: row.action, success: row.success, serial: row.serial, tokenType: row.tokenType, user: row.user },
  ...{ realm: row.realm, administrator: row.administrator, detail: actionDetail, info: row.info, client: row.client },
  server: row.server,
  deliveries: deliveries.map(({ serial, provider, status, reason }) => ({ serial, provider, status, reason })),
  ...{ intact: row.intact, cites: cites?.number ?? null, mac: row.mac },
})
export type Exported = ReturnType<typeof exported>

/** One row, one line. */
export const exportLine = (row: ShownRecord): string => line(exported(row))

const COLUMNS: readonly (keyof Exported)[] = [
  ...(['number', 'time', 'requestId', 'action', 'success', 'serial', 'tokenType', 'user', 'realm'] as const),
  ...(['administrator', 'detail', 'info', 'client', 'server', 'deliveries', 'intact', 'cites', 'mac'] as const),
]

/** RFC 4180: commas, a head, lines that end with CR and LF. Deliveries stand in one cell, one behind the other. */
export const exportCsvHead = `${COLUMNS.map(csvText).join(',')}\r\n`
export const exportCsvLine = (row: ShownRecord): string => csvOf(exported(row))
export function csvOf(row: Exported): string {
  const tried = row.deliveries.map(({ serial, provider, status, reason }) =>
    [serial, provider, status, reason].filter(Boolean).join(' '),
  )
  const cells = COLUMNS.map((column) => (column === 'deliveries' ? tried.join('; ') : (row[column] ?? '')))
  return `${cells.map((cell) => (typeof cell === 'string' ? csvText(cell) : String(cell))).join(',')}\r\n`
}

export const line = (value: object): string => `${JSON.stringify(value)}\n`
