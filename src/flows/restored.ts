/**
 * Restored: the database is a copy of an earlier one. What has been sent and answered since is unknown to it, so the
 * challenges that it holds open end, and the counter of each token leaps over the OTPs that may have been used.
 */
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'

/** More OTPs than a token sends between two backups: one each minute for two months. */
const LEAP = 100_000

export type Restored = (facts: Facts) => Promise<{ readonly tokens: number; readonly challenges: number }>

export function createRestored({ store, audit }: { readonly store: Store; readonly audit: Audit }): Restored {
  return async (facts) => store.leapAhead(LEAP, await audit.row(facts, { success: true, info: 'restored' }))
}
