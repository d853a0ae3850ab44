/**
 * Session token: a JWT (RFC 7519) under HMAC-SHA256, written so that every client can read it.
 *
 * Some decode its payload with the alphabet of plain Base64, in which `-` and `_` of base64url do not exist. They come
 * from six bits that are 62 or 63, in ASCII text only from `>`, `?`, `~` and DEL at every third byte; as \uXXXX these
 * and everything beyond ASCII mean the same in JSON. No library lets its caller write the payload.
 */

type Claims = Readonly<Record<string, string | number>>

export async function signToken(claims: Claims, key: CryptoKey): Promise<string> {
  const signed = `${part(HEADER)}.${part(claims)}`
  const mac = await crypto.subtle.sign('HMAC', key, new TextEncoder().encode(signed))
  return `${signed}.${base64url(String.fromCharCode(...new Uint8Array(mac)))}`
}

const HEADER = { alg: 'HS256', typ: 'JWT' }

const part = (value: Claims): string =>
  base64url(
    JSON.stringify(value).replace(
      /[>?~\u007f-\uffff]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  )

/** Of a text whose characters are bytes. */
const base64url = (bytes: string): string => btoa(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '')
