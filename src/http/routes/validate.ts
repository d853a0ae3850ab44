/**
 * /validate: the API that RADIUS, PAM and web clients call. Public, unless settings say who may ask, so it says as little
 * as it can.
 *
 * A route takes the parsed parameters, decodes, runs one flow, encodes. It decides nothing. All of it answers to GET
 * and POST, since old clients still send GET.
 */
import { type Context, Hono } from 'hono'
import encodeQR from 'qr'
import type { AdmissionFlow } from '../../flows/admission.ts'
import type { Check, CheckCommand, CheckOutcome } from '../../flows/check.ts'
import type { Status } from '../../flows/status.ts'
import type { Edges } from '../../ports/edges.ts'
import { escapeHtml, success } from '../dialects/linotp/envelope.ts'
import {
  challengeDetail,
  decodeCheck,
  decodeCheckSerial,
  decodeCheckTransaction,
  decodeStatus,
  encodeCheck,
  encodeCheckSerial,
  encodeCheckTransaction,
  encodeSaml,
  encodeSimple,
  encodeSmsPin,
  encodeStatus,
  refusal,
  refusalOfSerial,
} from '../dialects/linotp/validate.ts'
import type { Env } from '../env.ts'
import { createTurnAway, door } from '../middleware/door.ts'
import { reasonOf, shownPath } from '../middleware/logged.ts'
import { params } from '../middleware/params.ts'
import { type Params, param } from '../params.ts'
import { repeatable } from '../repeatable.ts'
import { json, page } from '../reply.ts'

export type ValidateFlows = {
  readonly check: Check
  readonly status: Status
  readonly admission: AdmissionFlow
}

type Ctx = Context<Env>
type Handler = (c: Ctx, params: Params) => Response | Promise<Response>

/** What the settings say about these requests. */
export type ValidateSettings = {
  /** May `samlcheck` tell the user's attributes? */
  readonly samlAttributes: () => Promise<boolean>
  /** The parameter that stands for the header Idempotency-Key; empty: none. */
  readonly requestIdParameter: () => Promise<string>
}

export function validateRoutes(
  flows: ValidateFlows,
  { samlAttributes, requestIdParameter }: ValidateSettings,
  log: Edges['log'],
): Hono<Env> {
  const turnAway = createTurnAway(flows.admission, (c, status) => refuseValidate(c, status))

  const run = async (
    c: Ctx,
    command: CheckCommand,
    encode: (outcome: CheckOutcome) => Response | Promise<Response>,
  ) => {
    const outcome = await flows.check(command, await repeatable(c, requestIdParameter))
    c.set('reason', reasonOf(outcome))
    return outcome.kind === 'turned_away' ? turnAway(c, outcome.refusal) : encode(outcome)
  }
  const check = (c: Ctx, encode: (outcome: CheckOutcome) => Response | Promise<Response>) =>
    run(c, decodeCheck(c.get('params')), encode)

  const handlers: Readonly<Record<string, Handler>> = {
    '/check': (c, given) =>
      check(c, (outcome) =>
        outcome.kind === 'challenged' && param(given, 'qr') !== null
          ? qrPage(c, String(challengeDetail(outcome).message))
          : json(c, encodeCheck(outcome, given)),
      ),
    '/check_s': (c, given) => {
      const command = decodeCheckSerial(given)
      return run(c, command, (outcome) => json(c, encodeCheckSerial(outcome, command, given)))
    },
    '/check_t': (c, given) => {
      const command = decodeCheckTransaction(given)
      if (!command) return json(c, refusal())
      return run(c, command, (outcome) => json(c, encodeCheckTransaction(outcome, command.transactionId ?? '')))
    },
    '/check_status': async (c, given) => {
      const command = decodeStatus(given)
      if (!command) return json(c, encodeStatus([]))
      const outcome = await flows.status(command, c.get('facts'))
      return outcome.kind === 'turned_away' ? turnAway(c, outcome.refusal) : json(c, encodeStatus(outcome.entries))
    },
    '/simplecheck': (c) => check(c, (outcome) => plain(c, encodeSimple(outcome))),
    '/smspin': (c) => check(c, (outcome) => json(c, encodeSmsPin(outcome))),
    '/samlcheck': (c, given) =>
      check(c, async (outcome) => json(c, encodeSaml(outcome, given, await samlAttributes()))),
    '/radiuscheck': (c) => check(c, ({ kind }) => bare(c, kind === 'accepted' ? 204 : 400)),
    '/ok': (c) => json(c, success(true, 0)),
    '/fail': (c) => json(c, success(false, 0)),
  }

  const routes = new Hono<Env>()
  routes.use(door(flows.admission, turnAway))
  // Never an error: a body that cannot be read is a "no".
  routes.use(
    params((c, rule) => {
      log.warn('request_unreadable', { request: c.get('facts').requestId, path: shownPath(c.req.path), rule })
      return refuseValidate(c)
    }),
  )
  for (const [path, handler] of Object.entries(handlers)) {
    routes.on(['GET', 'POST'], path, (c) => handler(c, c.get('params')))
    routes.all(path, (c) => page(c, 405))
  }
  return routes
}

/** The "no" of each endpoint when nothing can be said, and whoever reads the body alone hears a no. */
export function refuseValidate(c: Ctx, status: 200 | 401 | 403 = 200): Response {
  switch (c.get('path').replace(/^\/validate\//, '')) {
    case 'simplecheck':
      return plain(c, ':-(', status)
    case 'radiuscheck':
      return bare(c, status === 200 ? 400 : status)
    case 'check_s':
      return json(c, refusalOfSerial(), status)
    default:
      return json(c, refusal(), status)
  }
}

const plain = (c: Ctx, text: string, status: 200 | 401 | 403 = 200): Response =>
  c.body(text, status, { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' })

const bare = (c: Ctx, status: 204 | 400 | 401 | 403): Response => c.body(null, status, { 'cache-control': 'no-store' })

/** The largest code, version 40, holds this many bytes at level M (ISO/IEC 18004 table 7). */
const MAX_QR_BYTES = 2331

/** `qr`: the message of a challenge as a QR code on a page of its own; one that is too long stands there as text alone. */
function qrPage(c: Ctx, message: string): Response {
  const code = new TextEncoder().encode(message).length <= MAX_QR_BYTES ? encodeQR(message, 'svg') : ''
  const body = `<!DOCTYPE html>\n<html><body>${code}<p>${escapeHtml(message)}</p></body></html>\n`
  return c.html(body, 200, { 'cache-control': 'no-store' })
}
