#!/usr/bin/env node
/** Node: the command line, and HTTP by way of @hono/node-server. */
import { createServer, type RequestListener, type ServerOptions } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { fetchVia } from '../adapters/fetch/node.ts'
import { runCli } from '../cli/main.ts'
import { type Address, type Handler, type Listening, nodeCapabilities, type TlsSource } from '../cli/platform.ts'

/** How often connections that have become idle are looked for while the server closes, in milliseconds. */
const IDLE_CHECK_MS = 50

/** A client has so long for its header and for the whole request; longer than a slow network needs, and no longer. */
const LIMITS: ServerOptions = { headersTimeout: 10_000, requestTimeout: 30_000, connectionsCheckingInterval: 2000 }

async function listen(handler: Handler, { host, port }: Address, tls?: TlsSource): Promise<Listening> {
  // Not loaded for the many commands that serve nothing.
  const { getRequestListener } = await import('@hono/node-server')
  const listener = getRequestListener(
    (request, { incoming }) =>
      handler(request, { peer: incoming.socket.remoteAddress ?? '', secure: tls !== undefined }),
    { hostname: host },
  )
  let closing = false
  const answer: RequestListener = (incoming, outgoing) => {
    // Else a busy client would keep its connection, and with it the server, for ever.
    if (closing) outgoing.shouldKeepAlive = false
    return listener(incoming, outgoing)
  }
  const secure = tls && createTlsServer({ ...LIMITS, ...tls.first, minVersion: 'TLSv1.2' }, answer)
  const server = secure ?? createServer(LIMITS, answer)
  const unwatch = secure && tls.watch((changed) => secure.setSecureContext({ ...changed, minVersion: 'TLSv1.2' }))
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
        unwatch?.()
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
