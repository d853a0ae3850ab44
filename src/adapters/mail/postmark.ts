/**
 * PostmarkEmailProvider: transactional mail through Postmark.
 *
 * Request and reply: https://postmarkapp.com/developer/api/email-api (POST /email); codes:
 * https://postmarkapp.com/developer/api/overview#error-codes. 406 (inactive recipient) is a verdict on the recipient.
 * 300 is any invalid field, sender included: only its message says which one.
 */
import * as v from 'valibot'
import { headerText } from '../../core/fields.ts'
import { accepted, apiKeys, defineMailApi, failed, headersOf, readBody, refused, unavailable } from './api.ts'
import { mailbox } from './fields.ts'

const Reply = v.object({ ErrorCode: v.number(), Message: v.string(), MessageID: v.optional(v.string()) })

export const provider = defineMailApi({
  name: 'PostmarkEmailProvider',
  config: v.object({
    ...apiKeys('https://api.postmarkapp.com'),
    MESSAGE_STREAM: v.optional(headerText, 'outbound'),
  }),
  secretKeys: ['API_KEY'],
  boundKeys: ['URL'],
  sample: { API_KEY: 'POSTMARK_API_TEST', EMAIL_FROM: 'One-time passwords <otp@example.org>' },

  request: (config, mail) => ({
    url: `${config.URL}/email`,
    method: 'POST',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      'x-postmark-server-token': config.API_KEY,
    },
    body: JSON.stringify({
      From: mailbox(mail.from ?? config.EMAIL_FROM),
      To: mail.to,
      ReplyTo: mail.replyTo && mailbox(mail.replyTo),
      Subject: mail.subject,
      TextBody: mail.text,
      HtmlBody: mail.html,
      Headers: headersOf(mail).map(({ name, value }) => ({ Name: name, Value: value })),
      Attachments: mail.images?.map(({ cid, type, name, content }) => ({
        Name: name,
        Content: content,
        ContentType: type,
        ContentID: `cid:${cid}`,
      })),
      MessageStream: config.MESSAGE_STREAM,
      TrackOpens: false,
      TrackLinks: 'None',
    }),
  }),

  verdict: (reply, mail) => {
    if (![200, 422].includes(reply.status)) return failed(reply)
    const body = readBody(Reply, reply)
    if (!body) return unavailable('reply_unreadable')
    const { ErrorCode: code } = body
    if (reply.status === 200 && code === 0) return accepted(mail, body.MessageID)
    // `Invalid 'To' address: …` or `Error parsing 'To': …`. Missing it costs a try at another provider, no more.
    const recipient = code === 406 || (code === 300 && /^(?:Invalid|Error parsing) 'To'/.test(body.Message))
    if (recipient) return refused(`postmark_${code}`)
    return unavailable(Number.isInteger(code) && code >= 0 && code < 10_000 ? `postmark_${code}` : 'reply_unreadable')
  },
})
