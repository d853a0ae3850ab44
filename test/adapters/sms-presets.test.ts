/**
 * The configurations of docs/sms-gateways.md, read from the page, against stand-ins that demand what each gateway's
 * documentation (named there) demands, and refuse as it does.
 */
import { readFileSync } from 'node:fs'
import { describe, expect, it, onTestFinished } from 'vitest'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { smsProviders } from '../../src/adapters/sms/index.ts'
import { findIn, type RawConfig } from '../../src/ports/provider.ts'
import { type Answer, type Heard, startHttpServer } from '../support/http-server.ts'
import { mailEdges } from '../support/mail.ts'

const PAGE = readFileSync(new URL('../../docs/sms-gateways.md', import.meta.url), 'utf8')
const CONFIGS = new Map(
  [...PAGE.matchAll(/```json (\w+)\n(.*?)\n```/gs)].map(([, name = '', json = '']) => [
    name,
    JSON.parse(json) as RawConfig,
  ]),
)

const TEXT = 'Ihr Code: 418276 & "Grüße"'
const SMS = { id: 'sms-1', to: '0170 / 1234567', subject: '', text: TEXT }
const basic = (login: string) => `Basic ${btoa(login)}`
const form = ({ body }: Heard) => Object.fromEntries(new URLSearchParams(body))
const FORM = /^application\/x-www-form-urlencoded/
const contentType = ({ headers }: Heard) => headers.get('content-type') ?? ''
const authorization = ({ headers }: Heard) => headers.get('authorization')

type Gateway = {
  readonly name: string
  readonly class: string
  /** What the gateway answers to this request. */
  readonly answer: (heard: Heard) => Answer
  readonly refusal: Answer
  readonly reason: string
}

const GATEWAYS: readonly Gateway[] = [
  {
    ...{ name: 'twilio', class: 'HttpSMSProvider', reason: 'http_400' },
    answer: (heard) => {
      if (authorization(heard) !== basic('ACxxxx:the auth token')) return { status: 401, body: { code: 20003 } }
      if (heard.method !== 'POST' || heard.path !== '/2010-04-01/Accounts/ACxxxx/Messages.json') return { status: 404 }
      if (!FORM.test(contentType(heard))) return { status: 400, body: { code: 21604 } }
      expect(form(heard)).toEqual({ To: '+491701234567', From: '+15005550006', Body: TEXT })
      return { status: 201, body: { sid: 'SM1', status: 'queued', error_code: null } }
    },
    refusal: { status: 400, body: { code: 21211, message: "Invalid 'To' Phone Number", status: 400 } },
  },
  {
    ...{ name: 'vonage', class: 'HttpSMSProvider', reason: 'gateway_says_no' },
    answer: (heard) => {
      if (authorization(heard) !== basic('the API key:the API secret'))
        return {
          status: 200,
          body: { 'message-count': '1', messages: [{ status: '4', 'error-text': 'Bad Credentials' }] },
        }
      if (heard.method !== 'POST' || heard.path !== '/sms/json') return { status: 404 }
      expect(contentType(heard)).toMatch(FORM)
      expect(form(heard)).toEqual({ to: '491701234567', from: 'otpost', type: 'unicode', text: TEXT })
      return {
        status: 200,
        body: { 'message-count': '1', messages: [{ to: '491701234567', 'message-id': '0A00', status: '0' }] },
      }
    },
    refusal: {
      status: 200,
      body: { 'message-count': '1', messages: [{ status: '2', 'error-text': 'Missing to param' }] },
    },
  },
  {
    ...{ name: 'messagebird', class: 'RestSMSProvider', reason: 'http_422' },
    answer: (heard) => {
      if (authorization(heard) !== 'AccessKey the-access-key') return { status: 401, body: { errors: [{ code: 2 }] } }
      if (heard.method !== 'POST' || heard.path !== '/messages') return { status: 404 }
      expect(contentType(heard)).toBe('application/json')
      expect(JSON.parse(heard.body)).toEqual({
        ...{ originator: 'otpost', datacoding: 'auto', body: TEXT },
        recipients: ['491701234567'],
      })
      return { status: 201, body: { id: 'e8077d80', recipients: { totalSentCount: 1 } } }
    },
    refusal: { status: 422, body: { errors: [{ code: 9, description: 'no (correct) recipients found' }] } },
  },
  {
    ...{ name: 'sipgate', class: 'RestSMSProvider', reason: 'http_403' },
    answer: (heard) => {
      if (authorization(heard) !== basic('token-XXXXXX:the token')) return { status: 401 }
      if (heard.method !== 'POST' || heard.path !== '/v2/sessions/sms') return { status: 404 }
      if (contentType(heard) !== 'application/json') return { status: 415 }
      expect(JSON.parse(heard.body)).toEqual({ smsId: 's0', recipient: '+491701234567', message: TEXT })
      return { status: 204 }
    },
    refusal: { status: 403 },
  },
  {
    ...{ name: 'kannel', class: 'HttpSMSProvider', reason: 'gateway_says_no' },
    answer: (heard) => {
      const { to = '', ...rest } = Object.fromEntries(heard.query)
      if (heard.path !== '/cgi-bin/sendsms') return { status: 404, body: 'Unknown request.' }
      if (rest.username !== 'otpost' || rest.password !== 'the password')
        return { status: 403, body: 'Authorization failed for sendsms' }
      // Receivers have blanks between.
      expect(to.split(' ')).toEqual(['+491701234567'])
      expect(rest).toMatchObject({ from: 'otpost', charset: 'UTF-8', coding: '0', text: TEXT })
      return { status: 202, body: '0: Accepted for delivery' }
    },
    refusal: { status: 202, body: '4: Sending rejected' },
  },
]

it('has a gateway for every configuration of the page', () => {
  expect([...CONFIGS.keys()]).toEqual(GATEWAYS.map(({ name }) => name))
})

describe.each(GATEWAYS)('$name', ({ name, class: className, answer, refusal, reason }) => {
  async function send(respond: (heard: Heard) => Answer, sms = SMS) {
    const server = await startHttpServer(respond)
    onTestFinished(server.close)
    const provider = findIn(smsProviders(smtpMail), className)
    const config = CONFIGS.get(name)
    const { pathname } = new URL(String(config?.URL))
    const read = await provider?.read({ ...config, URL: server.url + pathname }, mailEdges())
    if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
    expect(read.value.warnings).toEqual([])
    const delivery = await provider.create(read.value.config, mailEdges())(sms, AbortSignal.timeout(5000))
    return { delivery, heard: server.heard }
  }

  it('takes the message as its documentation says', async () => {
    const { delivery } = await send(answer)

    expect(delivery).toEqual({ status: 'accepted', reference: 'sms-1' })
  })

  it('that refuses is not taken for a success', async () => {
    expect((await send(() => refusal)).delivery).toEqual({ status: 'unavailable', reason })
  })

  it('is not asked for what is no number', async () => {
    const { delivery, heard } = await send(answer, { ...SMS, to: '+49 170 1234567 +1 900 5550100' })

    expect(delivery).toMatchObject({ reason: 'number_not_one', recipientOnly: true })
    expect(heard).toEqual([])
  })
})
