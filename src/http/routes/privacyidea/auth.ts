/** /auth on privacyIDEA's wire (contract A.12): for administrators, the same as log in at /admin/login. */
import { type Handler, Hono, type MiddlewareHandler } from 'hono'
import { tokenTypes } from '../../../core/tokens/index.ts'
import type { Login } from '../../../flows/login.ts'
import {
  BUSY,
  LIMITED,
  MISSING_USERNAME,
  WRONG_CREDENTIALS,
  WRONG_METHOD,
} from '../../dialects/privacyidea/failures.ts'
import type { Env } from '../../env.ts'
import { param } from '../../params.ts'
import type { Replies } from './replies.ts'

/** What an administrator may do here, in privacyIDEA's words. */
const RIGHTS = [
  ...['enrollEMAIL', 'enrollSMS', 'enable', 'disable', 'delete', 'reset', 'set', 'setpin', 'assign', 'unassign'],
  ...['tokenlist', 'userlist', 'triggerchallenge', 'getchallenges'],
]

export function authRoutes(
  { login }: { readonly login: Login },
  { answer, refuse }: Replies,
  admins: readonly [MiddlewareHandler<Env>, MiddlewareHandler<Env>],
): Hono<Env> {
  const routes = new Hono<Env>()

  const logIn: Handler<Env> = async (c) => {
    const username = param(c.get('params'), 'username') ?? ''
    if (username === '') return refuse(c, MISSING_USERNAME)
    const issued = await login(username, param(c.get('params'), 'password') ?? '', c.get('facts'))
    if (issued === 'busy' || issued === 'limited') {
      c.header('retry-after', issued === 'busy' ? '1' : '60')
      return refuse(c, issued === 'busy' ? BUSY : LIMITED)
    }
    if (!issued) return refuse(c, WRONG_CREDENTIALS)
    const who = { username, realm: '', role: 'admin', auth: true, log_level: 20 }
    const value = { token: issued.token, ...who, rights: RIGHTS, menus: ['tokens', 'users'] }
    return answer(c, { id: 2, value, authentication: 'ACCEPT', detail: {} })
  }
  for (const path of ['/auth', '/auth/']) {
    routes.post(path, logIn)
    routes.all(path, (c) => refuse(c, WRONG_METHOD))
  }

  routes.get('/auth/rights', ...admins, (c) =>
    answer(c, { id: 1, value: Object.fromEntries(tokenTypes.map(({ name }) => [name, DESCRIPTIONS[name] ?? name])) }),
  )
  routes.all('/auth/rights', (c) => refuse(c, WRONG_METHOD))
  return routes
}

const DESCRIPTIONS: Readonly<Record<string, string>> = {
  email: 'EMail: Send a One Time Password to the users email address.',
  sms: 'SMS: Send a One Time Password to the users mobile phone.',
}
