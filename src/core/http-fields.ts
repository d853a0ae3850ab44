/**
 * Fields of configurations that describe an HTTP request: URL, headers, parameters, credentials. Each schema says its
 * rule in words, as in `fields.ts`.
 */
import * as v from 'valibot'

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const jsonObject = v.custom<Readonly<Record<string, unknown>>>(isObject, 'must be an object')

/** An object of texts; numbers and booleans count as their text. */
export const texts = v.pipe(
  v.custom<Record<string, unknown>>(isObject, 'must be an object of texts'),
  v.record(
    v.string(),
    v.pipe(v.union([v.string(), v.number(), v.boolean()], 'must be text'), v.transform(String)),
    'must be an object of texts',
  ),
)

export const httpHeaders = v.pipe(texts, v.check(areHeaders, 'must be names and values of HTTP headers'))

/** What may stand in a header as a key or a token: visible ASCII, no blanks. */
export const headerToken = v.pipe(
  v.string('must be text'),
  v.regex(/^[\x21-\x7e]+$/, 'must be visible ASCII characters without blanks'),
)

const HTTP = 'must be an http or https URL'
export const httpUrl = v.pipe(v.string(HTTP), v.check(isHttpUrl, HTTP))

const HTTPS = 'must be an https URL without user, password and fragment; http is for this machine only'
/** Where secrets are sent to: over TLS, except to this machine. */
export const secureUrl = v.pipe(v.string(HTTPS), v.check(isSecureUrl, HTTPS))

/** The root of an API, to which the paths of its documentation are appended. */
export const apiRoot = v.pipe(
  secureUrl,
  v.check((url) => !url.includes('?'), 'must be the root of the API, without a query'),
  v.transform((url) => url.replace(/\/+$/, '')),
)

const PATTERN = 'must be a regular expression'
/** Looked for anywhere in a reply. */
export const replyPattern = v.pipe(v.string(PATTERN), v.check(isPattern, PATTERN))

function isPattern(source: string): boolean {
  try {
    return new RegExp(source) instanceof RegExp
  } catch {
    return false // what RegExp cannot read is no pattern
  }
}

function isHttpUrl(url: string): boolean {
  return URL.canParse(url) && /^https?:$/.test(new URL(url).protocol)
}

function isSecureUrl(text: string): boolean {
  if (!isHttpUrl(text) || text.includes('#')) return false
  const url = new URL(text)
  if (url.username !== '' || url.password !== '') return false
  return url.protocol === 'https:' || isLoopback(url.hostname)
}

/** RFC 6761 §6.3 and RFC 1122 §3.2.1.3; `hostname` as URL gives it. */
const isLoopback = (hostname: string): boolean =>
  hostname === '[::1]' || /^(?:.+\.)?localhost$/.test(hostname) || /^127\.\d+\.\d+\.\d+$/.test(hostname)

function areHeaders(fields: Readonly<Record<string, string>>): boolean {
  try {
    return new Headers(fields) instanceof Headers
  } catch {
    return false // what Headers cannot hold is no header
  }
}

/** HTTP Basic in UTF-8 (RFC 7617). */
export function basicCredentials(user: string, password: string): string {
  const bytes = new TextEncoder().encode(`${user}:${password}`)
  return `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(''))}`
}

/** Takes user and password out of a URL, since `fetch` refuses a URL that has them. */
export function takeCredentials(text: string): {
  readonly url: URL
  readonly credentials: { readonly user: string; readonly password: string } | null
} {
  const url = new URL(text)
  const credentials =
    url.username === '' && url.password === '' ? null : { user: decode(url.username), password: decode(url.password) }
  url.username = ''
  url.password = ''
  return { url, credentials }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text // a lone percent sign stands for itself
  }
}
