/** The PIN that a user gives to a token: under the rules of policy for that user (contract 6.7). */
import type { AdminFailure } from '../core/failures.ts'
import { brokenPinRule } from '../core/pin-rules.ts'
import { pinContents, pinMaxLength, pinMinLength } from '../core/policy/selfservice.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Self } from './self-user.ts'

/** What fits beside the OTP in every client, far above what anybody remembers. */
const MAX_PIN = 256

export function checkPin({ policy }: Pick<Self, 'policy'>, pin: string): Result<string, AdminFailure> {
  const rules = {
    min: policy.value(pinMinLength),
    max: policy.value(pinMaxLength),
    contents: policy.value(pinContents),
  }
  const rule = pin.length > MAX_PIN ? `The PIN must have at most ${MAX_PIN} characters.` : brokenPinRule(pin, rules)
  return rule === null ? ok(pin) : err({ code: 'pin_refused', rule })
}
