/**
 * crypt(3) texts in passwd files: md5-crypt (`$1$`), sha256-crypt (`$5$`), sha512-crypt (`$6$`), bcrypt (`$2a$`, `$2b$`,
 * `$2y$`). Everything else is no password at all: locked accounts (`x`, `*`, `!`), the old DES texts, and Debian's
 * yescrypt (`$y$`), for which there is no library.
 */
import bcrypt from 'bcryptjs'
import md5 from 'nano-md5'
import { equalInConstantTime } from '../../core/hotp.ts'
import type { PasswordFormat, PasswordMatches } from '../../ports/passwords.ts'
import { readShaCrypt } from './sha-crypt.ts'

/** The longest password that crypt(3) takes (libxcrypt), in bytes; the work of sha-crypt grows with its square. */
const MAX_BYTES = 512
/** nano-md5 takes no longer ones, in UTF-16 units. */
const MAX_MD5_LENGTH = 64
/** The whole of a text, since bcryptjs throws for costs that there are not. */
const BCRYPT = /^\$2[aby]\$(0[4-9]|[12]\d|3[01])\$[./0-9A-Za-z]{53}$/

export type Format = PasswordFormat

const md5Crypt: Format = (text) =>
  text.startsWith('$1$')
    ? (password) => password.length <= MAX_MD5_LENGTH && equalInConstantTime(text, md5.crypt(password, text))
    : null
const bcryptText: Format = (text) => (BCRYPT.test(text) ? (password) => bcrypt.compare(password, text) : null)

export const FORMATS: readonly Format[] = [md5Crypt, bcryptText, readShaCrypt]

export function createPasswordMatches(formats: readonly Format[]): PasswordMatches {
  const read: Format = (text) => {
    for (const format of formats) {
      const compare = format(text)
      if (compare) return compare
    }
    return null
  }
  return async (password, hash, decoy = '') => {
    if (new TextEncoder().encode(password).length > MAX_BYTES) return false
    const compare = read(hash)
    if (compare) return compare(password)
    await read(decoy)?.(password)
    return false
  }
}

export const cryptMatches = createPasswordMatches(FORMATS)
