/** smpp ships no types; this is as much as is used: https://github.com/farhadi/node-smpp#api */
declare module 'smpp' {
  import type { EventEmitter } from 'node:events'
  import type { Socket, Server as TcpServer } from 'node:net'

  export type Pdu = {
    readonly command: string
    readonly command_status: number
    readonly [field: string]: unknown
    readonly response: (fields?: object) => Pdu
  }
  /** False when the socket takes nothing any more. */
  type Shortcut = (fields: object, onReply?: (reply: Pdu) => void) => boolean
  export interface Session extends EventEmitter {
    send: (pdu: Pdu) => boolean
    close: () => void
    destroy: () => void
    bind_transceiver: Shortcut
    submit_sm: Shortcut
    deliver_sm: Shortcut
    enquire_link: Shortcut
    unbind: Shortcut
  }
  const smpp: {
    readonly Session: new (options: { readonly socket: Socket }) => Session
    readonly createServer: (onSession: (session: Session) => void) => TcpServer
    readonly errors: Readonly<Record<string, number>>
  }
  export default smpp
}
