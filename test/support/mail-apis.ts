/**
 * Stand-ins of mail APIs: what each demands of a request, and what it answers, as its documentation says. The
 * documentation is named in the head of the provider's file.
 */
import { expect } from 'vitest'
import type { Delivery } from '../../src/ports/provider.ts'
import { signatureProblem } from './aws-signature.ts'
import type { Answer, Heard } from './http-server.ts'

export type Api = {
  readonly name: string
  readonly keys: Readonly<Record<string, unknown>>
  /** What the API says to a request that breaks its documentation; `undefined` when there is nothing to say. */
  readonly check: (heard: Heard) => Promise<Answer | undefined> | Answer | undefined
  readonly sent: Answer
  readonly reference: string
  readonly replies: readonly (readonly [what: string, answer: Answer, status: Delivery['status'], reason: string])[]
}

const FROM = 'One-time passwords <otp@example.org>'
const HTML = '<html>Welcome to our Wi-Fi</html>'

const resend = (status: number, name: string, message = ''): Answer => ({
  status,
  body: { statusCode: status, name, message },
})

const RESEND: Api = {
  name: 'ResendEmailProvider',
  keys: { API_KEY: 're_Key1', EMAIL_FROM: FROM },
  check: ({ method, path, headers, body }) => {
    if (!headers.get('user-agent')) return { status: 403, body: 'error code: 1010' }
    if (!headers.has('authorization')) return resend(401, 'missing_api_key')
    if (headers.get('authorization') !== 'Bearer re_Key1') return resend(403, 'invalid_api_key')
    if (method !== 'POST' || path !== '/emails') return resend(405, 'method_not_allowed')
    if (headers.get('content-type') !== 'application/json') return resend(400, 'validation_error')
    expect(JSON.parse(body)).toEqual({
      ...{ from: FROM, to: ['ada@example.org'], subject: 'Your OTP', text: '418276' },
      headers: { 'Auto-Submitted': 'auto-generated' },
    })
    return undefined
  },
  sent: { status: 200, body: { id: '49a3999c-0ce1-4ea6-ab68-afcd6dc2e794' } },
  reference: '49a3999c-0ce1-4ea6-ab68-afcd6dc2e794',
  replies: [
    [
      'a bad recipient',
      resend(422, 'validation_error', 'Invalid `to` field. The email address needs to follow the format.'),
      'refused',
      'recipient_refused',
    ],
    ['a bad sender', resend(422, 'invalid_from_address'), 'unavailable', 'resend_invalid_from_address'],
    [
      'another bad field',
      resend(422, 'validation_error', 'Invalid `from` field.'),
      'unavailable',
      'resend_validation_error',
    ],
    ['a bad key', resend(403, 'invalid_api_key'), 'unavailable', 'resend_invalid_api_key'],
    ['no key', resend(401, 'missing_api_key'), 'unavailable', 'resend_missing_api_key'],
    ['too many requests', resend(429, 'rate_limit_exceeded'), 'unavailable', 'resend_rate_limit_exceeded'],
    ['a used-up quota', resend(429, 'daily_quota_exceeded'), 'unavailable', 'resend_daily_quota_exceeded'],
    ['a name of its own', resend(418, 'ada_at_example'), 'unavailable', 'http_418'],
    ['a failure', resend(500, 'application_error'), 'unavailable', 'resend_application_error'],
    ['a success without an id', { status: 200, body: HTML }, 'unavailable', 'reply_unreadable'],
  ],
}

const sendgrid = (status: number, ...fields: readonly (string | null)[]): Answer => ({
  status,
  body: { errors: fields.map((field) => ({ message: 'Does not contain a valid address.', field, help: null })) },
})

const SENDGRID: Api = {
  name: 'SendGridEmailProvider',
  keys: { API_KEY: 'SG.Key1', EMAIL_FROM: FROM },
  check: ({ method, path, headers, body }) => {
    if (headers.get('authorization') !== 'Bearer SG.Key1') return sendgrid(401, null)
    if (method !== 'POST' || path !== '/v3/mail/send') return sendgrid(405, null)
    if (!headers.has('accept')) return sendgrid(406, null)
    if (headers.get('content-type') !== 'application/json') return sendgrid(415, null)
    expect(JSON.parse(body)).toEqual({
      personalizations: [{ to: [{ email: 'ada@example.org' }] }],
      from: { email: 'otp@example.org', name: 'One-time passwords' },
      subject: 'Your OTP',
      content: [{ type: 'text/plain', value: '418276' }],
      headers: { 'Auto-Submitted': 'auto-generated' },
      tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
    })
    return undefined
  },
  sent: { status: 202, headers: { 'x-message-id': 'dZ-1gY7ARGaWJ6s5gW4Y9Q' } },
  reference: 'dZ-1gY7ARGaWJ6s5gW4Y9Q',
  replies: [
    ['a bad recipient', sendgrid(400, 'personalizations.0.to.0.email'), 'refused', 'recipient_refused'],
    ['a bad list of recipients', sendgrid(400, 'personalizations.0.to'), 'refused', 'recipient_refused'],
    ['a bad recipient and more', sendgrid(400, 'personalizations.0.to.0.email', 'subject'), 'unavailable', 'http_400'],
    ['an unverified sender', sendgrid(403, 'from'), 'unavailable', 'sender_refused'],
    ['a bad sender', sendgrid(400, 'from.email'), 'unavailable', 'sender_refused'],
    ['a bad request', sendgrid(400, null), 'unavailable', 'http_400'],
    ['a bad key', sendgrid(401, null), 'unavailable', 'auth_failed'],
    ['a key without the right', sendgrid(403, null), 'unavailable', 'http_403'],
    ['too many requests', sendgrid(429, null), 'unavailable', 'http_429'],
    ['a failure', { status: 503, body: 'Service Unavailable' }, 'unavailable', 'http_503'],
    ['200, which queues nothing', { status: 200, body: HTML }, 'unavailable', 'reply_unreadable'],
  ],
}

const mailgun = (status: number, message: string): Answer => ({ status, body: { message } })
const NOT_VALID = 'parameter is not a valid address. please check documentation'

export const MAILGUN: Api = {
  name: 'MailgunEmailProvider',
  keys: { API_KEY: 'key-Key1', EMAIL_FROM: FROM, DOMAIN: 'mg.example.org' },
  check: async ({ method, path, headers, body }) => {
    if (headers.get('authorization') !== `Basic ${btoa('api:key-Key1')}`) return { status: 401, body: 'Forbidden' }
    if (method !== 'POST') return mailgun(405, 'Method not allowed')
    if (path !== '/v3/mg.example.org/messages') return mailgun(404, 'Domain not found')
    const type = headers.get('content-type') ?? ''
    if (!type.startsWith('multipart/form-data')) return mailgun(400, 'bad form')
    const form = await new Response(body, { headers: { 'content-type': type } }).formData()
    expect(Object.fromEntries(form)).toEqual({
      ...{ from: FROM, to: 'ada@example.org', subject: 'Your OTP', text: '418276' },
      'h:Auto-Submitted': 'auto-generated',
      'o:tracking': 'no',
    })
    return undefined
  },
  sent: { status: 200, body: { id: '<20261125.1@mg.example.org>', message: 'Queued. Thank you.' } },
  reference: '<20261125.1@mg.example.org>',
  replies: [
    ['a bad recipient', mailgun(400, `to ${NOT_VALID}`), 'refused', 'recipient_refused'],
    ['a bad recipient, in older words', mailgun(400, `'to' ${NOT_VALID}`), 'refused', 'recipient_refused'],
    ['a bad sender', mailgun(400, `from ${NOT_VALID}`), 'unavailable', 'http_400'],
    ['a bad key', { status: 401, body: 'Forbidden' }, 'unavailable', 'auth_failed'],
    ['a key without the right', mailgun(403, 'Forbidden'), 'unavailable', 'auth_failed'],
    ['an unknown domain', mailgun(404, 'Domain not found: mg.example.org'), 'unavailable', 'http_404'],
    ['too many requests', mailgun(429, 'Too many requests'), 'unavailable', 'http_429'],
    ['a failure', mailgun(500, 'Internal Server Error'), 'unavailable', 'http_500'],
    ['a success without an id', { status: 200, body: 'Mailgun Magnificent API' }, 'unavailable', 'reply_unreadable'],
  ],
}

const postmark = (status: number, ErrorCode: number, Message = ''): Answer => ({ status, body: { ErrorCode, Message } })

const POSTMARK: Api = {
  name: 'PostmarkEmailProvider',
  keys: { API_KEY: 'pm-Key1', EMAIL_FROM: FROM, MESSAGE_STREAM: 'otp' },
  check: ({ method, path, headers, body }) => {
    if (headers.get('x-postmark-server-token') !== 'pm-Key1') return postmark(401, 10)
    if (method !== 'POST' || path !== '/email') return postmark(404, 0)
    if (headers.get('accept') !== 'application/json') return postmark(415, 0)
    if (headers.get('content-type') !== 'application/json') return postmark(422, 409)
    expect(JSON.parse(body)).toEqual({
      ...{ From: FROM, To: 'ada@example.org', Subject: 'Your OTP', TextBody: '418276' },
      Headers: [{ Name: 'Auto-Submitted', Value: 'auto-generated' }],
      ...{ MessageStream: 'otp', TrackOpens: false, TrackLinks: 'None' },
    })
    return undefined
  },
  sent: { status: 200, body: { To: 'ada@example.org', MessageID: '0a129aee-e1cd', ErrorCode: 0, Message: 'OK' } },
  reference: '0a129aee-e1cd',
  replies: [
    ['an inactive recipient', postmark(422, 406, 'You tried to send to an inactive'), 'refused', 'postmark_406'],
    ['a bad recipient', postmark(422, 300, "Invalid 'To' address: 'ada@example.org'."), 'refused', 'postmark_300'],
    ['an unreadable recipient', postmark(422, 300, "Error parsing 'To': Illegal"), 'refused', 'postmark_300'],
    ['a bad sender', postmark(422, 300, "Invalid 'From' address: is not verified"), 'unavailable', 'postmark_300'],
    ['an unknown sender signature', postmark(422, 400, 'not found'), 'unavailable', 'postmark_400'],
    ['a pending account', postmark(422, 412, 'pending approval'), 'unavailable', 'postmark_412'],
    ['a code of six digits', postmark(422, 418276), 'unavailable', 'reply_unreadable'],
    ['a bad key', postmark(401, 10, 'Bad or missing API token'), 'unavailable', 'auth_failed'],
    ['too many requests', postmark(429, 429), 'unavailable', 'http_429'],
    ['a failure', { status: 500, body: 'ouch' }, 'unavailable', 'http_500'],
    ['a success of another kind', { status: 200, body: '[]' }, 'unavailable', 'reply_unreadable'],
  ],
}

const ses = (status: number, type: string): Answer => ({
  status,
  body: { message: 'Email address is not verified.' },
  headers: { 'x-amzn-errortype': type },
})
const SES_SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

export const SES: Api = {
  name: 'SesEmailProvider',
  keys: {
    ...{ REGION: 'eu-central-1', ACCESS_KEY_ID: 'AKIDEXAMPLE', SECRET_ACCESS_KEY: SES_SECRET, EMAIL_FROM: FROM },
    CONFIGURATION_SET: 'otp',
  },
  check: (heard) => {
    const { method, path, headers, body } = heard
    const expected = { keyId: 'AKIDEXAMPLE', secret: SES_SECRET, region: 'eu-central-1', service: 'ses' }
    const problem = signatureProblem(heard, expected)
    if (problem) return ses(403, problem)
    if (headers.get('x-amz-date') !== '20260701T123015Z') return ses(403, 'SignatureDoesNotMatch')
    if (method !== 'POST' || path !== '/v2/email/outbound-emails') return ses(404, 'UnknownOperationException')
    if (headers.get('content-type') !== 'application/json') return ses(415, 'UnsupportedMediaType')
    expect(JSON.parse(body)).toEqual({
      FromEmailAddress: FROM,
      Destination: { ToAddresses: ['ada@example.org'] },
      Content: {
        Simple: {
          Subject: { Data: 'Your OTP', Charset: 'UTF-8' },
          Body: { Text: { Data: '418276', Charset: 'UTF-8' } },
          Headers: [{ Name: 'Auto-Submitted', Value: 'auto-generated' }],
        },
      },
      ConfigurationSetName: 'otp',
    })
    return undefined
  },
  sent: { status: 200, body: { MessageId: '010001890d1e-7a2b-000000' } },
  reference: '010001890d1e-7a2b-000000',
  replies: [
    ['a sandbox, or a bad sender', ses(400, 'MessageRejected'), 'unavailable', 'ses_message_rejected'],
    ['a bad request', ses(400, 'BadRequestException'), 'unavailable', 'ses_bad_request'],
    ['a type with its origin', ses(400, 'BadRequestException:http://amazon.com/'), 'unavailable', 'ses_bad_request'],
    ['a suspended account', ses(400, 'AccountSuspendedException'), 'unavailable', 'ses_account_suspended'],
    ['a paused account', ses(400, 'SendingPausedException'), 'unavailable', 'ses_sending_paused'],
    ['a bad domain', ses(400, 'MailFromDomainNotVerifiedException'), 'unavailable', 'ses_sender_not_verified'],
    ['an unknown configuration set', ses(404, 'NotFoundException'), 'unavailable', 'ses_not_found'],
    ['too many requests', ses(429, 'TooManyRequestsException'), 'unavailable', 'ses_too_many_requests'],
    ['a missing right', ses(403, 'AccessDeniedException'), 'unavailable', 'ses_access_denied'],
    ['an old token', ses(403, 'ExpiredTokenException'), 'unavailable', 'ses_token_expired'],
    ['an unknown key', ses(403, 'UnrecognizedClientException'), 'unavailable', 'auth_failed'],
    ['a name of its own', ses(418, 'ada_at_example'), 'unavailable', 'http_418'],
    ['a failure', { status: 500, body: 'ouch' }, 'unavailable', 'http_500'],
    ['a success without an id', { status: 200, body: HTML }, 'unavailable', 'reply_unreadable'],
  ],
}

export const MAIL_APIS: readonly Api[] = [RESEND, SENDGRID, MAILGUN, POSTMARK, SES]
