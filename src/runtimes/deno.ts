/** Deno: the command line, and HTTP by Deno.serve. Run with `deno run -A --node-modules-dir=manual`. */
import process from 'node:process'
import { fetchVia } from '../adapters/fetch/deno.ts'
import { runCli } from '../cli/main.ts'
import type { Address, Handler, Listening, TlsSource } from '../cli/platform.ts'

/** As much of Deno as is used here: https://docs.deno.com/api/deno/~/Deno.serve */
declare const Deno: {
  readonly serve: (
    options: { readonly hostname: string; readonly port: number; readonly onListen: () => void },
    handler: (
      request: Request,
      info: { readonly remoteAddr: { readonly hostname: string } },
    ) => Response | Promise<Response>,
  ) => { readonly addr: { readonly port: number }; readonly shutdown: () => Promise<void> }
}

async function listen(handler: Handler, { host, port }: Address, tls?: TlsSource): Promise<Listening> {
  if (tls) throw new Error('--tls-cert is served on Node: on Deno put a proxy in front that ends TLS')
  // Without onListen, Deno writes a line of its own to stdout.
  const server = Deno.serve({ hostname: host, port, onListen: () => {} }, (request, { remoteAddr }) =>
    handler(request, { peer: remoteAddr.hostname, secure: false }),
  )
  return { host, port: server.addr.port, close: () => server.shutdown() }
}

const capabilities = {
  runtime: 'deno',
  files: true,
  smtpPort25: true,
  tlsOptions: true,
  sharedConnections: true,
} as const

await runCli({ capabilities, fetchVia, listen }, process.argv.slice(2))
