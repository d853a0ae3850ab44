/** The HTTP service: middleware in order, the dialects under their paths, and what happens when something breaks. */
import { Hono, type MiddlewareHandler } from 'hono'
import { noMetrics } from '../ports/metrics.ts'
import type { Env } from './env.ts'
import { facts } from './middleware/facts.ts'
import { hardened } from './middleware/hardened.ts'
import { logged, shownPath } from './middleware/logged.ts'
import { measured } from './middleware/measured.ts'
import { mounted } from './middleware/mounted.ts'
import type { AppParts } from './parts.ts'
import { healthRoutes } from './routes/health.ts'

export function createApp(parts: AppParts): Hono<Env> {
  const { edges, mounts } = parts
  const app = new Hono<Env>()

  app.use(measured(edges.metrics ?? noMetrics))
  app.use(logged(edges.log))
  app.use(hardened)
  app.use(facts(edges, parts.proxies))
  app.use(async (c, next) => {
    if (parts.publicHttps) c.set('secure', true)
    await next()
  })
  app.use(mounted(mounts))
  app.route('/healthcheck', healthRoutes(parts.notReady, edges))
  app.use(readiness(parts))
  for (const { base, dialect } of mounts) app.route(base || '/', dialect.routes(parts))

  app.notFound((c) => c.get('dialect')?.notFound(c) ?? c.text('404 Not Found\n', 404, { 'cache-control': 'no-store' }))
  app.onError((error, c) => {
    // A broken edge, never an expected failure. Errors of the store carry SQL text, but no values.
    edges.log.error('request_failed', {
      request: c.get('facts')?.requestId,
      path: shownPath(c.req.path),
      error: describe(error),
    })
    c.env.broke?.(error)
    return c.get('dialect')?.broken(c) ?? c.text('500 Internal Server Error\n', 500)
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
        edges.log.error('not_ready', { request: c.get('facts').requestId, reason })
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
