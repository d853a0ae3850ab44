/** What SMS gateways over HTTP have in common: credentials, the exchange, and time-outs. */
import * as v from 'valibot'
import { basicCredentials, takeCredentials } from '../../core/http-fields.ts'
import type { Result } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import { exchange, type HttpReply, type HttpRequest } from '../../ports/http-exchange.ts'
import type { Delivery } from '../../ports/provider.ts'
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
