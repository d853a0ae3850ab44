/**
 * HTTP Digest (RFC 7616) as a client: the answer to one challenge. Algorithms SHA-256 and MD5, plain and `-sess`; qop
 * `auth`, or none as in RFC 2069. Of several challenges SHA-256 wins, as §3.7 wants the strongest that is known.
 */
import { createHash } from 'node:crypto'

export type DigestRequest = {
  readonly user: string
  readonly password: string
  readonly method: string
  /** Path and query as they are sent. */
  readonly uri: string
  /** Random, without quotes. */
  readonly cnonce: string
}

type Parameters = Readonly<Record<string, string>>

const HASHES: Readonly<Record<string, string>> = { 'SHA-256': 'sha256', MD5: 'md5' }

/** @returns the value of Authorization, or null when there is no challenge that can be answered */
export function answerDigest(challenges: string, request: DigestRequest): string | null {
  const known = readChallenges(challenges)
    .map((parameters) => ({ parameters, algorithm: (parameters.algorithm ?? 'MD5').toUpperCase() }))
    .filter(({ parameters: { realm, nonce, qop }, algorithm }) => {
      const isKnown = Object.hasOwn(HASHES, algorithm.replace(/-SESS$/, ''))
      return isKnown && realm !== undefined && nonce !== undefined && (qop === undefined || offersAuth(qop))
    })
  const [chosen] = known.toSorted(
    (a, b) => Number(b.algorithm.startsWith('SHA')) - Number(a.algorithm.startsWith('SHA')),
  )
  return chosen ? answer(chosen.parameters, chosen.algorithm, request) : null
}

function answer(parameters: Parameters, algorithm: string, request: DigestRequest): string {
  const { realm = '', nonce = '', qop, opaque } = parameters
  const { user, password, method, uri, cnonce } = request
  const hash = (text: string) =>
    createHash(HASHES[algorithm.replace(/-SESS$/, '')] ?? 'sha256')
      .update(text, 'utf8')
      .digest('hex')
  const plain = hash(`${user}:${realm}:${password}`)
  const secret = algorithm.endsWith('-SESS') ? hash(`${plain}:${nonce}:${cnonce}`) : plain
  const target = hash(`${method}:${uri}`)
  const middle = qop === undefined ? nonce : `${nonce}:00000001:${cnonce}:auth`
  return [
    `Digest ${userParameter(user)}`,
    `realm=${quoted(realm)}`,
    `nonce=${quoted(nonce)}`,
    `uri=${quoted(uri)}`,
    ...(parameters.algorithm === undefined ? [] : [`algorithm=${parameters.algorithm.replace(/[^\w-]/g, '')}`]),
    `response="${hash(`${secret}:${middle}:${target}`)}"`,
    ...(qop === undefined ? [] : ['qop=auth', 'nc=00000001', `cnonce="${cnonce}"`]),
    ...(opaque === undefined ? [] : [`opaque=${quoted(opaque)}`]),
  ].join(', ')
}

const offersAuth = (qop: string): boolean => qop.split(',').some((one) => one.trim().toLowerCase() === 'auth')

/** What is not ASCII goes into `username*` (§3.4, RFC 8187). */
const userParameter = (user: string): string =>
  /^[\x20-\x7e]*$/.test(user)
    ? `username=${quoted(user)}`
    : `username*=UTF-8''${encodeURIComponent(user).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)}`

const quoted = (text: string): string => `"${text.replace(/["\\]/g, '\\$&')}"`

/** The Digest challenges of WWW-Authenticate (RFC 9110 §11.6.1), where schemes and parameters share one list. */
function readChallenges(header: string): readonly Parameters[] {
  const found: { readonly scheme: string; readonly parameters: Record<string, string> }[] = []
  // A quote that nobody closes lasts to the end, so that no letter is looked at twice.
  for (const [piece] of header.matchAll(/(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|[^",])+/gs)) {
    const [, scheme, name, value = ''] = /^\s*(?:([\w-]+)\s+)?([\w-]+)\s*=\s*(.*)$/s.exec(piece) ?? []
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), parameters: Object.create(null) })
    const current = found.at(-1)
    if (current && name !== undefined) current.parameters[name.toLowerCase()] = unquoted(value.trim())
  }
  return found.filter(({ scheme }) => scheme === 'digest').map(({ parameters }) => parameters)
}

const unquoted = (text: string): string =>
  text.startsWith('"') && text.endsWith('"') ? text.slice(1, -1).replace(/\\(.)/g, '$1') : text
