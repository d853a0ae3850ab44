/** HttpSMSProvider from the trigger to a real gateway and back: what is sent, what counts as sent, what becomes of a failure. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrollSms, type Gateway, type GatewayReply, startGateway, useGateway } from '../support/gateway.ts'
import { type Harness, type Reply, startHarness } from '../support/harness.ts'
import { closedPort } from '../support/smtp-server.ts'

let h: Harness
let gateway: Gateway
const replies: string[] = []
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { SMSBlockingTimeout: '0' })
  await enrollSms(h, 'bob', 'SM1', { phone: ' +49 (0170) 123-456 ' })
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const HUGE = 'x'.repeat(20_000_000)
type Keys = Readonly<Record<string, unknown>>

/** Saves the provider, triggers an SMS and answers what the client was told. */
async function send(keys: Keys = {}, reply: GatewayReply = {}, timeout = '1'): Promise<Reply> {
  const saved = await useGateway(h, gateway, keys, { timeout })
  if (!saved.json.result?.status) throw new Error(`the configuration was refused: ${saved.text}`)
  gateway.reply(reply)
  const answer = await h.check({ user: 'bob', pass: 'pin-' })
  replies.push(answer.text)
  return answer
}
const wasSent = (reply: Reply): boolean => reply.json.detail?.message === 'sms submitted'
const delivery = async () => (await h.client.execute('SELECT * FROM deliveries ORDER BY id DESC LIMIT 1')).rows[0]
const counter = async () => (await h.store.findTokens({ serials: ['SM1'] }))[0]?.counter ?? -1
const withCredentials = (credentials: string): string => gateway.url.replace('http://', `http://${credentials}@`)

describe('the request', () => {
  it('is a form with number and text under the names of the contract', async () => {
    await useGateway(h, gateway, { SMS_TEXT_KEY: undefined, SMS_PHONENUMBER_KEY: undefined })
    await h.check({ user: 'bob', pass: 'pin-' })
    const request = gateway.requests.at(-1)

    expect(request).toMatchObject({ method: 'POST', path: '/send', query: {} })
    expect(request?.form).toEqual({ phone: '+49 (0170) 123-456', sms: expect.stringMatching(/^\d{6}$/) })
    expect(request?.headers['content-type']).toMatch(/^application\/x-www-form-urlencoded/)
    expect(request?.headers).not.toHaveProperty('authorization')
  })

  it('is a query with GET, and keeps what the URL has', async () => {
    await send({ HTTP_Method: 'GET', URL: `${gateway.url}?route=7&text=old`, PARAMETER: { account: 'corp', n: 3 } })
    const request = gateway.requests.at(-1)

    expect(request).toMatchObject({ method: 'GET', form: {} })
    expect(request?.query).toEqual({
      ...{ route: '7', account: 'corp', n: '3' },
      ...{ to: '+49 (0170) 123-456', text: expect.stringMatching(/^\d{6}$/) },
    })
  })

  it('has PARAMETER, which wins over number and text, and HEADERS', async () => {
    await send({ PARAMETER: { to: '+1', flash: true }, HEADERS: { 'X-Api-Key': 'key-4711', 'user-agent': 'otp' } })
    const request = gateway.requests.at(-1)

    expect(request?.form).toMatchObject({ to: '+1', flash: 'true' })
    expect(request?.headers).toMatchObject({ 'x-api-key': 'key-4711', 'user-agent': 'otp' })
  })

  it.each(['GET', 'POST'])('carries every character with %s', async (HTTP_Method) => {
    await useGateway(h, gateway, { HTTP_Method })
    const data = 'Grüße & 50% = "½" +1 #€ 😀\nzweite Zeile: <otp>'
    await h.check({ user: 'bob', pass: 'pin-', data })
    const request = gateway.requests.at(-1)

    expect({ ...request?.query, ...request?.form }.text).toBe(data.replace('<otp>', gateway.otp()))
  })

  it.each<readonly [Keys, string]>([
    [{ MSISDN: true }, '+490170123456'],
    [{ MSISDN: 'True', SUPPRESS_PREFIX: '+' }, '490170123456'],
    [{ SUPPRESS_PREFIX: '+49 ' }, '(0170) 123-456'],
    [{ SUPPRESS_PREFIX: '0049' }, '+49 (0170) 123-456'],
    [{ MSISDN: 'no', SUPPRESS_PREFIX: '' }, '+49 (0170) 123-456'],
  ])('with %j goes to %s', async (keys, number) => {
    await send(keys)

    expect(gateway.requests.at(-1)?.form.to).toBe(number)
  })
})

describe('credentials', () => {
  it.each<readonly [string, () => Keys, string | undefined]>([
    ['USERNAME and PASSWORD', () => ({ USERNAME: 'otp', PASSWORD: 'gate:pass' }), 'otp:gate:pass'],
    ['UTF-8', () => ({ USERNAME: 'bjørn', PASSWORD: 'pä€ss' }), 'bjørn:pä€ss'],
    ['a USERNAME alone', () => ({ USERNAME: 'otp' }), 'otp:'],
    ['AUTH_TYPE', () => ({ USERNAME: 'otp', PASSWORD: 'x', AUTH_TYPE: 'Basic' }), 'otp:x'],
    ['the URL', () => ({ URL: withCredentials('otp:gate%3Ap%40ss') }), 'otp:gate:p@ss'],
    ['the URL in UTF-8', () => ({ URL: withCredentials('bj%C3%B8rn:p%C3%A4%E2%82%ACss') }), 'bjørn:pä€ss'],
    ['the URL as it is typed', () => ({ URL: withCredentials('bjørn:pä€ss') }), 'bjørn:pä€ss'],
    ['the URL with a lone %', () => ({ URL: withCredentials('50%:100%zz') }), '50%:100%zz'],
    ['the URL without a password', () => ({ URL: withCredentials('otp') }), 'otp:'],
    ['keys rather than the URL', () => ({ URL: withCredentials('a:b'), USERNAME: 'c', PASSWORD: 'd' }), 'c:d'],
    ['keys rather than a header', () => ({ HEADERS: { Authorization: 'Bearer x' }, USERNAME: 'c' }), 'c:'],
  ])('are sent as HTTP Basic from %s', async (_, keys, pair) => {
    await send(keys())
    const request = gateway.requests.at(-1)
    const sent = request?.headers.authorization?.replace(/^Basic /, '') ?? ''

    expect(Buffer.from(sent, 'base64').toString('utf8')).toBe(pair)
    expect(request?.path).toBe('/send')
  })

  it('may be a header of its own', async () => {
    await send({ HEADERS: { Authorization: 'Bearer token-4711' } })

    expect(gateway.requests.at(-1)?.headers.authorization).toBe('Bearer token-4711')
  })
})

describe('the reply', () => {
  it.each<readonly [Keys, string, boolean]>([
    [{}, 'ERROR 5', true], // no check: every reply below 400 is a success
    [{ RETURN_SUCCESS: 'OK' }, 'OK 1', true],
    [{ RETURN_SUCCESS: 'OK' }, ' OK', false], // it looks at the beginning
    [{ RETURN_SUCCESS: 'OK' }, '', false],
    [{ RETURN_FAIL: 'ERR' }, 'ERROR', false],
    [{ RETURN_FAIL: 'ERR' }, 'no ERR', true],
    [{ RETURN_SUCCESS_REGEX: 'id=\\d+' }, 'sent, id=7', true], // anywhere
    [{ RETURN_SUCCESS_REGEX: '^id=\\d+' }, 'sent, id=7', false],
    [{ RETURN_FAIL_REGEX: 'code: [45]' }, 'code: 5', false],
    [{ RETURN_FAIL_REGEX: 'code: [45]' }, 'code: 2', true],
    // Only the first in this order counts: SUCCESS_REGEX, FAIL_REGEX, SUCCESS, FAIL.
    [{ RETURN_SUCCESS_REGEX: 'OK', RETURN_FAIL_REGEX: 'OK', RETURN_SUCCESS: 'NO', RETURN_FAIL: 'OK' }, 'OK', true],
    [{ RETURN_FAIL_REGEX: 'OK', RETURN_SUCCESS: 'OK', RETURN_FAIL: 'NO' }, 'OK', false],
    [{ RETURN_FAIL_REGEX: 'NO', RETURN_SUCCESS: 'YES', RETURN_FAIL: 'OK' }, 'OK', true],
    [{ RETURN_SUCCESS: 'OK', RETURN_FAIL: 'OK' }, 'OK', true],
    [{ RETURN_SUCCESS: 'YES', RETURN_FAIL: 'NO' }, 'OK', false],
    [{ RETURN_SUCCESS_REGEX: '', RETURN_FAIL_REGEX: '', RETURN_SUCCESS: '', RETURN_FAIL: 'ERR' }, 'OK', true], // empty: absent
  ])('with %j and the body %j counts as sent: %s', async (keys, body, sent) => {
    expect(wasSent(await send(keys, { body }))).toBe(sent)
    expect(await delivery()).toMatchObject(sent ? { status: 'accepted', reason: '' } : { reason: 'gateway_says_no' })
  })

  it('is read no further than it matters', async () => {
    const reply = await send({ RETURN_SUCCESS: 'OK' }, { body: `OK${HUGE}` })

    expect(wasSent(reply)).toBe(true)
  })

  it('need not be text', async () => {
    expect(wasSent(await send({ RETURN_SUCCESS: 'OK' }, { body: Uint8Array.of(0xff, 0xfe, 0) }))).toBe(false)
  })
})

describe('a message that cannot be sent', () => {
  const moved = { location: '/elsewhere' }
  type Failure = { name: string; keys?: Keys; reply: GatewayReply; reason: string; timeout?: string }
  it.each<Failure>([
    { name: '400', keys: { RETURN_SUCCESS: 'OK' }, reply: { status: 400 }, reason: 'http_400' },
    { name: '401', reply: { status: 401 }, reason: 'http_401' },
    { name: '404', keys: { RETURN_FAIL: 'ERR' }, reply: { status: 404 }, reason: 'http_404' },
    { name: '500', keys: { RETURN_SUCCESS_REGEX: 'OK' }, reply: { status: 500 }, reason: 'http_500' },
    { name: '503 with a huge body', reply: { status: 503, body: HUGE }, reason: 'http_503' },
    // Followed, a POST becomes a GET without number and text, and 307 hands the OTP to somebody else.
    { name: 'a redirect', reply: { status: 302, headers: moved }, reason: 'http_302' },
    {
      name: 'a redirect of GET',
      keys: { HTTP_Method: 'GET' },
      reply: { status: 301, headers: moved },
      reason: 'http_301',
    },
    { name: 'a redirect that keeps the form', reply: { status: 307, headers: moved }, reason: 'http_307' },
    { name: 'a no', keys: { RETURN_SUCCESS: 'OK' }, reply: { body: 'ERROR' }, reason: 'gateway_says_no' },
    { name: 'a huge no', keys: { RETURN_SUCCESS: 'OK' }, reply: { body: HUGE }, reason: 'gateway_says_no' },
    { name: 'a connection that breaks', reply: 'reset', reason: 'connection_closed' },
    { name: 'a connection that breaks in the body', reply: 'reset in the body', reason: 'connection_closed' },
    { name: 'silence, until the time-out of the provider', reply: 'hang', reason: 'timeout' },
    {
      name: 'a body without an end, until the deadline of all providers',
      reply: 'drip',
      reason: 'deadline',
      timeout: '30',
    },
  ])(
    '$name: a plain no, the reason for the operator, the next trigger free',
    async ({ keys, reply, reason, timeout }) => {
      const [before, requests, started] = [await counter(), gateway.requests.length, performance.now()]

      const answer = await send({ PASSWORD: 'gate-pass', USERNAME: 'otp', ...keys }, reply, timeout)

      expect(answer.json).toEqual({ ...answer.json, result: { status: true, value: false }, id: 0 })
      expect(answer.json).not.toHaveProperty('detail')
      expect(performance.now() - started).toBeLessThan(4000)
      expect(gateway.requests).toHaveLength(requests + 1)
      expect(await delivery()).toMatchObject({ serial: 'SM1', provider: 'gateway', status: 'unavailable', reason })
      expect(h.log.join('\n')).toMatch(new RegExp(`message_undelivered.*gateway: ${reason}`))
      expect(await counter()).toBe(before + 1) // burnt all the same
      const otp = gateway.otp()
      expect((await h.check({ user: 'bob', pass: `pin-${otp}` })).json.result?.value).toBe(false)
      expect(wasSent(await send())).toBe(true)
      await h.admin('/admin/reset', { serial: 'SM1' })
    },
  )

  it('since nobody listens, or there is no provider', async () => {
    await send({ URL: `http://127.0.0.1:${await closedPort()}/` })
    expect(await delivery()).toMatchObject({ reason: 'connection_refused' })

    await h.admin('/system/delProvider', { type: 'sms', name: 'gateway' })
    expect((await h.check({ user: 'bob', pass: 'pin-' })).json).not.toHaveProperty('detail')
    expect(await delivery()).toMatchObject({ provider: '', reason: 'provider_missing' })
  })
})

it('leaves no OTP and no credentials in the log, the audit, the deliveries or a reply', async () => {
  await send({ URL: withCredentials('url-user:url-pass'), HEADERS: { 'X-Key': 'key-4711' } }, { status: 500 })
  const tables = ['deliveries', 'challenges', 'audit']
  const rows = await Promise.all(tables.map(async (name) => (await h.client.execute(`SELECT * FROM ${name}`)).rows))
  // A MAC is random text in which six digits may stand.
  const content = [...h.log, ...replies, JSON.stringify(rows).replace(/"mac":"[^"]*"/g, '')].join('\n')
  // Six digits stand in many a random number, so an OTP counts when no digit is beside it.
  const otps = gateway.requests.map(({ form, query }) => /\d{6}/.exec(form.text ?? query.text ?? '')?.[0] ?? 'none')

  expect(otps.length).toBeGreaterThan(50)
  expect(otps.filter((otp) => new RegExp(`(?<![0-9a-f])${otp}(?![0-9a-f])`).test(content))).toEqual([])
  const credentials = ['gate-pass', 'gate:pass', 'pä€ss', 'url-pass', 'url-user', 'key-4711', 'token-4711', 'Basic ']
  expect(credentials.filter((secret) => content.includes(secret))).toEqual([])
  expect(content).not.toContain('(0170) 123-456')
})

describe('a rule on numbers', () => {
  it('that forbids one is named in the deliveries, sends nothing, and lets nobody rest', async () => {
    const before = gateway.requests.length

    expect(wasSent(await send({ ALLOWED_PREFIXES: '+43' }))).toBe(false)

    expect(gateway.requests).toHaveLength(before)
    expect(await delivery()).toMatchObject({ status: 'unavailable', reason: 'number_prefix_not_allowed' })
    expect((await h.client.execute('SELECT * FROM provider_rests')).rows).toEqual([])
  })
})

describe('a text of more than one part', () => {
  it('is sent, and the log says what it costs', async () => {
    await useGateway(h, gateway)
    gateway.reply({})
    const data = `Grüße: <otp> ${'x'.repeat(160)}`

    expect(wasSent(await h.check({ user: 'bob', pass: 'pin-', data }))).toBe(true)

    const warning = h.log.find((line) => line.includes('sms_parts'))
    expect(JSON.parse(warning ?? '{}')).toEqual({
      ...{ level: 'warn', event: 'sms_parts', serial: 'SM1', parts: 2, encoding: 'gsm7' },
      request: expect.any(String),
    })
  })
})
