/** Platform: what Node, Deno and Bun do each in their own way. All three have `node:` modules for the rest. */
import type { Capabilities } from '../ports/edges.ts'
import type { Connection } from '../http/env.ts'

export type Handler = (request: Request, connection: Connection) => Response | Promise<Response>
export type Listening = { readonly host: string; readonly port: number; readonly close: () => Promise<void> }

export type Platform = {
  readonly capabilities: Capabilities
  /** Listens; `port` 0 takes a free one. @throws when the address cannot be had */
  readonly listen: (handler: Handler, address: { readonly host: string; readonly port: number }) => Promise<Listening>
}
