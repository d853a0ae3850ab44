/** Administration of challenges: which ones there are. No OTP is kept, so none can be shown. */
import type { Challenge } from '../core/challenge.ts'
import { isWithin } from '../core/policy/reach.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'

/** @param serial null: of all tokens within reach */
export type ListChallenges = (serial: string | null, facts: Facts) => Promise<readonly Challenge[]>

type Parts = { readonly store: Pick<Store, 'listChallenges' | 'findTokens'>; readonly audit: Audit }

export function createListChallenges({ store, audit }: Parts): ListChallenges {
  return async (serial, facts) => {
    const challenges = await store.listChallenges(serial, facts.now)
    const tokens = await store.findTokens({ serials: [...new Set(challenges.map((one) => one.serial))] })
    const reached = new Set(tokens.filter(({ realms }) => isWithin(realms, facts.within)).map((token) => token.serial))
    await audit.write(facts, { success: true, serial: serial ?? '' })
    return challenges.filter((challenge) => reached.has(challenge.serial))
  }
}
