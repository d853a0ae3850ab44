/** Mail APIs against the stand-ins of `support/mail-apis.ts`, which hold them to their documentation. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import type { Delivery } from '../../src/ports/provider.ts'
import { findIn } from '../../src/ports/provider.ts'
import { type Answer, startHttpServer } from '../support/http-server.ts'
import { MAIL, mailEdges } from '../support/mail.ts'
import { type Api, MAIL_APIS, MAILGUN, SES } from '../support/mail-apis.ts'
import { closedPort } from '../support/smtp-server.ts'

type Keys = Readonly<Record<string, unknown>>

async function sendBy(api: Pick<Api, 'name'>, keys: Keys, mail: Partial<typeof MAIL> = {}): Promise<Delivery> {
  const provider = findIn(mailProviders, api.name)
  const edges = mailEdges()
  const read = await provider?.read(keys, edges)
  if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, edges)({ ...MAIL, ...mail }, AbortSignal.timeout(10_000))
}

async function sendTo(api: Api, answer: Answer | undefined, keys: Keys = {}, mail: Partial<typeof MAIL> = {}) {
  const server = await startHttpServer(async (heard) => answer ?? (await api.check(heard)) ?? api.sent)
  onTestFinished(server.close)
  const delivery = await sendBy(api, { ...api.keys, URL: server.url, ...keys }, mail)
  return { delivery, heard: server.heard }
}

describe.each(MAIL_APIS)('$name', (api) => {
  const secret = api === SES ? 'SECRET_ACCESS_KEY' : 'API_KEY'

  it('sends a mail as the API documents it, once', async () => {
    const { delivery, heard } = await sendTo(api, undefined)

    expect(delivery).toEqual({ status: 'accepted', reference: api.reference })
    expect(heard).toHaveLength(1)
  })

  it('appends the path of the documentation to a root with a path of its own', async () => {
    const server = await startHttpServer(() => api.sent)
    onTestFinished(server.close)

    await sendBy(api, { ...api.keys, URL: `${server.url}/region/` })

    expect(server.heard[0]?.path).toMatch(/^\/region\/(?:emails?|v[23]\/)/)
  })

  it('is told about a wrong key by the API itself', async () => {
    const { delivery } = await sendTo(api, undefined, { [secret]: 'wrong' })

    expect(delivery).toMatchObject({
      status: 'unavailable',
      reason: expect.stringMatching(/^(?:auth_failed|resend_invalid_api_key)$/),
    })
  })

  it.each(api.replies)('takes %s for what it is', async (_, answer, status, reason) => {
    const { delivery } = await sendTo(api, answer)

    expect(delivery).toEqual({ status, reason })
  })

  it('follows no redirect', async () => {
    const elsewhere = await startHttpServer(() => api.sent)
    onTestFinished(elsewhere.close)

    const { delivery } = await sendTo(api, { status: 307, headers: { location: elsewhere.url } })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'http_307' })
    expect(elsewhere.heard).toEqual([])
  })

  it('writes to one address only, and never to two', async () => {
    const { delivery, heard } = await sendTo(api, undefined, {}, { to: 'ada@example.org, eve@example.org' })

    expect(delivery).toEqual({ status: 'refused', reason: 'address_invalid' })
    expect(heard).toEqual([])
  })

  it('sends a subject of one line, and text and names that are not ASCII, unharmed', async () => {
    const { heard } = await sendTo(
      api,
      api.sent,
      { EMAIL_FROM: '"Größe, \\"Ltd.\\"" <otp@example.org>' },
      { subject: 'Your\r\nBcc: eve@example.org', text: 'Schlüssel: 418276 "</b>' },
    )

    const body = heard[0]?.body ?? ''
    expect(body).toContain('Your Bcc: eve@example.org')
    expect(body).toContain('Größe, ')
    expect(body).toMatch(/Schlüssel: 418276 \\?"<\/b>/)
  })

  it('says in one word that nobody listens', async () => {
    const delivery = await sendBy(api, { ...api.keys, URL: `http://127.0.0.1:${await closedPort()}` })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'connection_refused' })
  })

  it.each([
    [{ URL: 'http://api.example.org' }, 'URL', /https URL/],
    [{ URL: 'https://ada:secret@api.example.org' }, 'URL', /https URL/],
    [{ URL: 'ftp://127.0.0.1' }, 'URL', /https URL/],
    [{ URL: 'http://127.0.0.1.example.org' }, 'URL', /https URL/],
    [{ URL: 'https://api.example.org/?region=eu' }, 'URL', /without a query/],
    [{ [secret]: 'with blank' }, secret, /ASCII/],
    [{ [secret]: 'two\r\nlines' }, secret, /ASCII/],
    [{ [secret]: 7 }, secret, /must be text/],
    [{ [secret]: '' }, secret, /is required/],
    [{ EMAIL_FROM: 'otp' }, 'EMAIL_FROM', /must be one e-mail address/],
    [{ EMAIL_FROM: null }, 'EMAIL_FROM', /is required/],
    [{ EMAIL_SUBJECT: 'Your\nOTP' }, 'EMAIL_SUBJECT', /line breaks/],
    [{ TIMEOUT: 0 }, 'TIMEOUT', /seconds/],
  ])('refuses %j', async (keys, key, rule) => {
    const read = await findIn(mailProviders, api.name)?.read({ ...api.keys, ...keys }, mailEdges())

    expect(read).toEqual({ ok: false, error: { key, rule: expect.stringMatching(rule) } })
  })
})

const PNG = 'iVBORw0KGgo='
/** As a template makes it. */
const RICH = {
  from: { name: 'Service', address: 'service@example.org' },
  replyTo: { name: '', address: 'help@example.org' },
  headers: [{ name: 'X-Campaign', value: 'otp' }],
  html: '<b>418276</b> <img src="cid:logo@x">',
  images: [{ cid: 'logo@x', type: 'image/png', name: 'logo.png', content: PNG }],
}
const AUTO = { 'Auto-Submitted': 'auto-generated', 'X-Campaign': 'otp' }

describe('a mail with HTML and an image', () => {
  it.each([
    [
      'ResendEmailProvider',
      {
        ...{ from: 'Service <service@example.org>', reply_to: 'help@example.org', text: '418276', html: RICH.html },
        headers: AUTO,
        attachments: [{ filename: 'logo.png', content: PNG, content_type: 'image/png', content_id: 'logo@x' }],
      },
    ],
    [
      'SendGridEmailProvider',
      {
        from: { name: 'Service', email: 'service@example.org' },
        reply_to: { email: 'help@example.org' },
        headers: AUTO,
        content: [
          { type: 'text/plain', value: '418276' },
          { type: 'text/html', value: RICH.html },
        ],
        attachments: [
          { content: PNG, type: 'image/png', filename: 'logo.png', disposition: 'inline', content_id: 'logo@x' },
        ],
      },
    ],
    [
      'PostmarkEmailProvider',
      {
        ...{ From: 'Service <service@example.org>', ReplyTo: 'help@example.org' },
        ...{ TextBody: '418276', HtmlBody: RICH.html },
        Headers: Object.entries(AUTO).map(([Name, Value]) => ({ Name, Value })),
        Attachments: [{ Name: 'logo.png', Content: PNG, ContentType: 'image/png', ContentID: 'cid:logo@x' }],
      },
    ],
    [
      'SesEmailProvider',
      {
        ...{ FromEmailAddress: 'Service <service@example.org>', ReplyToAddresses: ['help@example.org'] },
        Content: {
          Simple: {
            Body: {
              Text: { Data: '418276', Charset: 'UTF-8' },
              Html: { Data: RICH.html, Charset: 'UTF-8' },
            },
            Headers: Object.entries(AUTO).map(([Name, Value]) => ({ Name, Value })),
            Attachments: [
              {
                ...{ RawContent: PNG, ContentType: 'image/png', FileName: 'logo.png', ContentId: 'logo@x' },
                ...{ ContentDisposition: 'INLINE', ContentTransferEncoding: 'BASE64' },
              },
            ],
          },
        },
      },
    ],
  ])('goes to %s in its own words', async (name, body) => {
    const api = MAIL_APIS.find((one) => one.name === name)
    if (!api) throw new Error('no such API')

    const { delivery, heard } = await sendTo(api, api.sent, {}, RICH)

    expect(delivery.status).toBe('accepted')
    expect(JSON.parse(heard[0]?.body ?? '')).toMatchObject(body)
  })

  it('goes to MailgunEmailProvider as a form with a file', async () => {
    const { heard } = await sendTo(MAILGUN, MAILGUN.sent, {}, RICH)

    const type = heard[0]?.headers.get('content-type') ?? ''
    const { inline, ...form } = Object.fromEntries(
      await new Response(heard[0]?.body, { headers: { 'content-type': type } }).formData(),
    )
    expect(form).toMatchObject({
      ...{ from: 'Service <service@example.org>', 'h:Reply-To': 'help@example.org', html: RICH.html },
      ...{ text: '418276', 'h:Auto-Submitted': 'auto-generated', 'h:X-Campaign': 'otp' },
    })
    expect(inline).toMatchObject({ name: 'logo@x', type: 'image/png' })
  })
})

describe('MailgunEmailProvider', () => {
  it.each([['mg'], ['mg.example.org/evil'], ['../v3'], [7]])('refuses the domain %j', async (DOMAIN) => {
    const read = await findIn(mailProviders, 'MailgunEmailProvider')?.read({ ...MAILGUN.keys, DOMAIN }, mailEdges())

    expect(read).toMatchObject({ ok: false, error: { key: 'DOMAIN' } })
  })
})
