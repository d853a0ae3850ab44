/**
 * Sockets for LDAP: connected, and encrypted as the configuration says, before ldapts gets to see them.
 *
 * StartTLS (RFC 4511 §4.14) is done here and not by ldapts, which has no time-out for the handshake. A server that says
 * anything more in clear text after its consent is refused: that would be read as if it had come over TLS.
 */
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { err, ok } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import { type LdapConfig, type LdapServer, readPem } from './ldap-config.ts'
import { connectionFailure, type FromServer, failed, resultFailure } from './ldap-failures.ts'
import { createFrames, EXTENDED_RESPONSE, readAnswer } from './ldap-frames.ts'

/** Message 1: the extended request 1.3.6.1.4.1.1466.20037. */
const START_TLS = Buffer.concat([
  Buffer.from([0x30, 0x1d, 0x02, 0x01, 0x01, 0x77, 0x18, 0x80, 0x16]),
  Buffer.from('1.3.6.1.4.1.1466.20037'),
])

/** A socket on which the next byte is LDAP. It never throws an error that nobody hears. */
export async function openLdapSocket(
  config: LdapConfig,
  server: LdapServer,
  edges: Edges,
  signal: AbortSignal,
): FromServer<Socket> {
  const { host, port, encryption } = server
  const secure = encryption === 'implicit'
  if (edges.openSocket) {
    // Such a runtime cannot turn a connection into an encrypted one, and clear text is not what was configured.
    if (encryption === 'starttls') return err(failed('starttls_impossible'))
    try {
      return ok(await edges.openSocket({ host, port, secure }, signal))
    } catch (error) {
      return err(signal.aborted ? failed('timeout') : connectionFailure(error, secure))
    }
  }
  let tls: ConnectionOptions
  try {
    tls = await tlsOptions(config, server, edges)
  } catch {
    return err(failed('pem_unreadable'))
  }
  if (secure) return connected(() => connectTls({ ...tls, port }), 'secureConnect', signal)
  const plain = await connected(() => connectPlain({ host, port }), 'connect', signal)
  return plain.ok && encryption === 'starttls' ? startTls(plain.value, tls, signal) : plain
}

async function startTls(socket: Socket, tls: ConnectionOptions, signal: AbortSignal): FromServer<Socket> {
  const answer = await firstAnswer(socket, signal)
  if (answer === 'timeout' || answer === 'connection_closed' || answer === 'protocol_error') {
    socket.destroy()
    return err(failed(answer))
  }
  const { tag, result } = answer
  if (tag !== EXTENDED_RESPONSE || result !== 0) {
    socket.destroy()
    return err(
      tag === EXTENDED_RESPONSE && result
        ? { ...resultFailure(result), reason: 'starttls_refused' }
        : failed('protocol_error'),
    )
  }
  return connected(() => connectTls({ ...tls, socket }), 'secureConnect', signal)
}

type Answer = ReturnType<typeof readAnswer>

/** Asks for TLS, and hears the one message that says whether. */
function firstAnswer(
  socket: Socket,
  signal: AbortSignal,
): Promise<Answer | 'timeout' | 'connection_closed' | 'protocol_error'> {
  const frames = createFrames()
  let received = 0
  return new Promise((resolve) => {
    const settle = (outcome: Parameters<typeof resolve>[0]) => {
      socket.off('data', onData).off('close', onClose).off('end', onClose)
      signal.removeEventListener('abort', onAbort)
      resolve(outcome)
    }
    const onAbort = () => settle('timeout')
    const onClose = () => settle('connection_closed')
    const onData = (chunk: Buffer) => {
      received += chunk.length
      const messages = frames(chunk)
      if (messages === null) return settle('protocol_error')
      const [message] = messages
      if (message) settle(message.length === received ? readAnswer(message) : 'protocol_error')
    }
    if (signal.aborted) return resolve('timeout')
    signal.addEventListener('abort', onAbort, { once: true })
    socket.on('data', onData).on('close', onClose).on('end', onClose)
    socket.write(START_TLS)
  })
}

/** Waits for `event`; until then an error, an end or the signal destroy the socket. */
function connected(open: () => Socket, event: 'connect' | 'secureConnect', signal: AbortSignal): FromServer<Socket> {
  const secure = event === 'secureConnect'
  return new Promise((resolve) => {
    if (signal.aborted) return resolve(err(failed('timeout')))
    let socket: Socket
    try {
      socket = open()
    } catch (error) {
      return resolve(err(connectionFailure(error, secure))) // a certificate that OpenSSL cannot read
    }
    const settle = (outcome: Awaited<FromServer<Socket>>) => {
      signal.removeEventListener('abort', onAbort)
      socket.off('close', onClose).off(event, onReady)
      if (!outcome.ok) socket.destroy()
      resolve(outcome)
    }
    const onReady = () => settle(ok(socket))
    const onAbort = () => settle(err(failed('timeout')))
    const onClose = () => settle(err(failed(secure ? 'tls_failed' : 'connection_closed')))
    // Stays for good: an error nobody listens for would end the process.
    socket.on('error', (error) => settle(err(connectionFailure(error, secure))))
    socket.once('close', onClose).once(event, onReady)
    signal.addEventListener('abort', onAbort, { once: true })
  })
}

async function tlsOptions(config: LdapConfig, { host }: LdapServer, edges: Edges): Promise<ConnectionOptions> {
  return {
    host,
    rejectUnauthorized: config.verifyCertificate,
    // An address has no place in SNI (RFC 6066 §3); the certificate is compared with it all the same.
    ...(isIP(host) ? {} : { servername: host }),
    ...(config.authority && { ca: await readPem(config.authority, edges) }),
  }
}
