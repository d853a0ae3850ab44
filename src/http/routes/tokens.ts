/** /admin: tokens (contract 7.1), and /api/v2/tokens (7.6). What changes something is POST only. */
import { type Context, Hono } from 'hono'
import type { AdminFailure } from '../../core/failures.ts'
import { ok, type Result } from '../../core/result.ts'
import type { Enroll } from '../../flows/enroll.ts'
import type { Facts } from '../../flows/facts.ts'
import type { TokenAdmin } from '../../flows/token-admin.ts'
import { decodeInit, userOf } from '../dialects/linotp/admin.ts'
import {
  decodeChallenges,
  decodeFindByOtp,
  decodeLost,
  decodeSelection,
  decodeShow,
  encodeChallenges,
  encodeReplacement,
  encodeShown,
  encodeShownCsv,
} from '../dialects/linotp/tokens.ts'
import { decodeTokenPage, encodeTokenPage, encodeTokenRecord } from '../dialects/linotp/tokens-v2.ts'
import type { Env } from '../env.ts'
import { lowerCased, type Params, param, paramList } from '../params.ts'
import { type Answer, page, type Respond, required } from '../reply.ts'

export type TokenFlows = { readonly enroll: Enroll; readonly tokens: TokenAdmin }

/** What a call answers; each is one flow between decoding and encoding. */
type Call = (params: Params, facts: Facts) => Promise<Result<Answer, AdminFailure>>

export function tokenRoutes(flows: TokenFlows, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()
  const run = (call: Call) => async (c: Context<Env>) =>
    respond(c, await call(c.get('params'), c.get('facts')), (answer) => answer)

  routes.on(['GET', 'POST'], '/show', async (c) => {
    const params = c.get('params')
    const command = decodeShow(params)
    const result = command.ok ? await flows.tokens.show(command.value, c.get('facts')) : command
    if (result.ok && param(params, 'outform')?.toLowerCase() === 'csv') {
      const headers = {
        'content-type': 'application/force-download',
        'content-disposition': 'attachment; filename=linotp-tokendata.csv',
      }
      return c.body(encodeShownCsv(result.value, params), 200, { ...headers, 'cache-control': 'no-store' })
    }
    return respond(c, result, (shown) => ({ value: encodeShown(shown, params) }))
  })
  for (const [path, call] of Object.entries(readingCalls(flows))) routes.on(['GET', 'POST'], path, run(call))
  for (const [path, call] of Object.entries(changingCalls(flows))) routes.post(path, run(call))
  for (const path of ['/show', ...Object.keys(readingCalls(flows)), ...Object.keys(changingCalls(flows))])
    routes.all(path, (c) => page(c, 405))
  return routes
}

/** /api/v2/tokens: the same in pages, and one token. */
export function tokenPageRoutes({ tokens }: TokenFlows, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()
  for (const path of ['/tokens', '/tokens/'])
    routes.get(path, async (c) => {
      const command = decodeTokenPage(c.get('params'))
      const result = command.ok ? await tokens.show(command.value, c.get('facts')) : command
      return respond(c, result, (shown) => ({ value: encodeTokenPage(shown) }))
    })
  routes.get('/tokens/:serial', async (c) => {
    const where = { serials: [c.req.param('serial')] }
    const command = { where, user: null, order: 'serial', descending: false, page: null, pageSize: null } as const
    return respond(c, await tokens.show(command, c.get('facts')), (shown) => ({
      value: shown.tokens[0] ? encodeTokenRecord(shown.tokens[0], shown.settings) : {},
    }))
  })
  for (const path of ['/tokens', '/tokens/', '/tokens/:serial']) routes.all(path, (c) => page(c, 405))
  return routes
}

function readingCalls({ tokens }: TokenFlows): Readonly<Record<string, Call>> {
  return {
    // The user's attributes, never the password hash.
    '/getTokenOwner': async (params, facts) =>
      after(required(params, 'serial'), async ({ serial }) =>
        answer(await tokens.owner(serial, facts), (user) => user?.attributes ?? {}),
      ),
    '/check_serial': async (params, facts) =>
      after(required(params, 'serial'), async ({ serial }) =>
        answer(ok(await tokens.freeSerial(serial, facts)), (free) => ({ unique: free === serial, new_serial: free })),
      ),
    '/getSerialByOtp': async (params, facts) =>
      after(required(params, 'otp'), async ({ otp }) =>
        answer(await tokens.findByOtp(decodeFindByOtp(params, otp), facts), (token) => ({
          success: true,
          serial: token?.serial ?? '',
          user_login: token?.user?.login ?? '',
          user_resolver: token?.owner?.resolver ?? '',
        })),
      ),
    '/checkstatus': async (params, facts) =>
      answer(await tokens.challenges(decodeChallenges(params), facts), encodeChallenges),
  }
}

function changingCalls({ enroll, tokens }: TokenFlows): Readonly<Record<string, Call>> {
  const counted =
    (change: (params: Params, facts: Facts) => Promise<Result<number, AdminFailure>>): Call =>
    async (params, facts) => {
      const result = await change(params, facts)
      return result.ok ? ok({ value: result.value, detail: result.value === 0 ? noToken(params) : null }) : result
    }
  const copied =
    (copy: (from: string, to: string, facts: Facts) => Promise<Result<number, AdminFailure>>): Call =>
    async (params, facts) =>
      after(required(params, 'from', 'to'), async ({ from, to }) => answer(await copy(from, to, facts), () => true))

  return {
    '/init': async (params, facts) => {
      const result = await enroll(decodeInit(params), facts)
      return result.ok ? ok({ value: true, detail: { serial: result.value.serial } }) : result
    },
    '/remove': counted((params, facts) => tokens.remove(decodeSelection(params), facts)),
    '/enable': counted((params, facts) => tokens.setActive(decodeSelection(params), true, facts)),
    '/disable': counted((params, facts) => tokens.setActive(decodeSelection(params), false, facts)),
    '/reset': counted((params, facts) => tokens.reset(decodeSelection(params), facts)),
    '/set': async (params, facts) =>
      answer(await tokens.set(decodeSelection(params), texts(params), facts), (done) =>
        Object.fromEntries(done.map(({ name, count }) => [`set ${name}`, count])),
      ),
    '/setPin': async (given, facts) => {
      const params = lowerCased(given)
      return after(required(params, 'serial', 'userpin'), ({ serial }) => tokens.setUserPin(serial, facts))
    },
    '/setValidity': async (given, facts) => {
      const params = lowerCased(given)
      return after(required(params, 'tokens'), async () =>
        answer(await tokens.setValidity(paramList(params, 'tokens') ?? [], texts(params), facts), (serials) => serials),
      )
    },
    '/assign': async (params, facts) =>
      after(required(params, 'serial', 'user'), async () => {
        const [serials, user] = [paramList(params, 'serial') ?? [], userOf(params) ?? { user: '' }]
        const result = await tokens.assign({ serials, user, pin: param(params, 'pin') }, facts)
        // As in LinOTP, the number of tokens stands in the member `id` (contract 12.1 #19).
        return result.ok ? ok({ value: true, id: result.value }) : result
      }),
    '/unassign': async (params, facts) =>
      after(required(params, 'serial'), async () =>
        answer(await tokens.unassign(paramList(params, 'serial') ?? [], facts), () => true),
      ),
    '/resync': async (params, facts) =>
      after(required(params, 'otp1', 'otp2'), async ({ otp1, otp2 }) =>
        answer(await tokens.resync(decodeSelection(params), [otp1, otp2], facts), (done) => done),
      ),
    '/tokenrealm': async (params, facts) =>
      after(required(params, 'serial', 'realms'), async ({ serial, realms }) =>
        answer(await tokens.setRealms(serial, realms.split(','), facts), (count) => count),
      ),
    '/losttoken': async (params, facts) =>
      after(required(params, 'serial'), async () =>
        answer(await tokens.lost(decodeLost(params), facts), encodeReplacement),
      ),
    '/copyTokenPin': copied(tokens.copyPin),
    '/copyTokenUser': copied(tokens.copyUser),
  }
}

const after = async <T, R>(
  read: Result<T, AdminFailure>,
  then: (value: T) => Promise<Result<R, AdminFailure>>,
): Promise<Result<R, AdminFailure>> => (read.ok ? then(read.value) : read)

const answer = <T>(
  result: Result<T, AdminFailure>,
  encode: (value: T) => Answer['value'],
): Result<Answer, AdminFailure> => (result.ok ? ok({ value: encode(result.value) }) : result)

/** Parameters by lower-case name, for the endpoints that do not mind (contract 1.5). */
const texts = (params: Params): Readonly<Record<string, string>> =>
  Object.fromEntries([...lowerCased(params)].map(([name, value]) => [name, typeof value === 'string' ? value : '']))

function noToken(params: Params): { message: string } | null {
  const serial = param(params, 'serial')
  if (serial !== null) return { message: `No token with serial ${serial}` }
  return param(params, 'user') === null ? null : { message: 'No tokens for this user' }
}
