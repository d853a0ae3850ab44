import { verify } from 'hono/jwt'
import { describe, expect, it } from 'vitest'
import { signToken } from './session-token.ts'

const key = await crypto.subtle.importKey(
  'raw',
  new TextEncoder().encode('a key of this test'),
  { name: 'HMAC', hash: 'SHA-256' },
  false,
  ['sign', 'verify'],
)

/** Names of every length and alphabet, those among them that make 62 and 63 of six bits. */
const names = [
  ...['~~~???>>>ÿ', '~', 'a~', 'ab~', '>', '?', '\u007f\u007f\u007f', 'Ünal', '🔑'],
  ...Array.from({ length: 1000 }, (_, n) =>
    Array.from({ length: (n % 13) + 1 }, (_, i) =>
      String.fromCodePoint([0x20 + ((n * 7 + i * 31) % 0x60), (n * 131 + i * 17) % 0xd800][(n + i) % 2] ?? 0x20),
    ).join(''),
  ),
]

describe('a session token', () => {
  it('has no character in its payload that plain Base64 does not have, whatever the name', async () => {
    const payloads = await Promise.all(
      names.map(async (sub) => (await signToken({ sub, exp: 1_800_000_000 }, key)).split('.')[1] ?? ''),
    )

    expect(payloads.filter((payload) => /[^A-Za-z0-9]/.test(payload))).toEqual([])
    expect(payloads.map((payload) => JSON.parse(Buffer.from(payload, 'base64').toString()).sub)).toEqual(names)
  })

  it('is a JWT that others verify', async () => {
    const claims = { sub: '~~~???>>>ÿ', exp: 1_800_000_000 }
    const payload = await verify(await signToken(claims, key), key, { alg: 'HS256', exp: false })

    expect(payload).toEqual(claims)
  })
})
