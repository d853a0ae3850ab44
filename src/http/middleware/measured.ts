/** Measured: counts each request and takes its time, by the pattern of its route, and tells the client its request id. */
import type { Context, MiddlewareHandler } from 'hono'
import { routePath } from 'hono/route'
import type { Metrics } from '../../ports/metrics.ts'
import type { Env } from '../env.ts'

/** Anybody can make up paths; what is no route is one label. */
export const NO_ROUTE = 'none'
const METHODS = ['GET', 'HEAD', 'POST', 'DELETE', 'PUT', 'PATCH', 'OPTIONS']

/** The pattern of the route that has answered. */
export function routeOf(c: Context<Env>): string {
  const pattern = routePath(c, -1)
  return c.res.status === 404 || pattern.endsWith('*') ? NO_ROUTE : pattern
}

export function measured(metrics: Metrics): MiddlewareHandler<Env> {
  return async (c, next) => {
    const stop = metrics.time('request')
    await next()
    const route = routeOf(c)
    stop({ route })
    metrics.count('requests', {
      route,
      method: METHODS.includes(c.req.method) ? c.req.method : 'other',
      status: String(c.res.status),
    })
    c.header('x-request-id', c.get('facts').requestId)
  }
}
