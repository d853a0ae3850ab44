/**
 * Self-auth: who acts in self-service (contract 10.1). A cookie, and the same text as the parameter `session`, which only
 * a page of ours can read and repeat: no other page can act for a user. So the cookie must be within reach of scripts;
 * what is stolen that way is of use to nobody at another address, and is worth nothing after a logout.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { deleteCookie, getCookie, setCookie } from 'hono/cookie'
import type { CheckFailure } from '../../core/failures.ts'
import { equalInConstantTime } from '../../core/hotp.ts'
import type { Audit } from '../../flows/audit.ts'
import type { IssuedUserSession, SelfSessions } from '../../flows/self-session.ts'
import type { FindSelf } from '../../flows/self-user.ts'
import type { UserSession, UserSessionState } from '../../ports/self-service.ts'
import { NO_VALID_SESSION } from '../dialects/linotp/failures.ts'
import type { Env } from '../env.ts'
import { param } from '../params.ts'
import { unauthorized } from '../reply.ts'

/** That of `login`, and that of `auth`. */
export const USER_COOKIES = ['user_selfservice', 'userauthcookie'] as const
export type UserCookie = (typeof USER_COOKIES)[number]

export type SelfAuthParts = { readonly sessions: SelfSessions; readonly findSelf: FindSelf; readonly audit: Audit }

/** The live session of a request that shows it twice, or null. */
export async function sessionOf(c: Context<Env>, sessions: SelfSessions): Promise<UserSession | null> {
  const given = param(c.get('params'), 'session') ?? ''
  const held = USER_COOKIES.map((name) => getCookie(c, name)).find(
    (cookie) => cookie !== undefined && equalInConstantTime(cookie, given),
  )
  return held === undefined ? null : sessions.read(held, c.get('facts'))
}

/** Sessions of the cookies alone: enough to end them. */
export async function heldSessions(c: Context<Env>, sessions: SelfSessions): Promise<readonly UserSession[]> {
  const held = await Promise.all(USER_COOKIES.map((name) => sessions.read(getCookie(c, name) ?? '', c.get('facts'))))
  return held.filter((session) => session !== null)
}

/** Lets users pass whose session is in one of these states. */
export function selfAuth(
  { sessions, findSelf, audit }: SelfAuthParts,
  states: readonly UserSessionState[] = ['authenticated'],
): MiddlewareHandler<Env> {
  return async (c, next) => {
    const session = await sessionOf(c, sessions)
    const self = session && states.includes(session.state) ? await findSelf(session, c.get('facts')) : null
    if (!self?.ok) return noSession(c, audit, session, self?.error)
    c.set('self', self.value)
    return next()
  }
}

/** @param reason why its user may not act now, for the audit alone */
export async function noSession(
  c: Context<Env>,
  audit: Audit,
  session: UserSession | null = null,
  reason?: CheckFailure | 'session_ahead',
): Promise<Response> {
  const { login: user = '', realm = '' } = session ?? {}
  const why = reason === undefined ? {} : { actionDetail: reason }
  await audit.write(c.get('facts'), { success: false, user, realm, info: NO_VALID_SESSION.message, ...why })
  return unauthorized(c, NO_VALID_SESSION)
}

export function setUserSession(c: Context<Env>, { text, expiresAt }: IssuedUserSession, name: UserCookie): void {
  const maxAge = expiresAt - c.get('facts').now
  setCookie(c, name, text, { path: '/', secure: c.get('secure'), sameSite: 'Strict', maxAge })
}

export function clearUserSession(c: Context<Env>): void {
  for (const name of USER_COOKIES) deleteCookie(c, name, { path: '/', secure: c.get('secure') })
}
