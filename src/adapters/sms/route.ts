/**
 * The way to a gateway: `PROXY`, `SERVER_CERTIFICATE` and `CLIENT_CERTIFICATE_FILE` (contract 4.8 and 4.9), where the
 * runtime has a `fetch` for them; elsewhere they are refused by name, since leaving them out would send messages another
 * way than was asked for. `SERVER_CERTIFICATE` never switches verification off (contract 12.2 #19).
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { Edges, FetchRoute } from '../../ports/edges.ts'
import type { ConfigProblem, Delivery, Message, RawConfig, Send } from '../../ports/provider.ts'
import { unavailable } from './gateway.ts'

export const ROUTE_KEYS = ['PROXY', 'SERVER_CERTIFICATE', 'CLIENT_CERTIFICATE_FILE'] as const

/** As configured; certificates are texts, or names of files that are read again for each message, as they are renewed. */
export type Route = {
  readonly proxy: string | null
  readonly authority: string | null
  readonly client: string | null
}

/** What a configuration says about the way to `url`. Reads the files, so that a wrong one is refused when it is saved. */
export async function readRoute(raw: RawConfig, url: string, edges: Edges): Promise<Result<Route, ConfigProblem>> {
  const { PROXY, SERVER_CERTIFICATE, CLIENT_CERTIFICATE_FILE } = raw
  const certificate = String(SERVER_CERTIFICATE ?? '').trim()
  if (/^(?:false|no|0)$/i.test(certificate))
    return err({ key: 'SERVER_CERTIFICATE', rule: 'must not be false: every certificate is verified' })
  const named = {
    PROXY: isGiven(PROXY),
    SERVER_CERTIFICATE: certificate !== '' && !/^(?:true|yes|1)$/i.test(certificate),
    CLIENT_CERTIFICATE_FILE: isGiven(CLIENT_CERTIFICATE_FILE),
  }
  const beyond = edges.fetchVia ? undefined : ROUTE_KEYS.find((key) => named[key])
  if (beyond) return err({ key: beyond, rule: BEYOND[beyond] })

  const proxy = named.PROXY ? proxyFor(PROXY, url) : null
  if (proxy === undefined) return err({ key: 'PROXY', rule: 'must be an http or https URL, or an object of them' })
  const route = {
    proxy,
    authority: named.SERVER_CERTIFICATE ? certificate : null,
    client: named.CLIENT_CERTIFICATE_FILE ? String(CLIENT_CERTIFICATE_FILE) : null,
  }
  const pems = [
    ['SERVER_CERTIFICATE', route.authority, CERTIFICATE, 'must be a PEM certificate, or a file that holds one'],
    ['CLIENT_CERTIFICATE_FILE', route.client, BOTH, 'must be a file that holds a PEM certificate and its key'],
  ] as const
  for (const [key, source, form, rule] of pems) {
    if (source === null) continue
    const pem = await readPem(source, edges).catch(() => null)
    if (pem === null) return err({ key, rule: 'must be a file that can be read' })
    if (!form.every((pattern) => pattern.test(pem))) return err({ key, rule })
  }
  return ok(route)
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null && value !== ''

export const CERTIFICATE = [/-----BEGIN (?:TRUSTED )?CERTIFICATE-----/]
const BOTH = [...CERTIFICATE, /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/]

const BEYOND: Readonly<Record<(typeof ROUTE_KEYS)[number], string>> = {
  PROXY: 'must be absent: this runtime uses no proxy',
  SERVER_CERTIFICATE: 'must be absent: this runtime trusts the public authorities only',
  CLIENT_CERTIFICATE_FILE: 'must be absent: this runtime presents no client certificate',
}

/** `http://proxy:3128`, `proxy:3128`, or an object by scheme of the gateway; null: none for this one; undefined: none at all. */
function proxyFor(value: unknown, url: string): string | null | undefined {
  const given =
    typeof value === 'object' && value !== null ? Reflect.get(value, new URL(url).protocol.slice(0, -1)) : value
  if (!isGiven(given)) return typeof value === 'object' ? null : undefined
  if (typeof given !== 'string') return undefined
  // Without a scheme it is no URL, in which a password would be found and masked.
  if (!given.includes('://') && given.includes('@')) return undefined
  const proxy = given.includes('://') ? given : `http://${given}`
  return URL.canParse(proxy) && /^https?:$/.test(new URL(proxy).protocol) ? proxy : undefined
}

/** @throws when its file cannot be read */
export async function readPem(source: string, edges: Edges): Promise<string> {
  if (source.includes('-----BEGIN ')) return source
  if (!edges.readFile) throw new Error('this runtime reads no files')
  return edges.readFile(source)
}

/** Sends with edges whose `fetch` goes this way. */
export function sendBy(
  route: Route,
  edges: Edges,
  send: (edges: Edges, message: Message, signal: AbortSignal) => Promise<Delivery>,
): Send {
  const fetchBy = createRoute(route, edges)
  return async (message, signal) => {
    const fetch = await fetchBy()
    return fetch ? send({ ...edges, fetch }, message, signal) : unavailable('pem_unreadable')
  }
}

/**
 * A `fetch` that goes this way, made anew when a certificate has changed.
 *
 * @returns null when a file cannot be read
 */
function createRoute({ proxy, authority, client }: Route, edges: Edges): () => Promise<typeof fetch | null> {
  const { fetchVia } = edges
  if (!fetchVia || (proxy === null && authority === null && client === null)) return async () => edges.fetch
  let made: { readonly key: string; readonly fetch: typeof fetch } | undefined

  return async () => {
    try {
      const pem = client === null ? null : await readPem(client, edges)
      const route: FetchRoute = {
        ...(proxy !== null && { proxy }),
        ...(authority !== null && { authority: await readPem(authority, edges) }),
        ...(pem !== null && { client: { certificate: pem, key: pem } }),
      }
      const key = JSON.stringify(route)
      if (made?.key !== key) made = { key, fetch: fetchVia(route) }
      return made.fetch
    } catch {
      return null // the text of the error names the file, and may hold more
    }
  }
}
