/**
 * API key: how a client of /validate sends it. What clients can do differs: a header of its own, `Authorization: Bearer`,
 * Basic with the key as password whatever the user (rlm_rest, URLs with credentials), or, as privacyIDEA's clients do,
 * the bare key in Authorization or PI-Authorization.
 */
import type { Context } from 'hono'
import { auth } from 'hono/utils/basic-auth'
import type { Env } from './env.ts'

/** The key as it was sent, whatever it is; null: none. A header of its own counts first: a proxy may want the other one. */
export function apiKeyOf(c: Context<Env>): string | null {
  const own = c.req.header('x-api-key') || c.req.header('pi-authorization')
  const given = (own || c.req.header('authorization') || '').trim()
  if (given === '') return null
  if (!own && /^Basic(\s|$)/i.test(given)) return auth(c.req.raw)?.password ?? ''
  return given.replace(/^Bearer\s+/i, '')
}
