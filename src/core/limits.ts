/**
 * Limits on sending and guessing beyond one token: how often in how long, per user, per address, per client, in all
 * (NIST SP 800-63B §5.2.2). What has happened is counted in *buckets*: one number for each subject and window, which
 * begins anew with each window. So two windows' worth may fall around a border, and nothing but a number is kept.
 */
import ipaddr from 'ipaddr.js'
import type { Rate } from './policy/rate.ts'
import type { Instant, Seconds } from './time.ts'

export type Bucket = {
  /** What is counted, and whose. Holds no address in clear. */
  readonly key: string
  readonly window: Seconds
  /** When the window that holds now began. */
  readonly start: Instant
  /** How many at most. */
  readonly count: number
}

export function bucketsOf(key: string, rates: readonly Rate[], now: Instant): readonly Bucket[] {
  return rates.map(({ count, window }) => ({ key, window, start: now - (now % window), count }))
}

/** Who has one IPv6 address has 2^64 of them; an IPv4 address is one client. */
export function clientNetwork(address: string): string {
  if (!ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${ipaddr.IPv6.networkAddressFromCIDR(`${parsed}/64`)}/64`
}
