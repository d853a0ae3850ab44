/** /metrics: what was counted and timed, for Prometheus; with the API token of an administrator as its bearer token. */
import { Hono } from 'hono'
import type { MetricsPage } from '../../ports/metrics.ts'
import type { Env } from '../env.ts'
import { page } from '../reply.ts'

export function metricsRoutes(shown: MetricsPage | undefined): Hono<Env> {
  const routes = new Hono<Env>()
  routes.get('/', async (c) => {
    if (!shown) return page(c, 404)
    const { type, text } = await shown()
    return c.body(text, 200, { 'content-type': type, 'cache-control': 'no-store' })
  })
  return routes
}
