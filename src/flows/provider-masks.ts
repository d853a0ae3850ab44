/**
 * Masks: what of a provider's configuration is shown as `***`, and how what is posted back gets its secrets again.
 *
 * Secret are the keys that the provider names; among headers and parameters everything but what has a name that is known
 * to be harmless; in other lists and objects whatever stands under a name that looks secret, and in URLs user, password
 * and the parameters of such names. A mask stands for what was there, as long as it is the same class and goes to the
 * same server under the same name (`boundKeys`); else whoever may write providers could have a secret sent to a server
 * of their own.
 */
import { err, ok, type Result } from '../core/result.ts'
import type { ConfigProblem, Provider, RawConfig } from '../ports/provider.ts'

export const MASK = '***'

const LOOKS_SECRET = /key|token|secret|pass|pwd|pw|auth|credential|cookie|signature|pin(?![a-z])|(?<![a-z])pin/i
/** At the top there are `SMS_TEXT_KEY` and `KEYFILE`, and what is secret has a name; this is for keys nobody knows. */
const LOOKS_SECRET_AT_TOP = /token|secret|passw|authorization|credential|api_?key|(?:^|_)(?:pwd?|pin)$/i

/** Every gateway names its secrets as it likes, so in these all is secret but what is known not to be. */
export const SECRET_INSIDE = /^(?:headers?|parameters?)$/i
/** Names of headers and parameters that are shown; compared without case, `-`, `_` and a leading `X-`. */
const HARMLESS: ReadonlySet<string> = new Set([
  ...['accept', 'acceptcharset', 'acceptencoding', 'acceptlanguage', 'cachecontrol', 'contentlanguage', 'contenttype'],
  ...['useragent', 'account', 'from', 'sender', 'senderid', 'originator', 'to', 'recipient', 'recipients', 'phone'],
  ...['mobile', 'msisdn', 'number', 'text', 'message', 'msg', 'subject', 'type', 'format', 'encoding', 'charset'],
  ...['coding', 'lang', 'language', 'unicode', 'flash', 'priority', 'validity', 'ttl', 'test', 'version'],
])
const isHarmless = (name: string): boolean => HARMLESS.has(name.toLowerCase().replace(/^x-|[-_]/g, ''))

/** What a class says of its secrets: of a provider, or of a resolver. */
export type Secrecy = Pick<Provider, 'secretKeys' | 'boundKeys'>

/** `inner`: whether what stands below, under this name, is secret. */
type Place = {
  readonly path: readonly string[]
  readonly isSecret: boolean
  readonly inner: (name: string) => boolean
}

const looksSecret = (name: string): boolean => LOOKS_SECRET.test(name)

/** @param provider `undefined`: a class nobody knows, of which everything is masked */
export function maskConfig(config: RawConfig, provider: Secrecy | undefined): RawConfig {
  return mapEntries(config, (key, value) => mask(value, topPlace(key, provider)))
}

/**
 * @param before what the masks stand for; null: there is nothing before, or nothing that can be read
 * @param sameClass whether `before` is a configuration of this very provider
 */
export function unmaskConfig(
  posted: RawConfig,
  before: RawConfig | null,
  { provider, sameClass }: { readonly provider: Secrecy; readonly sameClass: boolean },
): Result<RawConfig, ConfigProblem> {
  const masked: string[] = []
  const problems: ConfigProblem[] = []
  const restored = mapEntries(posted, (key, value) => restore(value, own(before, key), topPlace(key, provider)))
  const [first] = masked
  if (first === undefined) return ok(posted)
  const [problem] = problems
  if (problem) return err(problem)
  if (!sameClass) return err({ key: first, rule: 'must be given again, because class has changed' })
  const moved = provider.boundKeys.find((key) => target(own(before, key)) !== target(own(restored, key)))
  return moved === undefined
    ? ok(restored)
    : err({ key: first, rule: `must be given again, because ${moved} has changed` })

  function restore(value: unknown, old: unknown, place: Place): unknown {
    const key = place.path.join('.')
    if (place.isSecret && value === MASK) {
      masked.push(key)
      if (old === undefined) problems.push({ key, rule: 'must be given: there is no value before it' })
      return old
    }
    if (typeof value === 'string' && (holdsMask(value) || (value === MASK && old !== MASK && shown(old) === MASK))) {
      masked.push(key)
      if (old === undefined) problems.push({ key, rule: 'must be given: there is no value before it' })
      else if (shown(old) !== value)
        problems.push({ key, rule: 'must be given again with its secrets: it has changed' })
      return old
    }
    if (Array.isArray(value))
      return value.map((item, n) => restore(item, Array.isArray(old) ? old[n] : undefined, below(place, String(n))))
    if (!isMembers(value)) return value
    return mapEntries(value, (name, item) => restore(item, own(old, name), below(place, name)))
  }
}

function mask(value: unknown, place: Place): unknown {
  if (place.isSecret) return value === '' ? value : MASK
  if (typeof value === 'string') return maskUrl(value)
  if (Array.isArray(value)) return value.map((item, n) => mask(item, below(place, String(n))))
  return isMembers(value) ? mapEntries(value, (name, item) => mask(item, below(place, name))) : value
}

function topPlace(key: string, provider: Secrecy | undefined): Place {
  return {
    path: [key],
    isSecret: !provider || provider.secretKeys.includes(key) || LOOKS_SECRET_AT_TOP.test(key),
    inner: SECRET_INSIDE.test(key) ? (name) => !isHarmless(name) : looksSecret,
  }
}

const below = (place: Place, name: string): Place => ({
  path: [...place.path, name],
  isSecret: place.inner(name),
  inner: place.inner,
})

/** A text that is one URL, or several with commas between. */
const isUrl = (text: string): boolean =>
  /^\s*[a-z][a-z\d+.-]*:\/\//i.test(text) && text.split(',').every((part) => !/\s/.test(part.trim()))

// Bounded so that they take no more than linear time.
const USER = /([a-z][a-z\d+.-]{0,30}:\/\/)[^/?#\s]*@/gi
const PARAMETER = /([?&;]([^=&;#?]*)=)([^&;#]+)/g

function maskUrl(text: string): string {
  if (!isUrl(text)) return hidesUser(text) ? MASK : text
  const masked = text
    .replace(USER, (_, scheme: string) => `${scheme}${MASK}@`)
    .replace(PARAMETER, (whole, start: string, name: string) => (looksSecret(name) ? `${start}${MASK}` : whole))
  // What the patterns took for a user may be the host (`http://a\\@b/` goes to a): then nothing is shown rather than b.
  return hidesUser(masked) || hosts(masked) !== hosts(text) ? MASK : masked
}

const hosts = (text: string): string =>
  JSON.stringify(alternatives(text).map((part) => (URL.canParse(part) ? new URL(part).host : null)))

/** A text as a whole, and as a list: providers read either. */
const alternatives = (text: string): readonly string[] => [text, ...text.split(',')]

/** `https:ada:secret@host` is a URL too (WHATWG URL §4.4): what no pattern finds, the parser does. */
function hidesUser(text: string): boolean {
  return alternatives(text).some((part) => {
    if (!URL.canParse(part)) return false
    const { username, password } = new URL(part)
    return (username !== '' && username !== MASK) || password !== ''
  })
}

const holdsMask = (text: string): boolean => isUrl(text) && /:\/\/\*{3}@|=\*{3}(?:[&;#]|$)/.test(text.trim())

const shown = (value: unknown): string => (typeof value === 'string' ? maskUrl(value) : String(value ?? ''))

/**
 * How a bound key is compared. Of an http URL what says where a request goes and under which name, as the parser reads
 * it (WHATWG URL §4.4) and not as it is written; any other text as it is.
 */
function target(value: unknown): string {
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)
  return JSON.stringify(
    alternatives(String(value ?? '')).map((text) => {
      if (!URL.canParse(text)) return text
      const { protocol, username, host, pathname } = new URL(text)
      return /^https?:$/.test(protocol) ? [protocol, username, host, pathname] : text
    }),
  )
}

const isMembers = (value: unknown): value is RawConfig =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const own = (members: unknown, name: string): unknown =>
  isMembers(members) && Object.hasOwn(members, name) ? members[name] : undefined

const mapEntries = (members: RawConfig, change: (name: string, value: unknown) => unknown): RawConfig =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [name, change(name, value)]))
