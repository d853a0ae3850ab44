/**
 * ResendEmailProvider: mail through Resend.
 *
 * Request and reply: https://resend.com/docs/api-reference/emails/send-email (POST /emails); a User-Agent is demanded:
 * https://resend.com/docs/api-reference/introduction; inline images:
 * https://resend.com/docs/dashboard/emails/embed-inline-images; errors: https://resend.com/docs/api-reference/errors. A
 * `validation_error` of 422 is about any field: only its message says which one.
 */
import * as v from 'valibot'
import { accepted, apiKeys, defineMailApi, failed, headersOf, readBody, refused, unavailable } from './api.ts'
import { mailbox } from './fields.ts'

const Sent = v.object({ id: v.string() })
const Failure = v.object({ name: v.string(), message: v.optional(v.string(), '') })

/** Names that are passed on to operators; any other is left out, since a server may write anything there. */
const NAMES: readonly string[] = [
  ...['missing_api_key', 'invalid_api_key', 'restricted_api_key', 'validation_error', 'missing_required_field'],
  ...['invalid_from_address', 'invalid_access', 'invalid_parameter', 'not_found', 'method_not_allowed'],
  ...['rate_limit_exceeded', 'daily_quota_exceeded', 'monthly_quota_exceeded', 'security_error'],
  ...['application_error', 'internal_server_error'],
]

export const provider = defineMailApi({
  name: 'ResendEmailProvider',
  config: v.object(apiKeys('https://api.resend.com')),
  secretKeys: ['API_KEY'],
  boundKeys: ['URL'],
  sample: { API_KEY: 're_123456789', EMAIL_FROM: 'One-time passwords <otp@example.org>' },

  request: (config, mail) => ({
    url: `${config.URL}/emails`,
    method: 'POST',
    headers: { authorization: `Bearer ${config.API_KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({
      from: mailbox(mail.from ?? config.EMAIL_FROM),
      to: [mail.to],
      reply_to: mail.replyTo && mailbox(mail.replyTo),
      subject: mail.subject,
      text: mail.text,
      html: mail.html,
      headers: Object.fromEntries(headersOf(mail).map(({ name, value }) => [name, value])),
      attachments: mail.images?.map(({ cid, type, name, content }) => ({
        filename: name,
        content,
        content_type: type,
        content_id: cid,
      })),
    }),
  }),

  verdict: (reply, mail) => {
    if (reply.status === 200) {
      const sent = readBody(Sent, reply)
      return sent ? accepted(mail, sent.id) : unavailable('reply_unreadable')
    }
    const failure = readBody(Failure, reply)
    // "Invalid `to` field. …". Missing it costs a try at another provider, no more.
    if (reply.status === 422 && failure?.name === 'validation_error' && failure.message.startsWith('Invalid `to`'))
      return refused('recipient_refused')
    return failure && NAMES.includes(failure.name) ? unavailable(`resend_${failure.name}`) : failed(reply)
  },
})
