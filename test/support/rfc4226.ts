/** Published test vectors, as data, so that every runtime is held to them. Only here; everything else refers to this. */

/** RFC 4226 Appendix D, HOTP with HMAC-SHA-1 and 6 digits, counters 0 to 9. `truncated` is the decimal of table 2. */
export const RFC4226 = {
  secret: '12345678901234567890',
  vectors: [
    { counter: 0, truncated: 1284755224, otp: '755224' },
    { counter: 1, truncated: 1094287082, otp: '287082' },
    { counter: 2, truncated: 137359152, otp: '359152' },
    { counter: 3, truncated: 1726969429, otp: '969429' },
    { counter: 4, truncated: 1640338314, otp: '338314' },
    { counter: 5, truncated: 868254676, otp: '254676' },
    { counter: 6, truncated: 1918287922, otp: '287922' },
    { counter: 7, truncated: 82162583, otp: '162583' },
    { counter: 8, truncated: 673399871, otp: '399871' },
    { counter: 9, truncated: 645520489, otp: '520489' },
  ],
} as const

const SECRET_20 = '12345678901234567890'
const SECRET_32 = '12345678901234567890123456789012'
const SECRET_64 = '1234567890123456789012345678901234567890123456789012345678901234'

/**
 * RFC 6238 Appendix B, 8 digits. TOTP is HOTP at the number of time steps (§4.2), so its vectors cover the other hashes.
 * Erratum 2866: the secrets are 20, 32 and 64 bytes, as in the reference code, not 20 for all as the text says.
 */
export const RFC6238 = [
  { counter: 0x1, hash: 'sha1', secret: SECRET_20, otp: '94287082' },
  { counter: 0x1, hash: 'sha256', secret: SECRET_32, otp: '46119246' },
  { counter: 0x1, hash: 'sha512', secret: SECRET_64, otp: '90693936' },
  { counter: 0x23523ec, hash: 'sha1', secret: SECRET_20, otp: '07081804' },
  { counter: 0x23523ec, hash: 'sha256', secret: SECRET_32, otp: '68084774' },
  { counter: 0x23523ec, hash: 'sha512', secret: SECRET_64, otp: '25091201' },
  { counter: 0x23523ed, hash: 'sha1', secret: SECRET_20, otp: '14050471' },
  { counter: 0x23523ed, hash: 'sha256', secret: SECRET_32, otp: '67062674' },
  { counter: 0x23523ed, hash: 'sha512', secret: SECRET_64, otp: '99943326' },
  { counter: 0x273ef07, hash: 'sha1', secret: SECRET_20, otp: '89005924' },
  { counter: 0x273ef07, hash: 'sha256', secret: SECRET_32, otp: '91819424' },
  { counter: 0x273ef07, hash: 'sha512', secret: SECRET_64, otp: '93441116' },
  { counter: 0x3f940aa, hash: 'sha1', secret: SECRET_20, otp: '69279037' },
  { counter: 0x3f940aa, hash: 'sha256', secret: SECRET_32, otp: '90698825' },
  { counter: 0x3f940aa, hash: 'sha512', secret: SECRET_64, otp: '38618901' },
  { counter: 0x27bc86aa, hash: 'sha1', secret: SECRET_20, otp: '65353130' },
  { counter: 0x27bc86aa, hash: 'sha256', secret: SECRET_32, otp: '77737706' },
  { counter: 0x27bc86aa, hash: 'sha512', secret: SECRET_64, otp: '47863826' },
] as const
