/** Bun: the command line, and HTTP by Bun.serve. Run with `bun src/runtimes/bun.ts`. */
import { fetchVia } from '../adapters/fetch/bun.ts'
import { runCli } from '../cli/main.ts'
import type { Address, Handler, Listening, TlsSource } from '../cli/platform.ts'

type BunServer = {
  readonly port: number
  readonly requestIP: (request: Request) => { readonly address: string } | null
  readonly stop: () => Promise<void>
}

/** As much of Bun as is used here: https://bun.com/reference/bun/serve */
declare const Bun: {
  readonly serve: (options: {
    readonly hostname: string
    readonly port: number
    readonly development: false
    readonly reusePort: false
    readonly idleTimeout: number
    readonly fetch: (request: Request, server: BunServer) => Response | Promise<Response>
  }) => BunServer
}

/** Seconds without a byte before a connection is cut: longer than the longest OTPOST_SEND_DEADLINE. Bun's own is 10. */
const IDLE_TIMEOUT = 90

async function listen(handler: Handler, { host, port }: Address, tls?: TlsSource): Promise<Listening> {
  if (tls) throw new Error('--tls-cert is served on Node: on Bun put a proxy in front that ends TLS')
  const server = Bun.serve({
    hostname: host,
    port,
    development: false,
    // Said aloud, since Bun 1.4 would share a port that another Bun process listens on.
    reusePort: false,
    idleTimeout: IDLE_TIMEOUT,
    fetch: (request, server) => handler(request, { peer: server.requestIP(request)?.address ?? '', secure: false }),
  })
  return { host, port: server.port, close: () => server.stop() }
}

const capabilities = {
  runtime: 'bun',
  files: true,
  smtpPort25: true,
  tlsOptions: true,
  sharedConnections: true,
} as const

await runCli({ capabilities, fetchVia, listen }, process.argv.slice(2))
