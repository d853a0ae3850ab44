/** Where a message to a token goes, and through which providers. */
import { validityOf } from '../core/challenge.ts'
import type { Policy } from '../core/policy/policy.ts'
import { challengeValidity, type ProviderRecord, type Settings } from '../core/settings.ts'
import type { Seconds } from '../core/time.ts'
import { hasDynamicAddress, ownChallengeValidity, type Token } from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { TokenType } from '../core/tokens/token-type.ts'
import type { UserRecord } from '../core/users.ts'

/** A token and where its messages go; null: there is no address, or none that can be read. */
export type Target = { readonly token: Token; readonly type: TokenType; readonly to: string | null }

/** @returns null for a token of a type that is not known */
export function targetOf(token: Token, policy: Policy, owner: UserRecord | null): Target | null {
  const type = findTokenType(token.type)
  return type ? { token, type, to: type.readAddress(addressOf(token, type, policy, owner)) } : null
}

/** An owner's attribute that is missing falls back to the token's address, an empty one does not (contract 3.6). */
function addressOf(token: Token, type: TokenType, policy: Policy, owner: UserRecord | null): string {
  const own = String(token.info[type.addressField] ?? '')
  const dynamic = hasDynamicAddress(token) || policy.value(type.actions.dynamicAddress)
  return owner && dynamic ? (owner.attributes[type.addressAttribute] ?? own) : own
}

/** Policy names the providers, in order; without a policy the default serves. A name that does not exist sends nothing. */
export function chooseProviders(settings: Settings, type: TokenType, policy: Policy): readonly ProviderRecord[] {
  const ofType = settings.providers.filter((provider) => provider.type === type.channel)
  const chosen = policy.value(type.actions.providers).trim()
  if (chosen === '') return ofType.filter((provider) => provider.isDefault)
  const names = ofType.some((provider) => provider.name === chosen) ? [chosen] : chosen.split(/\s+/)
  return names.flatMap((name) => ofType.filter((provider) => provider.name === name))
}

/** Seconds that a challenge of this token is valid when this provider sends its message. */
export function validity(settings: Settings, token: Token, type: TokenType, provider: ProviderRecord | null): Seconds {
  const configured = ownChallengeValidity(token) ?? challengeValidity(settings, type.name)
  return validityOf(configured, type.validityBound(settings, provider))
}
