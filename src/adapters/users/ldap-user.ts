/** Entries of a directory as users: which attributes are asked for, and what their bytes say. */
import type { Entry } from 'ldapts'
import type { DirectoryUser } from '../../ports/users.ts'
import type { LdapConfig } from './ldap-config.ts'
import { writeId } from './ldap-ids.ts'

/** A user, and the name by which he binds. */
export type FoundUser = { readonly user: DirectoryUser; readonly dn: string }

/** Those that a user always has, if only as the empty text. */
const ATTRIBUTES = ['description', 'email', 'givenname', 'surname', 'phone', 'mobile']

export function wantedAttributes({ loginAttribute, id, attributes }: LdapConfig): readonly string[] {
  const names = [loginAttribute, ...(id.kind === 'dn' ? [] : [id.attribute]), ...Object.values(attributes)]
  const seen = new Map(names.map((name) => [name.toLowerCase(), name]))
  return [...seen.values()]
}

/**
 * @param typed the login that was asked for: where an entry has several logins, that one is meant
 * @returns null for an entry without a login or an id, which can be no user
 */
export function readUser(config: LdapConfig, entry: Entry, typed?: string): FoundUser | null {
  const values = new Map(Object.entries(entry).map(([name, value]) => [name.toLowerCase(), bytesOf(value)]))
  const texts = (name: string) => (values.get(name.toLowerCase()) ?? []).map(readText).filter((text) => text !== '')
  const { dn } = entry
  const logins = texts(config.loginAttribute)
  const login = logins.find((one) => one.toLowerCase() === typed?.toLowerCase()) ?? logins[0]
  const userId = readId(config, dn, values)
  if (login === undefined || userId === null || typeof dn !== 'string' || dn === '') return null

  const mapped = Object.entries(config.attributes).map(([name, theirs]) => [name, texts(theirs)[0] ?? ''])
  const attributes = {
    ...Object.fromEntries([...ATTRIBUTES.map((name) => [name, '']), ...mapped]),
    username: login,
    userid: userId,
  }
  return { user: { userId, login, attributes }, dn }
}

function readId({ id }: LdapConfig, dn: string, values: ReadonlyMap<string, readonly Uint8Array[]>): string | null {
  if (id.kind === 'dn') return dn
  const [bytes] = values.get(id.attribute.toLowerCase()) ?? []
  return bytes === undefined ? null : writeId(id.kind, bytes)
}

/** ldapts gives a text where the bytes are UTF-8, from which they can be had back. */
function bytesOf(value: Entry[string]): readonly Uint8Array[] {
  const values = Array.isArray(value) ? value : [value]
  return values.map((one) => (typeof one === 'string' ? new TextEncoder().encode(one) : one))
}

/** UTF-8 as the protocol has it (RFC 4511 §4.1.2), or Latin-1 of old directories; pictures and the like are no text. */
function readText(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    const text = Array.from(bytes.subarray(0, 1024), (byte) => String.fromCharCode(byte)).join('')
    return bytes.length > 1024 || /\p{Cc}/u.test(text) ? '' : text
  }
}
