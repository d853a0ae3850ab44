/**
 * Fields: how values from outside are read, once. Each schema says its rule in words, because the operator reads it.
 */
import * as v from 'valibot'

/** Boolean words of LinOTP's configuration: 1/0, yes/no, true/false in any case, or a JSON boolean. */
export const booleanWord = v.pipe(
  v.union([v.boolean(), v.number(), v.string()], 'must be one of true, false, yes, no, 1, 0'),
  v.transform((value) => String(value).trim().toLowerCase()),
  v.picklist(['true', 'false', 'yes', 'no', '1', '0'], 'must be one of true, false, yes, no, 1, 0'),
  v.transform((word) => word === 'true' || word === 'yes' || word === '1'),
)

/** A whole number, as a JSON number or in decimal digits. */
export const wholeNumber = (min: number, max: number) =>
  v.pipe(
    v.union([v.number(), v.string()], `must be a whole number from ${min} to ${max}`),
    v.transform((value) =>
      typeof value === 'number' ? value : /^\s*[+-]?\d+\s*$/.test(value) ? Number(value) : Number.NaN,
    ),
    v.check((n) => Number.isInteger(n) && n >= min && n <= max, `must be a whole number from ${min} to ${max}`),
  )

/**
 * One mailbox address, an addr-spec of RFC 5321 §4.1.2 without comments, quoted local parts and address literals.
 * Non-ASCII letters are allowed (RFC 6531), control characters and halves of surrogate pairs are not. At most 254
 * octets, local part at most 64 (RFC 5321 §4.5.3.1). In the domain, ASCII is letters, digits, hyphen and underscore.
 */
const ADDRESS =
  /^[^\s@<>()[\]\\,;:"\p{Cc}\p{Cs}]+@(?:[\w-]|[^\p{ASCII}\s\p{Cc}\p{Cs}])+(?:\.(?:[\w-]|[^\p{ASCII}\s\p{Cc}\p{Cs}])+)*$/u

export function isEmailAddress(text: string): boolean {
  if (!ADDRESS.test(text)) return false
  const [local = '', domain = ''] = text.split('@')
  const octets = (part: string) => new TextEncoder().encode(part).length
  if (octets(text) > 254 || octets(local) > 64) return false
  if (local.startsWith('.') || local.endsWith('.') || local.includes('..')) return false
  return domain.split('.').every((label) => !label.startsWith('-') && !label.endsWith('-'))
}

export const emailAddress = v.pipe(
  v.string('must be one e-mail address'),
  v.trim(),
  v.check(isEmailAddress, 'must be one e-mail address'),
)

/** Text without control characters, so that it can stand in a header. */
export const headerText = v.pipe(
  v.string('must be text'),
  v.check((text) => !/\p{Cc}/u.test(text), 'must not contain line breaks or control characters'),
)

/** A name, maybe empty, and an address. */
export type Mailbox = { readonly name: string; readonly address: string }

/** Reads `address` or `name <address>` (RFC 5322 §3.4); whether the address is one, the caller has to ask. */
export function readMailbox(text: string): Mailbox {
  const [, name = '', address = text] = /^([^<>]*)<([^<>]*)>\s*$/.exec(text) ?? []
  const quoted = /^"(.*)"$/.exec(name.trim())?.[1]
  return { name: quoted?.replace(/\\(.)/g, '$1') ?? name.trim(), address: address.trim() }
}
