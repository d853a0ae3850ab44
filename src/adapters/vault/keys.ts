/**
 * Keys: `OTPOST_KEYS` holds `id:base64` entries separated by commas or line breaks, 32 bytes each. The first one seals,
 * all of them open, so a new key is put in front and the old one stays until everything is sealed anew.
 */
import { err, ok, type Result } from '../../core/result.ts'

export type MasterKey = { readonly id: string; readonly bytes: Uint8Array }

export type MasterKeys = readonly [MasterKey, ...MasterKey[]]

/** The keys of a process. */
export type Keyring = {
  readonly all: () => MasterKeys
  /** Looks for new keys where they came from; absent where they cannot change. Never fails: then nothing has changed. */
  readonly reload?: () => Promise<void>
}

const KEY_BYTES = 32

export function readKeys(text: string): Result<MasterKeys, string> {
  const keys: MasterKey[] = []
  for (const entry of text.split(/[\s,]+/).filter((part) => part !== '')) {
    const [id = '', ...encoded] = entry.split(':')
    if (!/^[A-Za-z0-9_-]{1,32}$/.test(id))
      return err('OTPOST_KEYS: each entry is ID:BASE64, ID of letters, digits, _ and -')
    const bytes = decodeBase64(encoded.join(':'))
    if (bytes === null || bytes.length !== KEY_BYTES)
      return err(`OTPOST_KEYS: key '${id}' must be ${KEY_BYTES} bytes in base64`)
    if (keys.some((key) => key.id === id)) return err(`OTPOST_KEYS: key '${id}' is there twice`)
    keys.push({ id, bytes })
  }
  const [first, ...rest] = keys
  return first ? ok([first, ...rest]) : err('OTPOST_KEYS is empty; `otpost keys new` makes a key')
}

/** A new entry for `OTPOST_KEYS`. */
export function newKey(id: string, random: (bytes: number) => Uint8Array): string {
  return `${id}:${btoa(String.fromCharCode(...random(KEY_BYTES)))}`
}

function decodeBase64(text: string): Uint8Array | null {
  try {
    return Uint8Array.from(atob(text.replace(/-/g, '+').replace(/_/g, '/')), (c) => c.charCodeAt(0))
  } catch {
    return null // atob throws for what is not base64
  }
}
