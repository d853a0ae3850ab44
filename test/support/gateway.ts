/**
 * An SMS gateway for tests: a real HTTP server on 127.0.0.1 that keeps what it was sent and answers as a test tells it
 * to. Beside it what every test with SMS needs: a provider that points to it, and a token that uses it.
 */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Fields, Harness, Reply } from './harness.ts'

export type GatewayRequest = {
  readonly method: string
  readonly path: string
  /** Parameters of the query and of a form, by name. */
  readonly query: Fields
  readonly form: Fields
  readonly headers: Fields
}

/** What the gateway answers; `hang`: nothing at all, `drip`: never an end, `reset`: the connection breaks. */
export type GatewayReply =
  | { readonly status?: number; readonly body?: string | Uint8Array; readonly headers?: Fields }
  | 'hang'
  | 'drip'
  | 'reset'
  | 'reset in the body'

export type Gateway = {
  readonly url: string
  readonly requests: readonly GatewayRequest[]
  /** From now on; 200 and `OK` unless told. */
  readonly reply: (next: GatewayReply) => void
  /** The newest text that came, under the parameter `text`. */
  readonly text: () => string
  /** The OTP in it: its digits. */
  readonly otp: () => string
  readonly close: () => Promise<void>
}

export async function startGateway(): Promise<Gateway> {
  const requests: GatewayRequest[] = []
  let reply: GatewayReply = {}

  const server = createServer(async (request, response) => {
    requests.push(await record(request))
    answer(response, reply)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo // it listens on TCP, not on a pipe
  const text = (): string => {
    const newest = requests.at(-1)
    return newest?.form.text ?? newest?.query.text ?? ''
  }
  return {
    url: `http://127.0.0.1:${port}/send`,
    requests,
    reply: (next) => {
      reply = next
    },
    text,
    otp: () => /\d{4,10}/.exec(text())?.[0] ?? '',
    close: async () => {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function record(request: IncomingMessage): Promise<GatewayRequest> {
  let body = ''
  for await (const piece of request.setEncoding('utf8')) body += piece
  const url = new URL(request.url ?? '/', 'http://gateway.test')
  return {
    method: request.method ?? '',
    path: url.pathname,
    query: Object.fromEntries(url.searchParams),
    form: Object.fromEntries(new URLSearchParams(body)),
    headers: Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)])),
  }
}

function answer(response: ServerResponse, reply: GatewayReply): void {
  if (reply === 'hang') return
  if (reply === 'reset') {
    response.socket?.resetAndDestroy()
    return
  }
  if (reply === 'drip' || reply === 'reset in the body') {
    response.writeHead(200, { 'content-type': 'text/plain' })
    response.write('OK')
    if (reply === 'reset in the body') setImmediate(() => response.socket?.resetAndDestroy())
    return
  }
  response.writeHead(reply.status ?? 200, { 'content-type': 'text/plain', ...reply.headers })
  response.end(reply.body ?? 'OK')
}

/** Makes the gateway the SMS provider `gateway`, with these keys beside or instead of the usual ones. */
export const useGateway = (
  h: Harness,
  gateway: Gateway,
  keys: Readonly<Record<string, unknown>> = {},
  fields: Fields = {},
): Promise<Reply> =>
  h.admin('/system/setProvider', {
    ...{ name: 'gateway', type: 'sms', class: 'HttpSMSProvider', timeout: '1', default: 'true' },
    config: JSON.stringify({ URL: gateway.url, SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to', ...keys }),
    ...fields,
  })

/**
 * An SMS token for `user`.
 *
 * @returns its serial
 * @throws when it is refused
 */
export async function enrollSms(h: Harness, user: string, serial: string, fields: Fields = {}): Promise<string> {
  const reply = await h.admin('/admin/init', {
    ...{ type: 'sms', user, serial, pin: 'pin-', phone: '+49 170 1234567' },
    ...fields,
  })
  if (reply.json.result?.status !== true) throw new Error(`the token was refused: ${reply.text}`)
  return serial
}
