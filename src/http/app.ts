/** The HTTP service: middleware in order, routes under their paths, and what happens when something breaks. */
import { Hono, type MiddlewareHandler } from 'hono'
import type { Admins } from '../flows/admins.ts'
import type { Audit } from '../flows/audit.ts'
import type { AuditAdmin } from '../flows/audit-admin.ts'
import type { KeyAdmin } from '../flows/keys.ts'
import type { Login } from '../flows/login.ts'
import type { PolicyAdmin } from '../flows/policy-admin.ts'
import type { Restored } from '../flows/restored.ts'
import type { Entitle } from '../flows/rights.ts'
import type { TemplateAdmin } from '../flows/template-admin.ts'
import type { Edges } from '../ports/edges.ts'
import { noMetrics } from '../ports/metrics.ts'
import { failure } from './dialects/linotp/envelope.ts'
import { INTERNAL } from './dialects/linotp/failures.ts'
import type { Env } from './env.ts'
import { adminAuth, identify } from './middleware/admin-auth.ts'
import { audited } from './middleware/audited.ts'
import { entitled } from './middleware/entitled.ts'
import { facts, type ProxyList } from './middleware/facts.ts'
import { hardened } from './middleware/hardened.ts'
import { measured } from './middleware/measured.ts'
import { type BadBody, params } from './middleware/params.ts'
import { createRespond, json, type NamedUser, page, refuse } from './reply.ts'
import { type AdminFlows, adminRoutes, loginRoutes } from './routes/admin.ts'
import { auditlogRoutes, auditOperatorRoutes, auditRoutes } from './routes/audit.ts'
import { healthRoutes } from './routes/health.ts'
import { keyRoutes } from './routes/keys.ts'
import { metricsRoutes } from './routes/metrics.ts'
import { operatorRoutes } from './routes/operators.ts'
import { policyRoutes } from './routes/policies.ts'
import { type SystemFlows, systemRoutes } from './routes/system.ts'
import { templateRoutes } from './routes/templates.ts'
import { tokenImportRoutes } from './routes/token-import.ts'
import { type TokenFlows, tokenPageRoutes, tokenRoutes } from './routes/tokens.ts'
import { type LocalUserFlows, localUserRoutes } from './routes/users.ts'
import { usersV2Routes } from './routes/users-v2.ts'
import { type SelfFlows, userserviceRoutes } from './routes/userservice.ts'
import { refuseValidate, type ValidateFlows, type ValidateSettings, validateRoutes } from './routes/validate.ts'

export type AppParts = ValidateSettings & {
  readonly edges: Edges
  readonly audit: Audit
  readonly flows: ValidateFlows &
    AdminFlows &
    TokenFlows &
    SystemFlows &
    LocalUserFlows &
    SelfFlows & {
      readonly admins: Admins
      readonly login: Login
      readonly entitle: Entitle
      readonly policies: PolicyAdmin
      readonly audits: AuditAdmin
      readonly templates: TemplateAdmin
      readonly keys: KeyAdmin
      readonly restored: Restored
    }
  readonly namedUser: NamedUser
  /** The setting `errors`: codes for which `httperror` counts. */
  readonly errorsSetting: () => Promise<string>
  /** Why the service cannot work yet, or null. Asked before each request until it says null. */
  readonly notReady: () => Promise<string | null>
  readonly proxies: ProxyList
  /** The public address is https, so cookies are for https alone. */
  readonly publicHttps: boolean
}

const ADMINISTRATION = ['/admin/*', '/system/*', '/otpost/*', '/audit/*', '/api/*', '/metrics']
/** Asked by a machine every few seconds: a row for each would bury the others. */
const NOT_AUDITED = ['/metrics']

export function createApp(parts: AppParts): Hono<Env> {
  const { edges, audit, flows } = parts
  const app = new Hono<Env>()
  const respond = createRespond(audit, parts.errorsSetting, parts.namedUser)
  const badBody: BadBody = (c, rule) => refuse(c, { code: -311, message: `request body ${rule}` })

  app.use(measured(edges.metrics ?? noMetrics))
  app.use(hardened)
  app.use(facts(edges, parts.proxies))
  app.use(async (c, next) => {
    if (parts.publicHttps) c.set('secure', true)
    await next()
  })
  app.route('/healthcheck', healthRoutes(parts.notReady, edges.log))
  app.use(readiness(parts))
  for (const path of ['/validate/*', '/userservice/*', ...ADMINISTRATION])
    if (!NOT_AUDITED.includes(path)) app.use(path, audited(audit, edges.log))
  app.route('/validate', validateRoutes(flows, parts, edges.log))

  app.use('/userservice/*', params(badBody))
  app.route('/userservice', userserviceRoutes({ flows, audit, respond, errorsSetting: parts.errorsSetting }))

  const audits = { audits: flows.audits, log: edges.log }
  const administration = new Hono<Env>()
  for (const path of ADMINISTRATION) administration.use(path, identify(flows.sessions), params(badBody))
  administration.route('/admin', loginRoutes(flows))
  for (const path of ADMINISTRATION)
    administration.use(path, adminAuth(flows.sessions, audit), entitled(flows.entitle, respond))
  administration.route('/admin', adminRoutes(flows, respond, edges.log))
  administration.route('/admin', tokenRoutes(flows, respond))
  administration.route('/system', systemRoutes(flows, respond))
  administration.route('/system', policyRoutes(flows, respond))
  administration.route('/otpost', operatorRoutes(flows, respond))
  administration.route('/audit', auditRoutes(audits, respond))
  administration.route('/api/v2', auditlogRoutes(audits, respond))
  administration.route('/api/v2', usersV2Routes(flows, respond))
  administration.route('/otpost/users', localUserRoutes(flows, respond))
  administration.route('/api/v2', tokenPageRoutes(flows, respond))
  administration.route('/otpost/templates', templateRoutes(flows, respond))
  administration.route('/otpost/keys', keyRoutes(flows, respond))
  administration.route('/otpost/tokens', tokenImportRoutes({ ...flows, audit, log: edges.log }, respond))
  administration.route('/otpost/audit', auditOperatorRoutes(audits, respond))
  administration.route('/metrics', metricsRoutes(edges.metricsPage))
  app.route('/', administration)

  app.notFound((c) => page(c, 404))
  app.onError((error, c) => {
    // A broken edge, never an expected failure. Errors of the store carry SQL text, but no values.
    edges.log.error('request_failed', { request: c.get('facts')?.requestId, path: c.req.path, error: describe(error) })
    if (c.req.path.startsWith('/validate/')) return refuseValidate(c)
    return json(c, failure(INTERNAL), 500)
  })
  return app
}

function readiness({ edges, notReady }: AppParts): MiddlewareHandler<Env> {
  let ready = false
  /** Requests that come together ask together. */
  let asking: Promise<string | null> | undefined
  return async (c, next) => {
    if (!ready) {
      asking ??= notReady().finally(() => {
        asking = undefined
      })
      const reason = await asking
      if (reason !== null) {
        edges.log.error('not_ready', { reason })
        return c.text('503 Service Unavailable\n', 503, { 'retry-after': '5', 'cache-control': 'no-store' })
      }
      ready = true
    }
    await next()
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  const cause = error.cause instanceof Error ? ` (${error.cause.name}: ${error.cause.message})` : ''
  return `${error.name}: ${error.message}${cause}`
}
