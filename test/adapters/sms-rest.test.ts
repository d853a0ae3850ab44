/** RestSMSProvider: what it posts for a configuration (contract 4.9), what it takes for a success, what it refuses. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { provider } from '../../src/adapters/sms/rest.ts'
import type { Capabilities } from '../../src/ports/edges.ts'
import { type Answer, startHttpServer } from '../support/http-server.ts'
import { mailEdges, NODE, WORKERS } from '../support/mail.ts'
import { closedPort } from '../support/smtp-server.ts'

type Keys = Readonly<Record<string, unknown>>

const SMS = { id: 'sms-1', to: '+49 (151) 1', subject: '', text: '418276' }
const PLAIN: Keys = {
  PAYLOAD: { from: 'corp', text: 'Hi <message>!', to: '<phone>' },
  SMS_TEXT_KEY: 'text',
  SMS_PHONENUMBER_KEY: 'to',
}

async function send(keys: Keys, answer: Answer = { status: 200, body: { status: 'queued' } }, sms = SMS) {
  const server = await startHttpServer(() => answer)
  onTestFinished(server.close)
  const delivery = await sendTo({ URL: `${server.url}/rest`, ...PLAIN, ...keys }, sms)
  return { delivery, heard: server.heard, json: JSON.parse(server.heard[0]?.body ?? 'null') }
}

async function sendTo(keys: Keys, sms = SMS, signal = AbortSignal.timeout(10_000)) {
  const edges = mailEdges()
  const read = await provider.read(keys, edges)
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, edges)(sms, signal)
}

const read = (keys: Keys, capabilities: Capabilities = NODE) =>
  provider.read({ URL: 'https://sms.example.org/', ...PLAIN, ...keys }, mailEdges(capabilities))

describe('the payload', () => {
  it.each<[string, unknown, string, string, unknown]>([
    [
      'templates',
      { from: 'corp', text: 'Hi <message>!', to: '<phone>' },
      'text',
      'to',
      { from: 'corp', text: 'Hi 418276!', to: '+49 (151) 1' },
    ],
    [
      'a list of numbers',
      { text: '<message>', to: ['<phone>', 'x', 7] },
      'text',
      'to',
      { text: '418276', to: ['+49 (151) 1', 'x', 7] },
    ],
    ['no templates', { text: 'old', to: ['old'] }, 'text', 'to', { text: '418276', to: '+49 (151) 1' }],
    ['keys that are not there yet', {}, 'text', 'to', { text: '418276', to: '+49 (151) 1' }],
    [
      'paths',
      { m: { text: '', a: 1 }, to: [{ msisdn: '' }] },
      'm.text',
      'to[0].msisdn',
      { m: { text: '418276', a: 1 }, to: [{ msisdn: '+49 (151) 1' }] },
    ],
    [
      'paths with templates',
      { m: ['Hi <message>'], to: { n: 'tel:<phone>' } },
      'm[0]',
      'to.n',
      { m: ['Hi 418276'], to: { n: 'tel:+49 (151) 1' } },
    ],
    [
      'paths that are not there yet',
      {},
      'm.text',
      'to[0].msisdn',
      { m: { text: '418276' }, to: [{ msisdn: '+49 (151) 1' }] },
    ],
    [
      'an index beyond the end, which appends',
      { to: [{ msisdn: '1' }] },
      'text',
      'to[7].msisdn',
      { text: '418276', to: [{ msisdn: '1' }, { msisdn: '+49 (151) 1' }] },
    ],
    ['lists in lists', { l: [[1], [2]] }, 'l[1][0]', 'to', { l: [[1], ['418276']], to: '+49 (151) 1' }],
    [
      'keys that look like paths',
      { 'a.b': 'x', 'c[0]': 'y' },
      'a.b',
      'c[0]',
      { 'a.b': '418276', 'c[0]': '+49 (151) 1' },
    ],
    [
      'text and number in one object',
      { a: { m: '<message>', n: '<phone>' } },
      'a.m',
      'a.n',
      { a: { m: '418276', n: '+49 (151) 1' } },
    ],
  ])('takes %s', async (_, PAYLOAD, SMS_TEXT_KEY, SMS_PHONENUMBER_KEY, expected) => {
    const { delivery, json } = await send({ PAYLOAD, SMS_TEXT_KEY, SMS_PHONENUMBER_KEY })

    expect(delivery).toEqual({ status: 'accepted', reference: 'sms-1' })
    expect(json).toEqual(expected)
  })

  it('takes a message as it is, whatever it looks like', async () => {
    const text = '$& $1 <phone> <message> "quoted" \\ \n ü'
    const { json } = await send({}, undefined, { ...SMS, text })

    expect(json).toEqual({ from: 'corp', text: `Hi ${text}!`, to: '+49 (151) 1' })
  })

  it('is the same for the next message', async () => {
    const edges = mailEdges()
    const server = await startHttpServer(() => ({ status: 200 }))
    onTestFinished(server.close)
    const config = await provider.read({ URL: server.url, ...PLAIN, SMS_PHONENUMBER_KEY: 'list[9]' }, edges)
    if (!config.ok) throw new Error('refused')
    const sendIt = provider.create(config.value.config, edges)

    for (const text of ['1', '2']) await sendIt({ ...SMS, text }, AbortSignal.timeout(5000))

    expect(server.heard.map(({ body }) => JSON.parse(body))).toMatchObject([
      { text: 'Hi 1!', list: ['+49 (151) 1'] },
      { text: 'Hi 2!', list: ['+49 (151) 1'] },
    ])
  })

  it.each([['__proto__.polluted'], ['constructor.prototype.polluted'], ['__proto__']])(
    'has an own member where %s leads, and nothing else changes',
    async (SMS_TEXT_KEY) => {
      const { delivery } = await send({ PAYLOAD: {}, SMS_TEXT_KEY })

      expect(delivery.status).toBe('accepted')
      expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false)
      expect(({} as Record<string, unknown>).polluted).toBeUndefined() // looked up on purpose
    },
  )

  it.each([
    [{ MSISDN: 'true' }, '+491511'],
    [{ SUPPRESS_PREFIX: '+' }, '49 (151) 1'],
    [{ MSISDN: true, SUPPRESS_PREFIX: '+49' }, '1511'],
  ])('with %j has the number %s', async (keys, to) => {
    const { json } = await send(keys)

    expect(json.to).toBe(to)
  })
})

describe('the request', () => {
  it('is one POST of JSON with the headers of the configuration', async () => {
    const { heard } = await send({ USERNAME: 'u', PASSWORD: 'p', HEADERS: { 'X-K': '1' } })

    expect(heard).toHaveLength(1)
    expect(heard[0]).toMatchObject({ method: 'POST', path: '/rest' })
    const headers = Object.fromEntries(heard[0]?.headers ?? [])
    expect(headers).toMatchObject({ 'x-k': '1', authorization: 'Basic dTpw' })
    expect(headers).toMatchObject({ 'content-type': 'application/json', accept: 'application/json' })
  })

  it('lets HEADERS say what kind of JSON it is', async () => {
    const { heard } = await send({ HEADERS: { 'content-type': 'application/vnd.sms+json' } })

    expect(heard[0]?.headers.get('content-type')).toBe('application/vnd.sms+json')
  })

  it('goes to the first of several URLs, with the credentials that stand in it', async () => {
    const server = await startHttpServer(() => ({ status: 200 }))
    onTestFinished(server.close)

    await sendTo({ ...PLAIN, URL: `http://u%40:p@127.0.0.1:${server.port}/a?b=1,2, http://127.0.0.1:9/` })

    expect(server.heard[0]).toMatchObject({ path: '/a' })
    expect(server.heard[0]?.query.get('b')).toBe('1,2')
    expect(server.heard[0]?.headers.get('authorization')).toBe(`Basic ${btoa('u@:p')}`)
  })
})

describe('a gateway', () => {
  it.each([
    [200, { status: 'accepted', reference: 'sms-1' }],
    [202, { status: 'accepted', reference: 'sms-1' }],
    [302, { status: 'unavailable', reason: 'http_302' }],
    [400, { status: 'unavailable', reason: 'http_400' }],
    [401, { status: 'unavailable', reason: 'http_401' }],
    [429, { status: 'unavailable', reason: 'http_429' }],
    [500, { status: 'unavailable', reason: 'http_500' }],
  ])('that answers %d is asked once and makes it %j', async (status, expected) => {
    const { delivery, heard } = await send({}, { status, body: 'Hi 418276!', headers: { location: '/other' } })

    expect(delivery).toEqual(expected)
    expect(heard).toHaveLength(1)
  })

  it('that refuses connections is unavailable', async () => {
    const delivery = await sendTo({ ...PLAIN, URL: `http://127.0.0.1:${await closedPort()}/` })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'connection_refused' })
  })

  it.each([[1], ['0.2, 1']])('that is silent for TIMEOUT %j is asked once', async (TIMEOUT) => {
    const server = await startHttpServer(() => new Promise(() => undefined))
    onTestFinished(server.close)

    const delivery = await sendTo({ ...PLAIN, URL: server.url, TIMEOUT })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'timeout' })
    expect(server.heard).toHaveLength(1)
  })
})

describe('a configuration', () => {
  it.each<[Keys, string, RegExp]>([
    [{ URL: undefined }, 'URL', /is required/],
    [{ URL: 'sms.example.org' }, 'URL', /http or https/],
    [{ PAYLOAD: undefined }, 'PAYLOAD', /is required/],
    [{ PAYLOAD: '{"text": "<message>"}' }, 'PAYLOAD', /must be an object/],
    [{ PAYLOAD: [] }, 'PAYLOAD', /must be an object/],
    [{ SMS_TEXT_KEY: '' }, 'SMS_TEXT_KEY', /is required/],
    [{ SMS_TEXT_KEY: 'a..b' }, 'SMS_TEXT_KEY', /a path such as/],
    [{ SMS_PHONENUMBER_KEY: 'to[x]' }, 'SMS_PHONENUMBER_KEY', /a path such as/],
    [{ SMS_PHONENUMBER_KEY: 'text.number' }, 'SMS_PHONENUMBER_KEY', /has room for/],
    [{ SMS_PHONENUMBER_KEY: 'text[0]' }, 'SMS_PHONENUMBER_KEY', /has room for/],
    [{ HEADERS: { a: 'b\r\nc: d' } }, 'HEADERS', /HTTP headers/],
    [{ HEADERS: 'X-A: b' }, 'HEADERS', /object of texts/],
    [{ TIMEOUT: [3, 30] }, 'TIMEOUT', /number of seconds/],
    [{ TIMEOUT: '1,2,3' }, 'TIMEOUT', /number of seconds/],
    [{ TIMEOUT: 'soon' }, 'TIMEOUT', /number of seconds/],
    [{ TIMEOUT: 0 }, 'TIMEOUT', /number of seconds/],
    [{ AUTHENTICATION: 'NTLM' }, 'AUTHENTICATION', /must be basic/],
    [{ PROXY: { https: 'socks5://proxy:1080' } }, 'PROXY', /http or https URL/],
    [{ PROXY: 7 }, 'PROXY', /http or https URL/],
    [{ PROXY: 'otp:secret@proxy:3128' }, 'PROXY', /http or https URL/],
    [{ PROXY: 'http://' }, 'PROXY', /http or https URL/],
    [{ SERVER_CERTIFICATE: '/no/such.pem' }, 'SERVER_CERTIFICATE', /file that can be read/],
    [{ SERVER_CERTIFICATE: import.meta.filename }, 'SERVER_CERTIFICATE', /PEM certificate/],
    [{ SERVER_CERTIFICATE: false }, 'SERVER_CERTIFICATE', /every certificate is verified/],
    [{ CLIENT_CERTIFICATE_FILE: '/no/such.pem' }, 'CLIENT_CERTIFICATE_FILE', /file that can be read/],
  ])('with %j is refused', async (keys, key, rule) => {
    expect(await read(keys)).toEqual({ ok: false, error: { key, rule: expect.stringMatching(rule) } })
  })

  it.each<[Keys, string, RegExp]>([
    [{ PROXY: 'http://proxy:3128' }, 'PROXY', /this runtime uses no proxy/],
    [{ SERVER_CERTIFICATE: '/etc/ssl/own.pem' }, 'SERVER_CERTIFICATE', /public authorities only/],
  ])('with %j is refused on Workers in words of their own', async (keys, key, rule) => {
    expect(await read(keys, WORKERS)).toEqual({ ok: false, error: { key, rule: expect.stringMatching(rule) } })
  })

  it('that asks for what is done anyway is good', async () => {
    const keys = { SERVER_CERTIFICATE: 'true', AUTHENTICATION: 'BASIC', PROXY: '', CLIENT_CERTIFICATE_FILE: null }

    expect(await read(keys)).toMatchObject({ ok: true, value: { warnings: [] } })
  })
})
