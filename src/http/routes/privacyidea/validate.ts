/** /validate on privacyIDEA's wire (contract A.7 to A.11). `triggerchallenge` is for administrators; GET and POST. */
import { type Context, Hono } from 'hono'
import type { ChallengeFor } from '../../../flows/challenge-for.ts'
import type { Check, CheckOutcome } from '../../../flows/check.ts'
import type { PiError } from '../../dialects/privacyidea/envelope.ts'
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
import type { TurnAway } from '../../middleware/door.ts'
import { reasonOf } from '../../middleware/logged.ts'
import { param } from '../../params.ts'
import { repeatable } from '../../repeatable.ts'
import type { ValidateSettings } from '../validate.ts'
import { emptyReply, type Replies, type Respond } from './replies.ts'

type Ctx = Context<Env>
type Flows = { readonly check: Check; readonly challengeFor: ChallengeFor }
type Wire = {
  readonly options: Options
  readonly replies: Replies
  readonly respond: Respond
  readonly settings: ValidateSettings
  readonly turnAway: TurnAway
}

export function validateRoutes(flows: Flows, { options, replies, respond, settings, turnAway }: Wire): Hono<Env> {
  const { answer, refuse } = replies
  /** @param error answers an error instead of an outcome */
  const check = async (
    c: Ctx,
    encode: (outcome: CheckOutcome) => Response | Promise<Response>,
    error = (wrong: PiError): Response | Promise<Response> => refuse(c, wrong),
  ): Promise<Response> => {
    const given = c.get('params')
    const refused = refusedParams(given)
    if (refused) return error(refused)
    const outcome = await flows.check(decodeCheck(given), await repeatable(c, settings.requestIdParameter))
    c.set('reason', reasonOf(outcome))
    if (outcome.kind === 'turned_away') return turnAway(c, outcome.refusal)
    const wrong = errorOf(outcome, given, options.unknownUser)
    return wrong ? error(wrong) : encode(outcome)
  }

  const handlers: Readonly<Record<string, (c: Ctx) => Response | Promise<Response>>> = {
    '/check': (c) => check(c, (outcome) => answer(c, encodeCheck(outcome, c.get('params')))),
    '/radiuscheck': (c) =>
      check(
        c,
        ({ kind }) => emptyReply(c, kind === 'accepted' ? 204 : 400),
        () => emptyReply(c, 400),
      ),
    '/samlcheck': (c) =>
      check(c, async (outcome) => answer(c, encodeSaml(outcome, c.get('params'), await settings.samlAttributes()))),
    '/triggerchallenge': async (c) => {
      const given = c.get('params')
      const refused = refusedParams(given)
      if (refused) return refuse(c, refused)
      const result = await flows.challengeFor(decodeChallengeFor(given), c.get('facts'))
      if ('kind' in result) return turnAway(c, result.refusal)
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
