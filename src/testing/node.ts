/** otpost in this process: an SQLite file in a temporary folder, a port of 127.0.0.1. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createAdaptorServer } from '@hono/node-server'
import { jsonLog } from '../adapters/log/json.ts'
import { processEdges } from '../cli/edges.ts'
import { openServer } from '../cli/open.ts'
import { nodeCapabilities } from '../cli/platform.ts'
import { readConfig, type Variables } from '../config.ts'
import type { Edges } from '../ports/edges.ts'

export type Backend = { readonly url: string; readonly stop: () => Promise<void> }

/** @param log takes each line of the server's log */
export async function startInProcess(variables: Variables, log: (line: string) => void): Promise<Backend> {
  const config = readConfig({ OTPOST_SQLITE_SYNCHRONOUS: 'NORMAL', ...variables })
  if (!config.ok) throw new Error(config.error)
  const edges: Edges = { ...processEdges({ capabilities: nodeCapabilities }), log: jsonLog(log, config.value.logLevel) }
  const folder = await mkdtemp(join(tmpdir(), 'otpost-testing-'))
  const removeFolder = () => rm(folder, { recursive: true, force: true })
  const { app, close } = await openServer(config.value, edges, folder).catch(async (cause) => {
    await removeFolder()
    throw cause
  })
  const server = createAdaptorServer({
    // Request and Response of the test's own process stay as they are.
    overrideGlobalObjects: false,
    fetch: (request, { incoming }) => app.fetch(request, { peer: incoming.socket.remoteAddress ?? '', secure: false }),
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : ''}`,
    stop: async () => {
      const closed = new Promise((resolve) => server.close(resolve))
      if ('closeAllConnections' in server) server.closeAllConnections()
      await closed
      close()
      await removeFolder()
    },
  }
}
