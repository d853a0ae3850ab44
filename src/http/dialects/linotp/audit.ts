/** /audit/search and /api/v2/auditlog in LinOTP's words: filters, paging, cells, CSV (contract 9). */
import type { AdminFailure } from '../../../core/failures.ts'
import { readPattern } from '../../../core/pattern.ts'
import { err, ok, type Result } from '../../../core/result.ts'
import type { ShownPage, ShownRecord } from '../../../flows/audit-admin.ts'
import type { AuditFilter, AuditPage } from '../../../flows/audit-search.ts'
import type { AuditHint, HintColumn } from '../../../ports/audit.ts'
import { type Params, param } from '../../params.ts'
import { type AuditWords, toWords } from './audit-words.ts'
import { csvText } from './csv.ts'
import type { Json, JsonObject } from './envelope.ts'

type Field = keyof AuditWords

/** Names of the columns: of the grid, and of version 2 of the API. */
const GRID: Readonly<Record<string, Field>> = {
  ...{ number: 'number', id: 'number', date: 'date', timestamp: 'date', action: 'action', success: 'success' },
  ...{ serial: 'serial', tokentype: 'token_type', token_type: 'token_type', user: 'user', realm: 'realm' },
  ...{ administrator: 'administrator', action_detail: 'action_detail', info: 'info', linotp_server: 'linotp_server' },
  ...{ client: 'client', log_level: 'log_level', clearance_level: 'clearance_level' },
}
const V2: Readonly<Record<string, Field>> = {
  ...{ id: 'number', timestamp: 'date', action: 'action', actionDetail: 'action_detail', success: 'success' },
  ...{ serial: 'serial', tokenType: 'token_type', user: 'user', realm: 'realm', administrator: 'administrator' },
  ...{ info: 'info', linotpServer: 'linotp_server', client: 'client', logLevel: 'log_level' },
  ...{ clearanceLevel: 'clearance_level' },
}
/** Columns that are shown as they are stored, or not at all. */
const STORED: Partial<Readonly<Record<Field, HintColumn>>> = {
  ...{ action: 'action', serial: 'serial', token_type: 'tokenType', user: 'user', realm: 'realm' },
  ...{ administrator: 'administrator', client: 'client' },
}

/** A page of more rows would not fit into memory for everybody; exports stream. */
const MAX_PAGE = 10_000
const PAGE = 15
/** In the order of another column than the number all rows up to the page are kept in memory. */
const MAX_SORTED = 20_000

const LIKE = { any: '%', one: '_' } as const
const STAR = { any: '*', one: null } as const

type Condition = readonly [Field, string]

function filterOf(conditions: readonly Condition[], wildcards: typeof LIKE | typeof STAR, any: boolean): AuditFilter {
  if (conditions.length === 0) return { matches: null, hints: [] }
  const patterns = conditions.map(([field, written]) => ({ field, ...readPattern(written, wildcards) }))
  const fits =
    (words: AuditWords) =>
    ({ field, matches }: (typeof patterns)[number]) =>
      matches(String(words[field])) || (field === 'administrator' && matches(quoted(words.administrator)))
  const hints = patterns.flatMap(({ field, holds }): AuditHint[] => {
    const column = STORED[field]
    // The database folds ASCII alone, and knows nothing of quotes around a name.
    return column && /^[ -&(-~]+$/.test(holds) ? [{ column, holds }] : []
  })
  return {
    matches: (row) => {
      const fit = fits(toWords(row))
      return any ? patterns.some(fit) : patterns.every(fit)
    },
    hints: any ? [] : hints,
  }
}

/** `success` is a number in the grid and a truth value in version 2. */
const written = (field: Field, value: string): Condition =>
  field === 'success' && /^(true|false)$/i.test(value)
    ? [field, value.toLowerCase() === 'true' ? '1' : '0']
    : [field, value]

function conditionsOf(params: Params, names: Readonly<Record<string, Field>>): readonly Condition[] {
  return Object.entries(names).flatMap(([name, field]): Condition[] => {
    const value = param(params, name)
    return value ? [written(field, value)] : []
  })
}

/** `query` on the column `qtype`, or `extsearch`: `a=b;c=d`. */
function queryOf(params: Params): readonly Condition[] {
  const [query, column] = [param(params, 'query') ?? '', param(params, 'qtype') ?? '']
  const pairs = column === 'extsearch' ? query.split(';').map((pair) => pair.split(/=(.*)/s)) : [[column, query]]
  return pairs.flatMap(([name = '', value = '']): Condition[] => {
    const field = Object.hasOwn(GRID, name.trim()) ? GRID[name.trim()] : undefined
    return field && value.trim() !== '' ? [written(field, value.trim())] : []
  })
}

const keyOf = (field: Field) =>
  field === 'number' || field === 'date' ? null : (row: Parameters<typeof toWords>[0]) => toWords(row)[field]

const natural = (text: string | null, fallback: number): number =>
  text !== null && /^\s*\d{1,9}\s*$/.test(text) ? Number(text) : fallback

function sortOf(params: Params, names: Readonly<Record<string, Field>>, name: string): Result<Field, AdminFailure> {
  const given = param(params, name) || 'id'
  const field = Object.hasOwn(names, given) ? names[given] : undefined
  const rule = `must be one of ${Object.keys(names).join(', ')}`
  return field ? ok(field) : err({ code: 'parameter_invalid', field: name, rule })
}

const tooMany = (field: string): Result<never, AdminFailure> =>
  err({
    code: 'parameter_invalid',
    field,
    rule: `must be at most ${MAX_PAGE}; /otpost/audit/export streams any number`,
  })

const tooDeep = (field: string): Result<never, AdminFailure> =>
  err({
    code: 'parameter_invalid',
    field,
    rule: `must be within the first ${MAX_SORTED} rows, unless they are sorted by number`,
  })

export type Csv = { readonly delimiter: string; readonly headers: boolean }
/** `all`: not a page, but everything, in the order of numbers. */
export type GridQuery = {
  readonly page: number
  readonly query: AuditPage
  readonly csv: Csv | null
  readonly all: boolean
}

export function decodeGrid(params: Params): Result<GridQuery, AdminFailure> {
  const sort = sortOf(params, GRID, 'sortname')
  if (!sort.ok) return sort
  const csv = param(params, 'outform')?.toLowerCase() === 'csv'
  const delimiter = param(params, 'delimiter') || ','
  if (!/^[,;|\t:]$/.test(delimiter))
    return err({ code: 'parameter_invalid', field: 'delimiter', rule: 'must be one of , ; | : or a tab' })
  const paged = param(params, 'rp') !== null || param(params, 'page') !== null
  const all = csv && !paged && keyOf(sort.value) === null
  const limit = natural(param(params, 'rp'), PAGE) || PAGE
  if (limit > MAX_PAGE) return tooMany('rp')
  const page = Math.max(1, natural(param(params, 'page'), 1))
  if (keyOf(sort.value) && page * limit > MAX_SORTED) return tooDeep('page')
  const any = param(params, 'or')?.toLowerCase() === 'true'
  const query: AuditPage = {
    ...filterOf([...conditionsOf(params, GRID), ...queryOf(params)], LIKE, any),
    descending: param(params, 'sortorder')?.toLowerCase() === 'desc',
    ...{ key: keyOf(sort.value), offset: (page - 1) * limit, limit },
  }
  const headers = param(params, 'headers')
  const withHeaders = headers !== null && !/^(false|0|)$/i.test(headers)
  return ok({ page, query, all, csv: csv ? { delimiter, headers: withHeaders } : null })
}

/** The name of an administrator as the grid has it: with quotes, also when there is none. */
const quoted = (name: string): string => `'${name}'`

const COLUMNS =
  'number date sig_check missing_line action success serial token_type user realm administrator action_detail info linotp_server client log_level clearance_level'.split(
    ' ',
  )

function cell(row: ShownRecord): readonly (string | number)[] {
  const w = toWords(row)
  return [
    ...[w.number, w.date, row.intact ? 'OK' : 'FAIL', '', w.action, w.success, w.serial, w.token_type, w.user, w.realm],
    ...[quoted(w.administrator), w.action_detail, w.info, w.linotp_server, w.client, w.log_level, w.clearance_level],
  ]
}

export const encodeGrid = ({ rows, total }: ShownPage, page: number): JsonObject => ({
  page,
  rows: rows.map((row) => ({ id: row.number, cell: cell(row) })),
  total,
})

export const csvLine = (row: ShownRecord, { delimiter }: Csv): string =>
  `${cell(row)
    .map((value) => (typeof value === 'number' ? String(value) : csvText(value)))
    .join(`${delimiter} `)}\n`
export const csvHead = ({ delimiter, headers }: Csv): string =>
  headers ? `${COLUMNS.map(csvText).join(`${delimiter} `)}\n` : ''

export type V2Query = { readonly page: number; readonly pageSize: number; readonly query: AuditPage }

export function decodeAuditlog(params: Params): Result<V2Query, AdminFailure> {
  const sort = sortOf(params, V2, 'sortBy')
  if (!sort.ok) return sort
  const [page, pageSize] = [natural(param(params, 'page'), 0), natural(param(params, 'pageSize'), PAGE)]
  if (pageSize > MAX_PAGE) return tooMany('pageSize')
  if (keyOf(sort.value) && (page + 1) * pageSize > MAX_SORTED) return tooDeep('page')
  const query: AuditPage = {
    ...filterOf(conditionsOf(params, V2), STAR, false),
    descending: param(params, 'sortOrder')?.toLowerCase() !== 'asc',
    key: keyOf(sort.value),
    // All of them, as long as they fit on a page.
    ...(pageSize === 0 ? { offset: 0, limit: MAX_PAGE } : { offset: page * pageSize, limit: pageSize }),
  }
  return ok({ page, pageSize, query })
}

export function encodeAuditlog({ rows, total }: ShownPage, { page, pageSize }: V2Query): Result<Json, AdminFailure> {
  if (pageSize === 0 && total > rows.length)
    return err({
      code: 'parameter_invalid',
      field: 'pageSize',
      rule: `must be 1 to ${MAX_PAGE}: there are ${total} entries`,
    })
  return ok({
    page,
    pageSize: rows.length,
    totalPages: pageSize === 0 ? 1 : Math.ceil(total / pageSize),
    totalRecords: total,
    pageRecords: rows.map(encodeEntry),
  })
}

function encodeEntry(row: ShownRecord): JsonObject {
  const w = toWords(row)
  const or = (text: string): string | null => (text === '' ? null : text)
  return {
    ...{ id: w.number, timestamp: w.date, serial: or(w.serial), action: w.action, actionDetail: or(w.action_detail) },
    ...{ success: row.success, tokenType: or(w.token_type), user: or(w.user), realm: or(w.realm) },
    ...{
      administrator: or(w.administrator),
      info: or(w.info),
      linotpServer: or(w.linotp_server),
      client: or(w.client),
    },
    ...{ logLevel: w.log_level, clearanceLevel: w.clearance_level, signatureCheck: row.intact },
  }
}
