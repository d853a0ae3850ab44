/**
 * The contract of `ports/provider.ts`, held up to every provider of both lists on every runtime: reading is total and names
 * its problems, sending settles by its signal, and whatever a server does is a delivery whose reason gives nothing away.
 * What a runtime cannot do it refuses by the name of a key.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../src/adapters/sms/index.ts'
import type { Edges } from '../../src/ports/edges.ts'
import type { Provider, RawConfig } from '../../src/ports/provider.ts'
import { FAULT_NAMES, startFaultyServer } from '../support/http-server.ts'
import { mailEdges } from '../support/mail.ts'
import { closedPort } from '../support/smtp-server.ts'
import { against, friendFor, parrotFor } from './provider-runtimes/servers.ts'
import { RUNTIMES, type Runtime, type RuntimeName, startProviders } from './provider-runtimes/start.ts'
import { messageFor, OTP, type Perform, PROVIDERS, SECRET } from './provider-runtimes/tasks.ts'

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

/** What a runtime cannot do at all. With a binding that only seems to be one, CloudflareEmailProvider is tried everywhere. */
const BEYOND: Readonly<Record<RuntimeName, readonly string[]>> = {
  node: ['CloudflareEmailProvider'],
  deno: ['CloudflareEmailProvider'],
  bun: ['CloudflareEmailProvider'],
  workerd: ['CloudflareEmailProvider', 'SMPPSMSProvider', 'FileSMSProvider'],
}
const isTried = (runtime: RuntimeName, { name }: Provider): boolean =>
  name === 'CloudflareEmailProvider' || !BEYOND[runtime].includes(name)

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

it.each(PROVIDERS)('$name has secrets only where they are bound to a server', ({ secretKeys, boundKeys }) => {
  expect(secretKeys.length === 0 || boundKeys.length > 0).toBe(true)
})

describe.concurrent.each(RUNTIMES)('on %s', (runtime) => {
  let running: Runtime
  const perform: Perform = (task) => running.perform(task)
  beforeAll(async () => {
    running = await startProviders(runtime)
  }, 90_000)
  afterAll(() => running?.stop())

  it.each(PROVIDERS)('$name takes its sample, or says by key why not', async ({ name: provider, sample }) => {
    const read = await perform({ do: 'read', provider, raw: sample, bare: true })

    expect(read.ok).toBe(!BEYOND[runtime].includes(provider))
    if (read.ok) return
    expect(Object.keys(sample)).toContain(read.key)
    expect(read.rule).toMatch(/runtime|Workers/)
  })

  const tried = PROVIDERS.filter((provider) => isTried(runtime, provider))
  describe.each(tried.map((provider) => ({ name: provider.name, provider })))('$name', ({ name, provider }) => {
    const { required, at } = kitOf(provider)
    const { sample } = provider
    readsConfigurations({ runtime, name, sample, required, perform })
    if (at) sends({ name, at, perform })
  })
})

/** A key that is wanted beside those that always are. */
function wantsMore(provider: string, runtime: RuntimeName): string {
  // A body with <from> in it wants a sender, which is no key of its own right.
  if (provider === 'HttpEmailProvider') return 'EMAIL_FROM'
  // That of SMTP without TLS is closed to Workers.
  return provider === 'SMTPEmailProvider' && runtime === 'workerd' ? 'SMTP_PORT' : ''
}

type Reading = {
  readonly runtime: RuntimeName
  readonly name: string
  readonly sample: RawConfig
  readonly required: readonly string[]
  readonly perform: Perform
}

function readsConfigurations({ runtime, name: provider, sample, required, perform }: Reading): void {
  const read = (raw: RawConfig) => perform({ do: 'read', provider, raw })

  it('reads its sample, with no warning', async () => {
    expect(await read(sample)).toEqual({ ok: true, warnings: [] })
  })

  it.each(required)('reads nothing without %s, which it names', async (key) => {
    const { [key]: _, ...without } = sample
    for (const raw of [without, { ...sample, [key]: null }, { ...sample, [key]: '' }])
      expect(await read(raw)).toEqual({ ok: false, key, rule: 'is required' })
  })

  it('reads no more than the required keys, if need be', async () => {
    const given = await read(Object.fromEntries(required.map((key) => [key, sample[key]])))

    expect(given.ok ? '' : given.key).toBe(wantsMore(provider, runtime))
  })

  it('warns of unknown keys, but not of those that the caller adds', async () => {
    const given = await read({ ...sample, NO_SUCH_KEY: 1, toString: 'x', timeout: '120', Managed: true })

    expect(given).toEqual({ ok: true, warnings: ['NO_SUCH_KEY', 'toString'] })
  })

  it('reads anything that is JSON, without an exception, and sends by all it takes', { timeout: 60_000 }, async () => {
    const count = runtime === 'node' ? 1000 : 300
    const { taken, rules, reasons, odd } = await perform({ do: 'guess', provider, count })

    expect(odd).toEqual([])
    for (const rule of rules) {
      expect(rule).toMatch(/^(?:is required|must )/)
      expect(rule).not.toContain(SECRET)
    }
    reasons.forEach(expectHarmless)
    expect(taken).toBeGreaterThan(count / 20)
    expect(taken).toBeLessThan(count * 0.95)
  })
}

type Sending = { readonly name: string; readonly at: (port: number) => RawConfig; readonly perform: Perform }

function sends({ name: provider, at, perform }: Sending): void {
  const send = (port: number, abortAfter: number) => perform({ do: 'send', provider, keys: at(port), abortAfter })
  const reasonOf = ({ delivery }: Awaited<ReturnType<typeof send>>) => ('reason' in delivery ? delivery.reason : '')

  it('sends nothing by a signal that has aborted', async () => {
    const { delivery } = await send(await closedPort(), 0)

    expect(delivery).toEqual({ status: 'unavailable', reason: 'deadline' })
  })

  it('sends until its signal aborts, and not longer', async () => {
    const { delivery, took } = await against(startFaultyServer('says nothing'), (port) => send(port, 100))

    expect(delivery).toEqual({ status: 'unavailable', reason: 'deadline' })
    expect(took).toBeLessThan(1000)
  })

  it('sends to nobody where nobody listens', async () => {
    const answer = await send(await closedPort(), 5000)

    expect(answer.delivery.status).toBe('unavailable')
    // Deno and Workers say no more of a `fetch` than that it failed.
    expect(reasonOf(answer)).toMatch(/^connection_(?:refused|failed)$/)
  })

  it('sends a message that arrives', async () => {
    const { answer, heard } = await against(friendFor(provider), async (port, server) => ({
      answer: await send(port, 10_000),
      heard: server.heard(),
    }))

    expect(answer.delivery.status).toBe('accepted')
    expect(heard).toContain(OTP)
  })

  it.each(FAULT_NAMES)('takes a server that %s for unavailable, in one word', async (fault) => {
    const answer = await against(startFaultyServer(fault), (port) => send(port, 300))

    expect(answer.delivery.status).toBe('unavailable')
    expectHarmless(reasonOf(answer))
  })

  it('repeats in no reason and no log what a server says that repeats all it knows', async () => {
    for (const status of [200, 202, 400, 401, 403, 422, 500]) {
      const answer = await against(parrotFor(provider, status), (port) => send(port, 5000))

      if (answer.delivery.status !== 'accepted') expectHarmless(reasonOf(answer))
      expect(answer.logged).not.toMatch(/hunter2|418276|zoe@/)
    }
  })
}

describe('FileSMSProvider sends', () => {
  async function sendBy(writeFile: Edges['writeFile'], signal: AbortSignal) {
    const file = PROVIDERS.find(({ name }) => name === 'FileSMSProvider')
    const edges = { ...mailEdges(), ...(writeFile && { writeFile }) }
    const read = await file?.read(file.sample, edges)
    return file && read?.ok ? file.create(read.value.config, edges)(messageFor(file), signal) : null
  }
  const written = async () => undefined
  const stuck = () => new Promise<void>(() => undefined)
  const broken = async (path: string): Promise<void> => {
    throw new Error(`no ${path} for ${SECRET}`)
  }

  it.each<readonly [string, Edges['writeFile'], () => AbortSignal, string]>([
    ['nothing by a signal that has aborted', written, () => AbortSignal.abort(), 'deadline'],
    ['until its signal aborts', stuck, () => AbortSignal.timeout(50), 'deadline'],
    ['to no file that cannot be written', broken, () => AbortSignal.timeout(50), 'file_not_writable'],
  ])('%s', async (_, writeFile, signal, reason) => {
    expect(await sendBy(writeFile, signal())).toEqual({ status: 'unavailable', reason })
  })
})
