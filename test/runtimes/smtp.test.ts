/**
 * SMTPEmailProvider on Node, Deno, Bun and workerd, against the same servers: what arrives by which way, that no
 * certificate passes unchecked, and that a silent server holds nobody beyond the deadline.
 */
import type { Miniflare } from 'miniflare'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Delivery } from '../../src/ports/provider.ts'
import { testCertificates } from '../support/certificates.ts'
import { startRuntime } from '../support/runtimes.ts'
import {
  closedPort,
  type ReceivedMail,
  type ScriptedServer,
  SILENCE,
  type SmtpServer,
  type SmtpServerOptions,
  startScriptedServer,
  startSmtpServer,
} from '../support/smtp-server.ts'
import { startWorker } from '../support/workerd.ts'
import type { Attempt } from './smtp-parity/attempt.ts'

type RuntimeName = 'node' | 'deno' | 'bun' | 'workers'
const RUNTIMES: readonly RuntimeName[] = ['node', 'deno', 'bun', 'workers']

const { authority } = testCertificates()
const login = { user: 'mailer', password: 'pass wörd:✓' }
const LOGIN = { SMTP_USER: login.user, SMTP_PASSWORD: login.password }

/** Each way to send: the server, the keys beside host and port, and what the server must have seen. */
const WAYS: Readonly<
  Record<string, readonly [SmtpServerOptions, Readonly<Record<string, unknown>>, Partial<ReceivedMail>]>
> = {
  'in clear text': [{}, {}, { tls: false }],
  'by STARTTLS': [{ encryption: 'starttls' }, { START_TLS: true }, { tls: true }],
  'by implicit TLS': [{ encryption: 'implicit' }, { USE_SSL: true }, { tls: true }],
  'with AUTH PLAIN after STARTTLS': [
    { encryption: 'starttls', login, methods: ['PLAIN'] },
    { START_TLS: true, ...LOGIN },
    { tls: true, user: 'mailer', method: 'PLAIN' },
  ],
  'with AUTH LOGIN by implicit TLS': [
    { encryption: 'implicit', login, methods: ['LOGIN'] },
    { USE_SSL: true, ...LOGIN },
    { tls: true, user: 'mailer', method: 'LOGIN' },
  ],
}
/** Servers whose certificate must not pass. */
const IMPOSTORS: Readonly<Record<string, readonly [SmtpServerOptions, Readonly<Record<string, unknown>>]>> = {
  'signed by itself, after STARTTLS': [{ encryption: 'starttls', certificate: 'selfSigned' }, { START_TLS: true }],
  'signed by itself, with implicit TLS': [{ encryption: 'implicit', certificate: 'selfSigned' }, { USE_SSL: true }],
  'of another host, after STARTTLS': [{ encryption: 'starttls', certificate: 'otherHost' }, { START_TLS: true }],
  'of another host, with implicit TLS': [{ encryption: 'implicit', certificate: 'otherHost' }, { USE_SSL: true }],
}

const servers = new Map<string, SmtpServer>()
const deliveries = new Map<string, Delivery>()
let silent: ScriptedServer | undefined
/** Lives until the end, so that what it has left open is seen. */
let miniflare: Miniflare | undefined

beforeAll(async () => {
  for (const [name, [options]] of Object.entries({ ...WAYS, ...IMPOSTORS })) {
    servers.set(name, await startSmtpServer(options))
  }
  silent = await startScriptedServer({ EHLO: SILENCE })
  const attempts = await attemptsOf(silent.port)

  await Promise.all(
    RUNTIMES.map(async (runtime) => {
      const run = runtime === 'workers' ? runInWorkerd : runInChild
      const results = await run(
        runtime,
        attempts.map(([, one]) => ({ ...one, to: `${runtime}@example.org` })),
      )
      for (const [index, [name]] of attempts.entries()) {
        const delivery = results[index]
        if (delivery) deliveries.set(`${runtime} ${name}`, delivery)
      }
    }),
  )
}, 60_000)

afterAll(async () => {
  await miniflare?.dispose()
  await Promise.all([...servers.values(), silent].map((server) => server?.close()))
})

async function attemptsOf(silentPort: number): Promise<[name: string, one: Omit<Attempt, 'to'>][]> {
  const sound = Object.entries({ ...WAYS, ...IMPOSTORS }).map(([name, [, keys]]): [string, Omit<Attempt, 'to'>] => [
    name,
    { keys: { SMTP_SERVER: '127.0.0.1', SMTP_PORT: servers.get(name)?.port, ...keys }, deadlineMs: 10_000 },
  ])
  const at = (port: number) => ({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: port })
  return [
    ...sound,
    ['deadline', { keys: at(silentPort), deadlineMs: 300 }],
    ['timeout', { keys: { ...at(silentPort), TIMEOUT: 0.3 }, deadlineMs: 10_000 }],
    ['refused', { keys: at(await closedPort()), deadlineMs: 10_000 }],
  ]
}

async function runInChild(runtime: RuntimeName, attempts: readonly Attempt[]): Promise<readonly Delivery[]> {
  if (runtime === 'workers') throw new Error('Workers are no child process')
  const trusting = attempts.map((one) => ({ ...one, keys: { ...one.keys, TLS_CA: authority.certificate } }))
  const child = await startRuntime(runtime, {
    script: new URL('smtp-parity/send-once.ts', import.meta.url),
    args: [runtime, JSON.stringify(trusting)],
    ready: /^deliveries (.*)$/,
  })
  await child.exited
  return JSON.parse(child.match[1] ?? '[]') as readonly Delivery[] // written by send-once.ts
}

async function runInWorkerd(_: RuntimeName, attempts: readonly Attempt[]): Promise<readonly Delivery[]> {
  miniflare = await startWorker(new URL('smtp-parity/worker.ts', import.meta.url), authority.certificateFile)
  const results: Delivery[] = []
  for (const one of attempts) {
    const response = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(one) })
    results.push((await response.json()) as Delivery) // written by worker.ts
  }
  return results
}

describe.each(RUNTIMES)('on %s', (runtime) => {
  it.each(Object.entries(WAYS))('a message goes out %s', (name, [, , seen]) => {
    expect(deliveries.get(`${runtime} ${name}`)).toEqual({ status: 'accepted', reference: 'parity-1' })
    const mails = servers.get(name)?.mails.filter(({ to }) => to[0] === `${runtime}@example.org`)
    expect(mails).toMatchObject([{ from: 'linotp@example.com', to: [`${runtime}@example.org`], ...seen }])
    expect(mails?.[0]?.parsed).toMatchObject({ subject: 'Ihr Einmalpaßwort', text: '418276\n' })
  })

  it.each(Object.keys(IMPOSTORS))('no message goes to a server with a certificate %s', (name) => {
    // workerd gives no code to an error of implicit TLS
    const reason = runtime === 'workers' && name.includes('implicit') ? 'connection_failed' : 'tls_failed'
    expect(deliveries.get(`${runtime} ${name}`)).toEqual({ status: 'unavailable', reason })
    expect(servers.get(name)?.mails).toEqual([])
  })

  it('a silent server is left at the deadline', () => {
    expect(deliveries.get(`${runtime} deadline`)).toEqual({ status: 'unavailable', reason: 'deadline' })
  })

  it('a silent server is left after TIMEOUT', () => {
    expect(deliveries.get(`${runtime} timeout`)).toEqual({ status: 'unavailable', reason: 'timeout' })
  })

  it('a closed port is named as the reason', () => {
    expect(deliveries.get(`${runtime} refused`)).toEqual({ status: 'unavailable', reason: 'connection_refused' })
  })
})

it('no connection to the silent server is left', async () => {
  await expect.poll(() => silent?.connections(), { timeout: 5000 }).toBe(0)
})
