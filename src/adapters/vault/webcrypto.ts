/**
 * Vault over WebCrypto: AES-256-GCM for sealing, HMAC-SHA256 for PINs and MACs, one derived key per purpose (HKDF,
 * RFC 5869), so that no key is used for two things. scrypt comes from node:crypto, which all four runtimes have.
 */
import { Buffer } from 'node:buffer'
import { equalInConstantTime } from '../../core/hotp.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Random } from '../../ports/edges.ts'
import type { OpenFailure, Vault } from '../../ports/vault.ts'
import type { Keyring, MasterKey, MasterKeys } from './keys.ts'
import { hashPassword, passwordMatches } from './scrypt.ts'

const NONCE_BYTES = 12 // NIST SP 800-38D §8.2.2
const SALT_BYTES = 16
const utf8 = new TextEncoder()

type Bytes = Uint8Array<ArrayBuffer>

/** @param keys a ring is asked at each use: a file of keys may get another one while a server runs */
export function createVault(keys: MasterKeys | Keyring, random: Random): Vault {
  const keyring: Keyring = 'all' in keys ? keys : { all: () => keys }
  const derived = new Map<string, Promise<CryptoKey>>()

  return {
    keyIds: () => {
      const [first, ...others] = keyring.all()
      return [first.id, ...others.map(({ id }) => id)]
    },
    seal,
    open,
    sealPin: async (pin, place) => {
      const salt = bytes(random(SALT_BYTES))
      const hash = await saltedHash(salt, pin)
      const plain = new Uint8Array(salt.length + hash.length)
      plain.set(salt)
      plain.set(hash, salt.length)
      return seal(plain, place)
    },
    openPin: async (sealed, place) => {
      const opened = await open(sealed, place)
      if (!opened.ok) return opened
      const salt = bytes(opened.value.slice(0, SALT_BYTES))
      const hash = hex(opened.value.slice(SALT_BYTES))
      return ok(async (candidate: string) => equalInConstantTime(hash, hex(await saltedHash(salt, candidate))))
    },
    mac: async (purpose, data) => {
      const [current] = keyring.all()
      return `${current.id}.${await macUnder(current, purpose, data)}`
    },
    macMatches: async (purpose, data, mac) => {
      const dot = mac.indexOf('.')
      const key = await find(mac.slice(0, dot))
      return key !== undefined && equalInConstantTime(await macUnder(key, purpose, data), mac.slice(dot + 1))
    },
    signingKeys: async (purpose) => {
      const [first, ...others] = keyring.all()
      return Promise.all([keyFor(first, `sign:${purpose}`), ...others.map((key) => keyFor(key, `sign:${purpose}`))])
    },
    hashPassword: (password) => hashPassword(password, random),
    passwordMatches,
  }

  /** Who meets an unknown key looks whether it has come meanwhile. */
  async function find(id: string | undefined): Promise<MasterKey | undefined> {
    const known = keyring.all().find((key) => key.id === id)
    if (known || !keyring.reload) return known
    await keyring.reload()
    return keyring.all().find((key) => key.id === id)
  }

  async function seal(plain: Uint8Array, place: string): Promise<string> {
    const nonce = bytes(random(NONCE_BYTES))
    const [current] = keyring.all()
    const key = await keyFor(current, 'seal')
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: utf8.encode(place) },
      key,
      bytes(plain),
    )
    return `v1.${current.id}.${base64url(nonce)}.${base64url(new Uint8Array(sealed))}`
  }

  async function open(sealed: string, place: string): Promise<Result<Uint8Array, OpenFailure>> {
    const [version, id, nonce = '', text = '', ...rest] = sealed.split('.')
    if (version !== 'v1' || rest.length > 0) return err('seal_broken')
    const master = await find(id)
    if (!master) return err('key_unknown')
    try {
      const key = await keyFor(master, 'seal')
      const algorithm = { name: 'AES-GCM', iv: fromBase64url(nonce), additionalData: utf8.encode(place) }
      return ok(new Uint8Array(await crypto.subtle.decrypt(algorithm, key, fromBase64url(text))))
    } catch {
      return err('seal_broken') // WebCrypto throws when the tag does not fit: another place, or a changed value
    }
  }

  async function macUnder(master: MasterKey, purpose: string, data: string): Promise<string> {
    const key = await keyFor(master, `mac:${purpose}`)
    return base64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8.encode(data))))
  }

  function keyFor(master: MasterKey, purpose: string): Promise<CryptoKey> {
    const name = `${master.id} ${purpose}`
    const known = derived.get(name)
    if (known) return known
    const made = deriveKey(master, purpose)
    derived.set(name, made)
    return made
  }
}

async function deriveKey(master: MasterKey, purpose: string): Promise<CryptoKey> {
  const base = await crypto.subtle.importKey('raw', bytes(master.bytes), 'HKDF', false, ['deriveKey'])
  const hkdf = { name: 'HKDF', hash: 'SHA-256', salt: new Uint8Array(), info: utf8.encode(`otpost ${purpose}`) }
  return purpose === 'seal'
    ? crypto.subtle.deriveKey(hkdf, base, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt'])
    : crypto.subtle.deriveKey(hkdf, base, { name: 'HMAC', hash: 'SHA-256', length: 256 }, false, ['sign', 'verify'])
}

async function saltedHash(salt: Bytes, pin: string): Promise<Bytes> {
  const key = await crypto.subtle.importKey('raw', salt, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  return new Uint8Array(await crypto.subtle.sign('HMAC', key, utf8.encode(pin)))
}

/** The same bytes over a buffer of their own, which is what WebCrypto's types ask for. */
const bytes = (source: Uint8Array): Bytes => new Uint8Array(source)
const hex = (source: Uint8Array): string => Array.from(source, (byte) => byte.toString(16).padStart(2, '0')).join('')

const base64url = (source: Uint8Array): string => Buffer.from(source).toString('base64url')
const fromBase64url = (text: string): Bytes => new Uint8Array(Buffer.from(text, 'base64url'))
