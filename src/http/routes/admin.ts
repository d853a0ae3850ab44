/** /admin: login and tokens (contract 7.1). What changes something is POST only. */
import { Hono } from 'hono'
import { deleteCookie } from 'hono/cookie'
import type { AdminFailure } from '../../core/failures.ts'
import { ok, type Result } from '../../core/result.ts'
import type { Enroll } from '../../flows/enroll.ts'
import type { Login } from '../../flows/login.ts'
import type { RealmAdmin } from '../../flows/realm-admin.ts'
import { fullName, type Sessions } from '../../flows/sessions.ts'
import type { TokenAdmin } from '../../flows/token-admin.ts'
import {
  decodeInit,
  decodeSelection,
  decodeShow,
  encodeShown,
  encodeShownCsv,
  encodeUser,
} from '../dialects/linotp/admin.ts'
import { success } from '../dialects/linotp/envelope.ts'
import type { Env } from '../env.ts'
import { CSRF_COOKIE, SESSION_COOKIE, setSession } from '../middleware/admin-auth.ts'
import { lowerCased, type Params, param } from '../params.ts'
import { json, page, type Respond, required, unauthorized } from '../reply.ts'

export type AdminFlows = {
  readonly sessions: Sessions
  readonly enroll: Enroll
  readonly tokens: TokenAdmin
  readonly realms: RealmAdmin
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

export function adminRoutes({ sessions, enroll, tokens, realms }: AdminFlows, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()

  routes.on(['GET', 'POST'], '/logout', async (c) => {
    const session = c.get('session')
    if (!session) return unauthorized(c) // an API token or an operator has no session to end
    await sessions.logout(session, c.get('facts'))
    c.set('session', null) // or one that is about to end would be made anew in passing
    for (const cookie of [SESSION_COOKIE, CSRF_COOKIE]) deleteCookie(c, cookie, { path: '/', secure: c.get('secure') })
    return json(c, success(true, 1, { message: `Logout successful for ${fullName(session.administrator)}` }))
  })

  routes.post('/init', async (c) =>
    respond(c, await enroll(decodeInit(c.get('params')), c.get('facts')), ({ serial }) => ({
      value: true,
      detail: { serial },
    })),
  )

  routes.on(['GET', 'POST'], '/show', async (c) => {
    const result = await tokens.show(decodeShow(c.get('params')), c.get('facts'))
    if (result.ok && param(c.get('params'), 'outform')?.toLowerCase() === 'csv') {
      const headers = {
        'content-type': 'application/force-download',
        'content-disposition': 'attachment; filename=linotp-tokendata.csv',
      }
      return c.body(encodeShownCsv(result.value, c.get('params')), 200, { ...headers, 'cache-control': 'no-store' })
    }
    return respond(c, result, (shown) => ({ value: encodeShown(shown, c.get('params')) }))
  })

  routes.on(['GET', 'POST'], '/getTokenOwner', async (c) => {
    const named = required(c.get('params'), 'serial')
    const result = named.ok ? await tokens.owner(named.value.serial, c.get('facts')) : named
    // The user's attributes, never the password hash.
    return respond(c, result, (user) => ({ value: user?.attributes ?? {} }))
  })

  routes.on(['GET', 'POST'], '/check_serial', async (c) => {
    const named = required(c.get('params'), 'serial')
    const result = named.ok ? ok(await tokens.freeSerial(named.value.serial, c.get('facts'))) : named
    return respond(c, result, (serial) => ({
      value: { unique: serial === param(c.get('params'), 'serial'), new_serial: serial },
    }))
  })

  const counted: Readonly<
    Record<string, (params: Params, facts: Env['Variables']['facts']) => Promise<Result<number, AdminFailure>>>
  > = {
    '/remove': (params, facts) => tokens.remove(decodeSelection(params), facts),
    '/enable': (params, facts) => tokens.setActive(decodeSelection(params), true, facts),
    '/disable': (params, facts) => tokens.setActive(decodeSelection(params), false, facts),
    '/reset': (params, facts) => tokens.reset(decodeSelection(params), facts),
  }
  for (const [path, change] of Object.entries(counted))
    routes.post(path, async (c) =>
      respond(c, await change(c.get('params'), c.get('facts')), (count) => ({
        value: count,
        detail: count === 0 ? noToken(c.get('params')) : null,
      })),
    )

  routes.post('/set', async (c) => {
    const settings = Object.fromEntries(
      [...lowerCased(c.get('params'))].map(([name, value]) => [name, typeof value === 'string' ? value : '']),
    )
    const result = await tokens.set(decodeSelection(c.get('params')), settings, c.get('facts'))
    return respond(c, result, (done) => ({
      value: Object.fromEntries(done.map(({ name, count }) => [`set ${name}`, count])),
    }))
  })

  // LinOTP streams this list: no versionNumber, and `queried` beside the value.
  routes.on(['GET', 'POST'], '/userlist', async (c) => {
    const result = await realms.listUsers(param(c.get('params'), 'realm'), c.get('facts'))
    if (!result.ok) return respond(c, result, () => ({ value: null }))
    const users = result.value.map(encodeUser)
    const { versionNumber: _, ...envelope } = success(users, 1)
    return json(c, { ...envelope, result: { status: true, value: users, queried: users.length } })
  })

  for (const path of [
    '/init',
    '/show',
    '/set',
    '/logout',
    '/userlist',
    '/getTokenOwner',
    '/check_serial',
    ...Object.keys(counted),
  ])
    routes.all(path, (c) => page(c, 405))
  return routes
}

function noToken(params: Params): { message: string } | null {
  const serial = param(params, 'serial')
  if (serial !== null) return { message: `No token with serial ${serial}` }
  return param(params, 'user') === null ? null : { message: 'No tokens for this user' }
}
