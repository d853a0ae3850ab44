/**
 * The contract of `ports/provider.ts`, held up to every provider of both lists: reading is total and names its
 * problems, sending settles by its signal, and whatever a server does is a delivery whose reason gives nothing away.
 */
import { describe, expect, it, onTestFinished } from 'vitest'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../src/adapters/sms/index.ts'
import type { Edges } from '../../src/ports/edges.ts'
import type { Message, Provider, RawConfig, Send } from '../../src/ports/provider.ts'
import { FAULT_NAMES, startFaultyServer, startHttpServer } from '../support/http-server.ts'
import { logged, mailEdges, NODE, WORKERS } from '../support/mail.ts'
import { aConfig, randomFrom } from '../support/random-configs.ts'
import { pdu, startScriptedSmpp } from '../support/smpp-server.ts'
import { closedPort, say, startScriptedServer } from '../support/smtp-server.ts'

const PROVIDERS = [...mailProviders, ...smsProviders(smtpMail)]
const OTP = '418276'
const SECRET = 'hunter2-secret'
const MAIL: Message = { id: 'message-1', to: 'zoe@example.org', subject: 'Your OTP', text: `Your OTP is ${OTP}` }
const SMS: Message = { ...MAIL, to: '+49 170 1234567', subject: '' }

type Kit = {
  readonly required: readonly string[]
  /** What makes the sample talk to a server here, with `SECRET` wherever there is room for one; null: no server. */
  readonly at: ((port: number) => RawConfig) | null
}

const url = (port: number) => `http://127.0.0.1:${port}`
const byKey = (port: number): RawConfig => ({ URL: url(port), API_KEY: SECRET })
/** Each provider has its line here, so that a new one cannot be forgotten. */
const KITS: Readonly<Record<string, Kit>> = {
  SMTPEmailProvider: {
    required: ['SMTP_SERVER'],
    at: (port) => ({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: port, START_TLS: false, SMTP_PASSWORD: SECRET }),
  },
  ResendEmailProvider: { required: ['API_KEY', 'EMAIL_FROM'], at: byKey },
  SendGridEmailProvider: { required: ['API_KEY', 'EMAIL_FROM'], at: byKey },
  MailgunEmailProvider: { required: ['DOMAIN', 'API_KEY', 'EMAIL_FROM'], at: byKey },
  PostmarkEmailProvider: { required: ['API_KEY', 'EMAIL_FROM'], at: byKey },
  SesEmailProvider: {
    required: ['REGION', 'ACCESS_KEY_ID', 'SECRET_ACCESS_KEY', 'EMAIL_FROM'],
    at: (port) => ({ URL: url(port), SECRET_ACCESS_KEY: SECRET }),
  },
  CloudflareEmailProvider: { required: ['EMAIL_FROM'], at: null },
  HttpEmailProvider: {
    required: ['URL', 'BODY'],
    at: (port) => ({ URL: url(port), PASSWORD: SECRET, HEADERS: { 'X-Api-Key': SECRET }, SUCCESS_REGEX: 'queued' }),
  },
  HttpSMSProvider: {
    required: ['URL'],
    at: (port) => ({ URL: url(port), PARAMETER: { password: SECRET }, PASSWORD: SECRET, RETURN_SUCCESS: 'OK' }),
  },
  RestSMSProvider: {
    required: ['URL', 'PAYLOAD', 'SMS_TEXT_KEY', 'SMS_PHONENUMBER_KEY'],
    at: (port) => ({ URL: `http://ada:${SECRET}@127.0.0.1:${port}`, HEADERS: { 'X-Api-Key': SECRET } }),
  },
  SmtpSMSProvider: {
    required: ['mailserver', 'mailsender', 'mailto'],
    at: (port) => ({ mailserver: `127.0.0.1:${port}`, start_tls: false, mailpassword: SECRET }),
  },
  SMPPSMSProvider: {
    required: ['server', 'system_id', 'password', 'source_addr'],
    at: (port) => ({ server: '127.0.0.1', port, use_ssl: false, password: SECRET }),
  },
  FileSMSProvider: { required: ['file'], at: null },
}

const kitOf = ({ name }: Provider): Kit => KITS[name] ?? { required: [], at: null }
const isMail = (provider: Provider): boolean => mailProviders.includes(provider)
const messageFor = (provider: Provider): Message => (isMail(provider) ? MAIL : SMS)
const speaksSmtp = ({ name }: Provider): boolean => ['SMTPEmailProvider', 'SmtpSMSProvider'].includes(name)
const speaksSmpp = ({ name }: Provider): boolean => name === 'SMPPSMSProvider'
/** What Workers cannot do at all. */
const NOT_ON_WORKERS = ['FileSMSProvider', 'SMPPSMSProvider']

function edgesOf(over: Partial<Edges> = {}): Edges {
  return { ...mailEdges(NODE), readFile: noFile, writeFile: async () => undefined, mailBinding, ...over }
}
const mailBinding = (name: string) => (name === 'EMAIL' ? { send: async () => ({ messageId: SECRET }) } : undefined)
const noWriting = async (path: string): Promise<void> => void (await noFile(path))
const noFile = async (path: string): Promise<string> => {
  throw new Error(`no ${path} for ${SECRET}`)
}

async function senderOf(provider: Provider, keys: RawConfig, edges = edgesOf()): Promise<Send> {
  const read = await provider.read({ ...provider.sample, ...keys }, edges)
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, edges)
}

/** Nothing but a word: no address, OTP or secret, and nothing that a server made up. */
function expectHarmless(reason: string): void {
  expect(reason).toMatch(/^[a-z]+(?:_[a-z]+)*(?:_\d{3,4})?$/)
  for (const word of [OTP, 'hunter', 'zoe', '4917']) expect(reason).not.toContain(word)
}

it('has a kit for every provider', () => {
  expect(Object.keys(KITS).sort()).toEqual(PROVIDERS.map(({ name }) => name).sort())
})

it('gives each class name of a type to one provider, and its own name among them', () => {
  for (const list of [mailProviders, smsProviders(smtpMail)]) {
    const names = list.flatMap(({ classNames }) => classNames)
    expect(new Set(names).size).toBe(names.length)
    expect(list.every(({ name, classNames }) => classNames.includes(name))).toBe(true)
  }
})

describe.each(PROVIDERS.map((provider) => ({ name: provider.name, provider })))('$name reads', ({ provider }) => {
  it('its sample, with no warning', async () => {
    expect(await provider.read(provider.sample, edgesOf())).toMatchObject({ ok: true, value: { warnings: [] } })
  })

  it('its sample on Workers, or says by key why not', async () => {
    const read = await provider.read(provider.sample, mailEdges(WORKERS))

    if (!read.ok) expect(Object.keys(provider.sample)).toContain(read.error.key)
    expect(read.ok).toBe(!NOT_ON_WORKERS.includes(provider.name))
  })

  it.each(kitOf(provider).required)('nothing without %s, which it names', async (key) => {
    for (const nothing of [undefined, null, '']) {
      const read = await provider.read({ ...provider.sample, [key]: nothing }, edgesOf())
      expect(read).toEqual({ ok: false, error: { key, rule: 'is required' } })
    }
  })

  it('no more than the required keys, if need be', async () => {
    const given = kitOf(provider).required.map((key) => [key, provider.sample[key]])
    const read = await provider.read(Object.fromEntries(given), edgesOf())

    // A body with <from> in it wants a sender, which is no key of its own right.
    expect(read.ok ? '' : read.error.key).toBe(provider.name === 'HttpEmailProvider' ? 'EMAIL_FROM' : '')
  })

  it('unknown keys with a warning each, but not those that the caller adds', async () => {
    const added = { NO_SUCH_KEY: 1, toString: 'x', timeout: '120', Managed: true }
    const read = await provider.read({ ...provider.sample, ...added }, edgesOf())

    expect(read).toMatchObject({ ok: true, value: { warnings: ['NO_SUCH_KEY', 'toString'] } })
  })

  it('secrets only where they are bound to a server', () => {
    expect(provider.secretKeys.length === 0 || provider.boundKeys.length > 0).toBe(true)
  })

  it('anything that is JSON, without an exception, and sends by all it takes', {
    timeout: 60_000,
  }, async () => {
    const random = randomFrom(provider.name)
    const keys = [...new Set(PROVIDERS.flatMap(({ sample }) => Object.keys(sample))), 'PROXY', 'TLS_CA', '__proto__']
    let taken = 0
    for (let n = 0; n < 2000; n += 1) {
      const raw = aConfig(random, provider.sample, keys, SECRET)
      const read = await provider.read(raw, edgesOf())
      if (read.ok) {
        taken += 1
        expect(typeof provider.defaults(read.value.config).subject).toBe('string')
        const send = provider.create(read.value.config, edgesOf({ fetch: async () => new Response(SECRET) }))
        if (speaksSmtp(provider) || speaksSmpp(provider)) continue // it would look for hosts of random names
        const delivery = await send(messageFor(provider), new AbortController().signal)
        if ('reason' in delivery) expectHarmless(delivery.reason)
        continue
      }
      expect(typeof read.error.key).toBe('string')
      expect(read.error.rule).toMatch(/^(?:is required|must )/)
      expect(read.error.rule).not.toContain(SECRET)
    }

    expect(taken).toBeGreaterThan(100)
    expect(taken).toBeLessThan(1900)
  })
})

const NETWORKED = PROVIDERS.flatMap((provider) => {
  const { at } = kitOf(provider)
  return at ? [{ name: provider.name, provider, at }] : []
})

describe.each(NETWORKED)('$name sends', ({ provider, at }) => {
  it('nothing by a signal that has aborted', async () => {
    const send = await senderOf(provider, at(await closedPort()))

    const delivery = await send(messageFor(provider), AbortSignal.abort())

    expect(delivery).toEqual({ status: 'unavailable', reason: 'deadline' })
  })

  it('until its signal aborts, and not longer', async () => {
    const server = await startFaultyServer('says nothing')
    onTestFinished(server.close)
    const send = await senderOf(provider, at(server.port))
    const started = performance.now()

    const delivery = await send(messageFor(provider), AbortSignal.timeout(100))

    expect(delivery).toEqual({ status: 'unavailable', reason: 'deadline' })
    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('to nobody where nobody listens', async () => {
    const send = await senderOf(provider, at(await closedPort()))

    const delivery = await send(messageFor(provider), AbortSignal.timeout(5000))

    expect(delivery).toEqual({ status: 'unavailable', reason: 'connection_refused' })
  })

  it.each(FAULT_NAMES)('to a server that %s: unavailable, in one word', async (fault) => {
    const server = await startFaultyServer(fault)
    onTestFinished(server.close)
    const send = await senderOf(provider, at(server.port))

    const delivery = await send(messageFor(provider), AbortSignal.timeout(300))

    expect(delivery.status).toBe('unavailable')
    expectHarmless('reason' in delivery ? delivery.reason : '')
  })

  it('to a server that repeats all it knows, which no reason and no log does', async () => {
    for (const status of [200, 202, 400, 401, 403, 422, 500]) {
      const server = await parrotFor(provider, status)
      onTestFinished(server.close)
      const send = await senderOf(provider, at(server.port))

      const delivery = await send(messageFor(provider), AbortSignal.timeout(5000))

      if ('reason' in delivery) expectHarmless(delivery.reason)
    }
    expect(logged.join('\n')).not.toMatch(/hunter2|418276|zoe@/)
  })
})

/** Says everything it should keep to itself, in each place where one of the APIs has a text. */
const parrot = (status: number) =>
  startHttpServer(({ body }) => {
    const all = `${OTP} ${SECRET} zoe@example.org ${body}`
    return {
      status,
      body: {
        id: all,
        name: SECRET,
        message: all,
        ErrorCode: Number(OTP),
        Message: all,
        errors: [{ field: all, message: all }],
      },
    }
  })

const parrotFor = (
  provider: Provider,
  status: number,
): Promise<{ readonly port: number; close: () => Promise<void> }> => {
  if (speaksSmpp(provider)) return status < 300 ? parrotBySmpp(SECRET, 0) : parrotBySmpp(OTP, Number(OTP))
  return speaksSmtp(provider) ? parrotBySmtp(status) : parrot(status)
}

const parrotBySmpp = (word: string, status: number) =>
  startScriptedSmpp({ submit: { bytes: pdu(0x80000004, status, 2, Buffer.from(`${word}\0`)) } })

const parrotBySmtp = (status: number) =>
  startScriptedServer({
    EHLO: say('250-hello\r\n250 AUTH PLAIN'),
    ...(status < 300 ? { greeting: say(`${OTP} ${SECRET}`) } : {}),
    ...(status === 401 ? { AUTH: say(`535 ${SECRET} is wrong`) } : {}),
    RCPT: say(`${status === 500 ? 550 : 451} ${OTP} <zoe@example.org> ${SECRET}`),
  })

describe('FileSMSProvider sends', () => {
  const [file] = smsProviders(smtpMail).filter(({ name }) => name === 'FileSMSProvider')
  const sendBy = async (edges: Partial<Edges>, signal: AbortSignal) =>
    file && (await senderOf(file, {}, edgesOf(edges)))(SMS, signal)

  it.each([
    ['nothing by a signal that has aborted', {}, () => AbortSignal.abort(), 'deadline'],
    [
      'until its signal aborts',
      { writeFile: () => new Promise<void>(() => undefined) },
      () => AbortSignal.timeout(50),
      'deadline',
    ],
    ['to no file that cannot be written', { writeFile: noWriting }, () => AbortSignal.timeout(50), 'file_not_writable'],
  ])('%s', async (_, edges, signal, reason) => {
    expect(await sendBy(edges, signal())).toEqual({ status: 'unavailable', reason })
  })
})
