/** /admin: login, logout and the list of users (contract 1.6, 7.1). */
import { Hono } from 'hono'
import { deleteCookie } from 'hono/cookie'
import type { Login } from '../../flows/login.ts'
import type { ResolverAdmin } from '../../flows/resolver-admin.ts'
import { fullName, type Sessions } from '../../flows/sessions.ts'
import type { UserList } from '../../flows/user-list.ts'
import type { Log } from '../../ports/edges.ts'
import { JSON_TYPE, success } from '../dialects/linotp/envelope.ts'
import { decodeUserlist, encodeTested, encodeUserlist, resolverName } from '../dialects/linotp/users.ts'
import type { Env } from '../env.ts'
import { CSRF_COOKIE, SESSION_COOKIE, setSession } from '../middleware/admin-auth.ts'
import { param } from '../params.ts'
import { json, page, type Respond, required, unauthorized } from '../reply.ts'
import { streamText } from '../stream.ts'

export type AdminFlows = {
  readonly sessions: Sessions
  readonly users: UserList
  readonly resolvers: ResolverAdmin
}

/** Login is the one thing under /admin that needs no session. */
export function loginRoutes({ login }: { readonly login: Login }): Hono<Env> {
  const routes = new Hono<Env>()
  routes.post('/login', async (c) => {
    const username = param(c.get('params'), 'username') ?? ''
    const issued = await login(username, param(c.get('params'), 'password') ?? '', c.get('facts'))
    if (issued === 'busy') {
      c.header('retry-after', '1')
      return json(c, success(false, 1, { message: 'Too many logins at once: try again in a moment' }), 429)
    }
    if (issued === 'limited') {
      c.header('retry-after', '60')
      return json(c, success(false, 1, { message: 'Too many failed logins: try again later' }), 429)
    }
    if (!issued) return json(c, success(false, 1, { message: 'Bad username or password' }), 401)
    setSession(c, issued)
    return json(c, success(true, 1, { message: `Login successful for ${username}` }))
  })
  routes.all('/login', (c) => page(c, 405))
  return routes
}

export function adminRoutes({ sessions, users, resolvers }: AdminFlows, respond: Respond, log: Log): Hono<Env> {
  const routes = new Hono<Env>()

  routes.on(['GET', 'POST'], '/logout', async (c) => {
    const session = c.get('session')
    if (!session) return unauthorized(c) // an API token or an operator has no session to end
    await sessions.logout(session, c.get('facts'))
    c.set('session', null) // or one that is about to end would be made anew in passing
    for (const cookie of [SESSION_COOKIE, CSRF_COOKIE]) deleteCookie(c, cookie, { path: '/', secure: c.get('secure') })
    return json(c, success(true, 1, { message: `Logout successful for ${fullName(session.administrator)}` }))
  })

  routes.on(['GET', 'POST'], '/userlist', async (c) => {
    const question = decodeUserlist(c.get('params'))
    const result = await users.list(question, c.get('facts'))
    if (!result.ok) return respond(c, result, () => ({ value: null }))
    const { users: found, settings, unavailable } = result.value
    if (unavailable.length > 0) {
      const missing = unavailable.map(({ resolver, reason }) => `${resolver} (${reason})`).join(', ')
      c.header('otpost-warning', encodeURI(`users are missing of ${missing}`))
    }
    return streamText(c, encodeUserlist(found, settings, question.page?.index ?? 0), { type: JSON_TYPE, log })
  })

  routes.post('/testresolver', async (c) => {
    const named = required(c.get('params'), 'name')
    const login = param(c.get('params'), 'user') || null
    const result = named.ok ? await resolvers.test(resolverName(named.value.name), login, c.get('facts')) : named
    return respond(c, result, (tested) => ({ value: encodeTested(tested) }))
  })

  for (const path of ['/logout', '/userlist', '/testresolver']) routes.all(path, (c) => page(c, 405))
  return routes
}
