/** What directories said, in this process: bounded in number and in time. Passwords are no part of it. */
import type { Instant, Seconds } from '../core/time.ts'
import type { UserRecord } from '../core/users.ts'

/** Of all resolvers together. */
const MAX_ENTRIES = 10_000
/** That there is nobody is believed for this part of the time, and for so long at most. */
const NEGATIVE_PART = 10
const NEGATIVE_MAX: Seconds = 30

export type Question = {
  readonly resolver: string
  /** The configuration that answered; under another one the question is a new one. */
  readonly sealedConfig: string
  readonly kind: 'login' | 'id'
  readonly value: string
}
export type LookupCache = {
  readonly get: (question: Question, now: Instant) => readonly UserRecord[] | undefined
  readonly put: (question: Question, users: readonly UserRecord[], lifetime: Seconds, now: Instant) => void
  /** Forgets what a resolver said under any configuration. */
  readonly drop: (resolver: string) => void
}

type Entry = {
  readonly resolver: string
  readonly sealedConfig: string
  readonly users: readonly UserRecord[]
  readonly since: Instant
  readonly until: Instant
}

export function createLookupCache(maxEntries = MAX_ENTRIES): LookupCache {
  // A Map keeps the order of insertion: what was asked for longest ago stands first.
  const entries = new Map<string, Entry>()
  const keyOf = ({ resolver, kind, value }: Question) => JSON.stringify([resolver, kind, value])

  return {
    get: (question, now) => {
      const key = keyOf(question)
      const entry = entries.get(key)
      if (!entry) return undefined
      entries.delete(key)
      // Where the clock was set back nobody knows how old it is.
      if (entry.until <= now || now < entry.since || entry.sealedConfig !== question.sealedConfig) return undefined
      entries.set(key, entry)
      return entry.users
    },
    put: (question, users, lifetime, now) => {
      const negative = Math.min(NEGATIVE_MAX, Math.ceil(lifetime / NEGATIVE_PART))
      const until = now + (users.length > 0 ? lifetime : negative)
      const key = keyOf(question)
      entries.delete(key)
      entries.set(key, { resolver: question.resolver, sealedConfig: question.sealedConfig, users, since: now, until })
      for (const oldest of entries.keys()) {
        if (entries.size <= maxEntries) break
        entries.delete(oldest)
      }
    },
    drop: (resolver) => {
      for (const [key, entry] of entries) if (entry.resolver === resolver) entries.delete(key)
    },
  }
}
