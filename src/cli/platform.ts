/** Platform: what Node, Deno and Bun do each in their own way. All three have `node:` modules for the rest. */
import type { Connection } from '../http/env.ts'
import type { Capabilities, FetchVia } from '../ports/edges.ts'

export type Handler = (request: Request, connection: Connection) => Response | Promise<Response>
export type Address = { readonly host: string; readonly port: number }
export type Listening = Address & {
  /** Accepts no more connections, and settles when the running requests have had their answers. */
  readonly close: () => Promise<void>
}

/** PEM texts. */
export type TlsFiles = { readonly cert: string; readonly key: string }
export type TlsSource = {
  readonly first: TlsFiles
  /** Calls `use` with what has changed. @returns how to stop */
  readonly watch: (use: (changed: TlsFiles) => void) => () => void
}

/** Of Node, also where it runs inside other people's tests. */
export const nodeCapabilities: Capabilities = {
  runtime: 'node',
  files: true,
  smtpPort25: true,
  tlsOptions: true,
  sharedConnections: true,
}

export type Platform = {
  readonly capabilities: Capabilities
  readonly fetchVia?: FetchVia
  /** Listens; `port` 0 takes a free one. @throws when the address cannot be had, or where `tls` is not to be had here */
  readonly listen: (handler: Handler, address: Address, tls?: TlsSource) => Promise<Listening>
}
