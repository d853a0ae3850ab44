/**
 * The signature of a reply (contract A.1): RSA-PSS with SHA-256 and the longest salt, over the reply as Python writes it,
 * which is what its clients serialise anew to verify it.
 */
import type { Json, JsonObject } from '../../json.ts'

export type SignReply = (body: JsonObject) => Promise<string>

const HASH_BYTES = 32

/** @param pem an RSA private key, PKCS #8. @throws when it is none */
export async function createSignReply(pem: string): Promise<SignReply> {
  const key = await crypto.subtle.importKey('pkcs8', derOf(pem), { name: 'RSA-PSS', hash: 'SHA-256' }, false, ['sign'])
  const { modulusLength } = key.algorithm as RsaHashedKeyAlgorithm // what RSA-PSS keys have
  const saltLength = modulusLength / 8 - HASH_BYTES - 2
  return async (body) => {
    const text = new TextEncoder().encode(canonical(body))
    const signature = new Uint8Array(await crypto.subtle.sign({ name: 'RSA-PSS', saltLength }, key, text))
    return `rsa_sha256_pss:${Array.from(signature, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  }
}

/** Line breaks may be written as `\n`, since variables of a process hardly ever hold real ones. */
function derOf(pem: string): Uint8Array<ArrayBuffer> {
  const [, body = ''] = PEM.exec(pem.replaceAll('\\n', '\n')) ?? []
  return Uint8Array.from(atob(body.replace(/\s/g, '')), (char) => char.charCodeAt(0))
}
const PEM = /^\s*-----BEGIN PRIVATE KEY-----([A-Za-z0-9+/=\s]+)-----END PRIVATE KEY-----\s*$/

export const isPem = (text: string): boolean => PEM.test(text.replaceAll('\\n', '\n'))

/** Sorted keys, a blank behind `,` and `:`, everything beyond printable ASCII as \uXXXX. */
export function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(', ')}]`
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
    return `{${members.map(([name, member]) => `${canonical(name)}: ${canonical(member)}`).join(', ')}}`
  }
  return JSON.stringify(value).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
}
