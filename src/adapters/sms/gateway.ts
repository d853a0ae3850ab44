/**
 * What SMS gateways over HTTP have in common: credentials, time-outs, and the keys of LinOTP that `fetch` cannot serve
 * on any runtime. Those are refused by name, since leaving them out would send messages another way than was asked for.
 */
import * as v from 'valibot'
import { basicCredentials, takeCredentials } from '../../core/http-fields.ts'
import type { Capabilities } from '../../ports/edges.ts'
import type { ConfigProblem, Delivery, RawConfig } from '../../ports/provider.ts'

export const unavailable = (reason: string): Delivery => ({ status: 'unavailable', reason })

/**
 * Digest (RFC 7616) is left out: the library that `fetch` has for it takes no algorithm from the server, draws its nonce
 * from Math.random and loads its hashes with `eval`, which Workers forbids.
 */
export const DIGEST_RULE = 'must be basic: digest authentication is not supported'

type Login = { readonly USERNAME?: string | undefined; readonly PASSWORD?: string | undefined }

/** The URL without credentials, and `headers` with those of `USERNAME` and `PASSWORD`, else of the URL, as Basic. */
export function addressed(
  url: string,
  headers: Readonly<Record<string, string>>,
  { USERNAME, PASSWORD }: Login,
): { readonly url: URL; readonly headers: Headers } {
  const taken = takeCredentials(url)
  const given = USERNAME !== undefined || PASSWORD !== undefined
  const login = given ? { user: USERNAME ?? '', password: PASSWORD ?? '' } : taken.credentials
  const all = new Headers(headers)
  if (login) all.set('authorization', basicCredentials(login.user, login.password))
  return { url: taken.url, headers: all }
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
