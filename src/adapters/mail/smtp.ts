/**
 * SMTPEmailProvider: mail over SMTP (RFC 5321), with STARTTLS (RFC 3207), implicit TLS (RFC 8314) and AUTH (RFC 4954).
 *
 * nodemailer speaks the protocol; this file decides what may be said: one recipient, no message without the login that
 * was configured, no clear text where TLS was. A message settles by the caller's signal whatever the server does. At most
 * `MAX_CONNECTIONS` are open at once from this process, and each is handed on to the next message that waits. Class names: contract/linotp.md §4.5. Why nodemailer: docs/adr.
 */
import { isIP, type Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import { isEmailAddress } from '../../core/fields.ts'
import type { Edges } from '../../ports/edges.ts'
import { createLine } from '../../ports/line.ts'
import { type Delivery, defineProvider, type Message, type Send } from '../../ports/provider.ts'
import { connectionReason } from '../../ports/socket-reasons.ts'
import { mailDefaults } from './fields.ts'
import { readPem, readSmtpConfig, type SmtpConfig } from './smtp-config.ts'
import { openSession, type Session } from './smtp-dialogue.ts'
import { refused, unavailable } from './smtp-failures.ts'
import { composeMessage } from './smtp-message.ts'
import { socketOpener } from './smtp-socket.ts'

export const provider = defineProvider<SmtpConfig>({
  name: 'SMTPEmailProvider',
  classNames: [
    'SMTPEmailProvider',
    'linotp.provider.emailprovider.SMTPEmailProvider',
    'linotp.lib.emailprovider.SMTPEmailProvider',
    'emailprovider.HttpemailProvider.HttpSMSProvider',
  ],
  secretKeys: ['SMTP_PASSWORD'],
  boundKeys: ['SMTP_SERVER', 'SMTP_PORT', 'PORT', 'SMTP_USER', 'START_TLS', 'USE_SSL', 'TLS_CA', 'TLS_INSECURE'],
  sample: {
    SMTP_SERVER: 'mail.example.com',
    SMTP_PORT: 587,
    START_TLS: true,
    SMTP_USER: 'otp',
    SMTP_PASSWORD: 'change me',
    EMAIL_FROM: 'One-time passwords <otp@example.com>',
    EMAIL_SUBJECT: 'Your OTP',
    TIMEOUT: 5,
  },
  read: readSmtpConfig,
  defaults: ({ subject, from, template }) => mailDefaults(subject, from, template),
  create: sendOverSmtp,
})

function sendOverSmtp(config: SmtpConfig, edges: Edges): Send {
  const line = createLine<Session>(config.maxConnections, 'smtp', edges.metrics)

  return async (mail, signal) => {
    if (!isEmailAddress(mail.to)) return refused('address_invalid')
    const handed = await line.enter(signal)
    if (handed === 'aborted') return unavailable('deadline')

    const stop = new AbortController()
    const { promise: deadline, resolve } = Promise.withResolvers<Attempt>()
    const onAbort = () => {
      resolve({ delivery: unavailable('deadline'), session: null })
      stop.abort()
    }
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    let session: Session | null = null
    try {
      const attempt = await Promise.race([deadline, deliver({ config, edges, handed }, mail, stop.signal)])
      session = attempt.session
      return attempt.delivery
    } finally {
      signal.removeEventListener('abort', onAbort)
      line.leave(session)
    }
  }
}

/** `session` can take another message. */
type Attempt = { readonly delivery: Delivery; readonly session: Session | null }
type Parts = { readonly config: SmtpConfig; readonly edges: Edges; readonly handed: Session | null }

/** One attempt. Never rejects; when `signal` aborts its socket is destroyed and the result no longer counts. */
async function deliver(parts: Parts, mail: Message, signal: AbortSignal): Promise<Attempt> {
  const message = await composeMessage(parts.config, mail, parts.edges.clock())
  const opened = await connect(parts, signal)
  if ('failure' in opened) return { delivery: opened.failure, session: null }
  const { session } = opened
  const failure = await session.send(message, signal)
  if (!failure) return { delivery: { status: 'accepted', reference: mail.id }, session }
  session.close()
  return { delivery: failure, session: null }
}

/** The session that was handed on, if the server still listens, else a new one. */
async function connect(
  { config, edges, handed }: Parts,
  signal: AbortSignal,
): Promise<{ readonly session: Session } | { readonly failure: Delivery }> {
  if (handed) {
    if (await handed.isGood(signal)) return { session: handed }
    handed.close()
  }
  let tls: ConnectionOptions
  try {
    tls = await tlsOptions(config, edges)
  } catch {
    return { failure: unavailable('pem_unreadable') }
  }
  const secure = config.encryption === 'implicit'
  const open = edges.openSocket ?? socketOpener(tls)
  const limit = edges.deadline(Math.ceil(config.timeout))
  let socket: Socket
  try {
    socket = await open({ host: config.host, port: config.port, secure }, AbortSignal.any([signal, limit]))
  } catch (error) {
    return { failure: unavailable(limit.aborted ? 'timeout' : connectionReason(error, secure)) }
  }
  return openSession({ config, tls, socket }, signal)
}

/** Empty where the runtime lets nobody choose: there any option is an error. */
async function tlsOptions(config: SmtpConfig, edges: Edges): Promise<ConnectionOptions> {
  if (config.encryption === 'none' || !edges.capabilities.tlsOptions) return {}
  return {
    rejectUnauthorized: config.verifyCertificate,
    // An address has no place in SNI (RFC 6066 §3); the certificate is compared with it all the same.
    ...(isIP(config.host) ? {} : { servername: config.host }),
    ...(config.authority && { ca: await readPem(config.authority, edges) }),
    ...(config.client && {
      cert: await readPem(config.client.certificate, edges),
      key: await readPem(config.client.key, edges),
    }),
  }
}
