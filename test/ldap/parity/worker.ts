/** A Worker that makes the attempt in the body of a request and answers with what became of it. */
import { openSocket } from '../../../src/adapters/sockets/workers.ts'
import type { Edges } from '../../../src/ports/edges.ts'
import { type Attempt, attempt, epochSeconds, randomBytes, silent } from './attempt.ts'

const edges: Edges = {
  clock: epochSeconds,
  random: randomBytes,
  fetch: (...request) => fetch(...request),
  deadline: (after) => AbortSignal.timeout(after * 1000),
  openSocket,
  capabilities: { runtime: 'workers', files: false, smtpPort25: false, tlsOptions: false, sharedConnections: false },
  log: silent,
}

export default {
  async fetch(request: Request): Promise<Response> {
    const one = (await request.json()) as Attempt // written by the test
    return Response.json(await attempt(one, edges))
  },
}
