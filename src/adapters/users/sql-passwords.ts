/** Passwords of a SQL resolver: which way of keeping them was configured, and how one is compared. */
import { createHash } from 'node:crypto'
import { equalInConstantTime } from '../../core/hotp.ts'
import type { PasswordFormat } from '../../ports/passwords.ts'
import { createPasswordMatches } from './crypt.ts'

/**
 * `named`: the text says itself how it was made. The others are weak, and nobody can tell them from the text, so each is
 * a choice: a digest in hexadecimal digits, or the password itself.
 */
export const PASSWORD_HASHES = ['named', 'md5', 'sha1', 'sha256', 'sha512', 'plain'] as const
export type PasswordHash = (typeof PASSWORD_HASHES)[number]

/** What a row says of a password. */
export type Kept = { readonly text: string; readonly salt: string }

export type PasswordsOf = { readonly passwordHash: PasswordHash; readonly saltPosition: 'before' | 'after' }

export type KeptPasswords = {
  /**
   * Whether `password` is what `own` keeps. Where `own` cannot be compared, `other` is computed, so that it takes as long,
   * and the answer is no.
   */
  readonly match: (password: string, own: Kept | null, other: Kept | null) => Promise<boolean>
  /** Whether any password could be what is kept. */
  readonly isComparable: (kept: Kept) => boolean
}

/** @param named the formats of texts that say how they were made */
export function createKeptPasswords(
  { passwordHash: hash, saltPosition }: PasswordsOf,
  named: readonly PasswordFormat[],
): KeptPasswords {
  const formats = ({ salt }: Kept) => (hash === 'named' ? named : [digest(hash, saltPosition, salt)])
  const isComparable = (kept: Kept) => formats(kept).some((format) => format(kept.text) !== null)
  return {
    isComparable,
    match: (password, own, other) => {
      const comparable = own !== null && isComparable(own)
      const kept = (comparable ? own : other) ?? { text: '', salt: '' }
      return createPasswordMatches(formats(kept))(password, comparable ? kept.text : '', kept.text)
    },
  }
}

function digest(hash: Exclude<PasswordHash, 'named'>, position: 'before' | 'after', salt: string): PasswordFormat {
  if (hash === 'plain') return (text) => (text === '' ? null : (password) => equalInConstantTime(text, password))
  const digits = { md5: 32, sha1: 40, sha256: 64, sha512: 128 }[hash]
  return (text) => {
    // `digest:salt` is how osCommerce and its kin keep both in one column.
    const [, expected = '', own = ''] = new RegExp(`^([\\da-f]{${digits}})(?::(.*))?$`, 'is').exec(text) ?? []
    if (expected === '') return null
    const given = salt || own
    return (password) => {
      const input = position === 'before' ? given + password : password + given
      return equalInConstantTime(expected.toLowerCase(), createHash(hash).update(input).digest('hex'))
    }
  }
}
