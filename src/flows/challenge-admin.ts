/** Administration of challenges: which ones there are. No OTP is kept, so none can be shown. */
import type { Challenge } from '../core/challenge.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'

export type ListChallenges = (serial: string | null, facts: Facts) => Promise<readonly Challenge[]>

export function createListChallenges({
  store,
  audit,
}: {
  readonly store: Pick<Store, 'listChallenges'>
  readonly audit: Audit
}): ListChallenges {
  return async (serial, facts) => {
    const challenges = await store.listChallenges(serial, facts.now)
    await audit.write(facts, { success: true, serial: serial ?? '' })
    return challenges
  }
}
