/**
 * Destinations: where messages may go. Patterns separated by blanks, each for mailboxes or for telephone numbers:
 *
 * | written | means |
 * |---|---|
 * | `*@example.org`, `example.org` | mailboxes of this domain, and of none below it |
 * | `*@*.example.org`, `*.example.org` | mailboxes of the domains below it, at any depth, and not its own |
 * | `ada@example.org`, `ops-*@example.org` | this mailbox; those whose local part fits |
 * | `+49*`, `0049*` | numbers that begin so |
 * | `+491701234567` | this number |
 * | `*@*`, `+*`, `0*` | any mailbox; any international, any national number |
 *
 * Domains are compared as a resolver would: in lower case, letters of other scripts by their IDNA form. Numbers are
 * compared without the signs that people put between digits, a leading `00` as `+`. What cannot be read fits nothing.
 */
import { isEmailAddress } from '../fields.ts'
import { readPattern } from '../pattern.ts'
import { err, ok } from '../result.ts'
import type { ValueKind } from './action.ts'

/** Does one pattern fit an address? */
type Destination = (address: string) => boolean
/** Empty: no policy says where, so anywhere. */
export type Destinations = readonly Destination[]

export const isWithin = (destinations: Destinations, address: string): boolean =>
  destinations.length === 0 || destinations.some((fits) => fits(address))

export const destinations: ValueKind<Destinations> = {
  type: 'str',
  read: (written) => {
    const texts = typeof written === 'string' ? written.split(/\s+/).filter((text) => text !== '') : []
    if (texts.length === 0) return err('not a list of destinations like *@example.org +49*')
    const read: Destination[] = []
    for (const text of texts) {
      const destination = readDestination(text)
      if (!destination) return err(`not a list of destinations: '${text}' is neither like *@example.org nor like +49*`)
      read.push(destination)
    }
    return ok(read)
  },
}

function readDestination(text: string): Destination | null {
  if (/^[\d+]/.test(text) && !/[@\p{L}]/u.test(text)) return readNumbers(text)
  const at = text.lastIndexOf('@')
  if (at < 0) return text.includes('.') ? readMailboxes('*', text) : null // a word alone is more likely a slip
  return readMailboxes(text.slice(0, at), text.slice(at + 1))
}

function readNumbers(text: string): Destination | null {
  const [prefix, rest] = [text.replace(/\*$/, ''), text.endsWith('*')]
  // `+` and `0` alone say something only before `*`.
  const wanted = rest && /^[+0]$/.test(prefix) ? prefix : normalNumber(prefix)
  if (wanted === null) return null
  return (address) => {
    const number = normalNumber(address)
    return number !== null && (rest ? number.startsWith(wanted) : number === wanted)
  }
}

/** The same text for all ways to write one mailbox or number, so that a limit on it counts them together. */
export function normalAddress(address: string): string {
  const at = address.lastIndexOf('@')
  if (at < 0) return normalNumber(address) ?? address.toLowerCase()
  return `${address.slice(0, at).toLowerCase()}@${normalDomain(address.slice(at + 1)) ?? address.slice(at + 1).toLowerCase()}`
}

/** `+` and digits, or digits; null: a `+` at another place than the first, no digit, or anything else. */
function normalNumber(text: string): string | null {
  const bare = text.replace(/[ ()/.-]/g, '').replace(/^00/, '+')
  return /^\+?\d+$/.test(bare) ? bare : null
}

function readMailboxes(local: string, domain: string): Destination | null {
  if (local === '' || /[\s@]/.test(local)) return null
  const below = domain.startsWith('*.')
  const wanted = domain === '*' ? '*' : normalDomain(below ? domain.slice(2) : domain)
  if (wanted === null) return null
  const { matches } = readPattern(local, { any: '*', one: null })
  return (address) => {
    if (!isEmailAddress(address)) return false
    const at = address.lastIndexOf('@')
    const found = normalDomain(address.slice(at + 1))
    if (found === null || !matches(address.slice(0, at))) return false
    return wanted === '*' || (below ? found.endsWith(`.${wanted}`) : found === wanted)
  }
}

/** Lower case and IDNA, by the parser of URLs, which all runtimes share; null: not the name of a domain. */
function normalDomain(domain: string): string | null {
  if (!/^[^\s/?#@:*%[\]\\]+$/.test(domain) || !URL.canParse(`http://${domain}`)) return null
  const { hostname } = new URL(`http://${domain}`)
  return hostname.endsWith('.') ? null : hostname
}
