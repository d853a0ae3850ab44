/**
 * Sockets on Cloudflare Workers, over `node:net` and `node:tls` of nodejs_compat.
 *
 * The connection goes to a name, not to an address, TLS included: an SMTP client that looked the name up itself would
 * do so over HTTPS, and Cloudflare's proxy finds the certificate by name. Certificates are always verified, against
 * the public authorities. Port 25 and private addresses are closed there.
 * Source: https://developers.cloudflare.com/workers/runtime-apis/tcp-sockets/
 */
import type { OpenSocket } from '../../ports/edges.ts'
import { socketOpener } from './opener.ts'

export const openSocket: OpenSocket = (target, signal) => socketOpener({ servername: target.host })(target, signal)
