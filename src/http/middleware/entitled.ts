/**
 * Entitled: lets an administrator call what his rights allow, by the table of the dialect, and hands on where they reach.
 * Behind authentication, before the routes. A call that the table does not know is refused to everybody but the operator.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { AdminFailure } from '../../core/failures.ts'
import type { Needed } from '../../core/policy/reach.ts'
import type { Entitle } from '../../flows/rights.ts'
import type { Env } from '../env.ts'
import type { Params } from '../params.ts'

/** undefined: nobody has said what the call needs. */
export type NeededBy = (call: string, params: Params) => Needed | undefined
export type RefuseRight = (c: Context<Env>, failure: AdminFailure) => Promise<Response>

/** @param neededBy by method and path as the routes have them, below the mount */
export function entitled(entitle: Entitle, neededBy: NeededBy, refuse: RefuseRight): MiddlewareHandler<Env> {
  return async (c, next) => {
    const caller = c.get('caller')
    if (caller && 'administrator' in caller) {
      const base = c.req.path.length - c.get('path').length
      // Middleware and the answer to wrong methods stand under every method; what is left does something.
      for (const { method, path } of matchedRoutes(c).filter((route) => route.method !== 'ALL')) {
        const call = `${method} ${path.slice(base)}`
        const needed = neededBy(call, c.get('params'))
        if (!needed) throw new Error(`nobody has declared which right ${call} needs`)
        const entitled = await entitle(needed, caller.version, c.get('facts'))
        if (!entitled.ok) return refuse(c, entitled.error)
        c.set('facts', entitled.value)
      }
    }
    return next()
  }
}
