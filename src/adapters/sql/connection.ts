/** What a pool asks of a connection, and sockets for those who need one. */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { err } from '../../core/result.ts'
import type { SqlFailure, SqlOutcome, SqlServer, SqlStatement, SqlTls } from '../../ports/sql.ts'

export type SqlConnection = {
  /** One at a time. Never rejects. */
  readonly run: (statement: SqlStatement) => Promise<SqlOutcome>
  readonly isOpen: () => boolean
  /** Whether it keeps the process alive. */
  readonly hold: (process: boolean) => void
  /** Takes leave of the server; nothing is running. */
  readonly close: () => void
  /** Ends it at once, whatever is running. */
  readonly destroy: () => void
}

/** No statement takes longer on the server, whose work does not end with the connection: nobody waits longer. */
export const MAX_STATEMENT_SECONDS = 60

export const connectionFailed = (reason: string) => err<SqlFailure>({ code: 'connection_failed', reason })
export const statementRefused = (reason: string) => err<SqlFailure>({ code: 'statement_refused', reason })
export const valueRefused = (reason: string) => err<SqlFailure>({ code: 'value_refused', reason })

/** What a database says about a statement holds names and text of the operator's; it is cut, and made one line. */
export const quoted = (code: string, message: unknown): string =>
  `${code}: ${String(message)
    .replace(/[\s\p{C}]+/gu, ' ')
    .slice(0, 200)}`

/** @throws an `Error` with the `code` of the system, or the reason of `signal` */
export function openSocket(address: SqlServer['address'], signal: AbortSignal): Promise<Socket> {
  const socket = connectPlain(address)
  socket.setKeepAlive(true, 60_000)
  return ready(socket, 'connect', signal)
}

/** TLS over a connected socket. @throws as `openSocket`, and what a certificate lacks */
export function secure(socket: Socket, host: string, tls: SqlTls, signal: AbortSignal): Promise<TLSSocket> {
  // `host` is what the certificate is compared with; an address has no place in SNI (RFC 6066 §3).
  const name = isIP(host) ? { host } : { host, servername: host }
  return ready(connectTls({ ...tlsOptions(tls), ...name, socket }), 'secureConnect', signal)
}

export const tlsOptions = ({ verify, authority, client }: SqlTls): ConnectionOptions => ({
  rejectUnauthorized: verify !== 'nothing',
  ...(verify === 'host' ? {} : { checkServerIdentity: () => undefined }),
  ...(authority === undefined ? {} : { ca: authority }),
  ...(client && { cert: client.certificate, key: client.key }),
})

function ready<S extends Socket>(socket: S, event: string, signal: AbortSignal): Promise<S> {
  return new Promise<S>((resolve, reject) => {
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', abort)
      socket.destroy()
      reject(error)
    }
    const abort = () => fail(signal.reason)
    // Stays for good: an error nobody listens for would end the process.
    socket.on('error', fail)
    socket.once('close', () => fail(new Error('closed')))
    signal.addEventListener('abort', abort, { once: true })
    if (signal.aborted) abort()
    socket.once(event, () => {
      signal.removeEventListener('abort', abort)
      resolve(socket)
    })
  })
}
