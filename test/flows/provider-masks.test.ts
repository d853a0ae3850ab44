/** Masks of provider configurations: what getProvider shows, and what posting it back keeps or asks for again. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { provider as http } from '../../src/adapters/sms/http.ts'
import { maskConfig, unmaskConfig } from '../../src/flows/provider-masks.ts'
import type { RawConfig } from '../../src/ports/provider.ts'
import { type Harness, type Reply, startHarness } from '../support/harness.ts'
import { startHttpServer } from '../support/http-server.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
})
afterAll(() => h.close())

const save = (config: RawConfig, className = 'HttpSMSProvider', name = 'gw'): Promise<Reply> =>
  h.admin('/system/setProvider', {
    ...{ name, type: 'sms', class: className, timeout: '30' },
    config: JSON.stringify(config),
  })

async function shown(name = 'gw'): Promise<RawConfig> {
  const { json } = await h.admin('/system/getProvider', { type: 'sms', name })
  const providers = json.result?.value as Readonly<Record<string, { readonly Config: string }>> // its documented form
  return JSON.parse(providers[name]?.Config ?? '{}')
}

const problem = (reply: Reply): string => reply.json.result?.error?.message ?? 'no error'

describe('getProvider', () => {
  it('hides passwords, keys and tokens wherever a configuration may hold them', async () => {
    await save({
      URL: 'https://ada:hunter2@sms.example.org/send?v=2&api_key=hunter2#top',
      PASSWORD: 'hunter2',
      PARAMETER: { account: 'corp', password: 'hunter2', accessToken: 'hunter2', pwd: 'hunter2' },
      HEADERS: { 'X-Api-Key': 'hunter2', Authorization: 'Bearer hunter2', 'X-Account': 'corp', Cookie: 'hunter2' },
      SMS_TEXT_KEY: 'text',
      SMS_PHONENUMBER_KEY: 'to',
      OLD_API_TOKEN: 'hunter2',
    })

    expect(await shown()).toEqual({
      URL: 'https://***@sms.example.org/send?v=2&api_key=***#top',
      PASSWORD: '***',
      PARAMETER: { account: 'corp', password: '***', accessToken: '***', pwd: '***' },
      HEADERS: { 'X-Api-Key': '***', Authorization: '***', 'X-Account': 'corp', Cookie: '***' },
      SMS_TEXT_KEY: 'text',
      SMS_PHONENUMBER_KEY: 'to',
      OLD_API_TOKEN: '***',
    })
  })

  it('hides them in a payload, down to lists and whole objects', async () => {
    const PAYLOAD = {
      text: '<message>',
      credentials: { user: 'ada', pin: '0815' },
      accounts: [{ id: 7, secret: 'hunter2', hook: 'https://ada:hunter2@x.test/' }],
    }
    const keys = { SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to', PAYLOAD }
    await save({ ...keys, URL: 'https://sms.example.org, https://ada:hunter2@sms2.example.org' }, 'RestSMSProvider')

    expect(await shown()).toEqual({
      ...keys,
      URL: 'https://sms.example.org, https://***@sms2.example.org',
      PAYLOAD: {
        text: '<message>',
        credentials: '***',
        accounts: [{ id: 7, secret: '***', hook: 'https://***@x.test/' }],
      },
    })
  })

  it('shows of headers and parameters only what has a name that is known to be harmless', async () => {
    await save({
      URL: 'https://sms.example.org/send',
      HEADERS: { 'X-Auth': 'hunter2', 'Content-Type': 'text/plain', Accept: '*/*', 'X-Tenant': 'hunter2' },
      PARAMETER: { account: 'corp', pw: 'hunter2', pin: 'hunter2', auth: 'hunter2', u: 'hunter2', from: 'corp', n: 7 },
    })

    expect(await shown()).toEqual({
      URL: 'https://sms.example.org/send',
      HEADERS: { 'X-Auth': '***', 'Content-Type': 'text/plain', Accept: '*/*', 'X-Tenant': '***' },
      PARAMETER: { account: 'corp', pw: '***', pin: '***', auth: '***', u: '***', from: 'corp', n: '***' },
    })
  })

  it('hides short names of secrets elsewhere too', () => {
    const config = {
      pw: 'x',
      URL: 'https://a.test/?pw=x&auth=x&userPin=x&v=1',
      PAYLOAD: { pin: 'x', auth: { a: 'x' } },
    }

    expect(maskConfig(config, http)).toEqual({
      pw: '***',
      URL: 'https://a.test/?pw=***&auth=***&userPin=***&v=1',
      PAYLOAD: { pin: '***', auth: '***' },
    })
  })

  it('says nothing at all of a class that is not known any more', async () => {
    expect(maskConfig({ a: 'x', b: { c: 'd' }, e: '' }, undefined)).toEqual({ a: '***', b: '***', e: '' })
  })
})

describe('a configuration posted back as it was shown', () => {
  it('sends with the secrets it had', async () => {
    const gateway = await startHttpServer(() => ({ status: 200, body: 'OK' }))
    onTestFinished(gateway.close)
    await save({
      URL: `http://ada:hunter2@127.0.0.1:${gateway.port}/send?key=k1`,
      PARAMETER: { password: 'p1' },
      HEADERS: { 'X-Api-Key': 'h1' },
    })
    const before = await shown()

    const saved = await save({ ...before, SMS_TEXT_KEY: 'message', HEADERS: { 'X-Api-Key': '***', 'X-New': '1' } })
    await h.admin('/system/testProvider', { type: 'sms', name: 'gw', to: '+49 170 1' })

    expect(saved.json.result?.value).toBe(true)
    const [heard] = gateway.heard
    expect(heard?.headers.get('authorization')).toBe(`Basic ${btoa('ada:hunter2')}`)
    expect(heard?.headers.get('x-api-key')).toBe('h1')
    expect(heard?.headers.get('x-new')).toBe('1')
    expect(heard?.query.get('key')).toBe('k1')
    const form = new URLSearchParams(heard?.body)
    expect([form.get('password'), form.has('message')]).toEqual(['p1', true])
    expect(await shown()).toMatchObject({ URL: before.URL, PARAMETER: { password: '***' } })
  })

  it('may bring new secrets of its own', async () => {
    await save({ URL: 'https://sms.example.org/', PASSWORD: 'old', PARAMETER: { token: 'old' } })
    const posted = { URL: 'https://other.example.org/', PASSWORD: 'new', PARAMETER: { token: 'new' } }

    expect((await save(posted)).json.result?.value).toBe(true)
  })
})

describe('a masked secret must be given again', () => {
  const FIRST = {
    URL: 'https://sms.example.org/send',
    USERNAME: 'ada',
    PASSWORD: 'hunter2',
    PARAMETER: { token: 'hunter2' },
    HEADERS: { 'X-Api-Key': 'hunter2' },
  }
  const MASKED = { ...FIRST, PASSWORD: '***', PARAMETER: { token: '***' }, HEADERS: { 'X-Api-Key': '***' } }

  it.each<[string, RawConfig, string, RegExp]>([
    ['URL', { ...MASKED, URL: 'https://evil.example.org/send' }, 'PASSWORD', /because URL has changed/],
    ['USERNAME', { ...MASKED, USERNAME: 'eve' }, 'PASSWORD', /because USERNAME has changed/],
    [
      'URL, with a header only',
      { URL: 'https://evil.test', HEADERS: { 'X-Api-Key': '***' } },
      'HEADERS.X-Api-Key',
      /because URL/,
    ],
    [
      'URL, with a parameter only',
      { URL: 'https://evil.test', PARAMETER: { token: '***' } },
      'PARAMETER.token',
      /because URL/,
    ],
    [
      'name of the member',
      { ...FIRST, HEADERS: { 'X-Other-Key': '***' } },
      'HEADERS.X-Other-Key',
      /no value before it/,
    ],
    ['URL, inside it', { URL: 'https://***@sms.example.org/send' }, 'URL', /it has changed/],
  ])('when another %s is posted with it', async (_, posted, key, rule) => {
    await save(FIRST)

    const reply = await save(posted)

    expect(reply.json.result?.status).toBe(false)
    expect(problem(reply)).toContain(`config.${key} `)
    expect(problem(reply)).toMatch(rule)
    expect(reply.text).not.toContain('hunter2')
    expect(await shown()).toMatchObject({ URL: FIRST.URL, USERNAME: 'ada' })
  })

  it.each([
    ['https://***@evil.example.org/send', /it has changed/],
    ['http://***@sms.example.org/send', /it has changed/],
    ['https://***@sms.example.org/send?token=***', /it has changed/],
  ])('when the URL around it becomes %s', async (URL, rule) => {
    await save({ URL: 'https://ada:hunter2@sms.example.org/send' })

    expect(problem(await save({ URL }))).toMatch(rule)
  })

  it('when the class changes, so that no class without bound keys can carry it elsewhere', async () => {
    await save(FIRST)

    const reply = await save({ file: 'x', URL: 'https://evil.test', HEADERS: MASKED.HEADERS }, 'RestSMSProvider')

    expect(problem(reply)).toMatch(/class has changed/)
    expect((await save(MASKED, 'smsprovider.HttpSMSProvider')).json.result?.value).toBe(true) // the same by another name
  })

  it.each([
    ['http://evil.test\\@sms.example.org/send'],
    ['http:\\\\evil.test\\@sms.example.org/send'],
    ['http://evil.test#@sms.example.org/send'],
    ['http://evil.test/@sms.example.org/send'],
    ['http://sms.example.org:81/send'],
    ['https://sms.example.org/send'],
    ['http://sms.example.org/other'],
    ['http://eve@sms.example.org/send'],
    ['http://sms.example.org/send, http://evil.test/'],
  ])('when the URL is read as another one, however it is written: %s', async (URL) => {
    await save({ URL: 'http://ada:hunter2@sms.example.org/send', PASSWORD: 'hunter2' })

    expect(problem(await save({ URL, PASSWORD: '***' }))).toMatch(/because URL has changed/)
  })

  it('but not when the same URL is written otherwise, or with another query', async () => {
    await save({ URL: 'http://sms.example.org/send?v=1', PASSWORD: 'hunter2' })

    expect((await save({ URL: 'HTTP://sms.example.org:80/send?v=2', PASSWORD: '***' })).json.result?.value).toBe(true)
  })

  it('when a text that is no URL changes in any way', () => {
    const smtp = { ...http, boundKeys: ['mailserver'] }
    const before = { mailserver: 'mail.example.org:25', PASSWORD: 'hunter2' }
    const posted = { mailserver: 'mail.example.org:25?', PASSWORD: '***' }

    expect(unmaskConfig(posted, before, { provider: smtp, sameClass: true })).toMatchObject({ ok: false })
  })

  it.each<RawConfig>([{ start_tls: false }, { start_tls: true, TLS_INSECURE: true }])(
    'when the connection to a mail server becomes one that others can read: %o',
    async (posted) => {
      const mail = { mailserver: 'mail.test', mailuser: 'otp', mailsender: 'o@x.test', mailto: '<phone>@x.test' }
      const class_ = 'SmtpSMSProvider'
      await save({ ...mail, start_tls: true, mailpassword: 'hunter2' }, class_, 'by-mail')

      const same = await save({ ...mail, start_tls: true, mailpassword: '***' }, class_, 'by-mail')
      const other = await save({ ...mail, ...posted, mailpassword: '***' }, class_, 'by-mail')

      expect(same.json.result?.value).toBe(true)
      expect(problem(other)).toMatch(/because (start_tls|TLS_INSECURE) has changed/)
    },
  )

  it('when there is no provider of this name yet', async () => {
    expect(problem(await save(MASKED, 'HttpSMSProvider', 'fresh'))).toMatch(/there is no value before it/)
  })
})

describe('what is no secret', () => {
  it('may be three asterisks', async () => {
    const config = { URL: 'https://sms.example.org/', PARAMETER: { text: '***' }, RETURN_SUCCESS: '***' }

    expect((await save(config)).json.result?.value).toBe(true)
    expect(await shown()).toEqual(config)
  })
})

describe('every way to write a URL with a user', () => {
  it.each([
    ['https://ada@sms.example.org/'],
    ['https://:hunter2@sms.example.org/'],
    ['https://ada:hun@ter2@sms.example.org/'],
    ['https:ada:hunter2@sms.example.org/'],
    ['https:/ada:hunter2@sms.example.org/'],
    ['https:///ada:hunter2@sms.example.org/'],
    ['https:\\\\ada:hunter2@sms.example.org/'],
    [' https://ada:hunter2@sms.example.org/ '],
    ['ht\ntps://ada:hunter2@sms.example.org/'],
    ['\0https://ada:hunter2@sms.example.org/'],
    ['HTTPS://ada:hunter2@sms.example.org?a=1'],
    ['https://ada:hunter2@[::1]:8443#x'],
    ['https://sms.example.org,https:ada:hunter2@sms.example.org'],
    ['https://sms.example.org/?user=1&pass=hunter2'],
    ['https://sms.example.org/?api_key=hunter2;token=hunter2'],
  ])('%j is hidden, or masked as a whole', (url) => {
    const masked = JSON.stringify(maskConfig({ URL: url, HEADERS: { Referer: url } }, http))

    expect(masked).not.toMatch(/hunter2|hun@|ada/)
  })

  it('leaves texts alone that only look a little like one', () => {
    const config = {
      a: 'ada@example.org',
      b: 'see https://x.test/?token=1 for more',
      c: 'a:b@c d',
      HEADERS: { Accept: 'a:b@c d' },
      d: 'https://x.test/@ada',
    }

    expect(maskConfig(config, http)).toEqual(config)
  })

  it.each([['a://'], ['a'], ['?'], ['?a='], [',']])('takes no time for a long text of %s', (piece) => {
    const started = performance.now()

    maskConfig({ text: `a://${piece.repeat(100_000)}` }, http)

    expect(performance.now() - started).toBeLessThan(1000)
  })

  it('gives back exactly what was there', () => {
    const odd = 'https:ada:hunter2@sms.example.org/'
    const before = { URL: 'https://ada:hunter2@sms.example.org/?token=t&v=1', HEADERS: { 'x-key': 'k', x: odd } }
    const posted = maskConfig(before, http)

    expect(unmaskConfig(posted, before, { provider: http, sameClass: true })).toEqual({ ok: true, value: before })
  })
})
