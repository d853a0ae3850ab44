/**
 * Admin-auth: who administers (contract 1.6). A session cookie with its CSRF token for browsers and LinOTP's clients, an
 * API token for scripts; a session token is never taken from the Authorization header.
 *
 * In two steps, since a stranger's body is read to a smaller limit: `identify` before the parameters are read,
 * `adminAuth` after, which finds the CSRF token among them.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { getCookie, setCookie } from 'hono/cookie'
import { equalInConstantTime } from '../../core/hotp.ts'
import type { Audit } from '../../flows/audit.ts'
import { fullName, type IssuedSession, SESSION_LIFETIME, type Sessions } from '../../flows/sessions.ts'
import type { Env } from '../env.ts'
import { param } from '../params.ts'
import { unauthorized } from '../reply.ts'

export const SESSION_COOKIE = 'access_token_cookie'
export const CSRF_COOKIE = 'csrf_access_token'

/** Sets `caller`, and `session` where there is one. Refuses nobody. */
export function identify(sessions: Sessions): MiddlewareHandler<Env> {
  return async (c, next) => {
    const authorization = c.req.header('authorization')
    const { now } = c.get('facts')
    if (c.env.operator !== undefined) c.set('caller', { operator: c.env.operator })
    else if (authorization !== undefined) {
      const bearer = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1]
      c.set('caller', bearer ? await sessions.readApiToken(bearer, now) : null)
    } else {
      const found = await sessions.read(getCookie(c, SESSION_COOKIE) ?? '', now)
      if (found) c.set('caller', { administrator: found.session.administrator, version: found.version })
      c.set('session', found?.session ?? null)
    }
    await next()
  }
}

/** Lets administrators pass, those with a session only with its CSRF token. */
export function adminAuth(sessions: Sessions, audit: Audit): MiddlewareHandler<Env> {
  return async (c, next) => {
    const caller = c.get('caller')
    if (caller === null || isForged(c)) {
      await audit.write(c.get('facts'), { success: false, info: 'Not authenticated' })
      return unauthorized(c)
    }
    const { administrator: by } = { administrator: undefined, ...caller }
    const administrator = 'operator' in caller ? caller.operator : fullName(caller.administrator)
    c.set('facts', { ...c.get('facts'), administrator, ...(by ? { by } : {}) })
    await next()
    const session = c.get('session')
    const renewed = session ? await sessions.renew(session, c.get('facts').now) : null
    if (renewed) setSession(c, renewed)
  }
}

/** A browser sends the cookie by itself, whoever made the page; only ours can read the CSRF token and repeat it. */
function isForged(c: Context<Env>): boolean {
  const session = c.get('session')
  if (session === null || ['GET', 'HEAD'].includes(c.req.method)) return false
  const given = c.req.header('x-csrf-token') ?? param(c.get('params'), 'csrf_token') ?? ''
  return !equalInConstantTime(session.csrf, given)
}

/** The session for the browser's eyes only, the CSRF token for its scripts to repeat. */
export function setSession(c: Context<Env>, { token, csrf }: IssuedSession): void {
  const shared = { path: '/', secure: c.get('secure'), sameSite: 'Strict', maxAge: SESSION_LIFETIME } as const
  setCookie(c, SESSION_COOKIE, token, { ...shared, httpOnly: true })
  setCookie(c, CSRF_COOKIE, csrf, shared)
}
