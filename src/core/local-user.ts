/** Users of otpost's own resolvers: which fields they have, and the rule of each. */
import { isEmailAddress } from './fields.ts'
import { isLanguageTag } from './language.ts'

/** By name; `username` and `userid` are attributes as well. Passwords are none of them. */
export type UserFields = Readonly<Record<string, string>>
export type FieldProblem = { readonly field: string; readonly rule: string }

/** What every user has, be it empty (contract 7.9), and `language`, in which mails are written. */
export const USER_FIELDS = [
  ...(['username', 'userid', 'email', 'givenname', 'surname'] as const),
  ...(['phone', 'mobile', 'description', 'gender', 'language'] as const),
]
export const EMPTY_USER: UserFields = {
  ...{ username: '', userid: '', description: '', email: '' },
  ...{ givenname: '', surname: '', phone: '', mobile: '' },
}

/** A user may have attributes of other names, for policies and templates; none may look like a password. */
export const isAttributeName = (name: string): boolean =>
  /^[A-Za-z][\w-]{0,63}$/.test(name) && !/passw|^cryptpass$|^resolver$/i.test(name)

/** crypt(3) texts whose passwords can be checked, and otpost's own scrypt. */
const HASHES: readonly RegExp[] = [
  /^\$1\$[^$]{0,8}\$[./0-9A-Za-z]{22}$/,
  /^\$5\$(?:rounds=\d{4,6}\$)?[^$]{0,16}\$[./0-9A-Za-z]{43}$/,
  /^\$6\$(?:rounds=\d{4,6}\$)?[^$]{0,16}\$[./0-9A-Za-z]{86}$/,
  /^\$2[aby]\$(?:0[4-9]|1[0-5])\$[./0-9A-Za-z]{53}$/,
  /^\$scrypt\$ln=1[0-7],r=(?:[1-9]|1[0-6]),p=(?:[1-9]|1[0-6])\$[\w-]{16,86}\$[\w-]{43}$/,
]
const MAX_PASSWORD_BYTES = 512

/** A line of text of at most `most` characters. */
const line = (most: number) => (value: string) =>
  value.length > most || /\p{Cc}/u.test(value) ? `must be one line of at most ${most} characters` : null

const RULES: Readonly<Record<string, (value: string) => string | null>> = {
  username: (value) =>
    value === '' || value.length > 255 || value !== value.trim() || /\p{Cc}/u.test(value)
      ? 'must be 1 to 255 characters on one line, without blanks around'
      : null,
  userid: (value) => (/^[^\s\p{Cc}]{1,64}$/u.test(value) ? null : 'must be 1 to 64 characters without blanks'),
  email: (value) => (value === '' || isEmailAddress(value) ? null : 'must be one e-mail address'),
  phone: phoneRule,
  mobile: phoneRule,
  language: (value) => (value === '' || isLanguageTag(value) ? null : 'must be a language tag like de or en-GB'),
  password: (value) =>
    value !== '' && new TextEncoder().encode(value).length <= MAX_PASSWORD_BYTES
      ? null
      : `must be 1 to ${MAX_PASSWORD_BYTES} bytes in UTF-8`,
  password_hash: (value) =>
    HASHES.some((hash) => hash.test(value)) ? null : 'must be a hash: $scrypt$, $6$, $5$, $2a$, $2b$, $2y$ or $1$',
}

function phoneRule(value: string): string | null {
  return value === '' || (value.length <= 64 && /^\+?[\d\s()/.-]*\d[\d\s()/.-]*$/.test(value))
    ? null
    : 'must be a telephone number: digits, blanks and + ( ) / . -'
}

/** The rule that a value breaks, or null. */
export function brokenUserRule(field: string, value: string): string | null {
  if (!value.isWellFormed()) return 'must be whole characters, without halves of surrogate pairs'
  const rule = Object.hasOwn(RULES, field) ? RULES[field] : undefined
  return (rule ?? line(1024))(value)
}

/** Every rule that is broken, in the order of the fields. */
export const userProblems = (fields: UserFields): readonly FieldProblem[] =>
  Object.entries(fields).flatMap(([field, value]) => {
    const rule =
      isAttributeName(field) || field === 'password' || field === 'password_hash'
        ? brokenUserRule(field, value)
        : 'must be a name of letters, digits, _ and -, and none of a password'
    return rule === null ? [] : [{ field, rule }]
  })
