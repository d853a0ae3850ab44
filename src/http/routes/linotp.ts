/** Everything that LinOTP's dialect serves, under its paths, with the middleware that belongs to each. */
import { Hono } from 'hono'
import { err } from '../../core/result.ts'
import type { Env } from '../env.ts'
import { adminAuth, identify } from '../middleware/admin-auth.ts'
import { audited } from '../middleware/audited.ts'
import { entitled, type RefuseRight } from '../middleware/entitled.ts'
import { type BadBody, params } from '../middleware/params.ts'
import type { DialectParts } from '../parts.ts'
import { createRespond, refuse } from '../reply.ts'
import { neededBy } from '../rights.ts'
import { adminRoutes, loginRoutes } from './admin.ts'
import { auditlogRoutes, auditOperatorRoutes, auditRoutes } from './audit.ts'
import { keyRoutes } from './keys.ts'
import { metricsRoutes } from './metrics.ts'
import { operatorRoutes } from './operators.ts'
import { policyRoutes } from './policies.ts'
import { systemRoutes } from './system.ts'
import { templateRoutes } from './templates.ts'
import { tokenImportRoutes } from './token-import.ts'
import { tokenPageRoutes, tokenRoutes } from './tokens.ts'
import { localUserRoutes } from './users.ts'
import { usersV2Routes } from './users-v2.ts'
import { userserviceRoutes } from './userservice.ts'
import { validateRoutes } from './validate.ts'

const ADMINISTRATION = ['admin', 'system', 'otpost', 'audit', 'api', 'metrics']
export const SEGMENTS = ['validate', 'userservice', ...ADMINISTRATION]
/** The same answer whatever happens, read with every page (contract 9), or asked by a machine every few seconds. */
const UNAUDITED: readonly string[] = [
  ...['/validate/ok', '/validate/fail', '/metrics'],
  ...['/userservice/pre_context', '/userservice/context', '/userservice/userinfo'],
]

export function linotpRoutes({ edges, audit, flows, ...parts }: DialectParts): Hono<Env> {
  const app = new Hono<Env>()
  const respond = createRespond(audit, parts.errorsSetting, parts.namedUser)
  const badBody: BadBody = (c, rule) => refuse(c, { code: -311, message: `request body ${rule}` })

  const refuseRight: RefuseRight = async (c, failure) => {
    const refused = await respond(c, err(failure), () => ({ value: null }))
    // Prometheus looks at the status alone.
    return c.get('path') === '/metrics'
      ? new Response(refused.body, { status: 403, headers: refused.headers })
      : refused
  }

  for (const segment of SEGMENTS)
    app.use(
      `/${segment}/*`,
      audited(audit, edges.log, (path) => UNAUDITED.includes(path)),
    )
  app.route('/validate', validateRoutes(flows, parts, edges.log))

  app.use('/userservice/*', params(badBody))
  app.route('/userservice', userserviceRoutes({ flows, audit, respond, errorsSetting: parts.errorsSetting }))

  const audits = { audits: flows.audits, log: edges.log }
  const administration = new Hono<Env>()
  for (const segment of ADMINISTRATION) administration.use(`/${segment}/*`, identify(flows.sessions), params(badBody))
  administration.route('/admin', loginRoutes(flows))
  for (const segment of ADMINISTRATION)
    administration.use(
      `/${segment}/*`,
      adminAuth(flows.sessions, audit),
      entitled(flows.entitle, neededBy, refuseRight),
    )
  administration.route('/admin', adminRoutes(flows, respond, edges.log))
  administration.route('/admin', tokenRoutes(flows, respond))
  administration.route('/system', systemRoutes(flows, respond))
  administration.route('/system', policyRoutes(flows, respond))
  administration.route('/otpost', operatorRoutes(flows, respond))
  administration.route('/audit', auditRoutes(audits, respond))
  administration.route('/api/v2', auditlogRoutes(audits, respond))
  administration.route('/api/v2', tokenPageRoutes(flows, respond))
  administration.route('/api/v2', usersV2Routes(flows, respond))
  administration.route('/otpost/users', localUserRoutes(flows, respond))
  administration.route('/otpost/tokens', tokenImportRoutes({ ...flows, audit, log: edges.log }, respond))
  administration.route('/otpost/templates', templateRoutes(flows, respond))
  administration.route('/otpost/keys', keyRoutes(flows, respond))
  administration.route('/otpost/audit', auditOperatorRoutes(audits, respond))
  administration.route('/metrics', metricsRoutes(edges.metricsPage))
  app.route('/', administration)
  return app
}
