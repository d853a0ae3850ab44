/** Params: reads query and body into one record, within a size limit. */
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Result } from '../../core/result.ts'
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

/** Whoever sends his body slowly keeps neither a place here nor the rights that he had when he began. */
async function inTime<T>(reading: Promise<T>, c: Context<Env>): Promise<T | 'late'> {
  if (c.req.raw.body === null) return reading
  const deadline = c.get('bodyDeadline')()
  let onLate = () => {}
  const late = new Promise<'late'>((resolve) => {
    onLate = () => resolve('late')
    if (deadline.aborted) onLate()
    deadline.addEventListener('abort', onLate, { once: true })
  })
  try {
    return await Promise.race([reading, late])
  } finally {
    deadline.removeEventListener('abort', onLate)
  }
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
    let read: Result<Params, string> | undefined
    const reading = limit(c, async () => {
      read = await readParams(c.req.raw, rulesOf(c as Context<Env>))
    })
    const tooMuch = await inTime(reading, c)
    // What is still to come of the body keeps no connection either (RFC 9110 §15.5.9).
    if (tooMuch === 'late')
      return c.text('408 Request Timeout\n', 408, { 'cache-control': 'no-store', connection: 'close' })
    if (tooMuch || !read) return tooMuch
    c.set('facts', { ...c.get('facts'), ...c.get('moment')() })
    c.set('params', read.ok ? read.value : new Map())
    if (!read.ok) return refuse(c, read.error)
    await next()
  }
}
