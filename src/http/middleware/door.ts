/** Door: lets those pass to /validate who may ask (flows/admission.ts), before the body is read. */
import type { Context, MiddlewareHandler } from 'hono'
import type { AdmissionFlow, Refusal, RefusalReason } from '../../flows/admission.ts'
import { apiKeyOf } from '../api-key.ts'
import type { Env } from '../env.ts'

/** Answers whoever may not ask, once it stands in the audit. */
export type TurnAway = (c: Context<Env>, refusal: Refusal) => Promise<Response>

/** Either way of sending a key, for clients that send none before they are asked (RFC 9110 §11.6.1). */
const CHALLENGE = 'Bearer realm="otpost", Basic realm="otpost", charset="UTF-8"'

/** @param reply in the words of the dialect, under this status */
export function createTurnAway(
  { note }: Pick<AdmissionFlow, 'note'>,
  reply: (c: Context<Env>, status: 401 | 403, reason: RefusalReason) => Response | Promise<Response>,
): TurnAway {
  return async (c, refusal) => {
    c.set('reason', refusal.reason)
    await note(refusal, c.get('facts'))
    const status = refusal.reason === 'client_not_allowed' ? 403 : 401
    if (status === 401) c.header('www-authenticate', CHALLENGE)
    return reply(c, status, refusal.reason)
  }
}

/** @param needsKey not so where the path wants proof of another kind */
export function door(
  { ask }: Pick<AdmissionFlow, 'ask'>,
  turnAway: TurnAway,
  needsKey: (path: string) => boolean = () => true,
): MiddlewareHandler<Env> {
  return async (c, next) => {
    const asked = await ask({ presented: apiKeyOf(c), needsKey: needsKey(c.get('path')) }, c.get('facts'))
    if ('reason' in asked) return turnAway(c, asked)
    c.set('facts', { ...c.get('facts'), asker: asked })
    return next()
  }
}
