/**
 * Sockets for SMTP where the runtime's `node:net` and `node:tls` are complete: Node, Deno and Bun. Names are resolved
 * as the system does it, hosts file included, and each address is tried in turn.
 *
 * nodemailer is given a connected socket rather than left to open one: it would ask the name servers itself, and start
 * no time-out before that is done.
 */
import { connect as connectPlain, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import type { OpenSocket } from '../../ports/edges.ts'

/** @param tls what a TLS connection checks and presents; a plain connection ignores it */
export function socketOpener(tls: ConnectionOptions): OpenSocket {
  return ({ host, port, secure }, signal) =>
    new Promise<Socket>((resolve, reject) => {
      signal.throwIfAborted()
      const socket = secure ? connectTls({ ...tls, host, port }) : connectPlain({ host, port })
      const fail = (error: unknown) => {
        signal.removeEventListener('abort', abort)
        socket.destroy()
        reject(error)
      }
      const abort = () => fail(signal.reason)
      // Stays for good: an error nobody listens for would end the process.
      socket.on('error', fail)
      signal.addEventListener('abort', abort, { once: true })
      socket.once(secure ? 'secureConnect' : 'connect', () => {
        signal.removeEventListener('abort', abort)
        resolve(socket)
      })
    })
}
