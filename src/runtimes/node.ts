#!/usr/bin/env node
/** Node: the command line, and HTTP by way of @hono/node-server. */
import { createServer } from 'node:http'
import { fetchVia } from '../adapters/fetch/node.ts'
import { runCli } from '../cli/main.ts'
import { type Address, type Handler, type Listening, nodeCapabilities } from '../cli/platform.ts'

/** How often connections that have become idle are looked for while the server closes, in milliseconds. */
const IDLE_CHECK_MS = 50

async function listen(handler: Handler, { host, port }: Address): Promise<Listening> {
  // Not loaded for the many commands that serve nothing.
  const { getRequestListener } = await import('@hono/node-server')
  const listener = getRequestListener(
    (request, { incoming }) => handler(request, { peer: incoming.socket.remoteAddress ?? '', secure: false }),
    { hostname: host },
  )
  let closing = false
  const server = createServer((incoming, outgoing) => {
    // Else a busy client would keep its connection, and with it the server, for ever.
    if (closing) outgoing.shouldKeepAlive = false
    return listener(incoming, outgoing)
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  const address = server.address()
  return {
    host,
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () =>
      new Promise((resolve) => {
        closing = true
        // A kept-alive connection that was busy is idle after its answer, and would hold the server open.
        const timer = setInterval(() => server.closeIdleConnections(), IDLE_CHECK_MS)
        server.close(() => {
          clearInterval(timer)
          resolve()
        })
      }),
  }
}

await runCli({ capabilities: nodeCapabilities, fetchVia, listen }, process.argv.slice(2))
