/** Everything that privacyIDEA's dialect serves, under its paths, with the middleware that belongs to each. */
import { Hono } from 'hono'
import { err } from '../../../core/result.ts'
import type { RefusalReason } from '../../../flows/admission.ts'
import type { PiError } from '../../dialects/privacyidea/envelope.ts'
import {
  badParameter,
  CLIENT_NOT_ALLOWED,
  MISSING_HEADER,
  WRONG_CREDENTIALS,
} from '../../dialects/privacyidea/failures.ts'
import type { Options } from '../../dialects/privacyidea/options.ts'
import { neededBy } from '../../dialects/privacyidea/rights.ts'
import type { Env } from '../../env.ts'
import { audited } from '../../middleware/audited.ts'
import { createTurnAway, door } from '../../middleware/door.ts'
import { entitled, type RefuseRight } from '../../middleware/entitled.ts'
import { shownPath } from '../../middleware/logged.ts'
import { params, type RulesOf } from '../../middleware/params.ts'
import type { DialectParts } from '../../parts.ts'
import { authRoutes } from './auth.ts'
import { bearer, required } from './bearer.ts'
import { namedClient } from './named-client.ts'
import { createRespond, emptyReply, type Replies } from './replies.ts'
import { systemRoutes } from './system.ts'
import { tokenRoutes } from './token.ts'
import { validateRoutes } from './validate.ts'

const ADMINISTRATION = ['token', 'system', 'realm', 'user']
export const SEGMENTS = ['validate', 'auth', ...ADMINISTRATION]
/** Of /validate, the path whose clients are administrators and prove it: it takes no API key for /validate. */
const FOR_ADMINISTRATORS = '/validate/triggerchallenge'
const TURNED_AWAY: Readonly<Record<RefusalReason, PiError>> = {
  client_not_allowed: CLIENT_NOT_ALLOWED,
  api_key_missing: MISSING_HEADER,
  api_key_wrong: WRONG_CREDENTIALS,
  api_key_right_missing: WRONG_CREDENTIALS,
}
/** The same answer whatever happens. */
const isConstant = (path: string): boolean => path.startsWith('/validate/polltransaction')

export function privacyideaRoutes(
  { edges, audit, flows, ...parts }: DialectParts,
  options: Options,
  replies: Replies,
): Hono<Env> {
  const app = new Hono<Env>()
  const respond = createRespond(replies, audit, parts.namedUser)
  const rulesOf: RulesOf = (c) => ({
    ...{ json: 'wins', unambiguous: ['user', 'serial', 'pass', 'username', 'password'] },
    decodeAgain: options.decodingOf(c.req.header('user-agent') ?? ''),
  })
  const read = params((c, rule) => {
    edges.log.warn('request_unreadable', { request: c.get('facts').requestId, path: shownPath(c.req.path), rule })
    return replies.refuse(c, badParameter(`request ${rule}`))
  }, rulesOf)

  const turnAway = createTurnAway(flows.admission, (c, status, reason) =>
    c.get('path') === '/validate/radiuscheck' ? emptyReply(c, status) : replies.refuse(c, TURNED_AWAY[reason]),
  )
  const identified = bearer(flows.sessions)

  // `/auth/*` is `/auth` as well.
  for (const segment of SEGMENTS) app.use(`/${segment}/*`, audited(audit, edges.log, isConstant))
  app.use(
    '/validate/*',
    door(flows.admission, turnAway, (path) => path !== FOR_ADMINISTRATORS),
  )
  for (const path of [FOR_ADMINISTRATORS, '/auth/*', ...ADMINISTRATION.map((segment) => `/${segment}/*`)])
    app.use(path, identified)
  for (const segment of SEGMENTS) app.use(`/${segment}/*`, read)
  const refuseRight: RefuseRight = (c, failure) => respond(c, err(failure), () => ({ value: null }))
  const admins = [required(audit, replies), entitled(flows.entitle, neededBy, refuseRight)] as const
  app.use(FOR_ADMINISTRATORS, ...admins)
  // Behind the rights, and not where logins of administrators are counted: about himself nobody is believed.
  app.use('/validate/*', namedClient(options))
  for (const segment of ADMINISTRATION) app.use(`/${segment}/*`, ...admins)
  app.route('/validate', validateRoutes(flows, { options, replies, respond, settings: parts, turnAway }))
  app.route('/', authRoutes(flows, replies, admins))
  app.route('/', tokenRoutes(flows, options, respond))
  app.route('/', systemRoutes(flows, respond))
  return app
}
