/** /admin: login, logout and the list of users (contract 1.6, 7.1). */
import { Hono } from 'hono'
import { deleteCookie } from 'hono/cookie'
import type { RealmAdmin } from '../../flows/realm-admin.ts'
import { fullName, type Sessions } from '../../flows/sessions.ts'
import { encodeUser } from '../dialects/linotp/admin.ts'
import { success } from '../dialects/linotp/envelope.ts'
import type { Env } from '../env.ts'
import { CSRF_COOKIE, SESSION_COOKIE, setSession } from '../middleware/admin-auth.ts'
import { param } from '../params.ts'
import { json, page, type Respond, unauthorized } from '../reply.ts'

export type AdminFlows = {
  readonly sessions: Sessions
  readonly realms: RealmAdmin
}

/** Login is the one thing under /admin that needs no session. */
export function loginRoutes({ sessions }: Pick<AdminFlows, 'sessions'>): Hono<Env> {
  const routes = new Hono<Env>()
  routes.post('/login', async (c) => {
    const username = param(c.get('params'), 'username') ?? ''
    const issued = await sessions.login(username, param(c.get('params'), 'password') ?? '', c.get('facts'))
    if (issued === 'busy') {
      c.header('retry-after', '1')
      return json(c, success(false, 1, { message: 'Too many logins at once: try again in a moment' }), 429)
    }
    if (!issued) return json(c, success(false, 1, { message: 'Bad username or password' }), 401)
    setSession(c, issued)
    return json(c, success(true, 1, { message: `Login successful for ${username}` }))
  })
  routes.all('/login', (c) => page(c, 405))
  return routes
}

export function adminRoutes({ sessions, realms }: AdminFlows, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.on(['GET', 'POST'], '/logout', async (c) => {
    const session = c.get('session')
    if (!session) return unauthorized(c) // an API token or an operator has no session to end
    await sessions.logout(session, c.get('facts'))
    c.set('session', null) // or one that is about to end would be made anew in passing
    for (const cookie of [SESSION_COOKIE, CSRF_COOKIE]) deleteCookie(c, cookie, { path: '/', secure: c.get('secure') })
    return json(c, success(true, 1, { message: `Logout successful for ${fullName(session.username)}` }))
  })

  // LinOTP streams this list: no versionNumber, and `queried` beside the value.
  routes.on(['GET', 'POST'], '/userlist', async (c) => {
    const result = await realms.listUsers(param(c.get('params'), 'realm'), c.get('facts'))
    if (!result.ok) return respond(c, result, () => ({ value: null }))
    const users = result.value.map(encodeUser)
    const { versionNumber: _, ...envelope } = success(users, 1)
    return json(c, { ...envelope, result: { status: true, value: users, queried: users.length } })
  })

  for (const path of ['/logout', '/userlist']) routes.all(path, (c) => page(c, 405))
  return routes
}
