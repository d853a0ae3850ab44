/**
 * Mail catcher over SMTP: accepts every mail on a loopback address and keeps the newest in memory. No relay, no TLS.
 *
 * Source: npm smtp-server (RFC 5321, SIZE of RFC 1870), postal-mime for the content. Credentials are neither needed
 * nor checked, so that a provider configured with a user name can be pointed here.
 */
import { Buffer } from 'node:buffer'
import { isIPv4 } from 'node:net'
import PostalMime from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream, type SMTPServerSession } from 'smtp-server'
import type { CaughtMail, MailCatcher, WaitOptions } from '../../ports/catcher.ts'
import type { Clock } from '../../ports/edges.ts'

export type CatcherOptions = {
  readonly clock: Clock
  /** 127.0.0.1 unless told; anything that is not loopback is refused. */
  readonly host?: string
  /** 0, the default, takes a free one. */
  readonly port?: number
  /** How many mails are kept, 200 unless told; the oldest goes first. */
  readonly keep?: number
}

/** Bytes of one message with its headers; a bigger one is answered with 552 (RFC 1870 §6.3). */
const MAX_MAIL_BYTES = 1024 * 1024
const DEFAULT_WAIT_MS = 5000

/**
 * Starts listening.
 *
 * @throws when `host` is not a loopback address, or the port is taken (`cause` has the reason)
 */
export async function startMailCatcher(options: CatcherOptions): Promise<MailCatcher> {
  const host = loopbackAddress(options.host ?? '127.0.0.1')
  const mailbox = createMailbox(options.clock, options.keep ?? 200)
  const server = new SMTPServer({
    name: 'localhost',
    banner: 'otpost mail catcher',
    size: MAX_MAIL_BYTES,
    authOptional: true,
    allowInsecureAuth: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    logger: false,
    // Milliseconds that open connections have to finish once `close` was called.
    closeTimeout: 50,
    onAuth: (auth, _session, done) => done(null, { user: auth.username ?? 'anyone' }),
    onData: (stream, session, done) => {
      readMail(stream, session).then(
        (mail) => {
          if (mail === undefined) return done(refusal(552, `message is bigger than ${MAX_MAIL_BYTES} bytes`))
          mailbox.add(mail)
          done()
        },
        () => done(refusal(554, 'message could not be read')),
      )
    },
  })
  // A client that hangs up in the middle is its own affair; without a listener it would end the process.
  server.on('error', () => {})
  const port = await listen(server, options.port ?? 0, host)

  return {
    host,
    port,
    mails: mailbox.mails,
    waitFor: mailbox.waitFor,
    clear: mailbox.clear,
    close: () => {
      mailbox.close()
      return new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Mails are readable by whoever connects to the dev page, so the catcher is not put on a network by mistake. */
function loopbackAddress(host: string): string {
  // Not resolved by name: a hosts file may say anything.
  if (host === 'localhost') return '127.0.0.1'
  if (host === '::1' || (isIPv4(host) && host.startsWith('127.'))) return host
  throw new Error(`the mail catcher listens on loopback only (127.0.0.1, ::1 or localhost), not on ${host}`)
}

function listen(server: SMTPServer, port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const refuse = (cause: Error) =>
      reject(new Error(`the mail catcher cannot listen on ${host} port ${port}: ${cause.message}`, { cause }))
    server.server.once('error', refuse)
    server.listen(port, host, () => {
      server.server.off('error', refuse)
      const address = server.server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : port)
    })
  })
}

const refusal = (responseCode: number, text: string) => Object.assign(new Error(text), { responseCode })

type ReceivedMail = Omit<CaughtMail, 'id' | 'receivedAt'>

/** @returns `undefined` when the message was over the limit; it is read to its end but not kept */
async function readMail(stream: SMTPServerDataStream, session: SMTPServerSession): Promise<ReceivedMail | undefined> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) {
    if (stream.sizeExceeded) chunks.length = 0
    else chunks.push(chunk)
  }
  if (stream.sizeExceeded) return undefined

  const bytes = Buffer.concat(chunks)
  const { subject, text, html } = await PostalMime.parse(bytes)
  const { mailFrom, rcptTo } = session.envelope
  return {
    from: mailFrom === false ? '' : mailFrom.address,
    to: rcptTo.map((recipient) => recipient.address),
    subject: subject ?? '',
    text: (text ?? html ?? '').replace(/[\r\n]+$/, ''),
    raw: bytes.toString('utf8'),
  }
}

type Waiter = {
  readonly address: string
  readonly take: (mail: CaughtMail) => void
  readonly refuse: (reason: string) => void
}

/** The mails and those who wait for one. A waiter is settled by an arrival, its timer or `close`, whichever is first. */
function createMailbox(clock: Clock, keep: number) {
  const waiters = new Set<Waiter>()
  let mails: readonly CaughtMail[] = []
  let lastId = 0
  let closed = false

  return {
    mails: () => mails,
    clear: () => {
      mails = []
    },

    add: (received: ReceivedMail) => {
      lastId += 1
      const mail: CaughtMail = { id: String(lastId), receivedAt: clock(), ...received }
      mails = [...mails, mail].slice(-keep)
      for (const waiter of waiters) if (isFor(mail, waiter.address)) waiter.take(mail)
    },

    waitFor: (address: string, { after, timeoutMs = DEFAULT_WAIT_MS }: WaitOptions = {}) =>
      new Promise<CaughtMail>((resolve, reject) => {
        const seen = after === undefined ? undefined : idOf(after)
        const there = seen === undefined ? mails.toReversed() : mails.filter((mail) => Number(mail.id) > seen)
        const found = there.find((mail) => isFor(mail, address))
        if (found !== undefined) return resolve(found)
        if (closed) return reject(new Error(`no mail to ${address}: the mail catcher is closed`))

        const timer = setTimeout(() => waiter.refuse(`none came within ${timeoutMs} ms`), timeoutMs)
        const settle = () => {
          clearTimeout(timer)
          waiters.delete(waiter)
        }
        const waiter: Waiter = {
          address,
          take: (mail) => {
            settle()
            resolve(mail)
          },
          refuse: (reason) => {
            settle()
            const others = [...new Set(mails.flatMap((mail) => mail.to))].join(', ')
            reject(new Error(`no mail to ${address}: ${reason}; there is mail to ${others || 'nobody'}`))
          },
        }
        waiters.add(waiter)
      }),

    close: () => {
      closed = true
      for (const waiter of waiters) waiter.refuse('the mail catcher was closed')
    },
  }
}

function isFor(mail: CaughtMail, address: string): boolean {
  return mail.to.some((recipient) => recipient.toLowerCase() === address.toLowerCase())
}

/** A word that is no id would let every mail through, or none: the caller has mixed something up. */
function idOf(text: string): number {
  if (/^\d+$/.test(text)) return Number(text)
  throw new Error(`'${text}' is not the id of a caught mail`)
}
