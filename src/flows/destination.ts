/** An address that an administrator gives to a token, under `allowed_destinations`: refused now rather than at login. */
import type { AdminFailure } from '../core/failures.ts'
import { allowedDestinations } from '../core/policy/actions.ts'
import { isWithin } from '../core/policy/destinations.ts'
import type { Policy } from '../core/policy/policy.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { TokenType } from '../core/tokens/token-type.ts'

/** Where policy sends to the user's present address, that of the token may be anything: sending asks again. */
export function checkDestination(type: TokenType, policy: Policy, address: string): Result<string, AdminFailure> {
  if (policy.value(type.actions.dynamicAddress) || isWithin(policy.value(allowedDestinations), address))
    return ok(address)
  const rule = 'must be a destination that policy allows (allowed_destinations)'
  return err({ code: 'parameter_invalid', field: type.addressField, rule })
}
