/**
 * Vault: the only place that knows the keys. Everything secret is sealed with AES-256-GCM before it reaches the store;
 * the associated data names the row and column, so that a value cannot be moved to another row.
 */
import { IMPORTED_DEFAULT, legacyKeys } from '../core/legacy-providers.ts'
import type { Result } from '../core/result.ts'
import type { ProviderType } from '../core/settings.ts'

export type OpenFailure = 'key_unknown' | 'seal_broken'

export type Vault = {
  /** Ids of the keys that it knows; the first one seals. */
  readonly keyIds: () => readonly [string, ...string[]]
  /** @returns `v1.<key id>.<nonce>.<ciphertext>`, base64url, sealed with the first configured key */
  readonly seal: (plain: Uint8Array, place: string) => Promise<string>
  readonly open: (sealed: string, place: string) => Promise<Result<Uint8Array, OpenFailure>>
  /** Seals a salted hash of a PIN. */
  readonly sealPin: (pin: string, place: string) => Promise<string>
  /** Opens a sealed PIN for comparing; the function takes the same time whether or not the candidate is right. */
  readonly openPin: (
    sealed: string,
    place: string,
  ) => Promise<Result<(candidate: string) => Promise<boolean>, OpenFailure>>
  /** HMAC-SHA256 under a key of its own per purpose: `<key id>.<mac>`. */
  readonly mac: (purpose: string, data: string) => Promise<string>
  readonly macMatches: (purpose: string, data: string, mac: string) => Promise<boolean>
  /** Keys for signing with HMAC-SHA256, which cannot be exported; the first one signs, all of them verify. */
  readonly signingKeys: (purpose: string) => Promise<readonly [CryptoKey, ...CryptoKey[]]>
  /** scrypt, self-describing: `$scrypt$ln=14,r=8,p=5$salt$hash`. */
  readonly hashPassword: (password: string) => Promise<string>
  readonly passwordMatches: (password: string, hash: string) => Promise<boolean>
}

/** Places: associated data for each kind of sealed value. */
const config = (key: string) => `config:value:${key}`
export const place = {
  secret: (serial: string) => `token:secret:${serial}`,
  pin: (serial: string) => `token:pin:${serial}`,
  /** The configuration of `imported_default` is an entry of the system configuration. */
  provider: (type: ProviderType, name: string) =>
    name === IMPORTED_DEFAULT ? config(legacyKeys[type].config) : `provider:config:${type}:${name}`,
  resolver: (name: string) => `resolver:config:${name}`,
  config,
  /** Of the text by which a master key is known. */
  canary: (keyId: string) => `master_key:canary:${keyId}`,
} as const
