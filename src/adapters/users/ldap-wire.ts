/**
 * The part of ldapts that is used: a client over a connected stream, and filters as it sends them. Loaded when first
 * used, since most installations have no directory; by name, so that a bundle leaves out the rest of it.
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import {
  AndFilter,
  ApproximateFilter,
  Client,
  EqualityFilter,
  ExtensibleFilter,
  GreaterThanEqualsFilter,
  type Filter as LdaptsFilter,
  LessThanEqualsFilter,
  NotFilter,
  OrFilter,
  PresenceFilter,
  SubstringFilter,
} from 'ldapts'
import type { Filter } from './ldap-filter.ts'

/** A client that never connects again: ldapts would do so as nobody, and go on asking. */
export function createClient(stream: Duplex): Client {
  let connected = false
  return new Client({
    url: 'ldap://connected',
    strictDN: false,
    createConnection: () => {
      if (connected) throw new Error('the connection is gone')
      connected = true
      // As much of it as ldapts uses of a connected socket.
      return Object.assign(stream, { connecting: false, readyState: 'open' }) as unknown as Socket
    },
  })
}

export function toLdapts(filter: Filter): LdaptsFilter {
  switch (filter.kind) {
    case 'and':
      return new AndFilter({ filters: filter.filters.map((one) => toLdapts(one)) })
    case 'or':
      return new OrFilter({ filters: filter.filters.map((one) => toLdapts(one)) })
    case 'not':
      return new NotFilter({ filter: toLdapts(filter.filter) })
    case 'present':
      return new PresenceFilter({ attribute: filter.attribute })
    case 'equal':
      return new EqualityFilter({
        attribute: filter.attribute,
        value: typeof filter.value === 'string' ? filter.value : Buffer.from(filter.value),
      })
    case 'at_least':
      return new GreaterThanEqualsFilter({ attribute: filter.attribute, value: text(filter.value) })
    case 'at_most':
      return new LessThanEqualsFilter({ attribute: filter.attribute, value: text(filter.value) })
    case 'similar':
      return new ApproximateFilter({ attribute: filter.attribute, value: text(filter.value) })
    case 'parts': {
      const parts = filter.parts.map(text)
      return new SubstringFilter({
        attribute: filter.attribute,
        initial: parts[0] ?? '',
        any: parts.slice(1, -1).filter((part) => part !== ''),
        final: parts.at(-1) ?? '',
      })
    }
    case 'extensible':
      return new ExtensibleFilter({
        matchType: filter.attribute,
        rule: filter.rule,
        dnAttributes: filter.dnAttributes,
        value: text(filter.value),
      })
  }
}

/** `readFilter` lets bytes through for equality alone. */
function text(value: string | Uint8Array): string {
  if (typeof value !== 'string') throw new Error('bytes are compared for equality only')
  return value
}
