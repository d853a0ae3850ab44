/**
 * What SMS gateways over HTTP have in common: credentials, time-outs, and the keys of LinOTP that `fetch` cannot serve
 * on any runtime. Those are refused by name, since leaving them out would send messages another way than was asked for.
 */
import * as v from 'valibot'
import { basicCredentials, takeCredentials } from '../../core/http-fields.ts'
import type { Result } from '../../core/result.ts'
import type { Capabilities, Edges } from '../../ports/edges.ts'
import { exchange, type HttpReply, type HttpRequest } from '../../ports/http-exchange.ts'
import type { ConfigProblem, Delivery, RawConfig } from '../../ports/provider.ts'
import { answerDigest } from './digest.ts'

export const unavailable = (reason: string): Delivery => ({ status: 'unavailable', reason })

const SCHEME = 'must be basic or digest'
/** `AUTH_TYPE` or `AUTHENTICATION`, in any case. */
export const scheme = v.pipe(v.string(SCHEME), v.toLowerCase(), v.picklist(['basic', 'digest'], SCHEME))

type Login = { readonly USERNAME?: string | undefined; readonly PASSWORD?: string | undefined }
type Credentials = { readonly user: string; readonly password: string }

/** A request to a gateway, and by what credentials it answers a Digest challenge. */
export type Addressed = { readonly url: URL; readonly headers: Headers; readonly digest: Credentials | null }

/** The URL without credentials; those of `USERNAME` and `PASSWORD`, else of the URL, go into a header with Basic. */
export function addressed(
  url: string,
  headers: Readonly<Record<string, string>>,
  { USERNAME, PASSWORD, scheme }: Login & { readonly scheme: 'basic' | 'digest' },
): Addressed {
  const taken = takeCredentials(url)
  const given = USERNAME !== undefined || PASSWORD !== undefined
  const login = given ? { user: USERNAME ?? '', password: PASSWORD ?? '' } : taken.credentials
  const all = new Headers(headers)
  if (login && scheme === 'basic') all.set('authorization', basicCredentials(login.user, login.password))
  return { url: taken.url, headers: all, digest: scheme === 'digest' ? login : null }
}

/** One exchange, and a second one where the first is answered with a challenge; the message goes out with both. */
export async function exchangeAs(
  edges: Edges,
  { digest, ...request }: HttpRequest & { readonly url: URL; readonly headers: Headers } & Pick<Addressed, 'digest'>,
  signal: AbortSignal,
): Promise<Result<HttpReply, string>> {
  const first = await exchange(edges, request, signal)
  if (!digest || !first.ok || first.value.status !== 401) return first
  const authorization = answerDigest(first.value.headers.get('www-authenticate') ?? '', {
    ...digest,
    method: request.method,
    uri: request.url.pathname + request.url.search,
    cnonce: Array.from(edges.random(16), (byte) => byte.toString(16).padStart(2, '0')).join(''),
  })
  if (authorization === null) return first
  const headers = new Headers(request.headers)
  headers.set('authorization', authorization)
  return exchange(edges, { ...request, headers }, signal)
}

/** A number, or `connect,read`, of which the larger counts; seconds. null: neither. */
export function readSeconds(value: string | number): number | null {
  const parts = String(value).split(',')
  const seconds = parts.map((part) => (part.trim() === '' ? Number.NaN : Number(part)))
  const good = parts.length <= 2 && seconds.every((n) => Number.isFinite(n) && n > 0 && n <= 86_400)
  return good ? Math.max(...seconds) : null
}

const TIMEOUT = 'must be a number of seconds, or two of them: connect,read'
export const timeout = v.pipe(
  v.union([v.string(), v.number()], TIMEOUT),
  v.transform(readSeconds),
  v.check((seconds) => seconds !== null, TIMEOUT),
)

/** Keys of LinOTP that `beyondFetch` judges. */
export const FETCH_KEYS = ['PROXY', 'SERVER_CERTIFICATE', 'CLIENT_CERTIFICATE_FILE'] as const

/** What one `fetch` for all cannot do. Asked when a configuration is saved, so that no message fails for it later. */
export function beyondFetch(raw: RawConfig, { runtime }: Capabilities): ConfigProblem | null {
  const { PROXY, SERVER_CERTIFICATE, CLIENT_CERTIFICATE_FILE } = raw
  if (isGiven(PROXY)) return { key: 'PROXY', rule: `must be absent: ${PROXIES[runtime]}` }
  if (isGiven(CLIENT_CERTIFICATE_FILE))
    return { key: 'CLIENT_CERTIFICATE_FILE', rule: 'must be absent: requests present no client certificate' }
  if (SERVER_CERTIFICATE === false || /^(?:false|no|0)$/i.test(String(SERVER_CERTIFICATE)))
    return { key: 'SERVER_CERTIFICATE', rule: 'must be absent: every certificate is verified' }
  if (isGiven(SERVER_CERTIFICATE) && !/^(?:true|yes|1)$/i.test(String(SERVER_CERTIFICATE)))
    return { key: 'SERVER_CERTIFICATE', rule: `must be absent: ${AUTHORITIES[runtime]}` }
  return null
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

const PROXIES: Readonly<Record<Capabilities['runtime'], string>> = {
  node: 'set HTTPS_PROXY and NODE_USE_ENV_PROXY=1 in the environment, for all requests',
  deno: 'set HTTPS_PROXY in the environment, for all requests',
  bun: 'set HTTPS_PROXY in the environment, for all requests',
  workers: 'this runtime uses no proxy',
}
const AUTHORITIES: Readonly<Record<Capabilities['runtime'], string>> = {
  node: 'name the file in NODE_EXTRA_CA_CERTS in the environment, for all requests',
  deno: 'name the file in DENO_CERT in the environment, for all requests',
  bun: 'name the file in NODE_EXTRA_CA_CERTS in the environment, for all requests',
  workers: 'this runtime trusts the public authorities only',
}
