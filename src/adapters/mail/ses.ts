/**
 * SesEmailProvider: mail through Amazon SES, API version 2.
 *
 * Request, reply and errors: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html (POST
 * /v2/email/outbound-emails). The signature is Version 4, made by aws4fetch; the role needs ses:SendEmail. No SMTPUTF8:
 * local parts are ASCII. No error is a verdict on a recipient alone: `MessageRejected` is also what a sandbox says.
 */
import { AwsV4Signer } from 'aws4fetch'
import * as v from 'valibot'
import { apiRoot, headerToken } from '../../core/http-fields.ts'
import { accepted, defineMailApi, failed, headersOf, mailKeys, readBody, refused, unavailable } from './api.ts'
import { mailbox, type Sender, sender, withAsciiDomain } from './fields.ts'

const Sent = v.object({ MessageId: v.string() })

const REGION = 'must be a region such as eu-central-1'
const Config = v.object({
  REGION: v.pipe(v.string(REGION), v.regex(/^[a-z]{2}(?:-[a-z]+)+-\d$/, REGION)),
  ACCESS_KEY_ID: headerToken,
  SECRET_ACCESS_KEY: headerToken,
  SESSION_TOKEN: v.optional(headerToken),
  CONFIGURATION_SET: v.optional(v.pipe(v.string('must be text'), v.regex(/^[\w-]{1,64}$/, 'must be a name'))),
  EMAIL_FROM: sender,
  URL: v.optional(apiRoot),
  ...mailKeys,
})

/** Names that are passed on to operators, as they stand in the header; any other is left out. */
const NAMES: Readonly<Record<string, string>> = {
  AccountSuspendedException: 'account_suspended',
  BadRequestException: 'bad_request',
  LimitExceededException: 'limit_exceeded',
  MailFromDomainNotVerifiedException: 'sender_not_verified',
  MessageRejected: 'message_rejected',
  NotFoundException: 'not_found',
  SendingPausedException: 'sending_paused',
  TooManyRequestsException: 'too_many_requests',
  ThrottlingException: 'throttling',
  AccessDeniedException: 'access_denied',
  ExpiredTokenException: 'token_expired',
  IncompleteSignature: 'auth_failed',
  InvalidClientTokenId: 'auth_failed',
  InvalidSignatureException: 'auth_failed',
  MissingAuthenticationToken: 'auth_failed',
  SignatureDoesNotMatch: 'auth_failed',
  UnrecognizedClientException: 'auth_failed',
}

/** Headers are printable ASCII: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_MessageHeader.html */
const HEADER = /^[ -~]{1,870}$/

const inAscii = ({ name, address }: Sender): string => mailbox({ name, address: withAsciiDomain(address) })

export const provider = defineMailApi({
  name: 'SesEmailProvider',
  config: Config,
  secretKeys: ['SECRET_ACCESS_KEY', 'SESSION_TOKEN'],
  boundKeys: ['URL', 'REGION', 'ACCESS_KEY_ID'],
  sample: {
    REGION: 'eu-central-1',
    ACCESS_KEY_ID: 'AKIDEXAMPLE',
    SECRET_ACCESS_KEY: 'change-me',
    EMAIL_FROM: 'One-time passwords <otp@example.org>',
  },

  unreachable: (mail) => (/^\p{ASCII}*@/u.test(mail.to) ? undefined : refused('smtputf8_missing')),

  request: async (config, mail, edges) => {
    const body = JSON.stringify({
      FromEmailAddress: inAscii(mail.from ?? config.EMAIL_FROM),
      Destination: { ToAddresses: [withAsciiDomain(mail.to)] },
      ...(mail.replyTo && { ReplyToAddresses: [inAscii(mail.replyTo)] }),
      Content: {
        Simple: {
          Subject: { Data: mail.subject, Charset: 'UTF-8' },
          Body: {
            Text: { Data: mail.text, Charset: 'UTF-8' },
            ...(mail.html !== undefined && { Html: { Data: mail.html, Charset: 'UTF-8' } }),
          },
          Headers: headersOf(mail)
            .filter(({ value }) => HEADER.test(value))
            .map(({ name, value }) => ({ Name: name, Value: value })),
          Attachments: mail.images?.map(({ cid, type, name, content }) => ({
            RawContent: content,
            ContentType: type,
            FileName: name,
            ContentDisposition: 'INLINE',
            ContentId: cid,
            ContentTransferEncoding: 'BASE64',
          })),
        },
      },
      ...(config.CONFIGURATION_SET && { ConfigurationSetName: config.CONFIGURATION_SET }),
    })
    const signer = new AwsV4Signer({
      method: 'POST',
      url: `${config.URL ?? `https://email.${config.REGION}.amazonaws.com`}/v2/email/outbound-emails`,
      headers: { accept: 'application/json', 'content-type': 'application/json' },
      body,
      accessKeyId: config.ACCESS_KEY_ID,
      secretAccessKey: config.SECRET_ACCESS_KEY,
      ...(config.SESSION_TOKEN && { sessionToken: config.SESSION_TOKEN }),
      service: 'ses',
      region: config.REGION,
      datetime: new Date(edges.clock() * 1000).toISOString().replace(/[:-]|\.\d+/g, ''),
    })
    const { url, method, headers } = await signer.sign()
    return { url, method, headers, body }
  },

  verdict: (reply, mail) => {
    if (reply.status === 200) {
      const sent = readBody(Sent, reply)
      return sent ? accepted(mail, sent.MessageId) : unavailable('reply_unreadable')
    }
    // `Name:http://…` in some regions.
    const name = reply.headers.get('x-amzn-errortype')?.split(':')[0] ?? ''
    if (!Object.hasOwn(NAMES, name)) return failed(reply)
    return unavailable(NAMES[name] === 'auth_failed' ? 'auth_failed' : `ses_${NAMES[name]}`)
  },
})
