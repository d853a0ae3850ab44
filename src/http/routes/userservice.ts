/** /userservice: what users do for themselves (contract 10). Reading calls answer to GET as well, as do login and verify. */
import { type Context, Hono } from 'hono'
import type { AdminFailure } from '../../core/failures.ts'
import type { Result } from '../../core/result.ts'
import type { Audit } from '../../flows/audit.ts'
import type { SelfContexts } from '../../flows/self-context.ts'
import type { SelfEnroll } from '../../flows/self-enroll.ts'
import type { SelfHistory } from '../../flows/self-history.ts'
import type { LoginOutcome, SelfLogin } from '../../flows/self-login.ts'
import type { SelfOtps } from '../../flows/self-otps.ts'
import type { SelfSessions } from '../../flows/self-session.ts'
import type { SelfTokens } from '../../flows/self-tokens.ts'
import type { FindSelf, Self } from '../../flows/self-user.ts'
import type { SelfVerify, VerifyOutcome } from '../../flows/self-verify.ts'
import { success } from '../dialects/linotp/envelope.ts'
import { toLinotpError } from '../dialects/linotp/failures.ts'
import {
  decodeAuth,
  decodeEnroll,
  decodeHistory,
  decodeLogin,
  decodeSecondStep,
  decodeVerify,
  encodeContext,
  encodeHistory,
  encodeLogin,
  encodeOwnToken,
  encodePreContext,
  encodeSelf,
  encodeVerify,
} from '../dialects/linotp/userservice.ts'
import type { Env } from '../env.ts'
import {
  clearUserSession,
  heldSessions,
  noSession,
  selfAuth,
  sessionOf,
  setUserSession,
  type UserCookie,
} from '../middleware/self-auth.ts'
import { type Params, param } from '../params.ts'
import { json, page, type Respond, refuse, required } from '../reply.ts'

export type SelfFlows = {
  readonly selfSessions: SelfSessions
  readonly findSelf: FindSelf
  readonly selfLogin: SelfLogin
  readonly selfContexts: SelfContexts
  readonly selfTokens: SelfTokens
  readonly selfEnroll: SelfEnroll
  readonly selfVerify: SelfVerify
  readonly selfOtps: SelfOtps
  readonly selfHistory: SelfHistory
}

export type SelfParts = {
  readonly flows: SelfFlows
  readonly audit: Audit
  readonly respond: Respond
  /** The setting `errors`. */
  readonly errorsSetting: () => Promise<string>
}

type Ctx = Context<Env>
/** A call by somebody whose session lives. */
type Call = (c: Ctx, self: Self, params: Params) => Promise<Response>

const READ = ['GET', 'POST']
/** For a login that waits for its second factor, too. */
const HALFWAY: readonly string[] = ['/usertokenlist', '/userinfo']

export function userserviceRoutes(parts: SelfParts): Hono<Env> {
  const { flows, audit } = parts
  const routes = new Hono<Env>()
  routes.route('/', loginRoutes(parts))

  const auth = { sessions: flows.selfSessions, findSelf: flows.findSelf, audit }
  const whole = selfAuth(auth)
  const halfway = selfAuth(auth, ['credentials_verified', 'challenge_triggered', 'authenticated'])
  const serve = (methods: readonly string[], calls: Readonly<Record<string, Call>>) => {
    for (const [path, call] of Object.entries(calls)) {
      routes.use(path, HALFWAY.includes(path) ? halfway : whole)
      routes.on([...methods], path, (c) => {
        const self = c.get('self')
        if (!self) throw new Error('a call of self-service without its user') // selfAuth has set it
        return call(c, self, c.get('params'))
      })
      routes.all(path, (c) => page(c, 405))
    }
  }
  serve(READ, reads(parts))
  serve(['POST'], changes(parts))
  return routes
}

/** What needs no session. */
function loginRoutes({ flows, audit }: SelfParts): Hono<Env> {
  const { selfSessions, selfLogin, selfContexts } = flows
  const routes = new Hono<Env>()

  routes.on(READ, '/pre_context', async (c) =>
    json(c, success(true, 1, encodePreContext(await selfContexts.before(c.get('facts'))))),
  )

  routes.on(READ, '/login', async (c) => {
    const params = c.get('params')
    const login = decodeLogin(params)
    if (login) return answer(c, await selfLogin.byPassword(login, c.get('facts')), 'user_selfservice')
    const session = await sessionOf(c, selfSessions)
    if (session)
      return answer(
        c,
        await selfLogin.secondStep(session, decodeSecondStep(params), c.get('facts')),
        'user_selfservice',
      )
    return param(params, 'session') === null ? refused(c, 'user_missing') : noSession(c, audit)
  })

  routes.on(READ, '/auth', async (c) => {
    const login = decodeAuth(c.get('params'))
    if (!login) return refused(c, 'password_unreadable')
    return answer(c, await selfLogin.byPassword(login, c.get('facts')), 'userauthcookie')
  })

  routes.on(READ, '/logout', async (c) => {
    await selfSessions.end(await heldSessions(c, selfSessions), c.get('facts'))
    clearUserSession(c)
    return json(c, success(true, 0))
  })

  for (const path of ['/pre_context', '/login', '/auth', '/logout']) routes.all(path, (c) => page(c, 405))
  return routes

  /** As for whatever else is wrong with a login. */
  async function refused(c: Ctx, actionDetail: string): Promise<Response> {
    await audit.write(c.get('facts'), { success: false, actionDetail })
    return json(c, encodeLogin({ kind: 'refused' }))
  }
}

function answer(c: Ctx, outcome: LoginOutcome, cookie: UserCookie): Response {
  if ('session' in outcome) setUserSession(c, outcome.session, cookie)
  if (outcome.kind === 'busy') c.header('retry-after', '1')
  return json(c, encodeLogin(outcome), outcome.kind === 'busy' ? 429 : 200)
}

function reads({ flows, respond, errorsSetting }: SelfParts): Readonly<Record<string, Call>> {
  return {
    '/context': async (c, self) => json(c, success(true, 1, encodeContext(self, flows.selfContexts.of(self)))),

    '/userinfo': async (c, self) => json(c, success(encodeSelf(self), 0)),

    '/usertokenlist': async (c, self, params) => {
      const active = param(params, 'active')?.toLowerCase() === 'true'
      const tokens = await flows.selfTokens.list(self, active, c.get('facts'))
      return json(
        c,
        success(
          tokens.map((token) => encodeOwnToken(token, self.settings)),
          0,
        ),
      )
    },

    '/verify': async (c, self, params) => {
      const result = await flows.selfVerify(self, decodeVerify(params), c.get('facts'))
      if (!result.ok || result.value.kind !== 'failed')
        return respond(c, result as Result<Verified, AdminFailure>, encodeVerify) // what is left of it
      return refuse(c, toLinotpError(result.value.failure), await errorsSetting())
    },

    '/history': async (c, self, params) => {
      const decoded = decodeHistory(params)
      const found = decoded.ok ? await flows.selfHistory(self, decoded.value.query, c.get('facts')) : decoded
      if (!decoded.ok || !found.ok) return respond(c, found, () => ({ value: null }))
      return found.value === 'busy' ? tooMany(c) : json(c, encodeHistory(found.value, decoded.value.page))
    },

    '/getSerialByOtp': async (c, self, params) => {
      const named = required(params, 'otp')
      const type = param(params, 'type')?.toLowerCase() || null
      const found = named.ok
        ? await flows.selfOtps.findSerial(self, { otp: named.value.otp, type }, c.get('facts'))
        : named
      if (found.ok && found.value === 'busy') return tooMany(c)
      return respond(c, found, (serial) => ({ value: { serial: serial ?? '' } }))
    },
  }
}

function tooMany(c: Ctx): Response {
  c.header('retry-after', '1')
  return json(c, success(false, 1, { message: 'Too many searches at once: try again in a moment' }), 429)
}
type Verified = Exclude<VerifyOutcome, { kind: 'failed' }>

function changes({ flows, respond }: SelfParts): Readonly<Record<string, Call>> {
  const { selfTokens: tokens, selfEnroll, selfOtps } = flows
  const one =
    (change: SelfTokens['enable'], name: string, value: 1 | true = 1): Call =>
    async (c, self, params) => {
      const named = required(params, 'serial')
      const done = named.ok ? await change(self, named.value.serial, c.get('facts')) : named
      return respond(c, done, () => ({ value: { [name]: value } }))
    }

  return {
    '/enroll': async (c, self, params) =>
      respond(c, await selfEnroll(self, decodeEnroll(params), c.get('facts')), ({ serial }) => ({
        value: true,
        detail: { serial },
      })),
    '/enable': one(tokens.enable, 'enable token'),
    '/disable': one(tokens.disable, 'disable token'),
    '/delete': one(tokens.remove, 'delete token'),
    '/reset': one(tokens.reset, 'reset Failcounter'),
    '/unassign': one(tokens.unassign, 'unassign token', true),

    '/setpin': async (c, self, params) => {
      const named = required(params, 'userpin', 'serial')
      const done = named.ok
        ? await tokens.setPin(self, { serial: named.value.serial, pin: named.value.userpin }, c.get('facts'))
        : named
      return respond(c, done, () => ({ value: { 'set userpin': 1 } }))
    },

    '/setdescription': async (c, self, params) => {
      const named = required(params, 'serial', 'description')
      const done = named.ok ? await tokens.setDescription(self, named.value, c.get('facts')) : named
      return respond(c, done, () => ({ value: { 'set description': 1 } }))
    },

    '/resync': async (c, self, params) => {
      const named = required(params, 'serial', 'otp1', 'otp2')
      const done = named.ok
        ? await selfOtps.resync(
            self,
            { serial: named.value.serial, otps: [named.value.otp1, named.value.otp2] },
            c.get('facts'),
          )
        : named
      return respond(c, done, (right) => ({ value: { 'resync Token': right } }))
    },

    '/assign': async (c, self, params) => {
      const named = required(params, 'serial')
      const more = { pin: param(params, 'pin') || null, description: param(params, 'description') }
      const done = named.ok ? await tokens.assign(self, { ...named.value, ...more }, c.get('facts')) : named
      return respond(c, done, () => ({ value: { 'assign token': true } }))
    },
  }
}
