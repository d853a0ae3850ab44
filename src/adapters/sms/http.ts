/**
 * HttpSMSProvider: an HTTP gateway that takes number and text as parameters (contract 4.8).
 *
 * Only 2xx can be a success, whatever the body says (contract 12.2 #22). Redirects are not followed: a form would turn
 * into a GET without number and text, and 307 would hand the OTP, once more per hop, to whomever the reply names.
 */
import * as v from 'valibot'
import { httpHeaders, httpUrl, replyPattern, texts } from '../../core/http-fields.ts'
import { ok } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import { type Delivery, defineProvider, type Message } from '../../ports/provider.ts'
import { addressed, exchangeAs, readSeconds, scheme, unavailable } from './gateway.ts'
import { forbidden, formatNumber, numberKeys } from './number.ts'
import { originKeys, smsDefaults } from './origin.ts'
import { readConfig } from './read.ts'
import { ROUTE_KEYS, type Route, readRoute, sendBy } from './route.ts'

const text = v.string('must be text')

const Config = v.looseObject({
  URL: httpUrl,
  HTTP_Method: v.optional(v.picklist(['GET', 'POST'], 'must be GET or POST'), 'POST'),
  SMS_PHONENUMBER_KEY: v.optional(text, 'phone'),
  SMS_TEXT_KEY: v.optional(text, 'sms'),
  PARAMETER: v.optional(texts, {}),
  HEADERS: v.optional(httpHeaders, {}),
  USERNAME: v.optional(text),
  PASSWORD: v.optional(text),
  AUTH_TYPE: v.optional(scheme, 'basic'),
  RETURN_SUCCESS_REGEX: v.optional(replyPattern),
  RETURN_FAIL_REGEX: v.optional(replyPattern),
  RETURN_SUCCESS: v.optional(text),
  RETURN_FAIL: v.optional(text),
  timeout: v.optional(v.union([v.string(), v.number()])),
  ...numberKeys,
  ...originKeys,
})
type HttpConfig = v.InferOutput<typeof Config> & { readonly route: Route }

/** Longest time one call may take when `timeout` says nothing, in seconds. */
const DEFAULT_TIMEOUT = 5

export const provider = defineProvider<HttpConfig>({
  name: 'HttpSMSProvider',
  classNames: [
    'HttpSMSProvider',
    'linotp.provider.smsprovider.HttpSMSProvider',
    'smsprovider.HttpSMSProvider.HttpSMSProvider',
    'smsprovider.HttpSMSProvider',
  ],
  secretKeys: ['PASSWORD'],
  boundKeys: ['URL', 'USERNAME', 'PROXY', 'SERVER_CERTIFICATE'],
  sample: {
    URL: 'https://sms.example.org/send',
    SMS_TEXT_KEY: 'text',
    SMS_PHONENUMBER_KEY: 'to',
    RETURN_SUCCESS: 'OK',
  },
  defaults: smsDefaults,

  read: async (raw, edges) => {
    const read = readConfig(Config, raw, [...Object.keys(Config.entries), ...ROUTE_KEYS])
    if (!read.ok) return read
    const { config, warnings } = read.value
    const route = await readRoute(raw, config.URL, edges)
    return route.ok ? ok({ config: { ...config, route: route.value }, warnings }) : route
  },

  create: (config, edges) =>
    sendBy(config.route, edges, (routed, message, signal) => call(config, routed, message, signal)),
})

async function call(config: HttpConfig, edges: Edges, message: Message, signal: AbortSignal): Promise<Delivery> {
  const number = formatNumber(message.to, config)
  if (!number.ok) return forbidden(number.error)
  const { url, headers, digest } = addressed(config.URL, config.HEADERS, { ...config, scheme: config.AUTH_TYPE })
  const parameters = new URLSearchParams({
    [config.SMS_PHONENUMBER_KEY]: number.value,
    [config.SMS_TEXT_KEY]: message.text,
    ...config.PARAMETER,
  })
  const inQuery = config.HTTP_Method === 'GET'
  if (inQuery) for (const [name, value] of parameters) url.searchParams.set(name, value)
  const reply = await exchangeAs(
    edges,
    {
      url,
      method: config.HTTP_Method,
      headers,
      digest,
      timeout: readSeconds(config.timeout ?? DEFAULT_TIMEOUT) ?? DEFAULT_TIMEOUT,
      ...(inQuery ? {} : { body: parameters }),
    },
    signal,
  )
  if (!reply.ok) return unavailable(reply.error)
  const { status } = reply.value
  if (status < 200 || status >= 300) return unavailable(`http_${status}`)
  return isSuccess(config, reply.value.body)
    ? { status: 'accepted', reference: message.id }
    : unavailable('gateway_says_no')
}

/** Only the first check that is configured counts, in this order; none means that every reply is a success. */
function isSuccess(config: HttpConfig, body: string): boolean {
  if (config.RETURN_SUCCESS_REGEX !== undefined) return new RegExp(config.RETURN_SUCCESS_REGEX).test(body)
  if (config.RETURN_FAIL_REGEX !== undefined) return !new RegExp(config.RETURN_FAIL_REGEX).test(body)
  if (config.RETURN_SUCCESS !== undefined) return body.startsWith(config.RETURN_SUCCESS)
  if (config.RETURN_FAIL !== undefined) return !body.startsWith(config.RETURN_FAIL)
  return true
}
