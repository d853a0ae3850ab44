import { createHmac } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { RFC4226, RFC6238 } from '../../test/support/rfc4226.ts'
import { equalInConstantTime, hotp } from './hotp.ts'
import type { HashName } from './token.ts'

const ascii = (text: string): Uint8Array => new TextEncoder().encode(text)
const bytes = (length: number): Uint8Array => Uint8Array.from({ length }, (_, n) => (n * 37 + length) % 256)

/** RFC 4226 §5.3 and §5.4, word by word, over the HMAC of Node: nothing in common with what is tested. */
function byTheBook(secret: Uint8Array, counter: number, digits: number, hash: HashName): string {
  const text = Buffer.alloc(8)
  text.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac(hash, secret).update(text).digest()
  const offset = (mac.at(-1) ?? 0) & 0xf
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0')
}

describe('hotp', () => {
  it.each(RFC4226.vectors)('gives $otp at counter $counter (RFC 4226 Appendix D)', ({ counter, otp }) => {
    expect(hotp({ secret: ascii(RFC4226.secret), counter, digits: 6, hash: 'sha1' })).toBe(otp)
  })

  it.each(RFC4226.vectors.flatMap((vector) => [4, 5, 7, 8, 9, 10].map((digits) => ({ ...vector, digits }))))(
    'gives the last $digits digits of $truncated, padded with zeros',
    ({ counter, truncated, digits }) => {
      const expected = String(truncated % 10 ** digits).padStart(digits, '0')

      expect(hotp({ secret: ascii(RFC4226.secret), counter, digits, hash: 'sha1' })).toBe(expected)
    },
  )

  it.each(RFC6238)('gives $otp with $hash at counter $counter (RFC 6238 Appendix B)', ({ secret, otp, ...rest }) => {
    expect(hotp({ secret: ascii(secret), digits: 8, ...rest })).toBe(otp)
  })

  // 64 and 128 bytes are the block sizes of the hashes; a longer secret is hashed first (RFC 2104 §2).
  it.each([16, 17, 20, 31, 32, 33, 48, 63, 64, 65, 127, 128, 129, 256])(
    'takes a secret of %d bytes with every hash',
    (length) => {
      const secret = bytes(length)

      for (const hash of ['sha1', 'sha256', 'sha512'] as const)
        expect(hotp({ secret, counter: 7, digits: 6, hash })).toBe(byTheBook(secret, 7, 6, hash))
    },
  )

  it.each([2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1])('counts in 64 bits: %d', (counter) => {
    const secret = bytes(20)

    expect(hotp({ secret, counter, digits: 6, hash: 'sha1' })).toBe(byTheBook(secret, counter, 6, 'sha1'))
  })

  it.each([0, 257])('refuses a secret of %d bytes', (length) => {
    expect(() => hotp({ secret: bytes(length), counter: 0, digits: 6, hash: 'sha1' })).toThrow()
  })
})

describe('equalInConstantTime', () => {
  it.each(['', '0', '755224', 'é', '🔑'])('says that %j equals itself', (text) => {
    expect(equalInConstantTime(text, text)).toBe(true)
  })

  it.each([
    ['755224', '755225'],
    ['755224', '855224'],
    ['755224', '75522'],
    ['755224', '7552244'],
    ['755224', ''],
    ['', '755224'],
    ['755224', ' 755224'],
    // A character that is missing reads as 0, so the length has to tell these apart.
    ['755224\0', '755224'],
    ['755224', '755224\0'],
    ['', '\0'],
    ['0755224', '755224'],
    // Digits of other scripts are other digits.
    ['755224', '٧٥٥٢٢٤'],
    // Characters above 8 and 16 bits are compared whole.
    ['a', 'š'],
    ['a', '\u{10061}'],
  ])('says that %j is not %j', (expected, given) => {
    expect(equalInConstantTime(expected, given)).toBe(false)
  })
})
