/** Roll-out tokens have done their work once their owner logs in with another token (`purge_rollout_token`). */
import { purgeRolloutToken } from '../core/policy/actions.ts'
import type { Policy } from '../core/policy/policy.ts'
import type { Token } from '../core/token.ts'
import { isRollout, scopeOf } from '../core/token-scope.ts'
import type { AuditRow, Store } from '../ports/store.ts'
import type { Audit, AuditDetails } from './audit.ts'
import type { Facts } from './facts.ts'

export type Outgrown = { readonly serials: readonly string[]; readonly audit: AuditRow }

/** @returns what goes with the success of `token`; null: nothing does */
export function createRolloutsBeside({ store, audit }: { readonly store: Store; readonly audit: Audit }) {
  return async (
    token: Token,
    policy: Policy,
    { user, realm }: Required<Pick<AuditDetails, 'user' | 'realm'>>,
    facts: Facts,
  ): Promise<Outgrown | null> => {
    const { owner, serial, info } = token
    if (!owner || !policy.value(purgeRolloutToken) || isRollout(scopeOf(info))) return null
    const owned = await store.findTokens({ owners: [owner] })
    const serials = owned
      .filter((one) => one.serial !== serial && isRollout(scopeOf(one.info)))
      .map((one) => one.serial)
    if (serials.length === 0) return null
    const own = { ...facts, requestId: `${facts.requestId}.purge` }
    const details = { user, realm, success: true, serial: serials.join(' '), actionDetail: 'rollout_tokens_removed' }
    return { serials, audit: await audit.row(own, details) }
  }
}
