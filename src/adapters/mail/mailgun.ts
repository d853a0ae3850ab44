/**
 * MailgunEmailProvider: mail through Mailgun.
 *
 * Request and reply: https://documentation.mailgun.com/docs/mailgun/api-reference/send/mailgun/messages (POST
 * /v3/{domain}/messages, multipart/form-data, Basic with the user `api`); inline images:
 * https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-attachments; errors:
 * https://documentation.mailgun.com/docs/mailgun/quickstart-guide/responses and, for "parameter is not a valid
 * address", https://documentation.mailgun.com/docs/mailgun/user-manual/sending-messages/send-http. Domains of the EU
 * region set URL to https://api.eu.mailgun.net.
 */
import * as v from 'valibot'
import { basicCredentials } from '../../core/http-fields.ts'
import { accepted, apiKeys, defineMailApi, failed, headersOf, readBody, refused, unavailable } from './api.ts'
import { mailbox } from './fields.ts'

const Sent = v.object({ id: v.string() })
const Failure = v.object({ message: v.string() })

const DOMAIN = 'must be the domain name that mails are sent from'

export const provider = defineMailApi({
  name: 'MailgunEmailProvider',
  config: v.object({
    DOMAIN: v.pipe(v.string(DOMAIN), v.regex(/^[\w-]+(?:\.[\w-]+)+$/, DOMAIN)),
    ...apiKeys('https://api.mailgun.net'),
  }),
  secretKeys: ['API_KEY'],
  boundKeys: ['URL'],
  sample: { DOMAIN: 'mg.example.org', API_KEY: 'key-example', EMAIL_FROM: 'One-time passwords <otp@mg.example.org>' },

  request: (config, mail) => {
    const body = new FormData()
    body.set('from', mailbox(mail.from ?? config.EMAIL_FROM))
    body.set('to', mail.to)
    body.set('subject', mail.subject)
    body.set('text', mail.text)
    if (mail.html !== undefined) body.set('html', mail.html)
    for (const { name, value } of headersOf(mail)) body.append(`h:${name}`, value)
    if (mail.replyTo) body.set('h:Reply-To', mailbox(mail.replyTo))
    // An image is found by the name of its file.
    for (const { cid, type, content } of mail.images ?? [])
      body.append('inline', new File([Uint8Array.from(atob(content), (c) => c.charCodeAt(0))], cid, { type }))
    body.set('o:tracking', 'no')
    return {
      url: `${config.URL}/v3/${config.DOMAIN}/messages`,
      method: 'POST',
      headers: { accept: 'application/json', authorization: basicCredentials('api', config.API_KEY) },
      body,
    }
  },

  verdict: (reply, mail) => {
    if (reply.status === 200) {
      const sent = readBody(Sent, reply)
      return sent ? accepted(mail, sent.id) : unavailable('reply_unreadable')
    }
    if (reply.status === 403) return unavailable('auth_failed')
    // With or without quotes around the name. Missing it costs a try at another provider, no more.
    const message = readBody(Failure, reply)?.message ?? ''
    if (reply.status === 400 && /^'?to'? parameter is not a valid address/.test(message))
      return refused('recipient_refused')
    return failed(reply)
  },
})
