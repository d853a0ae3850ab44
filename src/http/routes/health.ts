/** /healthcheck/status: for load balancers; no login, no envelope (contract 1.4). */
import { Hono } from 'hono'
import version from '../../version.ts'
import type { Env } from '../env.ts'
import { json } from '../reply.ts'

export function healthRoutes(): Hono<Env> {
  const routes = new Hono<Env>()
  let startedAt: number | undefined
  routes.get('/status', (c) => {
    const { now } = c.get('facts')
    startedAt ??= now
    return json(c, { status: 'alive', version, uptime: now - startedAt })
  })
  return routes
}
