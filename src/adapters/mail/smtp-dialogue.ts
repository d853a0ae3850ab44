/**
 * The SMTP dialogue on a connected socket: greeting, STARTTLS, AUTH, then messages, QUIT. nodemailer speaks, step by
 * step; between the steps it is decided here whether to go on.
 */
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'
import SMTPConnection from 'nodemailer/lib/smtp-connection'
import type { Delivery } from '../../ports/provider.ts'
import type { SmtpConfig } from './smtp-config.ts'
import { dialogueFailure, refused, type SmtpError, type Stage, unavailable } from './smtp-failures.ts'
import type { WireMessage } from './smtp-message.ts'

/** After QUIT, or whatever else ended the dialogue, the server has this long to hang up; then the socket is destroyed. */
const PARTING_MS = 1000

/** The longest that a timer takes, 24 days. */
const NEVER_MS = 2 ** 31 - 1

/** After so many messages a connection is not handed on: servers have limits of their own, and say so at bad moments. */
const MAX_MESSAGES = 50

export type Dialogue = {
  readonly config: SmtpConfig
  /** For STARTTLS; with implicit TLS the socket has it already. */
  readonly tls: ConnectionOptions
  readonly socket: Socket
}

/** A connection after greeting, STARTTLS and login. Neither function rejects; an aborted signal destroys the socket. */
export type Session = {
  /** @returns `undefined` when the server took the message; after anything else the session is of no more use */
  readonly send: (message: WireMessage, signal: AbortSignal) => Promise<Delivery | undefined>
  /** Asks the server, before a further message, whether it listens still. */
  readonly isGood: (signal: AbortSignal) => Promise<boolean>
  /** QUIT, whose answer nobody waits for. */
  readonly close: () => void
}

/** @returns a session, or why there is none; never rejects */
export async function openSession(
  dialogue: Dialogue,
  signal: AbortSignal,
): Promise<{ readonly session: Session } | { readonly failure: Delivery }> {
  const connection = createConnection(dialogue)
  const { config, socket } = dialogue
  const close = () => {
    connection.quit()
    connection.close()
  }
  /** Runs a part of the dialogue that is destroyed with the signal. */
  const during = async <T>(stop: AbortSignal, run: () => Promise<T>): Promise<T> => {
    const abort = () => {
      connection.close()
      if (connection._socket) connection._socket.destroy()
      socket.destroy()
    }
    stop.addEventListener('abort', abort, { once: true })
    if (stop.aborted) abort()
    try {
      return await run()
    } finally {
      stop.removeEventListener('abort', abort)
    }
  }

  let offers: Offers = new Map()
  const failure = await during(signal, async () => {
    const unwelcome = await step(connection, 'greeting', (done) => connection.connect(done))
    offers = offersOf(connection.lastServerResponse)
    return unwelcome ?? (await login(connection, offers, config))
  })
  if (failure) {
    close()
    return { failure }
  }
  let messages = 0
  return {
    session: {
      close,
      send: (message, stop) => {
        messages += 1
        return during(stop, () => transmit(connection, offers, message))
      },
      isGood: async (stop) =>
        messages < MAX_MESSAGES &&
        (await during(stop, () => step(connection, 'message', (done) => connection.reset(done)))) === undefined,
    },
  }
}

function createConnection({ config, tls, socket }: Dialogue): SMTPConnection {
  const patience = config.timeout * 1000
  const connection = new SMTPConnection({
    host: config.host,
    port: config.port,
    connection: socket,
    secure: config.encryption === 'implicit',
    secured: config.encryption === 'implicit',
    requireTLS: config.encryption === 'starttls',
    ignoreTLS: config.encryption === 'none',
    tls,
    // Each silence counts alone; nodemailer would take greeting and handshake out of one account.
    connectionTimeout: NEVER_MS,
    greetingTimeout: patience,
    socketTimeout: patience,
    socketCloseTimeout: PARTING_MS,
    customAuth: LOGINS,
  })
  connection.on('error', () => undefined) // the steps listen; this one keeps a late error from ending the process
  return connection
}

/** Logs in if a user is configured, by the first method that both sides know. */
async function login(connection: SMTPConnection, offers: Offers, config: SmtpConfig): Promise<Delivery | undefined> {
  if (!config.login) return undefined
  const { user, password } = config.login
  const method = ['PLAIN', 'LOGIN', 'CRAM-MD5'].find((name) => offers.get('AUTH')?.includes(name))
  if (!method) return unavailable('auth_missing')
  const credentials = { user, pass: password }
  return step(connection, 'login', (done) => connection.login({ method, ...credentials, credentials }, done))
}

async function transmit(
  connection: SMTPConnection,
  offers: Offers,
  { bytes, envelope }: WireMessage,
): Promise<Delivery | undefined> {
  if (!offers.has('SMTPUTF8')) {
    if (!isAscii(envelope.from)) return unavailable('smtputf8_missing')
    if (!isAscii(envelope.to)) return refused('smtputf8_missing')
  }
  return step(connection, 'message', (done) => connection.send({ from: envelope.from, to: [envelope.to] }, bytes, done))
}

/** Runs one step of a connection; an error of the connection, or its end, is the end of the step too. */
function step(
  connection: SMTPConnection,
  stage: Stage,
  run: (done: (error?: SmtpError | null) => void) => void,
): Promise<Delivery | undefined> {
  return new Promise((resolve) => {
    const settle = (delivery: Delivery | undefined) => {
      connection.off('error', fail)
      connection.off('end', end)
      resolve(delivery)
    }
    const fail = (error: SmtpError) => settle(dialogueFailure(error, stage, connection.upgrading === true))
    // 'end' comes before the callback that says more; that one follows in the same turn.
    const end = () => queueMicrotask(() => settle(unavailable('connection_closed')))
    connection.once('error', fail)
    connection.once('end', end)
    run((error) => (error ? fail(error) : settle(undefined)))
  })
}

/** What the last EHLO reply offers: keyword in capitals, with its parameters (RFC 5321 §4.1.1.1). */
type Offers = ReadonlyMap<string, readonly string[]>

function offersOf(reply: string | false): Offers {
  const lines = (reply || '').toUpperCase().split('\n').slice(1)
  return new Map(
    lines.map((line) => {
      const [keyword = '', ...parameters] = line.slice('250-'.length).trim().split(/[ =]+/)
      return [keyword, parameters]
    }),
  )
}

function isAscii(text: string): boolean {
  return /^\p{ASCII}*$/u.test(text)
}

/**
 * PLAIN (RFC 4616) and LOGIN, in place of nodemailer's own: those answer 334 for as long as a server sends it, and take
 * an empty password for a missing one.
 */
const LOGINS: SMTPConnection.CustomAuthenticationHandlers = {
  PLAIN: async ({ auth, sendCommand }) => {
    expectReply(235, await sendCommand(`AUTH PLAIN ${base64(`\0${auth.user}\0${auth.pass}`)}`))
  },
  LOGIN: async ({ auth, sendCommand }) => {
    expectReply(334, await sendCommand('AUTH LOGIN'))
    expectReply(334, await sendCommand(base64(`${auth.user}`)))
    expectReply(235, await sendCommand(base64(`${auth.pass}`)))
  },
}

function expectReply(code: number, { status }: { readonly status: number }): void {
  if (status !== code) throw new Error('login refused')
}

function base64(text: string): string {
  return Buffer.from(text, 'utf8').toString('base64')
}
