/** Lockout: what administrators would lose by a change of policies (contract 6.1). */
import { type CompiledPolicy, compilePolicy, type PolicyRecord } from '../core/policy/policy.ts'
import { type Right, reachOf } from '../core/policy/reach.ts'
import { readActions } from '../core/policy/text.ts'
import type { Settings } from '../core/settings.ts'
import type { Facts } from './facts.ts'

export const compiled = (record: PolicyRecord): readonly CompiledPolicy[] => {
  const read = compilePolicy(record)
  return read.ok ? [read.value] : []
}

const OWN_RIGHTS = [
  { scope: 'system', action: 'write' },
  { scope: 'admin', action: null },
] as const

/** Rights that the administrator has by policy and would no longer have. */
export function lostRights(settings: Settings, after: readonly CompiledPolicy[], { by, client, time }: Facts) {
  if (!by) return []
  const asked = { administrator: { ...by, grant: null }, client, time }
  const has = (policies: readonly CompiledPolicy[], right: Right) =>
    !('missing' in reachOf({ policies, realms: settings.realms }, asked, [[right]]))
  return OWN_RIGHTS.filter((right) => has(settings.policies, right) && !has(after, right))
}

export const lossText = ({ scope, action }: Right): string =>
  `you would no longer have ${action === null ? 'any right' : `the right '${action}'`} of scope ${scope} yourself`

/**
 * Would nobody be left who may write policies, or not the one who is about to? Asked only when a policy of scope system is
 * at stake (contract 6.1).
 */
export function lockout(
  after: readonly PolicyRecord[],
  changed: readonly PolicyRecord[],
  lost: readonly Right[],
): string | null {
  const stake = changed.filter(({ scope }) => scope === 'system')
  if (stake.length === 0) return null
  const system = after.filter(({ scope, active }) => scope === 'system' && active)
  if (stake.some((policy) => system.includes(policy) && policy.user.trim() === ''))
    return 'the user of a system policy must not be empty'
  if (system.length === 0) return null
  const writes = system.some(({ action }) => {
    const actions = readActions(action)
    return actions.ok && (actions.value.get('write') === true || actions.value.has('*'))
  })
  if (!writes) return "no active system policy with 'write' permission defined"
  const own = lost.find(({ scope }) => scope === 'system')
  return own ? lossText(own) : null
}
