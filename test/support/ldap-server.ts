/**
 * LDAP servers for tests that say what they are told, byte by byte: friendly ones with odd data, and hostile ones. A real
 * server is that of `test/ldap/`.
 */

import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'

/** One element of BER with a definite length. */
export function ber(tag: number, ...contents: readonly (Buffer | string | number)[]): Buffer {
  const body = Buffer.concat(contents.map((one) => (typeof one === 'number' ? Buffer.from([one]) : Buffer.from(one))))
  return Buffer.concat([head(tag, body.length), body])
}

/** Tag and length alone, true or not. */
export function head(tag: number, length: number): Buffer {
  if (length < 0x80) return Buffer.from([tag, length])
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  return Buffer.concat([Buffer.from([tag, 0x84]), bytes])
}

const message = (id: number, ...parts: readonly Buffer[]): Buffer => ber(0x30, ber(0x02, id), ...parts)
const result = (tag: number, code: number) => (id: number) =>
  message(id, ber(tag, ber(0x0a, code), ber(0x04, ''), ber(0x04, 'said by the server: hunter2')))

export type Say = (id: number) => Buffer
export const bound = (code = 0): Say => result(0x61, code)
export const done = (code = 0): Say => result(0x65, code)
export const extended = (code = 0): Say => result(0x78, code)
export const operation =
  (...parts: readonly Buffer[]): Say =>
  (id) =>
    message(id, ...parts)
export const entry = (dn: string, attributes: Readonly<Record<string, readonly (string | Buffer)[]>>): Say =>
  operation(
    ber(
      0x64,
      ber(0x04, dn),
      ber(
        0x30,
        ...Object.entries(attributes).map(([name, values]) =>
          ber(0x30, ber(0x04, name), ber(0x31, ...values.map((value) => ber(0x04, value)))),
        ),
      ),
    ),
  )
export const reference = (uri: string): Say => operation(ber(0x73, ber(0x04, uri)))
export const both =
  (...all: readonly Say[]): Say =>
  (id) =>
    Buffer.concat(all.map((one) => one(id)))
export const bytes =
  (raw: Buffer | string): Say =>
  () =>
    Buffer.from(raw)

/** What is answered to a request: bytes, or bytes and the end of the connection, or one byte after the other. */
export type Answer = Say | { readonly last: Say } | { readonly slowly: Say } | 'silence'
export type LdapScript = {
  readonly bind?: Answer
  readonly search?: Answer
  readonly extended?: Answer
  /** As soon as somebody connects. */
  readonly connect?: Answer
}

export type LdapServer = {
  readonly port: number
  /** Requests in order: `bind name password`, `search`, `unbind`, `extended`. */
  readonly heard: readonly string[]
  /** The same for each connection, in the order in which they came. */
  readonly threads: readonly (readonly string[])[]
  /** All that came, as it came. */
  readonly wire: () => Buffer
  readonly play: (script: LdapScript) => void
  readonly connections: () => number
  /** Settles when nobody is connected. */
  readonly alone: () => Promise<void>
  readonly close: () => Promise<void>
}

const KINDS: Readonly<Record<number, 'bind' | 'search' | 'extended' | 'unbind'>> = {
  96: 'bind',
  99: 'search',
  119: 'extended',
  66: 'unbind',
}

/** Answers binds and searches in a friendly way, save as told. */
export async function startLdapServer(script: LdapScript = {}): Promise<LdapServer> {
  let playing = script
  const heard: string[] = []
  const threads: string[][] = []
  const sockets = new Set<Socket>()
  let wire = Buffer.alloc(0)
  const server = createServer((socket) => {
    const thread: string[] = []
    threads.push(thread)
    sockets.add(socket)
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket))
    if (playing.connect) void answer(socket, playing.connect, 0)
    // A client that waits for each answer sends one request at a time, which loopback keeps in one piece.
    socket.on('data', (request) => {
      wire = Buffer.concat([wire, request])
      const kind = kindOf(request)
      if (!kind) return
      const said = kind === 'bind' ? `bind ${texts(request).join(' ')}` : kind
      heard.push(said)
      thread.push(said)
      if (kind === 'unbind') socket.end()
      else
        void answer(
          socket,
          playing[kind] ?? { bind: bound(), search: done(), extended: extended(2) }[kind],
          idOf(request),
        )
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: typeof address === 'object' && address ? address.port : 0,
    heard,
    threads,
    wire: () => wire,
    play: (next) => {
      playing = next
    },
    connections: () => sockets.size,
    alone: async () => {
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))))
    },
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function answer(socket: Socket, what: Answer, id: number): Promise<void> {
  if (what === 'silence') return
  if (typeof what === 'function') socket.write(what(id))
  else if ('last' in what) socket.end(what.last(id))
  else {
    socket.setNoDelay(true)
    for (const byte of what.slowly(id)) {
      if (socket.destroyed) return
      await new Promise((resolve) => socket.write(Buffer.from([byte]), () => setImmediate(resolve)))
    }
  }
}

/** Behind the length of the message, one byte or more of it. */
const start = (request: Buffer): number => 2 + ((request[1] ?? 0) & 0x80 ? (request[1] ?? 0) & 0x7f : 0)
const idOf = (request: Buffer): number => request[start(request) + 2] ?? 0
const kindOf = (request: Buffer) => KINDS[request[start(request) + 3] ?? 0]

/** Name and password of a simple bind, all lengths below 128 or above, as they come. */
function texts(request: Buffer): readonly string[] {
  const found: string[] = []
  for (let at = start(request) + 3; at < request.length; ) {
    const tag = request[at] ?? 0
    const long = (request[at + 1] ?? 0) & 0x80 ? (request[at + 1] ?? 0) & 0x7f : 0
    const length = long ? request.readUIntBE(at + 2, long) : (request[at + 1] ?? 0)
    const from = at + 2 + long
    if (tag === 0x04 || tag === 0x80) found.push(request.subarray(from, from + length).toString())
    at = tag === 0x60 ? from : from + length
  }
  return found
}
