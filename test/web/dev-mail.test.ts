import { Hono } from 'hono'
import nodemailer from 'nodemailer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import type { CaughtMail, MailCatcher } from '../../src/ports/catcher.ts'
import { devMailRoutes } from '../../src/web/dev-mail.ts'

const mail = (over: Partial<CaughtMail> = {}): CaughtMail => ({
  id: '1',
  receivedAt: 1_750_000_000,
  from: 'otp@example.org',
  to: ['ada@example.org'],
  subject: 'Your OTP',
  text: 'Your OTP is\n  418276',
  raw: '',
  ...over,
})

function open(...mails: CaughtMail[]) {
  const kept = [...mails]
  const app = new Hono().route('/', devMailRoutes({ mails: () => kept, clear: () => void kept.splice(0) }))
  const ask = (path: string, headers: Record<string, string> = {}, method = 'GET') =>
    app.request(path, { method, headers: { host: '127.0.0.1:4000', ...headers } })
  return { app, ask, kept }
}

describe('the page', () => {
  it('shows the newest mail first, with recipient, subject, time and text', async () => {
    const { ask } = open(
      mail({ id: '1', subject: 'Older' }),
      mail({ id: '2', subject: 'Newer', receivedAt: 1_750_000_060 }),
    )

    const response = await ask('/dev/mail')
    const page = await response.text()

    expect(response.headers.get('content-type')).toBe('text/html; charset=UTF-8')
    expect(page.indexOf('Newer')).toBeLessThan(page.indexOf('Older'))
    expect(page).toContain('To <bdi>ada@example.org</bdi>')
    expect(page).toContain('<time datetime="2025-06-15T15:07:40.000Z">2025-06-15 15:07:40 UTC</time>')
    expect(page).toContain('<pre dir="auto">Your OTP is\n  418276</pre>')
    expect(page).toContain('<title>2 caught mails – otpost</title>')
  })

  it('says what to do when there is no mail', async () => {
    const page = await (await open().ask('/dev/mail')).text()

    expect(page).toContain('No mail yet. Trigger a challenge')
  })

  it('refreshes itself, unless it is asked not to', async () => {
    const { ask } = open()

    expect(await (await ask('/dev/mail')).text()).toContain('<meta http-equiv="refresh" content="3">')
    expect(await (await ask('/dev/mail?refresh=off')).text()).not.toContain('http-equiv')
  })

  it.each(['subject', 'text', 'from'] as const)('escapes markup in the %s', async (field) => {
    const hostile = `</pre></bdi></h2><script>alert(1)</script><img src=x onerror='a' alt="b">&lt;`

    const page = await (await open(mail({ [field]: hostile })).ask('/dev/mail')).text()

    expect(page).not.toMatch(/<script|<img/)
    expect(page).toContain(
      '&lt;/pre&gt;&lt;/bdi&gt;&lt;/h2&gt;&lt;script&gt;alert(1)&lt;/script&gt;&lt;img src=x onerror=&#39;a&#39; alt=&quot;b&quot;&gt;&amp;lt;',
    )
  })

  it('escapes markup in a recipient and in an id', async () => {
    const page = await (await open(mail({ id: '"><script>', to: ['"<script>"@example.org'] })).ask('/dev/mail')).text()

    expect(page).not.toContain('<script')
  })

  it('is allowed to load nothing but its own style', async () => {
    const { ask } = open(mail())
    const response = await ask('/dev/mail')

    expect(response.headers.get('content-security-policy')).toBe(
      "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    )
    expect(await response.text()).not.toMatch(/<script|<style|style=|javascript:|https?:/)
    expect((await ask('/dev/mail.css')).headers.get('content-type')).toBe('text/css; charset=utf-8')
  })

  it.each(['/dev/mail', '/dev/mail.json', '/dev/mail.css'])('is neither stored nor shared: %s', async (path) => {
    const { headers } = await open(mail()).ask(path, { origin: 'https://evil.example' })

    expect(headers.get('cache-control')).toBe('no-store')
    expect(headers.get('x-content-type-options')).toBe('nosniff')
    expect(headers.get('cross-origin-resource-policy')).toBe('same-origin')
    expect(headers.has('access-control-allow-origin')).toBe(false)
  })
})

describe('the list', () => {
  it.each([
    ['/dev/mail.json', {}],
    ['/dev/mail', { accept: 'application/json' }],
  ])('is JSON, newest first, at %s with %o', async (path, headers) => {
    const older = mail({ id: '1' })
    const newer = mail({ id: '2', subject: '<b>' })

    const response = await open(older, newer).ask(path, headers)

    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual([newer, older])
  })

  it.each(['text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8', '*/*', 'image/png'])(
    'is the page for a client that accepts %s',
    async (accept) => {
      const response = await open(mail()).ask('/dev/mail', { accept })

      expect(response.headers.get('content-type')).toContain('text/html')
    },
  )
})

describe('clear', () => {
  it('forgets the mails and leads back to the page', async () => {
    const { ask, kept } = open(mail())

    const response = await ask('/dev/mail/clear', { origin: 'http://127.0.0.1:4000' }, 'POST')

    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe('/dev/mail')
    expect(kept).toEqual([])
  })

  it('is not reached by GET', async () => {
    const { ask, kept } = open(mail())

    expect((await ask('/dev/mail/clear')).status).toBe(404)
    expect(kept).toHaveLength(1)
  })

  // Another port of this machine is another origin too.
  it.each(['https://evil.example', 'http://127.0.0.1:4001', 'null'])('refuses a form from %s', async (origin) => {
    const { ask, kept } = open(mail())

    expect((await ask('/dev/mail/clear', { origin }, 'POST')).status).toBe(403)
    expect(kept).toHaveLength(1)
  })
})

describe('the host', () => {
  it.each(['127.0.0.1', '127.0.0.1:4000', 'localhost', 'LOCALHOST:80', '[::1]', '[::1]:4000'])(
    'may be %s',
    async (host) => {
      expect((await open(mail()).ask('/dev/mail', { host })).status).toBe(200)
    },
  )

  it.each([
    'evil.example',
    'evil.example:4000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    'evil.example@127.0.0.1',
    '127.0.0.1:4000.evil.example',
    '127.0.0.10',
    'localhost.',
    '192.168.1.10:4000',
    '::1',
    '',
  ])('must not be %j', async (host) => {
    for (const path of ['/dev/mail', '/dev/mail.json']) {
      const response = await open(mail()).ask(path, { host })

      expect(response.status).toBe(403)
      expect(await response.text()).not.toContain('418276')
    }
  })

  it('is that of the URL for a request that has no Host header', async () => {
    const { app } = open(mail())

    expect((await app.request('http://localhost/dev/mail')).status).toBe(200)
    expect((await app.request('http://evil.example/dev/mail')).status).toBe(403)
  })

  it('is looked at on these paths only', async () => {
    const app = new Hono()
      .route('/', devMailRoutes({ mails: () => [], clear: () => {} }))
      .get('/dev/other', (c) => c.text('here'))

    const response = await app.request('/dev/other', { headers: { host: 'otp.example.org' } })

    expect(await response.text()).toBe('here')
    expect(response.headers.has('content-security-policy')).toBe(false)
  })
})

describe('with the catcher behind it', () => {
  let catcher: MailCatcher
  beforeEach(async () => {
    catcher = await startMailCatcher({ clock: () => 1_750_000_000 })
  })
  afterEach(() => catcher.close())

  it('shows a hostile mail that came over SMTP as the text it is', async () => {
    const transport = nodemailer.createTransport({ host: catcher.host, port: catcher.port })
    await transport.sendMail({
      from: { name: '<script>from</script>', address: 'otp@example.org' },
      to: "o'brien&co@example.org",
      subject: '<script>subject</script>',
      text: '</pre><script>text</script>',
    })

    const page = await (await devMailRoutes(catcher).request('/dev/mail')).text()

    expect(page).toContain('&lt;script&gt;subject&lt;/script&gt;</h2>')
    expect(page).toContain('>&lt;/pre&gt;&lt;script&gt;text&lt;/script&gt;</pre>')
    expect(page).toContain('o&#39;brien&amp;co@example.org')
    expect(page).not.toContain('<script')
  })
})
