/**
 * Texts of passwords as web applications and directories keep them, for comparing only. Processes hand them over as
 * `Edges.passwordFormats`: Cloudflare stops PBKDF2 at fewer rounds than are usual.
 *
 * Sources: RFC 2307 and OpenLDAP's {SSHA} kin; phpass, https://www.openwall.com/phpass/ (`$P$`, `$H$` of phpBB, `$S$` of
 * Drupal 7); Django's `pbkdf2_sha256$` and passlib's `$pbkdf2-sha256$`; WordPress 6.8, `$wp$` before bcrypt.
 */
import { createHash, createHmac, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { equalInConstantTime } from '../../core/hotp.ts'
import { FORMATS, type Format } from './crypt.ts'

/** {SHA}, {SSHA256} …: base64 of the digest and, after it, the salt. */
const SCHEME = /^\{(S?)(SHA|SHA256|SHA384|SHA512|MD5)\}([A-Za-z\d+/]+={0,2})$/i
const DIGESTS: Readonly<Record<string, { readonly name: string; readonly bytes: number }>> = {
  MD5: { name: 'md5', bytes: 16 },
  SHA: { name: 'sha1', bytes: 20 },
  SHA256: { name: 'sha256', bytes: 32 },
  SHA384: { name: 'sha384', bytes: 48 },
  SHA512: { name: 'sha512', bytes: 64 },
}
const scheme: Format = (text) => {
  const [, salted, kind = '', encoded = ''] = SCHEME.exec(text) ?? []
  const digest = DIGESTS[kind.toUpperCase()]
  if (!digest) return null
  const bytes = Buffer.from(encoded, 'base64')
  const salt = bytes.subarray(digest.bytes)
  if (bytes.length < digest.bytes || salt.length > 0 !== (salted !== '')) return null
  const expected = bytes.subarray(0, digest.bytes).toString('hex')
  return (password) =>
    equalInConstantTime(expected, createHash(digest.name).update(password).update(salt).digest('hex'))
}

/** {CRYPT}: what stands after it is a text of crypt(3). */
const crypt: Format = (text) => (/^\{crypt\}/i.test(text) ? firstOf(FORMATS, text.slice(7)) : null)

const ALPHABET = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const PHPASS = /^\$([PHS])\$([./\dA-Za-z])([./\dA-Za-z]{8})([./\dA-Za-z]+)$/
/** 2 to the power of this many rounds; phpass allows 30, which would keep a process busy for an hour. */
const MAX_LOG_ROUNDS = 20
/** Others get their turn after so many rounds, some 10 ms. */
const ROUNDS_AT_A_TIME = 10_000

const phpass: Format = (text) => {
  const [, kind = '', cost = '', salt = '', expected = ''] = PHPASS.exec(text) ?? []
  const logRounds = ALPHABET.indexOf(cost)
  // Drupal cuts its texts off at 55 characters.
  const [name, length] = kind === 'S' ? ['sha512', 43] : ['md5', 22]
  if (kind === '' || expected.length !== length || logRounds < 7 || logRounds > MAX_LOG_ROUNDS) return null
  return async (password) => {
    const key = Buffer.from(password)
    let digest = createHash(name).update(salt).update(key).digest()
    for (let round = 1; round <= 2 ** logRounds; round++) {
      digest = createHash(name).update(digest).update(key).digest()
      if (round % ROUNDS_AT_A_TIME === 0) await new Promise((resume) => setTimeout(resume))
    }
    return equalInConstantTime(expected, encode64(digest).slice(0, length))
  }
}

/** Six bits a character, the lowest first, of three bytes at a time. */
function encode64(bytes: Uint8Array): string {
  let text = ''
  for (let n = 0; n < bytes.length; n += 3) {
    const three = bytes.subarray(n, n + 3)
    const value = (three[0] ?? 0) | ((three[1] ?? 0) << 8) | ((three[2] ?? 0) << 16)
    for (let character = 0; character <= three.length; character++) text += ALPHABET[(value >> (6 * character)) & 63]
  }
  return text
}

const DJANGO = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,8})\$([^$]{1,256})\$([A-Za-z\d+/]+={0,2})$/
const PASSLIB = /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(\d{1,8})\$([A-Za-z\d./]*)\$([A-Za-z\d./]+)$/
/** Django 6 writes 1 200 000. */
const MAX_ITERATIONS = 10_000_000

const pbkdf2Text: Format = (text) => {
  const [, djangoHash, ...django] = DJANGO.exec(text) ?? []
  const [whole, passlibHash = 'sha1', ...passlib] = PASSLIB.exec(text) ?? []
  const hash = djangoHash ?? (whole === undefined ? undefined : passlibHash)
  if (hash === undefined) return null
  const [iterations = '', salt = '', encoded = ''] = djangoHash === undefined ? passlib : django
  // passlib writes `.` for `+`, and leaves out `=`.
  const bytes = (base64: string) => Buffer.from(base64.replaceAll('.', '+'), 'base64')
  const [expected, saltBytes] = [bytes(encoded), djangoHash === undefined ? bytes(salt) : Buffer.from(salt)]
  const rounds = Number(iterations)
  if (rounds < 1 || rounds > MAX_ITERATIONS || expected.length < 16 || expected.length > 128) return null
  return async (password) => {
    const computed = await promisify(pbkdf2)(password, saltBytes, rounds, expected.length, hash)
    return equalInConstantTime(expected.toString('hex'), computed.toString('hex'))
  }
}

const wordpress: Format = (text) => {
  const compare = text.startsWith('$wp$2') ? firstOf(FORMATS, text.slice(3)) : null
  if (!compare) return null
  // PHP's trim takes these off, and WordPress does so before it hashes.
  return (password) => {
    const trimmed = password.replace(/^[ \t\n\r\v]+|[ \t\n\r\v]+$/g, '')
    return compare(createHmac('sha384', 'wp-sha384').update(trimmed).digest('base64'))
  }
}

function firstOf(formats: readonly Format[], text: string): ReturnType<Format> {
  for (const format of formats) {
    const compare = format(text)
    if (compare) return compare
  }
  return null
}

/** Texts that say themselves how they were made. */
export const NAMED_FORMATS: readonly Format[] = [...FORMATS, scheme, crypt, phpass, pbkdf2Text, wordpress]
