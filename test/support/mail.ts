/**
 * For tests of mail providers on Node: edges with a fixed clock, real files and a log that is kept, and one exchange
 * between SMTPEmailProvider and a server.
 */
import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { fetchVia } from '../../src/adapters/fetch/node.ts'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import { openSmpp } from '../../src/adapters/sockets/smpp.ts'
import type { Capabilities, Edges, Log } from '../../src/ports/edges.ts'
import type { Delivery, Message, Send } from '../../src/ports/provider.ts'
import { findIn } from '../../src/ports/provider.ts'
import { type ReceivedMail, type SmtpServerOptions, startSmtpServer } from './smtp-server.ts'

export const NODE: Capabilities = {
  runtime: 'node',
  files: true,
  smtpPort25: true,
  tlsOptions: true,
  sharedConnections: true,
}
export const WORKERS: Capabilities = {
  runtime: 'workers',
  files: false,
  smtpPort25: false,
  tlsOptions: false,
  sharedConnections: false,
}

/** Everything that was logged, as one text. */
export const logged: string[] = []

const keep =
  (level: string) =>
  (event: string, fields: object = {}): void =>
    void logged.push(`${level} ${event} ${JSON.stringify(fields)}`)
const log: Log = { debug: keep('debug'), info: keep('info'), warn: keep('warn'), error: keep('error') }

export function mailEdges(capabilities: Capabilities = NODE): Edges {
  return {
    clock: () => Date.UTC(2026, 6, 1, 12, 30, 15) / 1000,
    random: (bytes) => new Uint8Array(randomBytes(bytes)),
    fetch,
    deadline: (after) => AbortSignal.timeout(after * 1000),
    ...(capabilities.runtime === 'workers' && {
      mailBinding: (name: string) =>
        name === 'EMAIL' ? { send: async () => ({ messageId: 'binding-1' }) } : undefined,
    }),
    ...(capabilities.files && { readFile: (path: string) => readFile(path, 'utf8') }),
    ...(capabilities.runtime === 'node' && { fetchVia, openSmpp }),
    capabilities,
    log,
  }
}

export const MAIL: Message = { id: 'mail-1', to: 'ada@example.org', subject: 'Your OTP', text: '418276' }

/**
 * Reads a configuration of SMTPEmailProvider, for 127.0.0.1 unless it says otherwise.
 *
 * @throws when the configuration is refused
 */
export async function senderBy(keys: Readonly<Record<string, unknown>>): Promise<Send> {
  const provider = findIn(mailProviders, 'SMTPEmailProvider')
  const edges = mailEdges()
  const read = await provider?.read({ SMTP_SERVER: '127.0.0.1', EMAIL_FROM: 'otp@example.com', ...keys }, edges)
  if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, edges)
}

/**
 * Sends one mail by a configuration.
 *
 * @param signal after ten seconds unless told, so that a test fails rather than hangs
 */
export async function sendBy(
  keys: Readonly<Record<string, unknown>>,
  mail: Partial<Message> = {},
  signal: AbortSignal = AbortSignal.timeout(10_000),
): Promise<Delivery> {
  const send = await senderBy(keys)
  return send({ ...MAIL, ...mail }, signal)
}

/** Starts a server, sends one mail to it, and says what became of it on both sides. */
export async function exchange(
  options: SmtpServerOptions,
  keys: Readonly<Record<string, unknown>>,
  mail: Partial<Message> = {},
): Promise<{ delivery: Delivery; mails: readonly ReceivedMail[] }> {
  const server = await startSmtpServer(options)
  try {
    const delivery = await sendBy({ SMTP_PORT: server.port, ...keys }, mail)
    return { delivery, mails: server.mails }
  } finally {
    await server.close()
  }
}

/** The one mail of an exchange. @throws when it was not taken, or is not the only one */
export async function mailOf(...exchanged: Parameters<typeof exchange>): Promise<ReceivedMail> {
  const { delivery, mails } = await exchange(...exchanged)
  const [mail, ...others] = mails
  if (delivery.status !== 'accepted' || delivery.reference !== MAIL.id || !mail || others.length > 0) {
    throw new Error(`${JSON.stringify(delivery)}, ${mails.length} mails`)
  }
  return mail
}
