/**
 * RestSMSProvider: an HTTP gateway that takes a JSON object (contract 4.9).
 *
 * One attempt: LinOTP posts a message up to three times when a reply is late, and each may arrive (contract 12.2 #22).
 * Only 2xx is a success; redirects are not followed, since a POST becomes a GET on the way. Whatever fails is
 * `unavailable`, refused connections included, and no reason holds the message (contract 12.2 #3).
 */
import * as v from 'valibot'
import { httpHeaders, httpUrl, jsonObject } from '../../core/http-fields.ts'
import { err, ok } from '../../core/result.ts'
import { type ConfigProblem, defineProvider } from '../../ports/provider.ts'
import { addressed, exchangeAs, scheme, timeout, unavailable } from './gateway.ts'
import { forbidden, formatNumber, numberKeys } from './number.ts'
import { originKeys, smsDefaults } from './origin.ts'
import { readConfig } from './read.ts'
import { changeAt, isReachable, messageInto, phoneInto, readPath } from './rest-payload.ts'
import { ROUTE_KEYS, type Route, readRoute, sendBy } from './route.ts'

const text = v.string('must be text')

const Config = v.looseObject({
  // A list with commas between, of which only the first is used.
  URL: v.pipe(
    v.string('must be an http or https URL'),
    v.transform((urls) => urls.split(/,(?=\s*https?:)/)[0]?.trim() ?? ''),
    httpUrl,
  ),
  PAYLOAD: jsonObject,
  SMS_TEXT_KEY: text,
  SMS_PHONENUMBER_KEY: text,
  HEADERS: v.optional(httpHeaders, {}),
  USERNAME: v.optional(text),
  PASSWORD: v.optional(text),
  AUTHENTICATION: v.optional(scheme, 'basic'),
  TIMEOUT: v.optional(timeout),
  ...numberKeys,
  ...originKeys,
})
type RestConfig = v.InferOutput<typeof Config> & { readonly route: Route }

/** LinOTP's time for reading a reply, in seconds; the deadline of the whole sending is shorter. */
const DEFAULT_TIMEOUT = 30

export const provider = defineProvider<RestConfig>({
  name: 'RestSMSProvider',
  classNames: [
    'RestSMSProvider',
    'linotp.provider.smsprovider.RestSMSProvider',
    'smsprovider.RestSMSProvider.RestSMSProvider',
    'smsprovider.RestSMSProvider',
  ],
  secretKeys: ['PASSWORD'],
  boundKeys: ['URL', 'USERNAME', 'PROXY', 'SERVER_CERTIFICATE'],
  sample: {
    URL: 'https://sms.example.org/messages',
    PAYLOAD: { from: 'otpost', text: 'Your OTP is <message>', recipients: [{ msisdn: '<phone>' }] },
    SMS_TEXT_KEY: 'text',
    SMS_PHONENUMBER_KEY: 'recipients[0].msisdn',
    HEADERS: { 'X-Api-Key': 'change me' },
    TIMEOUT: '3,10',
  },
  defaults: smsDefaults,

  read: async (raw, edges) => {
    const read = readConfig(Config, raw, [...Object.keys(Config.entries), ...ROUTE_KEYS])
    if (!read.ok) return read
    const { config, warnings } = read.value
    const problem = unreachable(config)
    if (problem) return err(problem)
    const route = await readRoute(raw, config.URL, edges)
    return route.ok ? ok({ config: { ...config, route: route.value }, warnings }) : route
  },

  create: (config, edges) =>
    sendBy(config.route, edges, async (routed, message, signal) => {
      const number = formatNumber(message.to, config)
      if (!number.ok) return forbidden(number.error)
      const login = { ...config, scheme: config.AUTHENTICATION }
      const { url, headers, digest } = addressed(config.URL, config.HEADERS, login)
      for (const name of ['accept', 'content-type']) if (!headers.has(name)) headers.set(name, 'application/json')
      const request = { url, method: 'POST', headers, digest, body: bodyOf(config, number.value, message.text) }
      const reply = await exchangeAs(routed, { ...request, timeout: config.TIMEOUT ?? DEFAULT_TIMEOUT }, signal)
      if (!reply.ok) return unavailable(reply.error)
      const { status } = reply.value
      return status >= 200 && status < 300
        ? { status: 'accepted', reference: message.id }
        : unavailable(`http_${status}`)
    }),
})

function unreachable(config: v.InferOutput<typeof Config>): ConfigProblem | null {
  for (const key of ['SMS_TEXT_KEY', 'SMS_PHONENUMBER_KEY'] as const) {
    const path = readPath(config[key], config.PAYLOAD)
    if (!path) return { key, rule: 'must be a key of PAYLOAD, or a path such as recipients[0].msisdn' }
    if (!isReachable(config.PAYLOAD, path)) return { key, rule: 'must be a path that PAYLOAD has room for' }
  }
  return null
}

/** Without a path, which `read` has refused, nothing is put anywhere. */
function bodyOf(config: RestConfig, phone: string, text: string): string {
  const textPath = readPath(config.SMS_TEXT_KEY, config.PAYLOAD) ?? []
  const phonePath = readPath(config.SMS_PHONENUMBER_KEY, config.PAYLOAD) ?? []
  const withText = changeAt(config.PAYLOAD, textPath, messageInto(text))
  return JSON.stringify(changeAt(withText, phonePath, phoneInto(phone)))
}
