/** SMTPEmailProvider when many messages come at once: as many connections as were allowed, each used again, none lost. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { MAIL, senderBy } from '../support/mail.ts'
import {
  HANG_UP,
  type Reply,
  SILENCE,
  type SmtpServerOptions,
  say,
  startScriptedServer,
  startSmtpServer,
  type Turn,
} from '../support/smtp-server.ts'

const times = <T>(n: number, make: (n: number) => T): readonly T[] =>
  Array.from({ length: n }, (_, index) => make(index))
const later = () => AbortSignal.timeout(20_000)
const mailTo = (n: number) => ({ ...MAIL, id: `mail-${n}`, to: `user${n}@example.org`, text: `OTP ${n}` })

async function serverFor(options: SmtpServerOptions, keys: Readonly<Record<string, unknown>> = {}) {
  const server = await startSmtpServer(options)
  onTestFinished(server.close)
  return { server, send: await senderBy({ SMTP_PORT: server.port, ...keys }) }
}

async function scripted(script: Partial<Record<Turn, Reply>>, keys: Readonly<Record<string, unknown>>) {
  const server = await startScriptedServer(script)
  onTestFinished(server.close)
  return { server, send: await senderBy({ SMTP_PORT: server.port, ...keys }) }
}

describe('two hundred messages at once to a server that needs 300 ms for each', () => {
  it.each<readonly [string, SmtpServerOptions, Readonly<Record<string, unknown>>]>([
    ['in the clear', {}, {}],
    [
      'with STARTTLS and a login',
      { encryption: 'starttls', login: { user: 'otp', password: 'secret' } },
      { START_TLS: true, TLS_INSECURE: true, SMTP_USER: 'otp', SMTP_PASSWORD: 'secret' },
    ],
  ])('are taken within the deadline of one, by ten connections: %s', { timeout: 30_000 }, async (_, options, keys) => {
    const { server, send } = await serverFor({ slowness: 300, ...options }, keys)
    const started = performance.now()

    const deliveries = await Promise.all(times(200, (n) => send(mailTo(n), later())))

    const took = performance.now() - started
    expect(deliveries).toEqual(times(200, (n) => ({ status: 'accepted', reference: `mail-${n}` })))
    expect(took).toBeLessThan(10_000)
    expect(server.seen()).toEqual({ all: 10, most: 10 })
    const arrived = server.mails.map(({ to, parsed }) => `${to} ${parsed.text?.trim()}`)
    expect(arrived.toSorted()).toEqual(times(200, (n) => `user${n}@example.org OTP ${n}`).toSorted())
    await expect.poll(server.connections).toBe(0)
  })
})

it('opens no more connections than MAX_CONNECTIONS, and hands each on in the order of arrival', async () => {
  const { server, send } = await serverFor({ slowness: 10 }, { MAX_CONNECTIONS: 1 })

  await Promise.all(times(20, (n) => send(mailTo(n), later())))

  expect(server.seen()).toEqual({ all: 1, most: 1 })
  expect(server.mails.map(({ to }) => to[0])).toEqual(times(20, (n) => `user${n}@example.org`))
})

it('takes a new connection after fifty messages over one', async () => {
  const { server, send } = await serverFor({}, { MAX_CONNECTIONS: 1 })

  await Promise.all(times(101, (n) => send(mailTo(n), later())))

  // The one that parts and the one that comes may meet.
  expect(server.seen().all).toBe(3)
  expect(server.seen().most).toBeLessThan(3)
})

it.each<readonly [string, Partial<Record<Turn, Reply>>]>([
  ['hangs up after a message', { message: { say: '250 taken\r\n', hangUp: true } }],
  ['knows no RSET', { AUTH: say('500 what?') }],
  ['hangs up at RSET', { AUTH: HANG_UP }],
])('loses no message to a server that %s', async (_, script) => {
  // What is no known turn counts as AUTH, RSET among it.
  const { server, send } = await scripted(script, { MAX_CONNECTIONS: 2 })

  const deliveries = await Promise.all(times(10, (n) => send(mailTo(n), later())))

  expect(deliveries.map(({ status }) => status)).toEqual(times(10, () => 'accepted'))
  expect(server.heard().match(/\r\n\.\r\n/g)).toHaveLength(10)
})

it('goes on with the next after a recipient that was refused', async () => {
  const { send } = await scripted({ RCPT: say('550 no such user') }, { MAX_CONNECTIONS: 1 })

  const deliveries = await Promise.all(times(5, (n) => send(mailTo(n), later())))

  expect(deliveries).toEqual(times(5, () => ({ status: 'refused', reason: 'recipient_550' })))
})

it('lets nobody wait longer than its own deadline, and keeps no place for who has gone', async () => {
  const server = await startScriptedServer({ greeting: SILENCE })
  onTestFinished(() => server.close())
  const send = await senderBy({ SMTP_PORT: server.port, MAX_CONNECTIONS: 1, TIMEOUT: 60 })
  const started = performance.now()

  const deliveries = await Promise.all(times(20, (n) => send(mailTo(n), AbortSignal.timeout(100 + n))))

  expect(performance.now() - started).toBeLessThan(1000)
  expect(deliveries).toEqual(times(20, () => ({ status: 'unavailable', reason: 'deadline' })))
  await server.close()
  const again = await startScriptedServer({}, server.port)
  onTestFinished(again.close)
  expect(await send(MAIL, later())).toMatchObject({ status: 'accepted' })
})

it('holds up no message of another provider', async () => {
  const silent = await scripted({ greeting: SILENCE }, { TIMEOUT: 60 })
  const quick = await scripted({}, {})
  const stop = new AbortController()
  const stuck = times(50, (n) => silent.send(mailTo(n), stop.signal))
  const started = performance.now()

  await Promise.all(times(50, (n) => quick.send(mailTo(n), later())))

  expect(performance.now() - started).toBeLessThan(2000)
  stop.abort()
  expect(await Promise.all(stuck)).toEqual(times(50, () => ({ status: 'unavailable', reason: 'deadline' })))
})
