/**
 * Parameters of a connection, from the query of `Connect` and from `conParams`, by the names that libpq and the clients of
 * MySQL have for them. Each is understood, or known to make no difference here, or refused: one that is dropped in
 * silence may have been what protected a connection, or what chose the table.
 */
import { err, ok, type Result } from '../../core/result.ts'

/** How the server is to be trusted; `undefined` leaves it to the address. */
export type Encryption = 'none' | 'any' | 'chain' | 'host'

export type Parameters = {
  readonly encryption: Encryption | undefined
  /** Names of PEM files. */
  readonly authority: string | undefined
  readonly certificate: string | undefined
  readonly key: string | undefined
  /** Folder or path of a Unix socket. */
  readonly socket: string | undefined
  readonly host: string | undefined
  readonly port: number | undefined
  /** Of a libSQL server. */
  readonly token: string | undefined
}

const MODES: Readonly<Record<string, Encryption>> = {
  disable: 'none',
  disabled: 'none',
  require: 'any',
  required: 'any',
  'verify-ca': 'chain',
  'verify-full': 'host',
  'verify-identity': 'host',
}
const MODE = 'must be disable, require, verify-ca or verify-full: no connection falls back to clear text'

const SYNONYMS: Readonly<Record<string, keyof Parameters>> = {
  sslrootcert: 'authority',
  ssl_ca: 'authority',
  sslcert: 'certificate',
  ssl_cert: 'certificate',
  sslkey: 'key',
  ssl_key: 'key',
  unix_socket: 'socket',
  host: 'host',
  port: 'port',
  authtoken: 'token',
}
/** The server is asked for UTF-8 text, time-outs are otpost's, and the rest is about the inside of Python. */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set([
  ...['charset', 'client_encoding', 'use_unicode', 'binary_prefix', 'connect_timeout', 'read_timeout', 'write_timeout'],
  ...['application_name', 'fallback_application_name', 'keepalives', 'keepalives_idle', 'keepalives_interval'],
  ...['keepalives_count', 'check_same_thread', 'timeout', 'gssencmode', 'tls', 'secure', 'autocommit'],
])
const FALSE = /^(?:false|0|no|off)$/i
const TRUE = /^(?:true|1|yes|on)$/i

/** @returns the first rule that is broken, which says the name of the parameter */
export function readConnection(given: ReadonlyMap<string, string>): Result<Parameters, string> {
  let encryption: Encryption | undefined
  const found: Partial<Record<keyof Parameters, string>> = {}
  for (const [name, value] of given) {
    const synonym = Object.hasOwn(SYNONYMS, name) ? SYNONYMS[name] : undefined
    if (synonym) found[synonym] = value
    else if (/^ssl[-_]?mode$/.test(name)) {
      const mode = value.toLowerCase().replace(/_/g, '-')
      encryption = Object.hasOwn(MODES, mode) ? MODES[mode] : undefined
      if (!encryption) return err(`${name} ${MODE}`)
    } else if (/^ssl_(?:disabled|check_hostname|verify_cert|verify_identity)$/.test(name)) {
      if (!TRUE.test(value) && !FALSE.test(value)) return err(`${name} must be true or false`)
      encryption = stricter(encryption, byFlag(name, TRUE.test(value)))
    } else if (name === 'ssl') {
      if (!TRUE.test(value)) return err('ssl must be true; ssl_disabled=true is for clear text')
      encryption = stricter(encryption, 'any')
    } else if (!WITHOUT_EFFECT.has(name)) return err(`${name} is not known`)
  }
  const port = found.port === undefined ? undefined : Number(found.port)
  if (port !== undefined && !(Number.isInteger(port) && port >= 1 && port <= 65535))
    return err('port must be a whole number from 1 to 65535')
  const { authority, certificate, key, socket, host, token } = found
  return ok({ encryption, authority, certificate, key, socket, host, port, token })
}

/** What a true or false of MySQL's clients asks for; `any` is what they all take for granted. */
function byFlag(name: string, isTrue: boolean): Encryption | undefined {
  if (name === 'ssl_disabled') return isTrue ? 'none' : undefined
  if (name === 'ssl_check_hostname' && !isTrue) return 'chain'
  return isTrue ? 'host' : undefined
}

const ORDER: readonly (Encryption | undefined)[] = [undefined, 'none', 'any', 'chain', 'host']
const stricter = (a: Encryption | undefined, b: Encryption | undefined) => (ORDER.indexOf(b) > ORDER.indexOf(a) ? b : a)
