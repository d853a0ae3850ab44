/**
 * Bearer: who administers on privacyIDEA's wire (contract 0, trap 10): a session token or an API token, bare or behind
 * `Bearer`, in PI-Authorization or Authorization. Cookies count for nothing, so no page of others can ask in a browser.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { decode } from 'hono/jwt'
import type { Audit } from '../../../flows/audit.ts'
import { fullName, type Sessions } from '../../../flows/sessions.ts'
import type { PiError } from '../../dialects/privacyidea/envelope.ts'
import { EXPIRED_TOKEN, MISSING_HEADER, UNREADABLE_TOKEN } from '../../dialects/privacyidea/failures.ts'
import type { Env } from '../../env.ts'
import type { Replies } from './replies.ts'

const tokenOf = (c: Context<Env>): string | null =>
  (c.req.header('pi-authorization') ?? c.req.header('authorization'))?.replace(/^Bearer\s+/i, '').trim() || null

/** Sets `caller`. Refuses nobody. */
export function bearer(sessions: Sessions): MiddlewareHandler<Env> {
  return async (c, next) => {
    const token = tokenOf(c)
    const { now } = c.get('facts')
    if (c.env.operator !== undefined) c.set('caller', { operator: c.env.operator })
    else if (token !== null) {
      const script = await sessions.readApiToken(token, now)
      const person = script === null ? await sessions.read(token, now) : null
      if (script) c.set('caller', script)
      else if (person) c.set('caller', { administrator: person.session.administrator, version: person.version })
    }
    await next()
  }
}

/** Lets administrators pass. */
export function required(audit: Audit, { refuse }: Replies): MiddlewareHandler<Env> {
  return async (c, next) => {
    const caller = c.get('caller')
    if (caller === null) {
      await audit.write(c.get('facts'), { success: false, info: 'Not authenticated' })
      return refuse(c, whyNot(tokenOf(c), c.get('facts').now))
    }
    const by = 'operator' in caller ? null : caller.administrator
    const administrator = 'operator' in caller ? caller.operator : fullName(caller.administrator)
    c.set('facts', { ...c.get('facts'), administrator, ...(by ? { by } : {}) })
    return next()
  }
}

/** Clients renew a token that has expired, and ask anew for one that cannot be read. */
function whyNot(token: string | null, now: number): PiError {
  if (token === null) return MISSING_HEADER
  try {
    // Not verified: nothing but the text of the refusal hangs on it.
    const { exp } = decode(token).payload
    return exp !== undefined && exp <= now ? EXPIRED_TOKEN : UNREADABLE_TOKEN
  } catch {
    return UNREADABLE_TOKEN
  }
}
