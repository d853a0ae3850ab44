/**
 * Passwd: users in the format of /etc/passwd, as LinOTP's passwdresolver reads them (contract 7.9).
 *
 * `login:hash:uid:gid:GECOS:home:shell`; GECOS is split at commas: full name, room, mobile, phone, and any later item
 * that looks like an address is the e-mail address, the last one wins.
 */
import { err, ok, type Result } from './result.ts'

export type PasswdUser = {
  readonly userId: string
  readonly login: string
  readonly attributes: Readonly<Record<string, string>>
  /** crypt(3) text of the second field; `x`, `*`, `!` and the empty text mean that no password is known. */
  readonly passwordHash: string
}

/** How the texts begin that a password can be compared with; others know no password. */
export const PASSWORD_FORMATS: readonly string[] = ['$1$', '$5$', '$6$', '$2a$', '$2b$', '$2y$', '$scrypt$']

/** The line (counted from 1) and the rule it breaks. */
export type PasswdProblem = { readonly line: number; readonly rule: string }

/** Reads a whole text; the first bad line refuses all of it, so that nothing is half imported. */
export function readPasswd(text: string): Result<readonly PasswdUser[], PasswdProblem> {
  const users: PasswdUser[] = []
  const seen = { logins: new Set<string>(), ids: new Set<string>() }
  for (const [index, raw] of text.split(/\r\n|\n|\r/).entries()) {
    const line = index + 1
    if (raw.trim() === '' || raw.startsWith('#')) continue
    const fields = raw.split(':')
    const [login = '', hash = '', userId = '', , gecos = ''] = fields
    if (fields.length < 5) return err({ line, rule: 'needs at least five fields separated by colons' })
    if (login === '') return err({ line, rule: 'has an empty login' })
    if (userId === '') return err({ line, rule: 'has an empty user id' })
    if (seen.logins.has(login)) return err({ line, rule: 'repeats a login' })
    if (seen.ids.has(userId)) return err({ line, rule: 'repeats a user id' })
    seen.logins.add(login)
    seen.ids.add(userId)
    users.push({ userId, login, passwordHash: hash, attributes: attributesOf(login, userId, gecos) })
  }
  return ok(users)
}

function attributesOf(username: string, userid: string, gecos: string): Readonly<Record<string, string>> {
  const items = gecos.split(',')
  const [name = '', , mobile = '', phone = ''] = items
  const blank = name.indexOf(' ')
  const email = items.slice(4).findLast((item) => /^[^@\s]+@[^@\s]+\.[^@\s]+$/.test(item.trim())) ?? ''
  return {
    username,
    userid,
    description: gecos,
    email: email.trim(),
    givenname: blank < 0 ? name : name.slice(0, blank),
    surname: blank < 0 ? '' : name.slice(blank + 1),
    phone: items.length >= 4 ? phone : '',
    mobile,
  }
}
