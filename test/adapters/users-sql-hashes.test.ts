/** Passwords as web applications and directories keep them: texts made by others, right and wrong, and broken ones. */
import { describe, expect, it } from 'vitest'
import { createKeptPasswords, type PasswordHash } from '../../src/adapters/users/sql-passwords.ts'
import { NAMED_FORMATS } from '../../src/adapters/users/web-hashes.ts'

const passwordsOf = (passwordHash: PasswordHash, saltPosition: 'before' | 'after') =>
  createKeptPasswords({ passwordHash, saltPosition }, NAMED_FORMATS)
const named = passwordsOf('named', 'before').match
const kept = (text: string, salt = '') => ({ text, salt })

describe('a text that says how it was made', () => {
  it.each([
    // https://hashcat.net/wiki/doku.php?id=example_hashes
    ['hashcat', '{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s='],
    ['hashcat', '{SSHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng=='],
    ['hashcat', '{SSHA256}OZiz0cnQ5hgyel3Emh7NCbhBRCQ+HVBwYplQunHYnER7TLuV'],
    [
      'hashcat',
      '{SSHA512}ALtwKGBdRgD+U0fPAy31C28RyKYx7+a8kmfksccsOeLknLHv2DBXYI7TDnTolQMBuPkWDISgZr2cHfnNPFjGZTEyNDU4OTkw',
    ],
    ['hashcat', '$P$984478476IagS59wHZvyQMArzfx58u.'],
    ['hashcat', '$H$984478476IagS59wHZvyQMArzfx58u.'],
    ['hashcat', '$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzLf'],
    ['hashcat', 'pbkdf2_sha256$20000$H0dPx8NeajVu$GiC4k5kqbbR9qWBlsRgDywNqC2vd9kqfk7zdorEnNas='],
    [
      'hashcat',
      '{CRYPT}$6$72820166$U4DVzpcYxgw7MVVDGGvB2/H5lRistD5.Ah4upwENR5UtffLR4X4SxSzfREv8z6wVl0jRFX40/KnYVvK4829kD1',
    ],
    // passlib 1.7.4
    ['pässwort', '{SSHA}xtcI22sXe0l9yO/rXIQpTQ16+P0kxDin'],
    ['pässwort', '{SMD5}z1gj/Bze7YELbvlHu3fi6ru31vo='],
    ['pässwort', '{MD5}gsgeEgjvKHQW8j4PFefi7Q=='],
    ['pässwort', '{ssha256}9ZzytfSOJRVa4QTpmKzM4mw9Hs5/AIIUdmDve+NZZd+Vcg5B6F0r5Q=='],
    ['pässwort', '$P$6mNPor96NQXm.JgIO7uT5MdXU9B0lG1'],
    ['pässwort', '$pbkdf2$1000$eM/Ze8855zynVCoFYCwlxA$yrhaazT5/ZhzNYb7Aee1C8vNstg'],
    ['pässwort', '$pbkdf2-sha256$1000$qRVCqDWG8L43JsQYg7C2dg$2ws3yi8v1a/4hzXC0KOHQpnvMZhg18W/YrSapuXA54o'],
    [
      'pässwort',
      '$pbkdf2-sha512$1000$PGcMgRDi/B.DUOp9L4UQog$kPwIIyIkQa7e1H8Fko2RfbTpPhafwMHOHSDUN8QgPQPVg0e43XMXRBebsEA1MQ.KXnKs.YXfXgFhvN6GdvUBBA',
    ],
    ['pässwort', 'pbkdf2_sha1$1000$37jvoWJizMQf$Kj0TVDIQCukB+wLNAXuSSdGS4kw='],
    // PHP's password_hash, called as WordPress 6.8 does
    ['pässwort', '$wp$2y$05$Gz42KWKxAhRPEROkk0z41.0.yNOQNTVsVQ.MM.dkm4AvxaYKFUFyu'],
    ['  geheim \n', '$wp$2y$05$AmMATmJKUASaWNurK4.CXOHkXl.QW52ohOkdXb9WKNoqWY3TcMwD.'],
    ['geheim', '$wp$2y$05$AmMATmJKUASaWNurK4.CXOHkXl.QW52ohOkdXb9WKNoqWY3TcMwD.'],
  ])('%s is %s, and nothing else is', async (password, text) => {
    expect(await named(password, kept(text), null)).toBe(true)
    expect(await named(`${password}x`, kept(text), null)).toBe(false)
    expect(await named(password.slice(0, -3), kept(text), null)).toBe(false)
    expect(await named(text, kept(text), null)).toBe(false)
  })

  it.each([
    '',
    'x',
    '*',
    'hashcat', // a password in clear
    'b89eaac7e61417341b710b727768294d0e6a277b', // a digest that does not say so
    '{SHA}',
    '{SHA}AAAA',
    '{SHA}AZKja92fbuuB9SpRlHqaoXxbTc43Mzc2MDM1Ng==', // a salt where there is none
    '{SSHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=', // none where there is one
    '{SSHA1}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=',
    '{CLEARTEXT}hashcat',
    '{CRYPT}hashcat',
    '$P$Z84478476IagS59wHZvyQMArzfx58u.', // 2^37 rounds
    '$P$L84478476IagS59wHZvyQMArzfx58u.', // 2^23 rounds
    '$P$984478476IagS59wHZvyQMArzfx58u',
    '$S$C33783772bRXEx1aCsvY.dqgaaSu76XmVlKrW9Qu8IQlvxHlmzL',
    'pbkdf2_sha256$99999999$H0dPx8NeajVu$GiC4k5kqbbR9qWBlsRgDywNqC2vd9kqfk7zdorEnNas=',
    'pbkdf2_sha256$0$H0dPx8NeajVu$GiC4k5kqbbR9qWBlsRgDywNqC2vd9kqfk7zdorEnNas=',
    'pbkdf2_sha256$1000$H0dPx8NeajVu$GiC4',
    '$wp$2y$05$Gz42',
    '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$aGFzaA',
  ])('nothing is %j', async (text) => {
    expect(await named('hashcat', kept(text), null)).toBe(false)
    expect(await named('', kept(text), null)).toBe(false)
    expect(await named(text, kept(text), null)).toBe(false)
  })
})

describe('a digest that was configured', () => {
  // https://hashcat.net/wiki/doku.php?id=example_hashes
  it.each([
    ['md5', 'before', '8743b52063cd84097a65d1633f5c74f5', ''],
    ['md5', 'after', '01dfae6e5d4d90d9892622325959afbe', '7050461'],
    ['md5', 'before', 'f0fda58630310a6dd91a7d8f0a4ceda2', '4225637426'],
    ['md5', 'before', 'F0FDA58630310A6DD91A7D8F0A4CEDA2:4225637426', ''],
    ['sha1', 'before', 'b89eaac7e61417341b710b727768294d0e6a277b', ''],
    ['sha1', 'after', '2fc5a684737ce1bf7b3b239df432416e0dd07357', '2014'],
    ['sha1', 'before', 'cac35ec206d868b7d7cb0b55f31d9425b075082b', '5363620024'],
    ['sha256', 'after', 'c73d08de890479518ed60cf670d17faa26a4a71f995c1dcc978165399401a6c4', '53743528'],
    ['sha256', 'before', 'eb368a2dfd38b405f014118c7d9747fcc97f4f0ee75c05963cd9da6ee65ef498', '560407001617'],
    [
      'sha512',
      'before',
      '82a9dda829eb7f8ffe9fbe49e45d47d2dad9664fbb7adf72492e3c81ebd3e29134d9bc12212bf83c6840f10e8246b9db54a4859b7ccd0123d86e5872c1e5082f',
      '',
    ],
  ] as const)('%s, salt %s: %s %s', async (hash, position, text, salt) => {
    const matches = passwordsOf(hash, position).match

    expect(await matches('hashcat', kept(text, salt), null)).toBe(true)
    expect(await matches('hashcaT', kept(text, salt), null)).toBe(false)
    expect(await matches('hashcat', kept(text, `${salt}1`), null)).toBe(false)
    expect(await matches('hashcat', kept(text.slice(0, -1), salt), null)).toBe(false)
    expect(await named('hashcat', kept(text, salt), null)).toBe(false)
  })

  it('takes a password in clear when it is told that they are kept so', async () => {
    const plain = passwordsOf('plain', 'before').match

    expect(await plain('Geheim 1', kept('Geheim 1'), null)).toBe(true)
    expect(await plain('geheim 1', kept('Geheim 1'), null)).toBe(false)
    expect(await plain('', kept(''), null)).toBe(false)
    expect(await plain('Geheim', kept('Geheim 1'), null)).toBe(false)
  })
})

it.each(['named', 'plain', 'md5', 'sha512'] as const)('of somebody else no password is right (%s)', async (hash) => {
  const other = kept(
    {
      named: '{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=',
      plain: 'hashcat',
      md5: '8743b52063cd84097a65d1633f5c74f5',
      sha512:
        '82a9dda829eb7f8ffe9fbe49e45d47d2dad9664fbb7adf72492e3c81ebd3e29134d9bc12212bf83c6840f10e8246b9db54a4859b7ccd0123d86e5872c1e5082f',
    }[hash],
  )
  const matches = passwordsOf(hash, 'before').match

  expect(await matches('hashcat', other, null)).toBe(true)
  for (const own of [null, kept(''), kept(hash === 'plain' ? '' : 'x')])
    expect(await matches('hashcat', own, other)).toBe(false)
})

it.each([
  ['named', '{SHA}uJ6qx+YUFzQbcQtyd2gpTQ5qJ3s=', true],
  ['named', '!', false],
  ['named', '', false],
  ['named', 'hashcat', false],
  ['plain', 'hashcat', true],
  ['plain', '', false],
  ['md5', '8743b52063cd84097a65d1633f5c74f5', true],
  ['sha1', '8743b52063cd84097a65d1633f5c74f5', false],
] as const)('%s can compare %j: %s', (hash, text, comparable) => {
  expect(passwordsOf(hash, 'before').isComparable(kept(text))).toBe(comparable)
})
