/**
 * HTTP servers for tests of providers, on 127.0.0.1 and a port of the system's choice: one that keeps what it heard and
 * answers what it is told, and one that misbehaves below HTTP.
 */
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer, type Socket } from 'node:net'

export type Heard = {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Headers
  /** One character per byte would lose nothing, but every body here is UTF-8. */
  readonly body: string
}
export type Answer = {
  readonly status: number
  /** An object is sent as JSON. */
  readonly body?: string | object
  readonly headers?: Readonly<Record<string, string>>
}
export type HttpServer = {
  readonly url: string
  readonly port: number
  readonly heard: readonly Heard[]
  readonly close: () => Promise<void>
}

export async function startHttpServer(answer: (heard: Heard) => Answer | Promise<Answer>): Promise<HttpServer> {
  const heard: Heard[] = []
  const server = createHttpServer((request, response) => {
    hear(request)
      .then(async (one) => {
        heard.push(one)
        say(response, await answer(one))
      })
      .catch((error: unknown) => say(response, { status: 500, body: String(error) }))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listening on TCP, so it is neither a string nor null
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    heard,
    close: () => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

async function hear(request: IncomingMessage): Promise<Heard> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  const url = new URL(request.url ?? '/', 'http://127.0.0.1')
  const headers = new Headers()
  for (let n = 0; n < request.rawHeaders.length; n += 2)
    headers.append(request.rawHeaders[n] ?? '', request.rawHeaders[n + 1] ?? '')
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: url.searchParams,
    headers,
    body: Buffer.concat(chunks).toString('utf8'),
  }
}

function say(response: ServerResponse, { status, body = '', headers = {} }: Answer): void {
  const isText = typeof body === 'string'
  response.writeHead(status, { 'content-type': isText ? 'text/plain' : 'application/json', ...headers })
  response.end(isText ? body : JSON.stringify(body))
}

/** How a server can fail before it says anything of use. */
const FAULTS = {
  'says nothing': () => undefined,
  'resets the connection': (socket: Socket) => void socket.resetAndDestroy(),
  'hangs up at the first byte': (socket: Socket) => void socket.once('data', () => socket.destroy()),
  'talks garbage': (socket: Socket) => void socket.end(Buffer.from('\0\xff\r\n{"id": 1}\r\n\r\n220', 'latin1')),
  'never ends': (socket: Socket) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    const timer = setInterval(() => socket.write('2'), 50)
    socket.once('close', () => clearInterval(timer))
  },
} as const
export type Fault = keyof typeof FAULTS

/** Those that do something. */
export const FAULT_NAMES: readonly Fault[] = [
  'resets the connection',
  'hangs up at the first byte',
  'talks garbage',
  'never ends',
]

export async function startFaultyServer(
  fault: Fault,
): Promise<{ readonly port: number; readonly close: () => Promise<void> }> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined) // clients that break off are what is tested
    FAULTS[fault](socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port, // as above
    close: () => {
      for (const socket of sockets) socket.destroy()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}
