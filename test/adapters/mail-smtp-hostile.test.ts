/**
 * SMTPEmailProvider against servers that refuse, lie, stall and break off: which status and reason each gives, that no
 * send outlives its deadline, that its connection is gone then, and that nothing secret is said anywhere.
 */
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { testCertificates } from '../support/certificates.ts'
import { logged, MAIL, sendBy, senderBy } from '../support/mail.ts'
import {
  closedPort,
  HANG_UP,
  type Reply,
  SILENCE,
  say,
  startScriptedServer,
  type Turn,
} from '../support/smtp-server.ts'

const LOGIN = { SMTP_USER: 'mailer', SMTP_PASSWORD: 'hunter2-wörd' }
const OFFERS_AUTH = say('250-hello\r\n250 AUTH PLAIN LOGIN')
const OFFERS_ALL = say('250-hello\r\n250-STARTTLS\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN')
const DEADLINE = { status: 'unavailable', reason: 'deadline' }

/** Sends one mail to a server that plays `replies`, and waits until the connection is gone. */
async function sendTo(
  replies: Partial<Record<Turn, Reply>>,
  keys: Readonly<Record<string, unknown>> = {},
  mail: { to?: string } = {},
) {
  const server = await startScriptedServer(replies)
  try {
    const delivery = await sendBy({ SMTP_PORT: server.port, ...keys }, mail)
    await server.gone
    return { delivery, heard: server.heard() }
  } finally {
    await server.close()
  }
}

/** Every way in which something secret could have been written down. */
const secretsIn = (text: string) =>
  ['418276', 'hunter2', 'ada@', Buffer.from('hunter2-wörd').toString('base64').slice(0, 8)].filter((secret) =>
    text.includes(secret),
  )

describe.concurrent('the dialogue', () => {
  it('is this, line by line', async () => {
    const { delivery, heard } = await sendTo({ EHLO: OFFERS_AUTH }, LOGIN)

    expect(delivery).toEqual({ status: 'accepted', reference: 'mail-1' })
    const [ehlo, auth, from, to, data, ...rest] = heard.split('\r\n')
    expect(ehlo).toMatch(/^EHLO \S+$/)
    expect(auth).toBe(`AUTH PLAIN ${Buffer.from('\0mailer\0hunter2-wörd').toString('base64')}`)
    expect([from, to, data]).toEqual(['MAIL FROM:<otp@example.com>', 'RCPT TO:<ada@example.org>', 'DATA'])
    expect(rest.slice(-4)).toEqual(['418276', '.', 'QUIT', ''])
  })

  it('names a domain that is not ASCII in Punycode', async () => {
    const { heard } = await sendTo({}, {}, { to: 'ada@bücher.example' })

    expect(heard).toContain('RCPT TO:<ada@xn--bcher-kva.example>\r\n')
  })

  it('goes on by HELO when the server knows no EHLO and nothing of it is needed', async () => {
    const { delivery, heard } = await sendTo({ EHLO: say('502 unknown') })

    expect(delivery.status).toBe('accepted')
    expect(heard).toMatch(/\r\nHELO \S+\r\nMAIL FROM:/)
  })

  it('is over with the verdict, without waiting for the answer to QUIT', async () => {
    const { delivery } = await sendTo({ QUIT: SILENCE })

    expect(delivery.status).toBe('accepted')
  })
})

describe.concurrent('clear text', () => {
  it.each([
    ['does not offer STARTTLS and refuses it', { EHLO: OFFERS_AUTH }, 'starttls_missing'],
    ['does not offer STARTTLS and hangs up', { EHLO: OFFERS_AUTH, STARTTLS: HANG_UP }, 'connection_closed'],
    ['offers STARTTLS and refuses it', { EHLO: OFFERS_ALL }, 'starttls_missing'],
    ['puts STARTTLS off', { EHLO: OFFERS_ALL, STARTTLS: say('454 later') }, 'starttls_454'],
    [
      'accepts STARTTLS but talks on in clear',
      { EHLO: OFFERS_ALL, STARTTLS: say('220 go\r\n250 AUTH PLAIN') },
      'timeout',
    ],
    ['knows no EHLO', { EHLO: say('502 unknown') }, 'ehlo_502'],
  ])('is never fallen back to: a server that %s gets neither login nor message', async (_, replies, reason) => {
    const { delivery, heard } = await sendTo(replies, { ...LOGIN, START_TLS: true, TIMEOUT: 0.3 })

    expect(delivery).toEqual({ status: 'unavailable', reason })
    expect(heard).not.toMatch(/AUTH|MAIL|RCPT|HELO\s/)
    expect(secretsIn(heard)).toEqual([])
  })

  it('gets no password when the server offers no AUTH, even after HELO', async () => {
    const { delivery, heard } = await sendTo({ EHLO: say('502 unknown') }, LOGIN)

    expect(delivery).toEqual({ status: 'unavailable', reason: 'auth_missing' })
    expect(heard).not.toMatch(/AUTH|MAIL/)
  })
})

describe.concurrent('a server that ends the dialogue', () => {
  it.each<[Turn, Reply, string]>([
    ['greeting', say('554 go away'), 'greeting_554'],
    ['greeting', say('421 busy'), 'greeting_421'],
    ['greeting', HANG_UP, 'connection_closed'],
    ['greeting', say('HTTP/1.1 400 Bad Request'), 'protocol_error'],
    ['greeting', say('\u0000\u0001\u0002\u0003'), 'protocol_error'],
    ['greeting', { say: '418276 ada@example.org hunter2\r\n' }, 'protocol_error'],
    ['EHLO', HANG_UP, 'connection_closed'],
    ['EHLO', say('421 too many'), 'ehlo_421'],
    ['EHLO', { say: '250-half an ans', hangUp: true }, 'connection_closed'],
    ['AUTH', HANG_UP, 'connection_closed'],
    ['AUTH', say('535 wrong password hunter2-wörd'), 'auth_failed'],
    ['AUTH', say('454 the directory is away'), 'auth_failed'],
    ['AUTH', say('334 again'), 'auth_failed'],
    ['AUTH', say('418276'), 'auth_failed'],
    ['MAIL', say('550 otp@example.com may not'), 'sender_550'],
    ['MAIL', say('451 later'), 'sender_451'],
    ['MAIL', say('421 shutting down'), 'sender_421'],
    ['MAIL', HANG_UP, 'connection_closed'],
    ['RCPT', say('450 later'), 'recipient_450'],
    ['RCPT', say('421 shutting down'), 'recipient_421'],
    ['RCPT', HANG_UP, 'connection_closed'],
    ['RCPT', say('418276 ada@example.org'), 'protocol_error'],
    ['DATA', say('451 later'), 'data_451'],
    ['DATA', say('554 no'), 'data_554'],
    ['DATA', HANG_UP, 'connection_closed'],
    ['message', say('451 later'), 'data_451'],
    ['message', say('554 418276 looks like spam'), 'data_554'],
    ['message', say('418276'), 'protocol_error'],
    ['message', HANG_UP, 'connection_closed'],
  ])('at %s with %j is unavailable', async (turn, reply, reason) => {
    const { delivery } = await sendTo({ EHLO: OFFERS_AUTH, AUTH: say('235 ok'), [turn]: reply }, LOGIN)

    expect(delivery).toMatchObject({ status: 'unavailable', reason })
  })

  it('by refusing the recipient is a verdict on the recipient', async () => {
    const { delivery } = await sendTo({ RCPT: say('550 no ada@example.org here') })

    expect(delivery).toEqual({ status: 'refused', reason: 'recipient_550' })
  })

  it('by a rule of its own (X.7) is put off for this recipient alone', async () => {
    const { delivery } = await sendTo({ RCPT: say('554 5.7.1 <ada@example.org>: Relay access denied') })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'recipient_554', recipientOnly: true })
  })

  it('while commands are under way is told apart by the first refusal', async () => {
    const { delivery } = await sendTo({ EHLO: OFFERS_ALL, MAIL: say('421 shutting down') })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'sender_421' })
  })

  it.each<Turn>(['greeting', 'EHLO', 'AUTH', 'MAIL', 'RCPT', 'DATA', 'message'])(
    'and its line of 100 kB at %s are survived: a verdict is one, a refusal is none on the recipient',
    async (turn) => {
      const codes = { greeting: 220, AUTH: 235, DATA: 354 } as Partial<Record<Turn, number>>
      const long = (code: number) => say(`${code} ${'x'.repeat(100_000)}`)
      const friendly = { EHLO: OFFERS_AUTH, AUTH: say('235 ok') }

      const welcome = await sendTo({ ...friendly, [turn]: long(codes[turn] ?? 250) }, turn === 'EHLO' ? {} : LOGIN)
      const unwelcome = await sendTo({ ...friendly, HELO: say('451 no'), [turn]: long(451) }, LOGIN)

      expect(welcome.delivery.status).toBe('accepted')
      expect(unwelcome.delivery.status).toBe('unavailable')
    },
  )

  it('is cut off when an answer has no end', async () => {
    const { delivery } = await sendTo({ greeting: { say: '220-more\r\n'.repeat(200_000) } })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'protocol_error' })
  })
})

describe.concurrent('a server that says nothing', () => {
  it.each<[Turn, object]>([
    ['greeting', {}],
    ['EHLO', {}],
    ['STARTTLS', { START_TLS: true }],
    ['AUTH', LOGIN],
    ['MAIL', {}],
    ['RCPT', {}],
    ['DATA', {}],
    ['message', {}],
  ])('at %s is given up after TIMEOUT', async (turn, keys) => {
    const { delivery } = await sendTo({ EHLO: OFFERS_AUTH, [turn]: SILENCE }, { ...keys, TIMEOUT: '0.1' })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'timeout' })
  })

  it.each([
    ['STARTTLS', { START_TLS: true }],
    ['USE_SSL', { USE_SSL: true }],
  ])('in the TLS handshake of %s is given up after TIMEOUT', async (_, keys) => {
    const replies = {
      greeting: 'USE_SSL' in keys ? SILENCE : say('220 ready'),
      EHLO: OFFERS_ALL,
      STARTTLS: say('220 go'),
    }
    const { delivery } = await sendTo(replies, { ...keys, TIMEOUT: 0.1 })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'timeout' })
  })
})

describe.concurrent('the deadline', () => {
  it.each<[string, Turn, Reply, object]>([
    ['does not greet', 'greeting', SILENCE, {}],
    ['greets a letter at a time', 'greeting', { drip: '220-slow\r\n' }, {}],
    ['floods with garbage', 'greeting', { say: 'x'.repeat(500_000) }, {}],
    ['sends empty lines', 'greeting', { drip: '\r\n' }, {}],
    ['does not shake hands', 'greeting', SILENCE, { USE_SSL: true }],
    ['does not answer EHLO', 'EHLO', SILENCE, {}],
    ['answers EHLO a letter at a time', 'EHLO', { drip: '250-x\r\n' }, {}],
    ['does not answer STARTTLS', 'STARTTLS', SILENCE, { START_TLS: true }],
    ['does not shake hands after STARTTLS', 'STARTTLS', say('220 go'), { START_TLS: true }],
    ['does not answer AUTH', 'AUTH', SILENCE, LOGIN],
    ['does not answer AUTH with an empty password', 'AUTH', SILENCE, { SMTP_USER: 'mailer' }],
    ['does not answer MAIL', 'MAIL', SILENCE, {}],
    ['does not answer RCPT', 'RCPT', { drip: '250-' }, {}],
    ['does not answer DATA', 'DATA', SILENCE, {}],
    ['does not take over the message', 'message', SILENCE, {}],
  ])('ends the attempt and the connection when the server %s', async (_, turn, reply, keys) => {
    const server = await startScriptedServer({ EHLO: OFFERS_AUTH, QUIT: SILENCE, [turn]: reply })
    const deadline = new AbortController()
    try {
      const sending = sendBy({ SMTP_PORT: server.port, TIMEOUT: 60, ...keys }, {}, deadline.signal)
      await server.reached(turn)
      deadline.abort()

      expect(await sending).toEqual(DEADLINE)
      await server.gone
    } finally {
      await server.close()
    }
  })

  it('that has passed lets nothing begin', async () => {
    const delivery = await sendBy({ SMTP_PORT: await closedPort() }, {}, AbortSignal.abort())

    expect(delivery).toEqual(DEADLINE)
  })

  it('ends the search for a name', async () => {
    const deadline = new AbortController()
    const sending = sendBy({ SMTP_SERVER: 'no-such-host.invalid' }, {}, deadline.signal)
    queueMicrotask(() => deadline.abort())

    expect(await sending).toEqual(DEADLINE)
  })
})

it('is unavailable when a file of the configuration is gone by the time of a message', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'otpost-mail-'))
  const file = join(folder, 'client.pem')
  await copyFile(testCertificates().client.bothFile, file)
  const send = await senderBy({ START_TLS: true, SMTP_PORT: await closedPort(), CERTFILE: file })
  await rm(folder, { recursive: true })

  const delivery = await send(MAIL, AbortSignal.timeout(5000))

  expect(delivery).toEqual({ status: 'unavailable', reason: 'pem_unreadable' })
})

it('has logged nothing secret in all of this', () => {
  expect(secretsIn(logged.join('\n'))).toEqual([])
})
