/**
 * SendGridEmailProvider: mail through Twilio SendGrid.
 *
 * Request and reply: https://www.twilio.com/docs/sendgrid/api-reference/mail-send/mail-send (POST /v3/mail/send, 202
 * with an empty body); errors: https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/errors
 * (`errors[].field` names the field). Regional users set URL to https://api.eu.sendgrid.com.
 */
import * as v from 'valibot'
import { accepted, apiKeys, defineMailApi, failed, headersOf, readBody, refused, unavailable } from './api.ts'
import type { Sender } from './fields.ts'

const Failure = v.object({ errors: v.array(v.object({ field: v.optional(v.nullable(v.string())) })) })

export const provider = defineMailApi({
  name: 'SendGridEmailProvider',
  config: v.object(apiKeys('https://api.sendgrid.com')),
  secretKeys: ['API_KEY'],
  boundKeys: ['URL'],
  sample: { API_KEY: 'SG.example', EMAIL_FROM: 'One-time passwords <otp@example.org>' },

  request: ({ URL, API_KEY, EMAIL_FROM }, mail) => ({
    url: `${URL}/v3/mail/send`,
    method: 'POST',
    headers: {
      accept: 'application/json',
      authorization: `Bearer ${API_KEY}`,
      'content-type': 'application/json',
    },
    body: JSON.stringify({
      personalizations: [{ to: [{ email: mail.to }] }],
      from: person(mail.from ?? EMAIL_FROM),
      reply_to: mail.replyTo && person(mail.replyTo),
      subject: mail.subject,
      // In this order, the plainest first.
      content: [
        { type: 'text/plain', value: mail.text },
        ...(mail.html === undefined ? [] : [{ type: 'text/html', value: mail.html }]),
      ],
      headers: Object.fromEntries(headersOf(mail).map(({ name, value }) => [name, value])),
      attachments: mail.images?.map(({ cid, type, name, content }) => ({
        content,
        type,
        filename: name,
        disposition: 'inline',
        content_id: cid,
      })),
      tracking_settings: { click_tracking: { enable: false, enable_text: false }, open_tracking: { enable: false } },
    }),
  }),

  verdict: (reply, mail) => {
    if (reply.status === 202) return accepted(mail, reply.headers.get('x-message-id'))
    if (reply.status >= 200 && reply.status < 300) return unavailable('reply_unreadable') // nothing but 202 says queued
    const fields = readBody(Failure, reply)?.errors.map(({ field }) => field ?? '') ?? []
    const about = (pattern: RegExp) => fields.length > 0 && fields.every((field) => pattern.test(field))
    if (reply.status === 400 && about(/^personalizations\.0\.to\b/)) return refused('recipient_refused')
    // An address that was not verified as a sender is 403, a malformed one 400.
    if ([400, 403].includes(reply.status) && about(/^from\b/)) return unavailable('sender_refused')
    return failed(reply)
  },
})

const person = ({ name, address }: Sender) => (name === '' ? { email: address } : { email: address, name })
