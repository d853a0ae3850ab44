/**
 * Thousands of hostile numbers and texts, through every provider that puts them into a request: what arrives has the
 * headers, the parameters and the one recipient of a harmless message, and the text as it was.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../src/adapters/sms/index.ts'
import { findIn, type Message, type RawConfig, type Send } from '../../src/ports/provider.ts'
import { type Heard, startHttpServer } from '../support/http-server.ts'
import { mailEdges } from '../support/mail.ts'
import { randomFrom } from '../support/random-configs.ts'
import { startSmtpServer } from '../support/smtp-server.ts'

const PIECES = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\0',
    '\t',
    '\u2028',
    '\ud800',
    'é',
    '😀',
    ' ',
    '+',
    '&',
    '#',
    '?',
    '=',
    ';',
    ',',
    '/',
    ':',
    '@',
  ],
  ...['%0d%0a', '%00', '%26', '%', '"', "'", '`', '\\', '\\"', '{', '}', '[', ']', '<', '>', '</text>', '<!--', ']]>'],
  ...[
    '&to=%2B1900',
    '"},"to":"+1900',
    '\r\nX-Evil: 1',
    '\r\nBcc: eve@evil.test',
    '\r\n.\r\nMAIL FROM:<eve@evil.test>\r\n',
  ],
  ...['<phone>', '<message>', '<otp>', '<to>', '<text>', '${otp}', '$&', '$1', '__proto__', '../', 'eve@evil.test'],
  ...['+1900', '0', '7', '42', 'a', 'Z'],
]

function hostile(random: () => number): string {
  const length = 1 + Math.floor(random() * 6)
  return Array.from({ length }, () => PIECES[Math.floor(random() * PIECES.length)] ?? '').join('')
}

async function senderOf(name: string, raw: RawConfig): Promise<Send> {
  const provider = findIn([...smsProviders(smtpMail), ...mailProviders], name)
  const read = await provider?.read(raw, mailEdges())
  if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, mailEdges())
}

const HARMLESS: Message = { id: 'sms-1', to: '+491701234567', subject: 'Your OTP', text: '418276' }
const ROUNDS = 500

type Target = {
  readonly name: string
  readonly what: string
  readonly keys: RawConfig
  /** What the parameters must be for a message. */
  readonly expected: (message: Message) => unknown
  readonly parameters: (heard: Heard) => unknown
  /** What a hostile number becomes; providers of mail take one address only. */
  readonly to: (text: string) => string
}
const listOf = (parameters: URLSearchParams) => [...parameters].toSorted(([a], [b]) => (a < b ? -1 : 1))
const HTTP = { SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to', PARAMETER: { account: 'corp' } }
const wellFormed = ({ to, text }: Message) => [
  ['account', 'corp'],
  ['text', text.toWellFormed()],
  ['to', to.toWellFormed()],
]
const same = (text: string) => text
const mailed = () => 'ada@example.org'

const TARGETS: readonly Target[] = [
  {
    ...{ name: 'HttpSMSProvider', what: 'a query', to: same, expected: wellFormed },
    keys: { ...HTTP, HTTP_Method: 'GET' },
    parameters: ({ query }) => listOf(query),
  },
  {
    ...{ name: 'HttpSMSProvider', what: 'a form', to: same, expected: wellFormed, keys: HTTP },
    parameters: ({ body }) => listOf(new URLSearchParams(body)),
  },
  {
    ...{ name: 'RestSMSProvider', what: 'JSON', to: same },
    keys: {
      PAYLOAD: { from: 'corp', text: 'Hi <message>!', to: [{ number: '<phone>' }] },
      ...{ SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to[0].number' },
    },
    expected: ({ to, text }) => ({ from: 'corp', text: `Hi ${text}!`, to: [{ number: to }] }),
    parameters: ({ body }) => JSON.parse(body),
  },
  {
    ...{ name: 'HttpEmailProvider', what: 'JSON', to: mailed },
    keys: { BODY: { to: ['<to>'], note: '<subject>|<text>' } },
    expected: ({ text, subject }) => ({ to: ['ada@example.org'], note: `${subject}|${text}` }),
    parameters: ({ body }) => JSON.parse(body),
  },
  {
    ...{ name: 'HttpEmailProvider', what: 'a form', to: mailed },
    keys: { BODY: { to: '<to>', text: '<text>' }, FORMAT: 'form' },
    expected: ({ text }) => [
      ['text', text.toWellFormed()],
      ['to', 'ada@example.org'],
    ],
    parameters: ({ body }) => listOf(new URLSearchParams(body)),
  },
]

describe.each(TARGETS)('$name with $what', ({ name, what, keys, to, expected, parameters }) => {
  it(`carries ${ROUNDS} hostile messages, and nothing else`, { timeout: 60_000 }, async () => {
    const server = await startHttpServer(() => ({ status: 200, body: 'OK' }))
    onTestFinished(server.close)
    const send = await senderOf(name, { URL: `${server.url}/send`, ...keys })
    await send({ ...HARMLESS, to: to(HARMLESS.to) }, AbortSignal.timeout(5000))
    const frame = ({ method, path, headers }: Heard) => ({
      ...{ method, path },
      headers: [...headers].map(([name, value]) => (name === 'content-length' ? name : `${name}: ${value}`)),
    })
    const harmless = server.heard.map(frame)[0]
    const random = randomFrom(`${name} ${what}`)

    let sent = 1
    for (let n = 0; n < ROUNDS; n += 1) {
      const message = { ...HARMLESS, to: to(`4${hostile(random)}`), text: hostile(random) }
      const delivery = await send(message, AbortSignal.timeout(5000))
      // A second plus is a second number.
      if ('reason' in delivery && delivery.reason === 'number_not_one') continue
      sent += 1
      const heard = server.heard[sent - 1]
      if (!heard) throw new Error(`nothing arrived of ${JSON.stringify(message)}`)
      const noParameters = { method: heard.method, path: heard.path }
      expect({ ...noParameters, headers: frame(heard).headers }).toEqual(harmless)
      expect(parameters(heard)).toEqual(expected(message))
    }

    expect(server.heard).toHaveLength(sent)
    expect(sent).toBeGreaterThan(ROUNDS / 2)
  })
})

it('SmtpSMSProvider writes 600 hostile messages to one recipient each, with the headers of a harmless one', {
  timeout: 60_000,
}, async () => {
  const server = await startSmtpServer()
  onTestFinished(server.close)
  const send = await senderOf('SmtpSMSProvider', {
    ...{ mailserver: `127.0.0.1:${server.port}`, mailsender: 'otp@example.org', mailto: '<phone>@sms.example.org' },
    ...{ subject: 'for <phone>', body: '<phone>: <otp>' },
  })
  await send(HARMLESS, AbortSignal.timeout(5000))
  const names = (raw: string) =>
    (raw.split('\r\n\r\n')[0] ?? '')
      .split('\r\n')
      .filter((line) => !/^\s/.test(line))
      .map((line) => line.split(':')[0])
      .toSorted()
  const harmless = names(server.mails[0]?.raw ?? '')
  const random = randomFrom('SmtpSMSProvider')

  const messages = Array.from({ length: 600 }, () => ({
    ...HARMLESS,
    to: `4${hostile(random)}`,
    text: hostile(random),
  }))
  await Promise.all(messages.map((message) => send(message, AbortSignal.timeout(50_000))))

  expect(server.mails.length).toBeGreaterThan(100)
  for (const { from, to, raw } of server.mails) {
    expect([from, to.length]).toEqual(['otp@example.org', 1])
    expect(to[0]).toMatch(/^\+?\d+@sms\.example\.org$/)
    expect(names(raw)).toEqual(harmless)
  }
})
