/** Params: reads query and body into one record, within a size limit. */
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Env } from '../env.ts'
import { type ParamRules, type Params, readParams } from '../params.ts'

/** What is wrong with a body, for the routes to answer in their own way. */
export type BadBody = (c: Parameters<MiddlewareHandler<Env>>[0], rule: string) => Response | Promise<Response>

/** The largest body of anybody. */
const MAX_BYTES = 64 * 1024
/** The largest body of an administrator: some ten thousand users with their hashes fit in. */
const MAX_ADMIN_BYTES = 8 * 1024 * 1024

export type RulesOf = (c: Context<Env>) => ParamRules | undefined

/** @param rulesOf what this dialect, or this client, does in its own way */
export function params(refuse: BadBody, rulesOf: RulesOf = () => undefined): MiddlewareHandler<Env> {
  const [stranger, administrator] = [reader(MAX_BYTES, refuse, rulesOf), reader(MAX_ADMIN_BYTES, refuse, rulesOf)]
  return (c, next) => (c.get('caller') === null ? stranger : administrator)(c, next)
}

function reader(maxBytes: number, refuse: BadBody, rulesOf: RulesOf): MiddlewareHandler<Env> {
  const limit = bodyLimit({
    maxSize: maxBytes,
    onError: (c) => {
      c.set('params', new Map())
      return refuse(c as Parameters<BadBody>[0], `must be at most ${maxBytes} bytes`) // the same context, typed by Hono
    },
  })
  return async (c, next) => {
    const none: Params = new Map()
    return limit(c, async () => {
      const read = await readParams(c.req.raw, rulesOf(c as Context<Env>))
      c.set('facts', { ...c.get('facts'), ...c.get('moment')() })
      c.set('params', read.ok ? read.value : none)
      if (!read.ok) c.res = await refuse(c, read.error)
      else await next()
    })
  }
}
