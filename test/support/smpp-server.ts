/**
 * SMS centres for tests, on 127.0.0.1 and a port of the system's choice: one that speaks SMPP by the server side of npm
 * smpp, and one that plays bytes.
 */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import smpp, { type Pdu, type Session } from 'smpp'
import { testCertificates } from './certificates.ts'

/** A submit_sm as it came; `text` is decoded by its data coding. */
export type Submitted = { readonly fields: Pdu; readonly text: string; readonly udh: string | null }

export type SmppServerOptions = {
  /** Statuses of the answers to bind and submit, one after the other, the last for good; 0 unless told. */
  readonly bind?: readonly number[]
  readonly submit?: readonly number[]
  /** Sessions that may be bound at once. */
  readonly sessions?: number
  readonly tls?: 'server' | 'otherHost' | 'selfSigned' | 'expired'
  /** Done to each session beside, as it begins. */
  readonly onSession?: (session: Session) => void
}

export type SmppServer = {
  readonly port: number
  readonly binds: readonly Pdu[]
  readonly submitted: readonly Submitted[]
  readonly unbinds: () => number
  /** Sessions there were in all, and the most that were bound at once. */
  readonly seen: () => { readonly all: number; readonly most: number }
  readonly close: () => Promise<void>
}

/** §5.1.3: ESME_RALYBND. */
const ALREADY_BOUND = 0x05

export async function startSmppServer(options: SmppServerOptions = {}): Promise<SmppServer> {
  const binds: Pdu[] = []
  const submitted: Submitted[] = []
  const sockets = new Set<Socket>()
  let [all, bound, most, unbinds] = [0, 0, 0, 0]
  const next = (statuses: readonly number[] | undefined, n: number) => statuses?.[Math.min(n, statuses.length - 1)] ?? 0

  const serve = (socket: Socket) => {
    sockets.add(socket)
    const session = new smpp.Session({ socket })
    let isBound = false
    all += 1
    session.on('error', () => undefined) // clients that break off are what is tested
    session.on('close', () => {
      sockets.delete(socket)
      if (isBound) bound -= 1
    })
    session.on('bind_transceiver', (pdu: Pdu) => {
      const full = bound >= (options.sessions ?? Number.POSITIVE_INFINITY)
      const command_status = full ? ALREADY_BOUND : next(options.bind, binds.length)
      binds.push(pdu)
      isBound = command_status === 0
      if (isBound) bound += 1
      most = Math.max(most, bound)
      session.send(pdu.response({ command_status }))
    })
    session.on('submit_sm', (pdu: Pdu) => {
      const command_status = next(options.submit, submitted.length)
      // As the library decodes it: a text, and the elements of the header.
      const { message, udh } = pdu.short_message as { readonly message: string; readonly udh?: readonly Buffer[] }
      submitted.push({ fields: pdu, text: message, udh: udh ? Buffer.concat(udh).toString('hex') : null })
      session.send(pdu.response({ command_status, message_id: `m${submitted.length}` }))
    })
    session.on('unbind', (pdu: Pdu) => {
      unbinds += 1
      session.send(pdu.response())
      session.close()
    })
    options.onSession?.(session)
  }
  const pair = options.tls && testCertificates()[options.tls]
  const server = pair ? createTlsServer({ cert: pair.certificate, key: pair.key }, serve) : createServer(serve)
  server.on('tlsClientError', () => undefined)
  return {
    port: await listening(server),
    binds,
    submitted,
    unbinds: () => unbinds,
    seen: () => ({ all, most }),
    close: () => closed(server, sockets),
  }
}

/** What a centre does with each PDU: these bytes; `hangUp` after them; null: nothing. */
export type Play = { readonly bytes?: Uint8Array; readonly hangUp?: true } | null

/** A PDU of this command, with the sequence number of the one it answers. */
export const pdu = (command: number, status = 0, sequence = 1, body: Uint8Array = new Uint8Array()): Buffer => {
  const head = Buffer.alloc(16)
  head.writeUInt32BE(16 + body.length, 0)
  head.writeUInt32BE(command, 4)
  head.writeUInt32BE(status, 8)
  head.writeUInt32BE(sequence, 12)
  return Buffer.concat([head, body])
}
const COMMANDS: Readonly<Record<number, 'bind' | 'submit' | 'unbind'>> = { 9: 'bind', 4: 'submit', 6: 'unbind' }
export type SmppTurn = 'connection' | 'bind' | 'submit' | 'unbind'

const FRIENDLY: Readonly<Record<SmppTurn, Play>> = {
  connection: null,
  bind: { bytes: pdu(0x80000009, 0, 1, Buffer.from('smsc\0')) },
  submit: { bytes: pdu(0x80000004, 0, 2, Buffer.from('m1\0')) },
  unbind: { hangUp: true },
}

/** Friendly, for a session with one message, save for the given turns. */
export async function startScriptedSmpp(
  plays: Partial<Record<SmppTurn, Play>>,
): Promise<{ readonly port: number; readonly gone: Promise<void>; readonly close: () => Promise<void> }> {
  const script = { ...FRIENDLY, ...plays }
  const sockets = new Set<Socket>()
  const { promise: gone, resolve } = Promise.withResolvers<void>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    socket.on('close', () => {
      sockets.delete(socket)
      resolve()
    })
    const play = (turn: SmppTurn) => {
      const { bytes, hangUp } = script[turn] ?? {}
      if (bytes) socket.write(bytes)
      if (hangUp) socket.destroySoon()
    }
    // Each request of ours comes in one piece here, and is the only one under way.
    socket.on('data', (chunk) => {
      const turn = chunk.length >= 8 ? COMMANDS[chunk.readUInt32BE(4)] : undefined
      if (turn) play(turn)
    })
    play('connection')
  })
  return { port: await listening(server), gone, close: () => closed(server, sockets) }
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port // listening on TCP, so it is neither a string nor null
}

function closed(server: Server, sockets: ReadonlySet<Socket>): Promise<void> {
  for (const socket of sockets) socket.destroy()
  return new Promise((resolve) => server.close(() => resolve()))
}
