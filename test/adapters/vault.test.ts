import { describe, expect, it } from 'vitest'
import type { MasterKey } from '../../src/adapters/vault/keys.ts'
import { createVault } from '../../src/adapters/vault/webcrypto.ts'
import type { Vault } from '../../src/ports/vault.ts'

/** Bytes that never repeat and are the same in every run: a counter. Not random, so for tests only. */
function counting(): (bytes: number) => Uint8Array {
  let n = 0
  return (bytes) => Uint8Array.from({ length: bytes }, () => n++ % 251)
}

const masterKey = (id: string, first: number): MasterKey => ({
  id,
  bytes: Uint8Array.from({ length: 32 }, (_, n) => (first + n) % 256),
})
const OLD = masterKey('k1', 1)
const NEW = masterKey('k2', 101)

const random = counting()
const vaultOf = (...keys: readonly [MasterKey, ...MasterKey[]]): Vault => createVault(keys, random)

const PLACE = 'token:secret:LSEM000001'
const SECRET = Uint8Array.from({ length: 20 }, (_, n) => 7 * n)

/** The sealed text with one bit of one byte of one of its base64url parts turned over. */
function flipped(sealed: string, part: number, byte: number): string {
  const parts = sealed.split('.')
  const bytes = Buffer.from(parts[part] ?? '', 'base64url')
  bytes[byte] = (bytes[byte] ?? 0) ^ 1
  return parts.map((text, n) => (n === part ? bytes.toString('base64url') : text)).join('.')
}

describe('seal and open', () => {
  it.each([0, 1, 16, 20, 64, 5000])('gives back the %d bytes that were sealed', async (length) => {
    const vault = vaultOf(OLD)
    const plain = Uint8Array.from({ length }, (_, n) => n % 256)

    const opened = await vault.open(await vault.seal(plain, PLACE), PLACE)

    expect(opened).toEqual({ ok: true, value: plain })
  })

  it('says in the sealed text how and under which key it was sealed, and nothing else', async () => {
    const sealed = await vaultOf(OLD).seal(SECRET, PLACE)

    expect(sealed).toMatch(/^v1\.k1\.[\w-]{16}\.[\w-]{48}$/) // 12 bytes of nonce; 20 of text and 16 of tag
    expect(sealed).not.toContain(Buffer.from(SECRET).toString('base64url').slice(0, 8))
  })

  it('seals the same bytes differently each time', async () => {
    const vault = vaultOf(OLD)

    const [first, second] = [await vault.seal(SECRET, PLACE), await vault.seal(SECRET, PLACE)]

    expect(first.split('.')[2]).not.toBe(second.split('.')[2])
    expect(first.split('.')[3]).not.toBe(second.split('.')[3])
  })

  it.each(['token:secret:LSEM000002', 'token:pin:LSEM000001', '', `${PLACE} `])(
    'does not open at the place %j what was sealed for another',
    async (place) => {
      const vault = vaultOf(OLD)

      expect(await vault.open(await vault.seal(SECRET, PLACE), place)).toEqual({ ok: false, error: 'seal_broken' })
    },
  )

  it.each([
    ['nonce', 2, 12],
    ['text and tag', 3, 36],
  ])('notices a bit turned over in any byte of the %s', async (_, part, length) => {
    const vault = vaultOf(OLD)
    const sealed = await vault.seal(SECRET, PLACE)

    const opened = await Promise.all(
      Array.from({ length }, (_, byte) => vault.open(flipped(sealed, part, byte), PLACE)),
    )

    expect(opened).toEqual(Array(length).fill({ ok: false, error: 'seal_broken' }))
  })

  it.each([
    ['of another version', (sealed: string) => sealed.replace('v1.', 'v2.'), 'seal_broken'],
    ['of a key that is not configured', (sealed: string) => sealed.replace('.k1.', '.k9.'), 'key_unknown'],
    ['of another configured key', (sealed: string) => sealed.replace('.k1.', '.k2.'), 'seal_broken'],
    ['without its tag', (sealed: string) => sealed.slice(0, -22), 'seal_broken'],
    ['without its text', (sealed: string) => sealed.split('.').slice(0, 3).join('.'), 'seal_broken'],
    ['without its nonce', (sealed: string) => sealed.replace(/\.[\w-]{16}\./, '..'), 'seal_broken'],
    ['with something behind it', (sealed: string) => `${sealed}.AAAA`, 'seal_broken'],
    ['that is empty', () => '', 'seal_broken'],
    ['that is no sealed text', () => 'geheim', 'seal_broken'],
  ])('does not open a text %s', async (_, change, error) => {
    const vault = vaultOf(OLD, NEW)
    const sealed = await vault.seal(SECRET, PLACE)

    expect(await vault.open(change(sealed), PLACE)).toEqual({ ok: false, error })
  })
})

describe('key rotation', () => {
  it('opens with the second key what it sealed as the first, and seals with the new first one', async () => {
    const before = await vaultOf(OLD).seal(SECRET, PLACE)
    const rotated = vaultOf(NEW, OLD)

    const after = await rotated.seal(SECRET, PLACE)

    expect(await rotated.open(before, PLACE)).toEqual({ ok: true, value: SECRET })
    expect(after).toMatch(/^v1\.k2\./)
    expect(await vaultOf(NEW).open(after, PLACE)).toEqual({ ok: true, value: SECRET })
    expect(await vaultOf(NEW).open(before, PLACE)).toEqual({ ok: false, error: 'key_unknown' })
  })

  it('knows a MAC of the second key, and makes new ones with the first', async () => {
    const before = await vaultOf(OLD).mac('audit', 'row')
    const rotated = vaultOf(NEW, OLD)

    const after = await rotated.mac('audit', 'row')

    expect(await rotated.macMatches('audit', 'row', before)).toBe(true)
    expect(after).toMatch(/^k2\./)
  })

  it('keeps the keys of two masters with the same id apart', async () => {
    const sealed = await vaultOf(OLD).seal(SECRET, PLACE)

    expect(await vaultOf({ ...NEW, id: OLD.id }).open(sealed, PLACE)).toEqual({ ok: false, error: 'seal_broken' })
  })
})

describe('PINs', () => {
  const PIN_PLACE = 'token:pin:LSEM000001'
  const matches = async (vault: Vault, sealed: string, candidate: string) => {
    const opened = await vault.openPin(sealed, PIN_PLACE)
    return opened.ok ? opened.value(candidate) : opened.error
  }

  it.each(['1234', '', 'pässwörd 🔑', 'x'.repeat(300)])('knows the PIN %j again', async (pin) => {
    const vault = vaultOf(OLD)

    expect(await matches(vault, await vault.sealPin(pin, PIN_PLACE), pin)).toBe(true)
  })

  it.each(['', '123', '12345', '1234 ', '１２３４'])('knows that %j is not the PIN 1234', async (candidate) => {
    const vault = vaultOf(OLD)

    expect(await matches(vault, await vault.sealPin('1234', PIN_PLACE), candidate)).toBe(false)
  })

  it('salts: two seals of one PIN hold different hashes', async () => {
    const vault = vaultOf(OLD)

    const hashes = await Promise.all(
      [await vault.sealPin('1234', PIN_PLACE), await vault.sealPin('1234', PIN_PLACE)].map((s) =>
        vault.open(s, PIN_PLACE),
      ),
    )

    const [first, second] = hashes.map((hash) => (hash.ok ? Buffer.from(hash.value).toString('hex') : hash.error))
    expect(first).toMatch(/^[0-9a-f]{96}$/) // 16 bytes of salt, 32 of hash
    expect(first?.slice(0, 32)).not.toBe(second?.slice(0, 32))
    expect(first?.slice(32)).not.toBe(second?.slice(32))
  })

  it('opens no PIN at another place', async () => {
    const vault = vaultOf(OLD)

    const opened = await vault.openPin(await vault.sealPin('1234', 'token:pin:LSEM000002'), PIN_PLACE)

    expect(opened).toEqual({ ok: false, error: 'seal_broken' })
  })
})

describe('MACs', () => {
  it('is the same for the same data, purpose and key', async () => {
    const mac = await vaultOf(OLD).mac('audit', 'row')

    expect(await vaultOf(OLD).mac('audit', 'row')).toBe(mac)
    expect(mac).toMatch(/^k1\.[\w-]{43}$/)
  })

  it('is another one for other data, another purpose or another key', async () => {
    const vault = vaultOf(OLD)

    const macs = [
      await vault.mac('audit', 'row'),
      await vault.mac('audit', 'row2'),
      await vault.mac('session', 'row'),
      await vaultOf({ ...NEW, id: OLD.id }).mac('audit', 'row'),
    ]

    expect(new Set(macs).size).toBe(4)
  })

  it('matches only data of its purpose, under a key that is configured', async () => {
    const vault = vaultOf(OLD)
    const mac = await vault.mac('audit', 'row')

    const answers = [
      await vault.macMatches('audit', 'row', mac),
      await vault.macMatches('audit', 'row2', mac),
      await vault.macMatches('session', 'row', mac),
      await vault.macMatches('audit', 'row', mac.replace('k1', 'k9')),
      await vault.macMatches('audit', 'row', mac.slice(0, -1)),
      await vault.macMatches('audit', 'row', `${mac}A`),
      await vault.macMatches('audit', 'row', ''),
      await vaultOf(NEW).macMatches('audit', 'row', mac),
    ]

    expect(answers).toEqual([true, false, false, false, false, false, false, false])
  })
})

describe('signing keys', () => {
  it('gives one key per master, the first one first, that cannot be taken out', async () => {
    const keys = await vaultOf(NEW, OLD).signingKeys('session')

    expect(keys.map((key) => [key.extractable, key.usages])).toEqual(Array(2).fill([false, ['sign', 'verify']]))
    const signature = await crypto.subtle.sign('HMAC', keys[0], SECRET)
    const verify = (key: CryptoKey) => crypto.subtle.verify('HMAC', key, signature, SECRET)
    expect(await Promise.all(keys.map(verify))).toEqual([true, false])
    const [other] = await vaultOf(NEW).signingKeys('another purpose')
    expect(await verify(other)).toBe(false)
  })
})

describe('passwords', () => {
  const vault = vaultOf(OLD)
  // One hash for all tests: each costs some 100 ms on purpose.
  const hashed = vault.hashPassword('Kreuzgärtner 7')

  it('stands with its parameters and its salt in the text', async () => {
    expect(await hashed).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$[\w-]{22}\$[\w-]{43}$/)
  })

  it('knows the password again, composed or decomposed, and under any key', async () => {
    const nfd = 'Kreuzgärtner 7'.normalize('NFD')

    expect(nfd).not.toBe('Kreuzgärtner 7'.normalize('NFC'))
    expect(await vault.passwordMatches('Kreuzgärtner 7'.normalize('NFC'), await hashed)).toBe(true)
    expect(await vaultOf(NEW).passwordMatches(nfd, await hashed)).toBe(true)
  })

  it.each(['kreuzgärtner 7', 'Kreuzgartner 7', 'Kreuzgärtner 7 ', ''])('knows that %j is another', async (password) => {
    expect(await vault.passwordMatches(password, await hashed)).toBe(false)
  })

  it('computes with the parameters of the text, not with its own', async () => {
    // RFC 7914 §12, second vector, cut to 32 bytes: N = 1024, r = 8, p = 16, salt NaCl.
    const hash = Buffer.from('fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162', 'hex')
    const stored = `$scrypt$ln=10,r=8,p=16$${Buffer.from('NaCl').toString('base64url')}$${hash.toString('base64url')}`

    expect(await vault.passwordMatches('password', stored)).toBe(true)
  })

  it.each([
    ['too much memory', 'ln=18,r=8,p=1'],
    ['absurdly much memory', 'ln=999999999999,r=8,p=1'],
    ['too large blocks', 'ln=14,r=17,p=1'],
    ['too much work', 'ln=14,r=8,p=17'],
    ['no cost', 'ln=0,r=8,p=1'],
    ['no blocks', 'ln=14,r=0,p=1'],
    ['no work', 'ln=14,r=8,p=0'],
  ])('refuses, without computing, a text that asks for %s', async (_, parameters) => {
    const [, , , salt, hash] = (await hashed).split('$')

    expect(await vault.passwordMatches('Kreuzgärtner 7', `$scrypt$${parameters}$${salt}$${hash}`)).toBe(false)
  })

  it.each(['', 'Kreuzgärtner 7', '$1$salt$hash', '$scrypt$ln=14,r=8,p=5$$', '$scrypt$ln=14,r=8,p=5$c2FsdA'])(
    'knows nobody by the text %j',
    async (stored) => {
      expect(await vault.passwordMatches('Kreuzgärtner 7', stored)).toBe(false)
    },
  )
})
