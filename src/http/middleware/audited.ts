/**
 * Audited: no request without a row. Flows write theirs with the change; what has none by then (nothing was changed,
 * the request could not be read, something broke) gets one here.
 */
import type { MiddlewareHandler } from 'hono'
import type { Audit } from '../../flows/audit.ts'
import type { Log } from '../../ports/edges.ts'
import type { Env } from '../env.ts'

/** Nothing was asked of otpost there: no such page, or the wrong method. */
const NOTHING = [404, 405]

/** @param isConstant the path answers the same whatever happens, and gets no row */
export function audited(audit: Audit, log: Log, isConstant: (path: string) => boolean): MiddlewareHandler<Env> {
  return async (c, next) => {
    await next()
    if (NOTHING.includes(c.res.status) || isConstant(c.get('path'))) return
    const success = c.error === undefined && c.res.status < 400 && isRead(c.req.method, c.get('path'))
    const actionDetail = c.error === undefined ? '' : 'internal_error'
    const { requestId } = c.get('facts')
    // The facts as authentication has completed them. A row that cannot be written turns no answer into another one;
    // where something broke before, the log has it already.
    await audit.complete(c.get('facts'), { success, actionDetail }).catch((error: unknown) => {
      if (c.error === undefined) log.error('audit_failed', { request: requestId, error: String(error) })
    })
  }
}

/** Reads succeed by being answered. Whatever else has no row has changed nothing, and a yes of /validate has its own. */
const isRead = (method: string, path: string): boolean =>
  !path.startsWith('/validate/') && (['GET', 'HEAD'].includes(method) || /\/get\w+/.test(path))
