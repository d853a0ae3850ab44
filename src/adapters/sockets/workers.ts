/**
 * Sockets on Cloudflare Workers, over `node:net` and `node:tls` of nodejs_compat.
 *
 * The connection goes to a name, not to an address, TLS included: an SMTP client that looked the name up itself would
 * do so over HTTPS, and Cloudflare's proxy finds the certificate by name. Certificates are always verified, against
 * the public authorities. Port 25 and private addresses are closed there.
 * Source: https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/
 */
import { connect as connectPlain, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { OpenSocket } from '../../ports/edges.ts'

/** Rejects with the socket's error or the signal's reason; the socket is destroyed then. */
export const openSocket: OpenSocket = ({ host, port, secure }, signal) =>
  new Promise<Socket>((resolve, reject) => {
    signal.throwIfAborted()
    const socket = secure ? connectTls({ host, port, servername: host }) : connectPlain({ host, port })
    const fail = (error: unknown) => {
      signal.removeEventListener('abort', abort)
      socket.destroy()
      reject(error)
    }
    const abort = () => fail(signal.reason)
    // Stays for good: an error nobody listens for would end the request.
    socket.on('error', fail)
    signal.addEventListener('abort', abort, { once: true })
    socket.once(secure ? 'secureConnect' : 'connect', () => {
      signal.removeEventListener('abort', abort)
      resolve(socket)
    })
  })
