/**
 * Admin-auth: who administers (contract 1.6). A session cookie with its CSRF token for browsers and LinOTP's clients, an
 * API token for scripts; a session token is never taken from the Authorization header.
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

export function adminAuth(sessions: Sessions, audit: Audit): MiddlewareHandler<Env> {
  return async (c, next) => {
    if (c.env.operator !== undefined) return next()
    const administrator = await authenticate(c)
    if (administrator === null) {
      await audit.write(c.get('facts'), { success: false, info: 'Not authenticated' })
      return unauthorized(c)
    }
    c.set('facts', { ...c.get('facts'), administrator })
    await next()
    const session = c.get('session')
    const renewed = session ? await sessions.renew(session, c.get('facts').now) : null
    if (renewed) setSession(c, renewed)
  }

  async function authenticate(c: Context<Env>): Promise<string | null> {
    const authorization = c.req.header('authorization')
    if (authorization !== undefined) {
      const bearer = /^Bearer\s+(\S+)$/i.exec(authorization)?.[1]
      const username = bearer ? await sessions.readApiToken(bearer) : null
      return username === null ? null : fullName(username)
    }
    const session = await sessions.read(getCookie(c, SESSION_COOKIE) ?? '', c.get('facts').now)
    if (!session) return null
    if (!['GET', 'HEAD'].includes(c.req.method)) {
      const given = c.req.header('x-csrf-token') ?? param(c.get('params'), 'csrf_token') ?? ''
      if (!equalInConstantTime(session.csrf, given)) return null
    }
    c.set('session', session)
    return fullName(session.username)
  }
}

/** The session for the browser's eyes only, the CSRF token for its scripts to repeat. */
export function setSession(c: Context<Env>, { token, csrf }: IssuedSession): void {
  const shared = { path: '/', secure: c.get('secure'), sameSite: 'Strict', maxAge: SESSION_LIFETIME } as const
  setCookie(c, SESSION_COOKIE, token, { ...shared, httpOnly: true })
  setCookie(c, CSRF_COOKIE, csrf, shared)
}
