/**
 * User ids: which attribute tells users apart for good (`UIDTYPE`), how its bytes are written, and how they are found
 * again.
 *
 * objectGUID of Active Directory is 16 bytes, of which the first three groups are little-endian ([MS-DTYP] §2.3.4.2); it
 * is written as Windows writes it, in lower case and without braces.
 */
import type { Random } from '../../ports/edges.ts'
import type { Filter } from './ldap-filter.ts'

export type IdAttribute =
  /** The DN itself, which is no attribute. */
  { readonly kind: 'dn' } | { readonly kind: 'guid' | 'hex' | 'text'; readonly attribute: string }

/** @param type value of UIDTYPE */
export function idAttribute(type: string): IdAttribute {
  const name = type.toLowerCase()
  if (name === 'dn') return { kind: 'dn' }
  if (name === 'objectguid') return { kind: 'guid', attribute: 'objectGUID' }
  // eDirectory's, 16 bytes in the order in which they are shown.
  if (name === 'guid') return { kind: 'hex', attribute: type }
  return { kind: 'text', attribute: type }
}

/** @returns null when the value is none of its kind; such an entry is no user */
export function writeId(kind: 'guid' | 'hex' | 'text', bytes: Uint8Array): string | null {
  if (kind === 'hex') return bytes.length > 0 ? toHex(bytes) : null
  if (kind === 'guid') return bytes.length === 16 ? toHex(swapped(bytes)).replace(GROUPS, '$1-$2-$3-$4-$5') : null
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes) || null
  } catch {
    return null // bytes, of which nobody said how to write them
  }
}

/** @returns null where no entry can have this id */
export function idFilter({ kind, attribute }: Exclude<IdAttribute, { kind: 'dn' }>, userId: string): Filter | null {
  const value = kind === 'text' ? userId : kind === 'hex' ? readHex(userId.replaceAll('-', '')) : readGuid(userId)
  return value === null || value.length === 0 ? null : { kind: 'equal', attribute, value }
}

/** Whether a DN is that of `base`, or of something below it; in either case of letters, however it is escaped. */
export function isBelow(dn: string, base: string): boolean {
  const [own, above] = [rdnsOf(dn), rdnsOf(base)]
  return above.length <= own.length && above.every((rdn, n) => rdn === own[own.length - above.length + n])
}

/** Commas that are escaped part nothing (RFC 4514 §3). */
const rdnsOf = (dn: string): readonly string[] => (dn.match(/(?:\\.|[^\\,])+/gs) ?? []).map(plain)

function plain(rdn: string): string {
  const bytes: number[] = []
  for (const [, hex, character = ''] of rdn.trim().matchAll(/\\([\da-f]{2})|\\?(.)/gisu))
    if (hex === undefined) bytes.push(...new TextEncoder().encode(character))
    else bytes.push(Number.parseInt(hex, 16))
  const text = new TextDecoder().decode(Uint8Array.from(bytes))
  return text
    .replace(/\s*=\s*/, '=')
    .replace(/\s+/g, ' ')
    .toLowerCase()
}

/** An id of nobody, of a form that each kind can take. */
export const unknownId = (random: Random): string => toHex(random(16)).replace(GROUPS, '$1-$2-$3-$4-$5')

const GROUPS = /^(.{8})(.{4})(.{4})(.{4})(.{12})$/
const GUID = /^\{?([\da-f]{8})-([\da-f]{4})-([\da-f]{4})-([\da-f]{4})-([\da-f]{12})\}?$/i

/** The text of Windows, with or without braces; 32 digits without hyphens are the bytes as they are stored. */
function readGuid(text: string): Uint8Array | null {
  const groups = GUID.exec(text)
  const bytes = readHex(groups ? groups.slice(1).join('') : text)
  if (bytes?.length !== 16) return null
  return groups ? swapped(bytes) : bytes
}

function swapped(bytes: Uint8Array): Uint8Array {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15]
  return Uint8Array.from(order, (index) => bytes[index] ?? 0)
}

const toHex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

function readHex(text: string): Uint8Array | null {
  if (!/^(?:[\da-f]{2})+$/i.test(text)) return null
  return Uint8Array.from(text.match(/../g) ?? [], (digits) => Number.parseInt(digits, 16))
}
