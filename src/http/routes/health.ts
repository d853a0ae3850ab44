/** /healthcheck: for load balancers; no login, no envelope (contract 1.4). `status`: the process lives; `ready`: it can serve. */
import { Hono } from 'hono'
import type { Edges } from '../../ports/edges.ts'
import version from '../../version.ts'
import type { Env } from '../env.ts'
import { json } from '../reply.ts'

/** @param notReady asks database and keys; null: all is well. The reason is for the log alone */
export function healthRoutes(
  notReady: () => Promise<string | null>,
  { clock, log }: Pick<Edges, 'clock' | 'log'>,
): Hono<Env> {
  const startedAt = clock()
  const routes = new Hono<Env>()
  routes.get('/status', (c) => {
    const { now } = c.get('facts')
    return json(c, { status: 'alive', version, uptime: now - startedAt })
  })
  routes.get('/ready', async (c) => {
    const reason = await notReady().catch((error: unknown) => String(error))
    if (reason === null) return json(c, { status: 'ready' })
    log.error('not_ready', { request: c.get('facts').requestId, reason })
    return json(c, { status: 'not ready' }, 503)
  })
  return routes
}
