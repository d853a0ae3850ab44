/**
 * SMTP servers for tests. `startSmtpServer` is a real one (npm smtp-server) that keeps what it was given;
 * `startScriptedServer` says what a test tells it to, at each turn of the dialogue, and hears every byte.
 * Both listen on 127.0.0.1, on a port of the system's choice.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import PostalMime, { type Email } from 'postal-mime'
import { SMTPServer, type SMTPServerDataStream } from 'smtp-server'
import { testCertificates } from './certificates.ts'

export type ReceivedMail = {
  readonly from: string
  readonly to: readonly string[]
  readonly tls: boolean
  readonly user: string | undefined
  /** How the client logged in. */
  readonly method: string | undefined
  /** Common name of the client certificate. */
  readonly clientName: string | undefined
  readonly smtpUtf8: boolean
  /** As it came, one character per byte. */
  readonly raw: string
  readonly parsed: Email
}

export type SmtpServerOptions = {
  readonly encryption?: 'none' | 'starttls' | 'implicit'
  /** Which certificate the server shows; that of 127.0.0.1 unless told. */
  readonly certificate?: 'server' | 'otherHost' | 'selfSigned' | 'expired'
  readonly clientCertificate?: 'required'
  /** The one login that is known; without it AUTH is not offered. */
  readonly login?: { readonly user: string; readonly password: string }
  readonly methods?: readonly ('PLAIN' | 'LOGIN' | 'CRAM-MD5' | 'XOAUTH2')[]
  readonly smtpUtf8?: boolean
  readonly pipelining?: boolean
  /** Refuses all recipients with this code. */
  readonly refuseRecipient?: number
  /** Milliseconds that a message takes to be taken. */
  readonly slowness?: number
}

export type SmtpServer = {
  readonly port: number
  readonly mails: readonly ReceivedMail[]
  /** Connections that are open now. */
  readonly connections: () => Promise<number>
  /** Connections there were in all, and the most that were open at once. */
  readonly seen: () => { readonly all: number; readonly most: number }
  readonly close: () => Promise<void>
}

export async function startSmtpServer(options: SmtpServerOptions = {}): Promise<SmtpServer> {
  const { encryption = 'none', certificate = 'server', login, methods = ['PLAIN', 'LOGIN'] } = options
  const { authority, ...certificates } = testCertificates()
  const mails: ReceivedMail[] = []
  const clientNames = new Map<string, string>()
  const loginMethods = new Map<string, string>()

  const server = new SMTPServer({
    ...(encryption !== 'none' && { cert: certificates[certificate].certificate, key: certificates[certificate].key }),
    ...(options.clientCertificate && { requestCert: true, rejectUnauthorized: true, ca: authority.certificate }),
    secure: encryption === 'implicit',
    disabledCommands: [...(encryption === 'starttls' ? [] : ['STARTTLS']), ...(login ? [] : ['AUTH'])],
    allowInsecureAuth: encryption === 'none',
    authMethods: [...methods],
    hideSMTPUTF8: options.smtpUtf8 === false,
    hidePIPELINING: options.pipelining === false,
    disableReverseLookup: true,
    closeTimeout: 200,
    onSecure(socket, session, callback) {
      if ('getPeerCertificate' in socket) {
        const name = socket.getPeerCertificate().subject?.CN
        clientNames.set(session.id, [name].flat()[0] ?? '')
      }
      callback()
    },
    onAuth(auth, session, callback) {
      const known = auth.username === login?.user
      const matches =
        auth.method === 'CRAM-MD5' ? auth.validatePassword(login?.password ?? '') : auth.password === login?.password
      if (!known || !matches) return callback(new Error(`no such login: ${auth.username} ${auth.password}`))
      loginMethods.set(session.id, auth.method)
      return callback(null, { user: auth.username })
    },
    onRcptTo({ address }, _session, callback) {
      const { refuseRecipient } = options
      callback(refuseRecipient === undefined ? null : smtpError(refuseRecipient, `<${address}> is not welcome`))
    },
    onData(stream, session, callback) {
      receive(stream)
        .then((bytes) =>
          PostalMime.parse(bytes).then((parsed) => {
            const { mailFrom, rcptTo, smtpUtf8 } = session.envelope
            mails.push({
              from: mailFrom ? mailFrom.address : '',
              to: rcptTo.map(({ address }) => address),
              tls: session.secure,
              user: session.user,
              method: loginMethods.get(session.id),
              clientName: clientNames.get(session.id),
              smtpUtf8: smtpUtf8 === true,
              raw: bytes.toString('latin1'),
              parsed,
            })
            setTimeout(callback, options.slowness ?? 0)
          }),
        )
        .catch(callback)
    },
  })
  server.on('error', () => undefined) // clients that break off are what is tested
  let [all, now, most] = [0, 0, 0]
  server.server.on('connection', (socket) => {
    all += 1
    now += 1
    most = Math.max(most, now)
    socket.once('close', () => {
      now -= 1
    })
  })

  await listening(server.listen(0, '127.0.0.1'))
  return {
    port: portOf(server.server),
    mails,
    seen: () => ({ all, most }),
    connections: () =>
      new Promise((resolve, reject) =>
        server.server.getConnections((error, count) => (error ? reject(error) : resolve(count))),
      ),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  }
}

/** The turns of a dialogue: the connection, then each command; `message` is the line that ends DATA. */
export type Turn = 'greeting' | 'EHLO' | 'HELO' | 'STARTTLS' | 'AUTH' | 'MAIL' | 'RCPT' | 'DATA' | 'message' | 'QUIT'

/** What is said at a turn: `say` as it is, and `hangUp` closes then; `drip` one byte in 200 ms, over and over. */
export type Reply = { readonly say: string; readonly hangUp?: true } | { readonly drip: string }

export const SILENCE: Reply = { say: '' }
export const HANG_UP: Reply = { say: '', hangUp: true }
export const say = (text: string): Reply => ({ say: `${text}\r\n` })

const FRIENDLY: Readonly<Record<Turn, Reply>> = {
  greeting: say('220 ready'),
  EHLO: say('250-hello\r\n250 8BITMIME'),
  HELO: say('250 hello'),
  STARTTLS: say('502 not here'),
  AUTH: say('235 welcome'),
  MAIL: say('250 ok'),
  RCPT: say('250 ok'),
  DATA: say('354 go on'),
  message: say('250 taken'),
  QUIT: { say: '221 bye\r\n', hangUp: true },
}

export type ScriptedServer = {
  readonly port: number
  /** All that clients have said, one character per byte. */
  readonly heard: () => string
  /** Settles when a client has come to this turn and got its reply. */
  readonly reached: (turn: Turn) => Promise<void>
  /** Settles when the first connection is gone. */
  readonly gone: Promise<void>
  /** Connections that are open now. */
  readonly connections: () => number
  readonly close: () => Promise<void>
}

/**
 * Plays a friendly server without TLS, save for the given replies. Once it has said 220 to STARTTLS it says nothing
 * more: what comes then is a handshake, in whose random bytes there may be an end of line.
 *
 * @param port one of the system's choice unless told
 */
export async function startScriptedServer(replies: Partial<Record<Turn, Reply>>, port = 0): Promise<ScriptedServer> {
  const script = { ...FRIENDLY, ...replies }
  const turns = new Map<Turn, PromiseWithResolvers<void>>()
  const reached = (turn: Turn) => {
    const known = turns.get(turn) ?? Promise.withResolvers<void>()
    turns.set(turn, known)
    return known
  }
  const gone = Promise.withResolvers<void>()
  const sockets = new Set<Socket>()
  let heard = ''

  const server = createServer((socket) => {
    sockets.add(socket)
    let rest = ''
    let inMessage = false
    let shakesHands = false
    let timer: NodeJS.Timeout | undefined
    const play = (turn: Turn) => {
      const reply = script[turn]
      if ('drip' in reply) {
        let sent = 0
        timer ??= setInterval(() => socket.write(reply.drip[sent++ % reply.drip.length] ?? ''), 200)
      } else if (reply.hangUp) socket.end(reply.say)
      else if (reply.say !== '') socket.write(reply.say)
      reached(turn).resolve()
    }
    socket.on('error', () => undefined)
    socket.on('close', () => {
      clearInterval(timer)
      sockets.delete(socket)
      gone.resolve()
    })
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      if (shakesHands) return
      const lines = (rest + chunk.toString('latin1')).split('\r\n')
      rest = lines.pop() ?? ''
      for (const line of lines) {
        if (inMessage && line !== '.') continue
        const turn = inMessage ? 'message' : turnOf(line)
        inMessage = turn === 'DATA' && script.DATA === FRIENDLY.DATA
        shakesHands = turn === 'STARTTLS' && 'say' in script.STARTTLS && script.STARTTLS.say.startsWith('220')
        play(turn)
      }
    })
    play('greeting')
  })
  await listening(server.listen(port, '127.0.0.1'))
  return {
    port: portOf(server),
    heard: () => heard,
    reached: (turn) => reached(turn).promise,
    gone: gone.promise,
    connections: () => sockets.size,
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** A port of 127.0.0.1 that nobody listens on. */
export async function closedPort(): Promise<number> {
  const server = createServer()
  await listening(server.listen(0, '127.0.0.1'))
  const port = portOf(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** Lines that are no command (the parts of AUTH LOGIN, garbage) count as AUTH. */
function turnOf(line: string): Turn {
  const verb = line.split(' ')[0]?.toUpperCase() ?? ''
  return verb in FRIENDLY ? (verb as Turn) : 'AUTH' // just looked up in the record of turns
}

async function receive(stream: SMTPServerDataStream): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}

function smtpError(responseCode: number, message: string): Error {
  return Object.assign(new Error(message), { responseCode })
}

function listening(server: Server): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('listening', resolve)
    server.once('error', reject)
  })
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port // listening on TCP, so it is neither a string nor null
}
