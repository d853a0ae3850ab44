/** Logged: one line for each request on level debug, whatever became of it. */
import type { MiddlewareHandler } from 'hono'
import type { Log } from '../../ports/edges.ts'
import type { Env } from '../env.ts'
import { NO_ROUTE, routeOf } from './measured.ts'

export function logged(log: Log): MiddlewareHandler<Env> {
  return async (c, next) => {
    const began = performance.now()
    await next()
    const { requestId, client } = c.get('facts')
    const route = routeOf(c)
    log.debug('request', {
      ...{ request: requestId, client, method: c.req.method.slice(0, 10), status: c.res.status },
      ...(route === NO_ROUTE ? { path: shownPath(c.req.path) } : { route }),
      ...{ reason: c.get('reason'), milliseconds: Math.round(performance.now() - began) },
    })
  }
}

/**
 * As much of a path as nobody's name or secret stands in: `/validate/check&pass=…` and `/validate/check/ada/…` have been
 * seen. Its first two words of letters, then `…`.
 */
export function shownPath(path: string): string {
  const [begin = ''] = /^(?:\/(?:v\d|[a-z_.-]{1,40})(?=\/|$)){0,2}\/?/i.exec(path) ?? []
  return begin === path ? path : `${begin}…`
}

/** Of a verdict, in a word. */
export const reasonOf = (verdict: { readonly kind: string; readonly reason?: string }): string =>
  verdict.reason ?? verdict.kind
