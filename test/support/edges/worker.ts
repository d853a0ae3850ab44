/** Edges of a Worker. */
import { openSocket } from '../../../src/adapters/sockets/workers.ts'
import type { Edges } from '../../../src/ports/edges.ts'
import { plainEdges } from './plain.ts'

export const workerEdges: Edges = {
  ...plainEdges,
  openSocket,
  capabilities: { runtime: 'workers', files: false, smtpPort25: false, tlsOptions: false, sharedConnections: false },
}
