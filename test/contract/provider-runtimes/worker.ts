/** Performs tasks on workerd, with the edges of Cloudflare Workers. */
import { openSocket } from '../../../src/adapters/sockets/workers.ts'
import { performBy, type Task } from './tasks.ts'

const perform = performBy({
  clock: () => Math.floor(Date.now() / 1000),
  random: (count) => crypto.getRandomValues(new Uint8Array(count)),
  fetch: (...request) => fetch(...request),
  deadline: (after) => AbortSignal.timeout(after * 1000),
  openSocket,
  capabilities: { runtime: 'workers', files: false, smtpPort25: false, tlsOptions: false, sharedConnections: false },
  log: { debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined },
})

export default {
  async fetch(request: Request): Promise<Response> {
    try {
      return Response.json(await perform((await request.json()) as Task)) // written by the test
    } catch (error) {
      return new Response(String(error), { status: 500 })
    }
  },
}
