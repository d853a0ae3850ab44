/**
 * Entitled: lets an administrator call what his rights allow, by the table in rights.ts, and hands on where they reach.
 * Behind admin-auth, before the routes. A call that the table does not know is refused to everybody but the operator.
 */
import type { MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Entitle } from '../../flows/rights.ts'
import type { Env } from '../env.ts'
import type { Respond } from '../reply.ts'
import { neededBy } from '../rights.ts'

export function entitled(entitle: Entitle, respond: Respond): MiddlewareHandler<Env> {
  return async (c, next) => {
    const caller = c.get('caller')
    if (caller && 'administrator' in caller) {
      // Middleware and the answer to wrong methods stand under every method; what is left does something.
      for (const { method, path } of matchedRoutes(c).filter((route) => route.method !== 'ALL')) {
        const needed = neededBy(`${method} ${path}`, c.get('params'))
        if (!needed) throw new Error(`nobody has declared which right ${method} ${path} needs`)
        const entitled = await entitle(needed, caller.version, c.get('facts'))
        if (!entitled.ok) return respond(c, entitled, () => ({ value: null }))
        c.set('facts', entitled.value)
      }
    }
    return next()
  }
}
