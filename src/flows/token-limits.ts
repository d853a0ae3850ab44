/** What policy says about numbers of tokens (contract 6.6), for tokens that get an owner, a realm, or are enabled. */
import { maxToken, tokenCount } from '../core/policy/actions.ts'
import type { Policy } from '../core/policy/policy.ts'
import type { Token } from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { TokenLimit } from '../ports/store.ts'

/** The tokens as they will be, each with the policy that holds for it then. */
export type Joining = {
  readonly token: Pick<Token, 'serial' | 'type' | 'owner' | 'realms' | 'active'>
  readonly policy: Policy
}

export function limitsOf(joining: readonly Joining[], kinds: readonly TokenLimit['kind'][]): readonly TokenLimit[] {
  const limits = new Map<string, TokenLimit>()
  const add = (key: readonly unknown[], serial: string, limit: WithoutJoining) => {
    const known = limits.get(JSON.stringify(key))
    limits.set(JSON.stringify(key), {
      ...limit,
      atMost: Math.min(known?.atMost ?? limit.atMost, limit.atMost),
      joining: [...(known?.joining ?? []), serial],
    })
  }
  for (const { token, policy } of joining) {
    const { serial, type, owner, realms, active } = token
    const [all, ofType, inRealm] = [
      policy.value(maxToken),
      policy.value(findTokenType(type)?.actions.limit ?? maxToken),
      policy.value(tokenCount),
    ]
    if (owner && all !== null && kinds.includes('ofUser'))
      add(['ofUser', owner], serial, { kind: 'ofUser', owner, atMost: all })
    if (owner && ofType !== null && kinds.includes('ofUserAndType'))
      add(['ofUserAndType', owner, type], serial, { kind: 'ofUserAndType', owner, type, atMost: ofType })
    if (inRealm !== null && active && kinds.includes('activeInRealm'))
      for (const realm of realms)
        add(['activeInRealm', realm], serial, { kind: 'activeInRealm', realm, atMost: inRealm })
  }
  return [...limits.values()]
}

type WithoutJoining = TokenLimit extends infer L ? (L extends TokenLimit ? Omit<L, 'joining'> : never) : never
