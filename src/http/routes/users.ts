/** /otpost/users: users of otpost's own resolvers, for the command line and for scripts. */
import { Hono } from 'hono'
import type { AdminFailure } from '../../core/failures.ts'
import { USER_FIELDS, type UserFields } from '../../core/local-user.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { readUserTable, type TableRow } from '../../core/user-table.ts'
import type { UserAdmin } from '../../flows/user-admin.ts'
import type { ImportCommand, ImportReport, ImportUsers } from '../../flows/user-import.ts'
import type { Json } from '../dialects/linotp/envelope.ts'
import type { Env } from '../env.ts'
import { type Params, param, paramList } from '../params.ts'
import { page, type Respond, required } from '../reply.ts'

export type LocalUserFlows = { readonly localUsers: UserAdmin; readonly importUsers: ImportUsers }

export function localUserRoutes({ localUsers, importUsers }: LocalUserFlows, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.post('/', async (c) => {
    const named = required(c.get('params'), 'resolver', 'username')
    const fields = named.ok ? fieldsOf(c.get('params')) : named
    const added =
      named.ok && fields.ok ? await localUsers.add(named.value.resolver, fields.value, c.get('facts')) : fields
    return respond(c, added, ({ userId }) => ({ value: { userid: userId ?? '' } }))
  })
  routes.post('/import', async (c) => {
    const command = decodeImport(c.get('params'))
    return respond(c, command.ok ? await importUsers(command.value, c.get('facts')) : command, (report) => ({
      value: encodeReport(report),
    }))
  })
  routes.post('/:resolver/:username', async (c) => {
    const fields = fieldsOf(c.get('params'))
    const changed = fields.ok ? await localUsers.change(c.req.param(), fields.value, c.get('facts')) : fields
    return respond(c, changed, () => ({ value: true }))
  })
  routes.delete('/:resolver/:username', async (c) =>
    respond(c, await localUsers.remove(c.req.param(), c.get('facts')), (removed) => ({ value: removed })),
  )
  for (const path of ['/', '/import', '/:resolver/:username']) routes.all(path, (c) => page(c, 405))
  return routes
}

/** The known fields, and others as a JSON object in `attributes`. */
function fieldsOf(params: Params): Result<UserFields, AdminFailure> {
  const more = readTexts(param(params, 'attributes') ?? '{}', 'attributes')
  if (!more.ok) return more
  const known = [...USER_FIELDS, 'password', 'password_hash'].flatMap((name) => {
    const value = param(params, name)
    return value === null ? [] : [[name, value] as const]
  })
  return ok({ ...more.value, ...Object.fromEntries(known) })
}

const isTrue = (text: string | null): boolean => /^(?:true|1|yes)$/i.test(text ?? '')

/** A table as CSV in `content`, or rows as JSON that were read elsewhere. */
function decodeImport(params: Params): Result<ImportCommand, AdminFailure> {
  const named = required(params, 'resolver')
  if (!named.ok) return named
  const how = {
    resolver: named.value.resolver,
    ...{ replace: isTrue(param(params, 'replace')), dryRun: isTrue(param(params, 'dry_run')) },
    skipRefused: isTrue(param(params, 'skip_refused')),
  }
  const rows = paramList(params, 'rows')
  if (rows) {
    const read = readRows(rows)
    return read ? ok({ ...how, rows: read, refused: [] }) : err(invalid('rows', 'must be {"line": 2, "fields": {…}}'))
  }
  const content = param(params, 'content')
  if (content === null) return err({ code: 'parameter_missing', field: 'content' })
  const columns = readTexts(param(params, 'columns') ?? '{}', 'columns')
  if (!columns.ok) return columns
  const table = readUserTable(content, columns.value)
  if (table.ok) return ok({ ...how, ...table.value })
  const { line, field, rule } = table.error
  return err(invalid('content', `line ${line}${field === '' ? '' : ` ${field}`} ${rule}`))
}

const invalid = (field: string, rule: string) => ({ code: 'parameter_invalid', field, rule }) as const

function readRows(texts: readonly string[]): readonly TableRow[] | null {
  const rows: TableRow[] = []
  for (const text of texts) {
    const row = readObject(text)
    const fields = row && readObject(JSON.stringify(row.fields ?? null))
    if (!fields || !Number.isInteger(row?.line) || Object.values(fields).some((value) => typeof value !== 'string'))
      return null
    rows.push({ line: Number(row?.line), fields: fields as UserFields }) // all of them are texts
  }
  return rows
}

function readTexts(text: string, field: string): Result<UserFields, AdminFailure> {
  const object = readObject(text)
  if (!object || Object.values(object).some((value) => typeof value !== 'string'))
    return err(invalid(field, 'must be a JSON object of texts'))
  return ok(object as UserFields) // all of them are texts
}

function readObject(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null // the caller says what it should be
  }
}

const encodeReport = ({ dryRun, refusedRows, refused, ...counts }: ImportReport): Json => ({
  ...counts,
  dry_run: dryRun,
  refused_rows: refusedRows,
  refused: refused.map((problem) => ({ ...problem })),
})
