/** HttpEmailProvider: what its configuration makes of a mail, and of the replies to it. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { provider } from '../../src/adapters/mail/http.ts'
import { type Answer, startHttpServer } from '../support/http-server.ts'
import { MAIL, mailEdges } from '../support/mail.ts'

type Keys = Readonly<Record<string, unknown>>

const FROM = 'One-time passwords <otp@example.org>'
const BODY = { from: '<from>', to: [{ email: '<to>' }], subject: '<subject>', parts: { text: 'OTP: <text>' }, n: 1 }

async function send(keys: Keys, answer: Answer = { status: 200, body: 'queued' }, mail: Partial<typeof MAIL> = {}) {
  const server = await startHttpServer(() => answer)
  onTestFinished(server.close)
  const edges = mailEdges()
  const read = await provider.read({ URL: `${server.url}/send?v=2`, BODY, EMAIL_FROM: FROM, ...keys }, edges)
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  const delivery = await provider.create(read.value.config, edges)({ ...MAIL, ...mail }, AbortSignal.timeout(10_000))
  return { delivery, heard: server.heard[0], body: server.heard[0]?.body ?? '' }
}

describe('HttpEmailProvider', () => {
  it('fills the placeholders of BODY and posts it as JSON', async () => {
    const { delivery, heard, body } = await send({ HEADERS: { 'X-Api-Key': 'k' } })

    expect(delivery).toEqual({ status: 'accepted', reference: 'mail-1' })
    expect(heard).toMatchObject({ method: 'POST', path: '/send' })
    expect(heard?.query.get('v')).toBe('2')
    expect(heard?.headers.get('content-type')).toBe('application/json')
    expect(heard?.headers.get('x-api-key')).toBe('k')
    expect(JSON.parse(body)).toEqual({
      from: FROM,
      to: [{ email: 'ada@example.org' }],
      subject: 'Your OTP',
      parts: { text: 'OTP: 418276' },
      n: 1,
    })
  })

  it('fills each placeholder once, so that a text may look like one', async () => {
    const { body } = await send({}, undefined, { text: '<to> $& "quoted"\n<subject>' })

    expect(JSON.parse(body)).toMatchObject({ parts: { text: 'OTP: <to> $& "quoted"\n<subject>' } })
  })

  it('sends a form, by PUT and with Basic, if told', async () => {
    const form = { to: '<to>', text: '<text> & more', flag: true }
    const { heard, body } = await send({
      METHOD: 'PUT',
      FORMAT: 'form',
      BODY: form,
      USERNAME: 'ada',
      PASSWORD: 'pä:ss',
    })

    expect(heard?.method).toBe('PUT')
    expect(heard?.headers.get('content-type')).toMatch(/^application\/x-www-form-urlencoded/)
    expect(heard?.headers.get('authorization')).toBe(`Basic ${Buffer.from('ada:pä:ss').toString('base64')}`)
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({
      to: 'ada@example.org',
      text: '418276 & more',
      flag: 'true',
    })
  })

  it.each<[object, Answer, object]>([
    [{}, { status: 204 }, { status: 'accepted' }],
    [{}, { status: 302, headers: { location: '/' } }, { status: 'unavailable', reason: 'http_302' }],
    [{}, { status: 401 }, { status: 'unavailable', reason: 'auth_failed' }],
    [{}, { status: 422, body: 'no such recipient' }, { status: 'unavailable', reason: 'http_422' }],
    [{ SUCCESS_STATUS: 201 }, { status: 200 }, { status: 'unavailable', reason: 'http_200' }],
    [{ SUCCESS_STATUS: '201, 202' }, { status: 202 }, { status: 'accepted' }],
    [{ SUCCESS_REGEX: '^que' }, { status: 200, body: 'queued' }, { status: 'accepted' }],
    [{ SUCCESS_REGEX: '^que' }, { status: 200, body: 'unqueued' }, { status: 'unavailable', reason: 'reply_says_no' }],
  ])('with %j takes %j for %j', async (keys, answer, expected) => {
    const { delivery } = await send({ ...keys }, answer)

    expect(delivery).toMatchObject(expected)
  })

  it.each<[object, string, RegExp]>([
    [{ BODY: '{"to": "<to>"}' }, 'BODY', /must be an object/],
    [{ BODY: ['<to>', '<text>'] }, 'BODY', /must be an object/],
    [{ BODY: { to: '<to>' } }, 'BODY', /must hold <to> and <text>/],
    [{ BODY: { to: '<to>', text: '<text>', n: {} }, FORMAT: 'form' }, 'BODY', /FORMAT is form/],
    [{ EMAIL_FROM: undefined }, 'EMAIL_FROM', /is required, because/],
    [{ URL: 'http://mail.example.org' }, 'URL', /https URL/],
    [{ METHOD: 'GET' }, 'METHOD', /POST or PUT/],
    [{ FORMAT: 'xml' }, 'FORMAT', /json or form/],
    [{ HEADERS: { 'X-A': 'a\r\nX-B: b' } }, 'HEADERS', /HTTP headers/],
    [{ HEADERS: { 'no name': 'x' } }, 'HEADERS', /HTTP headers/],
    [{ HEADERS: [] }, 'HEADERS', /must be an object of texts/],
    [{ SUCCESS_STATUS: 'ok' }, 'SUCCESS_STATUS', /HTTP status/],
    [{ SUCCESS_REGEX: '(' }, 'SUCCESS_REGEX', /regular expression/],
  ])('refuses %j', async (keys, key, rule) => {
    const config = { URL: 'https://mail.example.org/send', BODY, EMAIL_FROM: FROM, ...keys }
    const read = await provider.read(config, mailEdges())

    expect(read).toEqual({ ok: false, error: { key, rule: expect.stringMatching(rule) } })
  })
})
