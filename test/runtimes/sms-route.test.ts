/**
 * PROXY, SERVER_CERTIFICATE and CLIENT_CERTIFICATE_FILE of the SMS gateways on Node, Deno and Bun, against the same
 * servers: a gateway whose certificate nobody knows, one that wants a client's, and a proxy that wants a password.
 */
import { createServer as createHttp, type Server } from 'node:http'
import { createServer as createHttps } from 'node:https'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCertificates } from '../support/certificates.ts'
import { type RuntimeName, startRuntime } from '../support/runtimes.ts'
import { closedPort } from '../support/smtp-server.ts'

const RUNTIMES: readonly RuntimeName[] = ['node', 'deno', 'bun']
const { authority, server: leaf, otherHost, client } = testCertificates()

type Running = { readonly port: number; readonly close: () => void }
let gateway: Running
let strict: Running
let impostor: Running
let plain: Running
let proxy: Running
/** Names of clients that `strict` has served, and what the proxy was asked for. */
const names: string[] = []
const tunnels: string[] = []
let down: number

async function running(server: Pick<Server, 'listen' | 'address' | 'close'>): Promise<Running> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // listening on TCP
  return { port, close: () => void server.close() }
}
const secure = (pair: typeof leaf, more: object = {}, seen: (name: string) => void = () => undefined) =>
  createHttps({ cert: pair.certificate, key: pair.key, ...more }, (request, response) => {
    const { socket } = request
    if ('getPeerCertificate' in socket)
      seen(
        [
          (socket as never as { getPeerCertificate: () => { subject?: { CN?: string } } }).getPeerCertificate().subject
            ?.CN,
        ].join(),
      )
    request.resume().on('end', () => response.end('OK'))
  })

/** Tunnels with CONNECT, and requests with an absolute URL; `otp:pass wörd` only. */
function makeProxy() {
  const right = `Basic ${Buffer.from('otp:pass wörd').toString('base64')}`
  const server = createHttp((request, response) => {
    tunnels.push(`${request.method} ${request.url}`)
    const allowed = request.headers['proxy-authorization'] === right
    request.resume().on('end', () => response.writeHead(allowed ? 200 : 407).end(allowed ? 'OK' : ''))
  })
  server.on('connect', (request, socket) => {
    socket.on('error', () => undefined)
    if (request.headers['proxy-authorization'] !== right) {
      socket.end('HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n')
      return
    }
    tunnels.push(`CONNECT ${request.url}`)
    const [host, port] = (request.url ?? '').split(':')
    const upstream = connect(Number(port), host, () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n')
      upstream.pipe(socket).pipe(upstream)
    })
    upstream.on('error', () => socket.destroy())
  })
  return server
}

beforeAll(async () => {
  gateway = await running(secure(leaf))
  impostor = await running(secure(otherHost))
  const wants = { requestCert: true, rejectUnauthorized: true, ca: authority.certificate }
  strict = await running(secure(leaf, wants, (name) => names.push(name)))
  plain = await running(createHttp((request, response) => request.resume().on('end', () => response.end('OK'))))
  proxy = await running(makeProxy())
  down = await closedPort()
})
afterAll(() => {
  for (const server of [gateway, impostor, strict, plain, proxy]) server.close()
})

const SERVER_CERTIFICATE = authority.certificateFile
const REST = { PAYLOAD: { text: '', to: '' }, SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to' }
const url = ({ port }: Running) => `https://127.0.0.1:${port}/send`
const byProxy = (port: number, login = 'otp:pass%20w%C3%B6rd') => `http://${login}@127.0.0.1:${port}`

const attempts = (): readonly (readonly [string, object])[] => [
  ['HttpSMSProvider', { URL: url(gateway), SERVER_CERTIFICATE }],
  ['HttpSMSProvider', { URL: url(gateway), SERVER_CERTIFICATE: authority.certificate }],
  ['HttpSMSProvider', { URL: url(gateway) }],
  ['HttpSMSProvider', { URL: url(impostor), SERVER_CERTIFICATE }],
  ['HttpSMSProvider', { URL: url(gateway), SERVER_CERTIFICATE, PROXY: byProxy(proxy.port) }],
  ['RestSMSProvider', { ...REST, URL: url(gateway), SERVER_CERTIFICATE, PROXY: { https: byProxy(proxy.port) } }],
  ['HttpSMSProvider', { URL: url(gateway), SERVER_CERTIFICATE, PROXY: byProxy(proxy.port, 'otp:wrong') }],
  ['HttpSMSProvider', { URL: url(gateway), SERVER_CERTIFICATE, PROXY: byProxy(down) }],
  ['HttpSMSProvider', { URL: `http://127.0.0.1:${plain.port}/send`, PROXY: { https: byProxy(down) } }],
  ['HttpSMSProvider', { URL: `http://127.0.0.1:${plain.port}/send`, PROXY: byProxy(proxy.port) }],
  ['RestSMSProvider', { ...REST, URL: url(strict), SERVER_CERTIFICATE, CLIENT_CERTIFICATE_FILE: client.bothFile }],
  ['RestSMSProvider', { ...REST, URL: url(strict), SERVER_CERTIFICATE }],
]
const ACCEPTED = [true, true, false, false, true, true, false, false, true, true, true, false]

describe.each(RUNTIMES)('on %s', (runtime) => {
  it('messages go the way that was configured, or not at all', { timeout: 60_000 }, async () => {
    tunnels.length = 0
    names.length = 0

    const child = await startRuntime(runtime, {
      script: new URL('./sms-route/send-once.ts', import.meta.url),
      args: [runtime, JSON.stringify(attempts())],
      env: { NODE_EXTRA_CA_CERTS: undefined, HTTPS_PROXY: undefined, HTTP_PROXY: undefined },
      ready: /^deliveries (.*)$/,
      timeoutMs: 40_000,
    })
    const deliveries = JSON.parse(child.match[1] ?? '[]') as readonly {
      readonly status: string
      readonly reason?: string
    }[]

    expect(deliveries.map(({ status }) => status === 'accepted')).toEqual(ACCEPTED)
    for (const { reason = 'none' } of deliveries)
      expect(reason).toMatch(/^(?:none|tls_failed|connection_\w+|http_407)$/)
    // One for both messages, where the runtime keeps a tunnel.
    expect(tunnels).toContain(`CONNECT 127.0.0.1:${gateway.port}`)
    expect(tunnels.filter((one) => one.includes(String(plain.port))).length).toBe(1)
    expect(new Set(names).size).toBe(1)
    expect(names[0]).not.toBe('')
  })
})
