/**
 * HttpEmailProvider: a mail API that has no file of its own here, described by its configuration. A class of otpost's
 * own: LinOTP sends mail by SMTP only.
 *
 * `BODY` is an object that is sent as JSON, or as a form with `FORMAT` form; `<to>`, `<from>`, `<subject>`, `<text>`
 * and `<html>` are filled in wherever they stand in its texts; a mail without HTML has its text in HTML there. Which failure is about the recipient nobody can tell, so none is.
 */
import * as v from 'valibot'
import { headerText } from '../../core/fields.ts'
import { basicCredentials, httpHeaders, jsonObject, replyPattern, secureUrl } from '../../core/http-fields.ts'
import type { HttpReply } from '../../ports/http-exchange.ts'
import type { ConfigProblem } from '../../ports/provider.ts'
import { accepted, defineMailApi, failed, mailKeys, unavailable } from './api.ts'
import { mailbox, sender } from './fields.ts'

const STATUSES = 'must be one HTTP status, or several with commas between'

const Config = v.object({
  URL: secureUrl,
  METHOD: v.optional(v.picklist(['POST', 'PUT'], 'must be POST or PUT'), 'POST'),
  HEADERS: v.optional(httpHeaders, {}),
  USERNAME: v.optional(headerText),
  PASSWORD: v.optional(headerText),
  FORMAT: v.optional(v.picklist(['json', 'form'], 'must be json or form'), 'json'),
  BODY: jsonObject,
  EMAIL_FROM: v.optional(sender),
  SUCCESS_STATUS: v.optional(
    v.pipe(
      v.union([v.string(), v.number()], STATUSES),
      v.transform(String),
      v.regex(/^\s*[1-5]\d\d(?:\s*,\s*[1-5]\d\d)*\s*$/, STATUSES),
      v.transform((text) => text.split(',').map(Number)),
    ),
  ),
  SUCCESS_REGEX: v.optional(replyPattern),
  ...mailKeys,
})
type HttpConfig = v.InferOutput<typeof Config>

export const provider = defineMailApi<HttpConfig>({
  name: 'HttpEmailProvider',
  config: Config,
  secretKeys: ['PASSWORD'],
  boundKeys: ['URL', 'USERNAME'],
  sample: {
    URL: 'https://mail.example.org/send',
    HEADERS: { 'X-Api-Key': 'change me' },
    BODY: { from: '<from>', to: ['<to>'], subject: '<subject>', text: '<text>' },
    EMAIL_FROM: 'One-time passwords <otp@example.org>',
    SUCCESS_STATUS: '200,202',
  },
  contradiction,

  request: (config, mail) => {
    const headers = new Headers(config.HEADERS)
    if (config.USERNAME !== undefined || config.PASSWORD !== undefined)
      headers.set('authorization', basicCredentials(config.USERNAME ?? '', config.PASSWORD ?? ''))
    const sender = mail.from ?? config.EMAIL_FROM
    const from = sender ? mailbox(sender) : ''
    const html = mail.html ?? `<pre>${mail.text.replace(/[&<>]/g, (c) => `&#${c.charCodeAt(0)};`)}</pre>`
    const body = fill(config.BODY, { from, to: mail.to, subject: mail.subject, text: mail.text, html })
    if (config.FORMAT === 'json' && !headers.has('content-type')) headers.set('content-type', 'application/json')
    return {
      url: config.URL,
      method: config.METHOD,
      headers,
      body: config.FORMAT === 'json' ? JSON.stringify(body) : new URLSearchParams(formOf(body)),
    }
  },

  verdict: (reply, mail, config) => {
    if (!isSuccess(reply, config.SUCCESS_STATUS)) return failed(reply)
    if (config.SUCCESS_REGEX !== undefined && !new RegExp(config.SUCCESS_REGEX).test(reply.body))
      return unavailable('reply_says_no')
    return accepted(mail)
  },
})

function contradiction({ BODY, FORMAT, EMAIL_FROM }: HttpConfig): ConfigProblem | undefined {
  const texts = textsOf(BODY)
  if (!['<to>', '<text>'].every((name) => texts.some((text) => text.includes(name))))
    return { key: 'BODY', rule: 'must hold <to> and <text>' }
  if (EMAIL_FROM === undefined && texts.some((text) => text.includes('<from>')))
    return { key: 'EMAIL_FROM', rule: 'is required, because BODY holds <from>' }
  if (FORMAT === 'form' && Object.values(BODY).some((value) => typeof value === 'object'))
    return { key: 'BODY', rule: 'must be an object of texts, because FORMAT is form' }
  return undefined
}

const isSuccess = ({ status }: HttpReply, expected: readonly number[] | undefined): boolean =>
  expected ? expected.includes(status) : status >= 200 && status < 300

/** One pass, so that a text which looks like a placeholder stays as it is. Names of members are left alone. */
function fill(value: unknown, values: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string')
    return value.replace(/<(from|to|subject|text|html)>/g, (whole, name: string) => values[name] ?? whole)
  if (Array.isArray(value)) return value.map((item) => fill(item, values))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, fill(item, values)]))
}

function textsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsOf) : []
}

const formOf = (body: unknown): Record<string, string> =>
  Object.fromEntries(Object.entries(Object(body)).map(([name, value]) => [name, String(value)]))
