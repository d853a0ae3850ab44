/**
 * API tokens: `otpost_<id>_<secret>`, random, of which the database has the hash of the secret. One is proven by a single
 * read, which also tells the version of the settings.
 */
import { equalInConstantTime } from '../core/hotp.ts'
import { type Instant, isWithin, type Seconds } from '../core/time.ts'
import type { FoundApiToken } from '../ports/admins.ts'
import type { Store } from '../ports/store.ts'
import { sha256 } from './digest.ts'

/** How often the use of an API token is noted. */
const NOTE_USE_EVERY: Seconds = 3600

export type WrittenToken = { readonly id: string; readonly secret: string }

/** @returns null for what no API token looks like */
export function parseApiToken(text: string): WrittenToken | null {
  const [, id = '', secret = ''] = /^otpost_([0-9a-f]{12})_([0-9a-f]{64})$/.exec(text) ?? []
  return id === '' ? null : { id, secret }
}

export const writeApiToken = ({ id, secret }: WrittenToken): string => `otpost_${id}_${secret}`

/** `token` null: there is none by this id and secret, or it has expired. */
export type ProvenToken = { readonly version: number; readonly token: FoundApiToken | null }
export type ProveApiToken = (written: WrittenToken, now: Instant) => Promise<ProvenToken>

export function createProveApiToken(store: Pick<Store, 'findApiToken' | 'noteApiTokenUse'>): ProveApiToken {
  return async ({ id, secret }, now) => {
    const { version, token } = await store.findApiToken(id, now)
    if (!token || !equalInConstantTime(token.hash, await hashApiToken(secret))) return { version, token: null }
    if (token.lastUsedAt === null || !isWithin(NOTE_USE_EVERY, token.lastUsedAt, now))
      await store.noteApiTokenUse(id, now, NOTE_USE_EVERY)
    return { version, token }
  }
}

/** The secret part has 256 random bits, so one round of SHA-256 is enough. */
export const hashApiToken = (secret: string): Promise<string> => sha256(secret)
