/** /otpost/tokens/import: many tokens from CSV; the answer is a line of JSON for each row, and one that counts them. */
import { Hono } from 'hono'
import type { AdminFailure } from '../../core/failures.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { readTokenRows, type TokenRows } from '../../core/token-rows.ts'
import type { Audit } from '../../flows/audit.ts'
import type { TokenAdmin } from '../../flows/token-admin.ts'
import type { Log } from '../../ports/edges.ts'
import type { Env } from '../env.ts'
import { type Params, param } from '../params.ts'
import { page, type Respond, required } from '../reply.ts'
import { streamText } from '../stream.ts'

type Parts = { readonly tokens: TokenAdmin; readonly audit: Audit; readonly log: Log }

export function tokenImportRoutes({ tokens, audit, log }: Parts, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.post('/import', async (c) => {
    const [params, facts] = [c.get('params'), c.get('facts')]
    const read = readRows(params)
    if (!read.ok) return respond(c, read, () => ({ value: null }))
    const dryRun = ['true', '1'].includes(param(params, 'dry_run')?.toLowerCase() ?? '')
    const { rows, problems } = read.value
    const info = `${rows.length + problems.length} rows${dryRun ? ' (dry run)' : ''}`
    await audit.write(facts, { success: true, info })
    const running = tokens.importTokens({ rows, problems, dryRun }, facts)
    return streamText(c, reportOf(running), { type: 'application/x-ndjson; charset=utf-8', log })
  })
  routes.all('/import', (c) => page(c, 405))
  return routes
}

function readRows(params: Params): Result<TokenRows, AdminFailure> {
  const given = required(params, 'csv')
  if (!given.ok) return given
  const read = readTokenRows(given.value.csv)
  return read.ok ? ok(read.value) : err({ code: 'parameter_invalid', field: 'csv', rule: read.error })
}

/** The rows as they are committed, the summary last. */
async function* reportOf(running: ReturnType<TokenAdmin['importTokens']>): AsyncGenerator<string> {
  for (;;) {
    const step = await running.next()
    yield `${JSON.stringify(step.done ? { summary: step.value } : step.value)}\n`
    if (step.done) return
  }
}
