/** The audit: LinOTP's grid and its version 2, and otpost's own export, verification and retention (contract 9). */
import { Hono } from 'hono'
import type { AdminFailure } from '../../core/failures.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { AuditAdmin, ShownRecord } from '../../flows/audit-admin.ts'
import { isAnchor } from '../../flows/audit-chain.ts'
import type { Log } from '../../ports/edges.ts'
import { decodeExport, decodePrune, exportCsvHead, exportCsvLine, exportLine, line } from '../audit-lines.ts'
import {
  csvHead,
  csvLine,
  decodeAuditlog,
  decodeGrid,
  encodeAuditlog,
  encodeGrid,
  type GridQuery,
} from '../dialects/linotp/audit.ts'
import type { Env } from '../env.ts'
import { param } from '../params.ts'
import { json, page, type Respond } from '../reply.ts'
import { streamText } from '../stream.ts'

export type AuditParts = { readonly audits: AuditAdmin; readonly log: Log }
type Rows = Iterable<ShownRecord> | AsyncIterable<ShownRecord>

const JSON_LINES = 'application/x-ndjson'
const CSV = 'text/csv; charset=utf-8'

/** Not the envelope: what a grid reads, or CSV. */
export function auditRoutes({ audits: audit, log }: AuditParts, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()
  routes.on(['GET', 'POST'], '/search', async (c) => {
    const decoded = decodeGrid(c.get('params'))
    if (!decoded.ok) return respond(c, decoded, () => ({ value: null }))
    const { query, csv, all } = decoded.value
    if (csv && all) {
      const rows = await audit.stream({ ...query, limit: null }, c.get('facts'))
      return streamText(c, csvOf(rows, csv), { type: CSV, log })
    }
    const found = await audit.search(query, c.get('facts'))
    return csv
      ? streamText(c, csvOf(found.rows, csv), { type: CSV, log })
      : json(c, encodeGrid(found, decoded.value.page))
  })
  routes.all('/search', (c) => page(c, 405))
  return routes
}

/** LinOTP ends its CSV with an empty line. */
async function* csvOf(rows: Rows, csv: NonNullable<GridQuery['csv']>): AsyncGenerator<string> {
  yield csvHead(csv)
  for await (const row of rows) yield csvLine(row, csv)
  yield '\n'
}

export function auditlogRoutes({ audits: audit }: AuditParts, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()
  for (const path of ['/auditlog', '/auditlog/']) {
    routes.get(path, async (c) => {
      const decoded = decodeAuditlog(c.get('params'))
      const found = decoded.ok
        ? encodeAuditlog(await audit.search(decoded.value.query, c.get('facts')), decoded.value)
        : decoded
      return respond(c, found, (value) => ({ value }))
    })
    routes.all(path, (c) => page(c, 405))
  }
  return routes
}

export function auditOperatorRoutes({ audits: audit, log }: AuditParts, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.get('/export', async (c) => {
    const decoded = decodeExport(c.get('params'))
    if (!decoded.ok) return respond(c, decoded, () => ({ value: null }))
    const rows = await audit.stream(decoded.value.what, c.get('facts'))
    return decoded.value.format === 'csv'
      ? streamText(c, exportCsvOf(rows), { type: CSV, log })
      : streamText(c, linesOf(rows), { type: JSON_LINES, log })
  })

  routes.get('/verify', async (c) => {
    const anchor = readAnchor(param(c.get('params'), 'anchor'))
    if (!anchor.ok) return respond(c, anchor, () => ({ value: null }))
    return streamText(c, progressOf(audit.verify(anchor.value, c.get('facts'))), { type: JSON_LINES, log })
  })

  routes.post('/checkpoint', async (c) =>
    respond(c, await audit.checkpoint(c.get('facts')), (sealed) => ({ value: { sealed } })),
  )

  routes.post('/prune', async (c) => {
    const decoded = decodePrune(c.get('params'), c.get('facts').now)
    return respond(c, decoded.ok ? await audit.prune(decoded.value, c.get('facts')) : decoded, (value) => ({
      value: 'first' in value ? { ...value } : null,
    }))
  })

  for (const path of ['/export', '/verify', '/checkpoint', '/prune']) routes.all(path, (c) => page(c, 405))
  return routes
}

function readAnchor(text: string | null): Result<string | null, AdminFailure> {
  const rule = 'must be one that a checkpoint has written, like 12:11873:0123456789abcdef0123456789abcdef'
  if (text === null || isAnchor(text)) return ok(text)
  return err({ code: 'parameter_invalid', field: 'anchor', rule })
}

async function* linesOf(rows: Rows): AsyncGenerator<string> {
  for await (const row of rows) yield exportLine(row)
}

async function* exportCsvOf(rows: Rows): AsyncGenerator<string> {
  yield exportCsvHead
  for await (const row of rows) yield exportCsvLine(row)
}

/** Progress as it comes, the verdict last. */
async function* progressOf(running: ReturnType<AuditAdmin['verify']>): AsyncGenerator<string> {
  try {
    for (;;) {
      const step = await running.next()
      yield line(step.value)
      if (step.done) return
    }
  } finally {
    // A client that went away ends the verification too; what it can no longer tell is asked of nobody.
    await running.return(undefined as never) // nobody reads what it returns
  }
}
