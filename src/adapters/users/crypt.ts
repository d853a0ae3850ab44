/**
 * crypt(3) texts in passwd files: md5-crypt (`$1$`), sha256-crypt (`$5$`), sha512-crypt (`$6$`), bcrypt (`$2a$`, `$2b$`,
 * `$2y$`). There is no library for Debian's yescrypt (`$y$`), which is refused when a passwd text is saved.
 */
import bcrypt from 'bcryptjs'
import md5 from 'nano-md5'
import { verify as verifySha } from 'unixcrypt'
import { equalInConstantTime } from '../../core/hotp.ts'
import type { PasswordMatches } from '../../ports/passwords.ts'

export const cryptMatches: PasswordMatches = async (password, hash) => {
  if (hash.startsWith('$1$')) return equalInConstantTime(hash, md5.crypt(password, hash))
  if (/^\$[56]\$/.test(hash)) return verifySha(password, hash)
  if (/^\$2[aby]\$/.test(hash)) return bcrypt.compare(password, hash)
  return false
}
