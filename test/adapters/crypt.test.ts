/** Passwords of crypt(3): texts made by others, right and wrong, and what is no password at all. */
import { describe, expect, it } from 'vitest'
import { createPasswordMatches, cryptMatches, type Format } from '../../src/adapters/users/crypt.ts'
import { PASSWORD_FORMATS } from '../../src/core/passwd.ts'

/** Inputs of the first six are those of https://www.akkadia.org/drepper/SHA-crypt.txt, the texts are libxcrypt's. */
const SHA = [
  ['Hello world!', '$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5'],
  ['Hello world!', '$5$rounds=10000$saltstringsaltst$3xv.VbSHBb41AL9AvLeujZkZRBAwqFMz2.opqey6IcA'],
  [
    'a very much longer text to encrypt.  This one even stretches over morethan one line.',
    '$5$rounds=1400$anotherlongsalts$Rx.j8H.h8HjEDGomFU8bDkXm3XIUnzyxf12oP84Bnq1',
  ],
  [
    'Hello world!',
    '$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1',
  ],
  [
    'Hello world!',
    '$6$rounds=10000$saltstringsaltst$OW1/O6BYHV6BcXZu8QVeXbDWra3Oeqh0sbHbbMCVNSnCM/UrjmM0Dp8vOuZeHBy/YTBmSK6H9qs/y3RnOaw5v.',
  ],
  [
    'a very much longer text to encrypt.  This one even stretches over morethan one line.',
    '$6$rounds=1400$anotherlongsalts$POfYwTEok97VWcjxIiSOjiykti.o/pQs.wPvMxQ6Fm7I6IoYN3CmLs66x9t0oSwbtEW7o7UmJEiDwGqd8p4ur1',
  ],
  // openssl passwd -5 -salt saltsalt
  ['pa$$ w:rd', '$5$saltsalt$53Ct3UOdVQg8sLTzaNnc8DUJEyd6syYeLqAZMOyZ.TA'],
  // openssl passwd -6 -salt 0123456789abcdef
  [
    'geheim',
    '$6$0123456789abcdef$llFHOONsYiilKoizC2HQtNJy8iX1Gy13686FgtsDbVA7L0fQNYQfLIabOBdEn7Mb7N3sWZZ5.kKXmInZ619R./',
  ],
  // openssl passwd -5 and -6 -salt abcdefgh: UTF-8
  ['pässwört€', '$5$abcdefgh$3a5md0Q2N8fOTNmgsek17RUbji4ReeDavcOkN369vZ8'],
  ['pässwört€', '$6$abcdefgh$gPCL2r45o65qr.sUczQ1xJ4V0CLHR7otg2aILn/RPALLOYYZ2RXSDZgvaW1sDgUh0xRjyAT5c8W99AwDJQcgm.'],
  // libxcrypt: no salt, no password
  ['x', '$6$$KvRrc0bxRLyTUhO8OJOmRczh7oCol5BACiR8rmdfVzvuGgm8JmLDumsL/ah.jFtT.DswxoP9Nv3ByfU4j5hm/0'],
  ['', '$5$saltsalt$09agN5RZ2meWdEdnEusqsq5G7RwwghB8jCKoWWADxW/'],
] as const

/** libxcrypt: lengths at and around the size of the digest, where npm's unixcrypt 3.0.4 goes wrong. */
const LENGTHS = [
  [31, '$5$rounds=1000$saltsalt$AcvAPKlsrqcmE.ZEiQormT43qKl8hrG86tJ1wz8Y7pD'],
  [32, '$5$rounds=1000$saltsalt$J2WD6HNvEY.PuuEWDS5g5XzJ5byEsDguiTDKvH69Gf2'],
  [33, '$5$rounds=1000$saltsalt$wc1PoLBESA9LR80nmiJfO7c.C7CqoDRLLljSDBF//G6'],
  [64, '$5$rounds=1000$saltsalt$14FBe4fV5W1w0AULtE4j0Kub6FV80Xn/G.BlKWSOdMB'],
  [128, '$5$rounds=1000$saltsalt$tHzTY2f8iC4v6COJykrOdOYf8kag5s.5DG3Ur3k35NB'],
  [
    32,
    '$6$rounds=1000$saltsalt$3TNjOivlvmt14No8dtyqzP22A9vlzyzpClNpZgHS3yEUR98QFagiv/KemRkZ6jQEO7slOUJ108msiy3YliKEs.',
  ],
  [
    64,
    '$6$rounds=1000$saltsalt$LWRbA7xNRR9xYkCy9sDaDB8NTJ22Yzh79EYKP07myEVdpDcOa0qZXrJzxlew9GTXtSOUJJys/iNV1CPwTMmC31',
  ],
  [
    65,
    '$6$rounds=1000$saltsalt$vBbWcG4kL64DRTQ5DOyYLPNvtB8aIZpShvh4U/9cL7YRZECzuu5dSNAqtBhi/vWQMat.sVgmrZhFSmSN2UOnT1',
  ],
  [
    128,
    '$6$rounds=1000$saltsalt$oAMX1LxXOdruYg88Kwcguxbc4NtcPWmvKnJU7b9WeVaK1mTxnepZfhfOghMVpTA.TtnvHY1mqmm8u68lInhA2.',
  ],
] as const

const OTHERS = [
  // openssl passwd -1 -salt abcdefgh
  ['correct horse', '$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80'],
  ['pässwört€', '$1$abcdefgh$KjO.QXX4gK/0/gz2cAjYq1'],
  ['', '$1$abcdefgh$M55TzYaaccxVGbptZWaxX/'],
  ['x'.repeat(64), '$1$abcdefgh$O0X86kK5uBMSkmJGvfUOj.'],
  // John the Ripper's vectors for bcrypt, cost 5
  ['U*U', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  ['U*U*', '$2a$05$CCCCCCCCCCCCCCCCCCCCC.VGOzA784oUp/Z0DY336zx7pLYAy0lwK'],
  ['U*U*U', '$2b$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a'],
  ['U*U', '$2y$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
  // libxcrypt, cost 4
  ['pässwört€', '$2b$04$abcdefghijklmnopqrstuuoiVpff5kI8TEiNWBFU2DKeV.mw5Koc2'],
] as const

describe('a crypt text', () => {
  it.each([...SHA, ...OTHERS])('takes %j for %s, and no other password', async (password, text) => {
    expect(await cryptMatches(password, text)).toBe(true)
    expect(await cryptMatches(`${password}x`, text)).toBe(false)
  })

  it.each(LENGTHS)('takes a password of %i bytes for %s, and none that is one longer', async (length, text) => {
    expect(await cryptMatches('p'.repeat(length), text)).toBe(true)
    expect(await cryptMatches('p'.repeat(length + 1), text)).toBe(false)
  })
})

describe('a decoy', () => {
  const computed: string[] = []
  /** Takes any password for a text that begins with `hash`, and counts. */
  const counting: Format = (text) =>
    text.startsWith('hash')
      ? () => {
          computed.push(text)
          return true
        }
      : null

  it.each([
    ['what cannot be computed', 'x', ['hash of another'], false],
    ['nothing at all', '', ['hash of another'], false],
    ['a hash: not at all', 'hash', ['hash'], true],
  ])('is computed in place of %s', async (_, hash, expected, right) => {
    computed.length = 0

    expect(await createPasswordMatches([counting])('pw', hash, 'hash of another')).toBe(right)
    expect(computed).toEqual(expected)
  })

  it('may be no hash either', async () => {
    expect(await cryptMatches('x', 'x', 'x')).toBe(false)
  })

  it('is never right, though the password is that of whom it belongs to', async () => {
    for (const [password, text] of [...SHA, ...OTHERS]) expect(await cryptMatches(password, '*', text)).toBe(false)
  })

  it.each([...SHA, ...OTHERS])('is looked for among texts such as that of %j: %s', (_, text) => {
    expect(PASSWORD_FORMATS.filter((start) => text.startsWith(start))).toHaveLength(1)
  })
})

describe('no password is right', () => {
  it.each([
    ['an empty field', ''],
    ['a shadowed one', 'x'],
    ['a locked one', '*'],
    ['a locked one', '!'],
    ['a locked one', '!!'],
    ['a locked one with its old text', '!$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80'],
    ['a locked one with its old text', '*$6$saltsalt$x'],
    ['yescrypt', '$y$j9T$abcdefgh$4mqd6JVlUo/.JMgenptcdPqIowfqDPoC9lSyWQhPMf1'],
    ['the old DES', 'abJnggxhB/yWI'],
    ['argon2id', '$argon2id$v=19$m=65536,t=3,p=4$c2FsdHNhbHQ$aGFzaGhhc2g'],
    ['plain text', 'correct horse'],
    ['bcrypt of the broken kind', '$2x$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW'],
    ['bcrypt of a cost that there is not', '$2b$99$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e'],
    ['bcrypt cut short', '$2b$04$abcdefghijklmnopqrstuu'],
    ['sha-crypt cut short', '$6$saltsalt'],
    ['sha-crypt cut short', '$6$saltsalt$'],
    ['sha-crypt cut short', '$6$saltsalt$KvRrc0bxRLy'],
    ['sha-crypt with a part too many', '$6$salt$salt$KvRrc0bxRLy'],
    ['sha-crypt with nonsense for rounds', '$6$rounds=abc$saltsalt$KvRrc0bxRLy'],
    ['sha-crypt of fewer rounds than there are', '$6$rounds=10$saltsalt$KvRrc0bxRLy'],
    ['sha-crypt that would take an hour', '$6$rounds=999999999$saltsalt$KvRrc0bxRLy'],
    ['md5-crypt cut short', '$1$'],
    ['md5-crypt cut short', '$1$abcdefgh'],
  ])('for %s: %s', async (_, text) => {
    for (const password of ['', 'x', '*', '!', 'correct horse', text])
      expect(await cryptMatches(password, text), password).toBe(false)
  })

  it.each([
    ['md5-crypt', '$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80'],
    ['sha512-crypt', '$6$saltsalt$KvRrc0bxRLy'],
    ['bcrypt', '$2b$04$abcdefghijklmnopqrstuuoiVpff5kI8TEiNWBFU2DKeV.mw5Koc2'],
  ])('for %s when it is longer than crypt(3) takes, and it costs no time', async (_, text) => {
    const started = performance.now()

    expect(await cryptMatches('p'.repeat(60_000), text)).toBe(false)
    expect(performance.now() - started).toBeLessThan(1000)
  })
})
