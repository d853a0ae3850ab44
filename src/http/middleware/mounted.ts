/** Mounted: finds the dialect of a request, and the path that it has below its mount. */
import type { MiddlewareHandler } from 'hono'
import type { Env } from '../env.ts'
import { type Mount, mountAt } from '../mounts.ts'

export function mounted(mounts: readonly Mount[]): MiddlewareHandler<Env> {
  return async (c, next) => {
    const mount = mountAt(mounts, c.req.path)
    c.set('dialect', mount?.dialect ?? null)
    const path = c.req.path.slice(mount?.base.length ?? 0)
    c.set('path', path)
    c.set('facts', { ...c.get('facts'), path: path.replace(/^\/+/, '') })
    await next()
  }
}
