/** /token on privacyIDEA's wire (contract A.13). For administrators; what changes something is POST or DELETE. */
import { type Context, Hono } from 'hono'
import type { AdminFailure } from '../../../core/failures.ts'
import { err, ok, type Result } from '../../../core/result.ts'
import type { ListChallenges } from '../../../flows/challenge-admin.ts'
import type { Enroll } from '../../../flows/enroll.ts'
import type { TokenAdmin } from '../../../flows/token-admin.ts'
import type { Selection } from '../../../flows/token-choice.ts'
import { toPiError } from '../../dialects/privacyidea/failures.ts'
import type { Options } from '../../dialects/privacyidea/options.ts'
import {
  chooseTokens,
  decodeInit,
  decodeSelection,
  decodeSettings,
  decodeShow,
  encodeChallenge,
  encodeInit,
  encodeToken,
  pageOf,
} from '../../dialects/privacyidea/tokens.ts'
import { userOf } from '../../dialects/privacyidea/users.ts'
import type { Env } from '../../env.ts'
import { param } from '../../params.ts'
import type { Respond } from './replies.ts'

type Ctx = Context<Env>
type Flows = { readonly enroll: Enroll; readonly tokens: TokenAdmin; readonly listChallenges: ListChallenges }

export function tokenRoutes({ enroll, tokens, listChallenges }: Flows, options: Options, respond: Respond): Hono<Env> {
  const routes = new Hono<Env>()
  const facts = (c: Ctx) => c.get('facts')
  const selection = (c: Ctx): Selection => decodeSelection(c.get('params'), c.req.param('serial'))

  for (const path of ['/token', '/token/'])
    routes.get(path, async (c) =>
      respond(c, await tokens.show(decodeShow(c.get('params')), facts(c)), (shown) => {
        const page = pageOf(chooseTokens(shown.tokens, c.get('params')), c.get('params'))
        return { value: { tokens: page.shown.map(encodeToken), ...page.paging } }
      }),
    )

  routes.post('/token/init', async (c) =>
    respond(c, await enroll(decodeInit(c.get('params'), options.prefixes), facts(c)), (enrolled) => ({
      value: true,
      detail: encodeInit(enrolled),
    })),
  )

  /** A token that is named must be there; a user may have none. */
  const changed = (c: Ctx, result: Result<number, AdminFailure>): Promise<Response> => {
    const [named] = selection(c).serials ?? []
    return respond(c, result, (value) =>
      value === 0 && named !== undefined ? toPiError({ code: 'token_unknown', serial: named }) : { value },
    )
  }
  const counted: Readonly<Record<string, (chosen: Selection, c: Ctx) => Promise<Result<number, AdminFailure>>>> = {
    enable: (chosen, c) => tokens.setActive(chosen, true, facts(c)),
    disable: (chosen, c) => tokens.setActive(chosen, false, facts(c)),
    reset: (chosen, c) => tokens.reset(chosen, facts(c)),
    set: (chosen, c) => change(chosen, decodeSettings(c.get('params')), c),
    setpin: (chosen, c) => {
      const pin = param(c.get('params'), 'otppin') ?? param(c.get('params'), 'pin')
      return pin === null
        ? Promise.resolve(err({ code: 'parameter_missing', field: 'otppin' }))
        : change(chosen, { pin }, c)
    },
    description: (chosen, c) => change(chosen, { description: param(c.get('params'), 'description') ?? '' }, c),
  }
  for (const [name, run] of Object.entries(counted))
    for (const path of [`/token/${name}`, `/token/${name}/:serial`])
      routes.post(path, async (c) => {
        const chosen = selection(c)
        if (chosen.serials === null && chosen.user === null)
          return respond(c, err({ code: 'parameter_missing', field: 'serial' }), () => ({ value: null }))
        return changed(c, await run(chosen, c))
      })

  for (const path of ['/token/assign', '/token/assign/:serial'])
    routes.post(path, async (c) => {
      const [serial] = selection(c).serials ?? []
      const user = userOf(c.get('params'))
      if (serial === undefined || user === null)
        return respond(c, err({ code: 'parameter_missing', field: serial === undefined ? 'serial' : 'user' }), () => ({
          value: null,
        }))
      const pin = param(c.get('params'), 'pin')
      return respond(c, await tokens.assign({ serials: [serial], user, pin }, facts(c)), () => ({ value: true }))
    })
  for (const path of ['/token/unassign', '/token/unassign/:serial'])
    routes.post(path, async (c) => {
      const [serial] = selection(c).serials ?? []
      if (serial === undefined)
        return respond(c, err({ code: 'parameter_missing', field: 'serial' }), () => ({ value: null }))
      return respond(c, await tokens.unassign([serial], facts(c)), (value) => ({ value }))
    })

  routes.delete('/token/:serial', async (c) => changed(c, await tokens.remove(selection(c), facts(c))))

  for (const path of ['/token/challenges', '/token/challenges/', '/token/challenges/:serial'])
    routes.get(path, async (c) => {
      const transaction = param(c.get('params'), 'transaction_id')
      const serial = c.req.param('serial') || param(c.get('params'), 'serial') || null
      const found = (await listChallenges(serial, facts(c))).filter(
        ({ parentId, transactionId }) => !transaction || transaction === parentId || transaction === transactionId,
      )
      const page = pageOf(found, c.get('params'))
      return respond(c, ok(page), ({ shown, paging }) => ({
        value: { challenges: shown.map(encodeChallenge), ...paging },
      }))
    })
  return routes

  /** @returns how many settings were changed, over all tokens */
  async function change(
    chosen: Selection,
    settings: Readonly<Record<string, string>>,
    c: Ctx,
  ): Promise<Result<number, AdminFailure>> {
    const done = await tokens.set(chosen, settings, facts(c))
    return done.ok ? ok(done.value.reduce((sum, { count }) => sum + count, 0)) : done
  }
}
