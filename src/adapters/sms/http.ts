/**
 * HttpSMSProvider: an HTTP gateway that takes number and text as parameters (contract 4.8).
 *
 * A status of 400 and above is a failure whatever the body says (contract 12.2 #22). Digest authentication, proxies and
 * private authorities are not there yet; a configuration that needs them is refused or warned about when it is saved.
 */
import * as v from 'valibot'
import { err, ok } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import { type Delivery, defineProvider, type Message } from '../../ports/provider.ts'
import { formatNumber, numberKeys } from './number.ts'
import { readConfig } from './read.ts'

const text = v.string('must be text')
const texts = v.record(
  v.string(),
  v.pipe(v.union([v.string(), v.number(), v.boolean()], 'must be text'), v.transform(String)),
  'must be an object of texts',
)
const pattern = v.pipe(text, v.check(isPattern, 'must be a regular expression'))

const Config = v.looseObject({
  URL: v.pipe(v.string('must be an http or https URL'), v.check(isHttpUrl, 'must be an http or https URL')),
  HTTP_Method: v.optional(v.picklist(['GET', 'POST'], 'must be GET or POST'), 'POST'),
  SMS_PHONENUMBER_KEY: v.optional(text, 'phone'),
  SMS_TEXT_KEY: v.optional(text, 'sms'),
  PARAMETER: v.optional(texts, {}),
  HEADERS: v.optional(texts, {}),
  USERNAME: v.optional(text),
  PASSWORD: v.optional(text),
  AUTH_TYPE: v.optional(v.pipe(text, v.toLowerCase(), v.literal('basic', 'must be basic')), 'basic'),
  RETURN_SUCCESS_REGEX: v.optional(pattern),
  RETURN_FAIL_REGEX: v.optional(pattern),
  RETURN_SUCCESS: v.optional(text),
  RETURN_FAIL: v.optional(text),
  timeout: v.optional(v.union([v.string(), v.number()])),
  ...numberKeys,
})
type HttpConfig = v.InferOutput<typeof Config>

/** Longest time one call may take when `timeout` says nothing, in seconds. */
const DEFAULT_TIMEOUT = 5
/** More of a reply is not looked at. */
const MAX_REPLY_BYTES = 64 * 1024

export const provider = defineProvider<HttpConfig>({
  name: 'HttpSMSProvider',
  classNames: [
    'HttpSMSProvider',
    'linotp.provider.smsprovider.HttpSMSProvider',
    'smsprovider.HttpSMSProvider.HttpSMSProvider',
    'smsprovider.HttpSMSProvider',
  ],
  secretKeys: ['PASSWORD'],
  boundKeys: ['URL', 'USERNAME'],
  sample: {
    URL: 'https://sms.example.org/send',
    SMS_TEXT_KEY: 'text',
    SMS_PHONENUMBER_KEY: 'to',
    RETURN_SUCCESS: 'OK',
  },
  defaults: () => ({ subject: '' }),

  read: async (raw) => {
    const read = readConfig(Config, raw, Object.keys(Config.entries))
    if (!read.ok)
      return read.error.key === 'URL' && raw.URL === undefined ? err({ key: 'URL', rule: 'is required' }) : read
    return ok(read.value)
  },

  create: (config, edges) => async (message, signal) => {
    try {
      return await call(config, edges, message, signal)
    } catch (error) {
      // fetch rejects for what the network did; its text may name the URL with credentials, so only the kind is told.
      return {
        status: 'unavailable',
        reason: error instanceof Error && /abort|timeout/i.test(error.name) ? 'timeout' : 'connection_failed',
      }
    }
  },
})

async function call(config: HttpConfig, edges: Edges, message: Message, signal: AbortSignal): Promise<Delivery> {
  const url = new URL(config.URL)
  const headers = new Headers(config.HEADERS)
  const authorization = credentials(config, url)
  if (authorization) headers.set('authorization', authorization)
  url.username = ''
  url.password = ''
  const parameters = new URLSearchParams({
    [config.SMS_PHONENUMBER_KEY]: formatNumber(message.to, config),
    [config.SMS_TEXT_KEY]: message.text,
    ...config.PARAMETER,
  })
  if (config.HTTP_Method === 'GET') for (const [name, value] of parameters) url.searchParams.set(name, value)
  const response = await edges.fetch(url, {
    method: config.HTTP_Method,
    headers,
    signal: AbortSignal.any([signal, edges.deadline(timeout(config))]),
    ...(config.HTTP_Method === 'POST' ? { body: parameters } : {}),
  })
  const body = await readSome(response)
  if (response.status >= 400) return { status: 'unavailable', reason: `http_${response.status}` }
  return isSuccess(config, body)
    ? { status: 'accepted', reference: message.id }
    : { status: 'unavailable', reason: 'gateway_says_no' }
}

/** `USERNAME` and `PASSWORD`, else those in the URL; HTTP Basic in UTF-8 (RFC 7617). */
function credentials(config: HttpConfig, url: URL): string | null {
  const inUrl = url.username !== '' ? [decodeURIComponent(url.username), decodeURIComponent(url.password)] : null
  const pair =
    config.USERNAME !== undefined || config.PASSWORD !== undefined
      ? [config.USERNAME ?? '', config.PASSWORD ?? '']
      : inUrl
  if (!pair) return null
  const bytes = new TextEncoder().encode(pair.join(':'))
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`
}

/** Only the first check that is configured counts, in this order; none means that every reply is a success. */
function isSuccess(config: HttpConfig, body: string): boolean {
  if (config.RETURN_SUCCESS_REGEX !== undefined) return new RegExp(config.RETURN_SUCCESS_REGEX).test(body)
  if (config.RETURN_FAIL_REGEX !== undefined) return !new RegExp(config.RETURN_FAIL_REGEX).test(body)
  if (config.RETURN_SUCCESS !== undefined) return body.startsWith(config.RETURN_SUCCESS)
  if (config.RETURN_FAIL !== undefined) return !body.startsWith(config.RETURN_FAIL)
  return true
}

async function readSome(response: Response): Promise<string> {
  const reader = response.body?.getReader()
  const decoder = new TextDecoder()
  let body = ''
  for (let read = await reader?.read(); read && !read.done; read = await reader?.read()) {
    body += decoder.decode(read.value, { stream: true })
    if (body.length > MAX_REPLY_BYTES) {
      await reader?.cancel()
      break
    }
  }
  return body
}

/** A number, or `connect,read`, of which the larger counts; whole seconds. */
function timeout(config: HttpConfig): number {
  const seconds = String(config.timeout ?? DEFAULT_TIMEOUT)
    .split(',')
    .map(Number)
    .filter((n) => Number.isFinite(n) && n > 0)
  return Math.ceil(Math.max(...(seconds.length > 0 ? seconds : [DEFAULT_TIMEOUT])))
}

function isHttpUrl(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp
  } catch {
    return false // what RegExp cannot read is no pattern
  }
}
