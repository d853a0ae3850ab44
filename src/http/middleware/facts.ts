/**
 * Facts: request id, time and client address, read once per request; the time once more when its body is there
 * (params.ts), or whoever sends that slowly would act in the past, where locks and limits have not begun.
 *
 * The address is the TCP peer. Where the peer is a trusted proxy, `X-Forwarded-For` is read from its end, and the first
 * address that is no trusted proxy counts: what a client writes into the header itself is never believed.
 */
import type { MiddlewareHandler } from 'hono'
import ipaddr from 'ipaddr.js'
import { readNetwork } from '../../core/policy/match.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { type Seconds, utcTime } from '../../core/time.ts'
import { hex } from '../../flows/digest.ts'
import type { Edges } from '../../ports/edges.ts'
import type { Env } from '../env.ts'

export type ProxyList = readonly [ipaddr.IPv4 | ipaddr.IPv6, number][]

/** Reads addresses and networks separated by commas or blanks; the error names the entry that is neither. */
export function readAddresses(text: string): Result<ProxyList, string> {
  const networks: ProxyList[number][] = []
  for (const entry of text.split(/[\s,]+/).filter((one) => one !== '')) {
    const network = readNetwork(entry)
    if (!network) return err(`'${entry}' is neither an address nor a network like 10.0.0.0/8`)
    networks.push([network.base, network.bits])
  }
  return ok(networks)
}

/** In which a body must have come, on every runtime. */
const BODY_SECONDS: Seconds = 30

export function facts(
  edges: Pick<Edges, 'clock' | 'random' | 'localTime' | 'deadline'>,
  proxies: ProxyList,
): MiddlewareHandler<Env> {
  return async (c, next) => {
    const { peer, secure, operator } = c.env
    const trusted = isTrusted(peer, proxies)
    const moment = () => {
      const now = edges.clock()
      return { now, time: edges.localTime?.(now) ?? utcTime(now) }
    }
    c.set('moment', moment)
    c.set('bodyDeadline', () => edges.deadline(BODY_SECONDS))
    c.set('facts', {
      requestId: hex(edges.random(16)),
      ...moment(),
      client: trusted ? clientBehind(c.req.header('x-forwarded-for') ?? '', peer, proxies) : canonical(peer),
      acceptLanguage: c.req.header('accept-language') ?? '',
      action: c.req.path.replace(/^\/+/, ''),
      administrator: operator ?? '',
    })
    c.set('secure', secure || (trusted && c.req.header('x-forwarded-proto')?.toLowerCase() === 'https'))
    c.set('session', null)
    c.set('caller', null)
    c.set('self', null)
    await next()
  }
}

/** Some proxies write the port as well: `192.0.2.7:4711`, `[2001:db8::1]:4711`. */
const WITH_PORT = /^(?:([\d.]+):\d+|\[(.*)\](?::\d+)?)$/

function clientBehind(header: string, peer: string, proxies: ProxyList): string {
  const hops = header.split(',').map((written) => {
    const hop = written.trim()
    const [, v4, v6] = WITH_PORT.exec(hop) ?? []
    return v4 ?? v6 ?? hop
  })
  for (const hop of hops.reverse()) {
    if (!ipaddr.isValid(hop)) break
    if (!isTrusted(hop, proxies)) return canonical(hop)
  }
  return canonical(peer)
}

export function isTrusted(address: string, proxies: ProxyList): boolean {
  if (proxies.length === 0 || !ipaddr.isValid(address)) return false
  const parsed = ipaddr.process(address)
  return proxies.some(([network, bits]) => parsed.kind() === network.kind() && parsed.match(network, bits))
}

/** One spelling per address; an IPv4 address inside IPv6 is the IPv4 address. */
export const canonical = (address: string): string =>
  ipaddr.isValid(address) ? ipaddr.process(address).toString() : address
