/** /validate on privacyIDEA's wire (contract A.7 to A.11). Public but for `triggerchallenge`; GET and POST. */
import { type Context, Hono } from 'hono'
import type { ChallengeFor } from '../../../flows/challenge-for.ts'
import type { Check } from '../../../flows/check.ts'
import { badParameter, userUnknown, WRONG_METHOD } from '../../dialects/privacyidea/failures.ts'
import type { Options } from '../../dialects/privacyidea/options.ts'
import {
  decodeChallengeFor,
  decodeCheck,
  encodeCheck,
  encodePoll,
  encodeSaml,
  encodeTriggered,
  errorOf,
  isUnknownUser,
  refusedParams,
} from '../../dialects/privacyidea/validate.ts'
import type { Env } from '../../env.ts'
import { param } from '../../params.ts'
import { repeatable } from '../../repeatable.ts'
import type { ValidateSettings } from '../validate.ts'
import type { Replies, Respond } from './replies.ts'

type Ctx = Context<Env>
type Flows = { readonly check: Check; readonly challengeFor: ChallengeFor }
type Wire = {
  readonly options: Options
  readonly replies: Replies
  readonly respond: Respond
  readonly settings: ValidateSettings
}

export function validateRoutes(flows: Flows, { options, replies, respond, settings }: Wire): Hono<Env> {
  const { answer, refuse } = replies
  const bare = (c: Ctx, status: 204 | 400): Response => c.body(null, status, { 'cache-control': 'no-store' })
  /** The outcome, or the error that is answered instead. */
  const check = async (c: Ctx) => {
    const given = c.get('params')
    const refused = refusedParams(given)
    if (refused) return refused
    const outcome = await flows.check(decodeCheck(given), await repeatable(c, settings.requestIdParameter))
    return errorOf(outcome, given, options.unknownUser) ?? outcome
  }

  const handlers: Readonly<Record<string, (c: Ctx) => Response | Promise<Response>>> = {
    '/check': async (c) => {
      const outcome = await check(c)
      return 'code' in outcome ? refuse(c, outcome) : answer(c, encodeCheck(outcome, c.get('params')))
    },
    '/radiuscheck': async (c) => {
      const outcome = await check(c)
      return bare(c, 'kind' in outcome && outcome.kind === 'accepted' ? 204 : 400)
    },
    '/samlcheck': async (c) => {
      const outcome = await check(c)
      if ('code' in outcome) return refuse(c, outcome)
      return answer(c, encodeSaml(outcome, c.get('params'), await settings.samlAttributes()))
    },
    '/triggerchallenge': async (c) => {
      const given = c.get('params')
      const refused = refusedParams(given)
      if (refused) return refuse(c, refused)
      const result = await flows.challengeFor(decodeChallengeFor(given), c.get('facts'))
      return respond(c, result, (outcome) =>
        // Who may trigger may know who there is.
        outcome.kind === 'rejected' && isUnknownUser(outcome.reason)
          ? userUnknown(param(given, 'user') ?? '')
          : encodeTriggered(outcome),
      )
    },
    '/polltransaction': (c) => {
      if (param(c.get('params'), 'transaction_id')) return answer(c, encodePoll())
      return refuse(c, badParameter("Missing parameter: 'transaction_id'"))
    },
    '/polltransaction/:id': (c) => answer(c, encodePoll()),
    // Passkeys: there are none here.
    '/initialize': (c) => refuse(c, badParameter('type must not be passkey: there are no such tokens here')),
  }

  const routes = new Hono<Env>()
  for (const [path, handler] of Object.entries(handlers)) {
    routes.on(['GET', 'POST'], path, handler)
    routes.all(path, (c) => refuse(c, WRONG_METHOD))
  }
  return routes
}
