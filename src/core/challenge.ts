/**
 * Challenge: one OTP sent out of band to one token, and what may still happen to it.
 *
 * Terms: out-of-band authenticator and throttling, NIST SP 800-63B §5.1.3 and §5.2.2; moving factor, RFC 4226 §5.1.
 * Pure. The same rules stand as SQL guards in adapters/store/challenges.ts; test/contract/store.ts holds the two together.
 */
import { type Instant, liesAhead, type Seconds } from './time.ts'

/** `open` is left once and for good. `superseded`: another challenge of the transaction or a newer one was accepted. */
export type ChallengeState = 'open' | 'accepted' | 'exhausted' | 'superseded'
/** `pending`: committed, the message may be under way. `undelivered`: nobody took the message, so nobody may answer. */
export type DeliveryState = 'pending' | 'delivered' | 'undelivered'

export type Challenge = {
  readonly id: number
  readonly transactionId: string
  /** The transaction that `.01`, `.02` belong to, the newest that lists it; `transactionId` for one on its own. */
  readonly parentId: string
  readonly serial: string
  /** Moving factor C of the OTP that was sent. Never handed out twice. */
  readonly counter: number
  readonly state: ChallengeState
  readonly delivery: DeliveryState
  /** Responses already paid for. */
  readonly attempts: number
  /** 0: bounded by the token's fail count alone. */
  readonly maxAttempts: number
  readonly message: string
  readonly createdAt: Instant
  /** The first second in which it can no longer be answered. Expiry is derived from this, no job writes it. */
  readonly expiresAt: Instant
}

/**
 * May this challenge still be answered? One from before the clock was set back would live for longer than it was made
 * for, so it is over.
 */
export function isAnswerable(challenge: Challenge, now: Instant): boolean {
  return (
    challenge.state === 'open' &&
    challenge.delivery !== 'undelivered' &&
    now < challenge.expiresAt &&
    !liesAhead(challenge.createdAt, now) &&
    (challenge.maxAttempts === 0 || challenge.attempts < challenge.maxAttempts)
  )
}

/**
 * Does a transaction id that a client sent mean this challenge? A parent means all of its transaction, also those that
 * a later one has taken over; a sub-transaction (`.01`) itself alone; a truncated id means nothing (contract 2.3).
 */
export const belongsTo = (challenge: Challenge, transactionId: string): boolean =>
  challenge.transactionId === transactionId ||
  challenge.parentId === transactionId ||
  challenge.transactionId.startsWith(`${transactionId}.`)

/**
 * A transaction id: decimal digits from random bytes, without modulo bias.
 *
 * @param length number of digits, 12 to 17 (contract 2.3)
 * @param random gives that many random bytes; asked again for the few bytes that are thrown away
 */
export function newTransactionId(length: number, random: (bytes: number) => Uint8Array): string {
  let digits = ''
  while (digits.length < length) for (const byte of random(length)) if (byte < 250) digits += String(byte % 10)
  return digits.slice(0, length)
}

/** The ids of one trigger: one full-length id, or a shorter parent with `.01`, `.02` … of the same total length. */
export function transactionIds(count: number, length: number, random: (bytes: number) => Uint8Array): TransactionIds {
  if (count === 1) {
    const id = newTransactionId(length, random)
    return { parentId: id, ids: [id] }
  }
  const parentId = newTransactionId(length - 3, random)
  return { parentId, ids: Array.from({ length: count }, (_, n) => `${parentId}.${String(n + 1).padStart(2, '0')}`) }
}
export type TransactionIds = { readonly parentId: string; readonly ids: readonly string[] }

/** A challenge lives as long as the shorter of the two; a provider time-out of 0 or none does not count. */
export function validityOf(configured: Seconds, providerTimeout: Seconds | null): Seconds {
  return providerTimeout !== null && providerTimeout > 0 ? Math.min(configured, providerTimeout) : configured
}
