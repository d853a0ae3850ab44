/**
 * Enrolment by users themselves (contract 10.3, enroll): as far as policy gives the right, with a PIN exactly where they
 * may set one, to an address of their own where policy says so. The secret is made here and told to nobody, so that what
 * is sent to the address stays the only way to the OTP.
 */
import type { AdminFailure } from '../core/failures.ts'
import { maySetPin } from '../core/policy/selfservice.ts'
import { err, ok, type Result } from '../core/result.ts'
import { requireVerification } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { TokenType } from '../core/tokens/token-type.ts'
import type { Enroll, EnrollCommand, Enrolled } from './enroll.ts'
import type { Facts } from './facts.ts'
import { checkPin } from './self-pin.ts'
import { holds, type Self } from './self-user.ts'

export type SelfEnrollCommand = Omit<EnrollCommand, 'user' | 'realm' | 'self' | 'atMost' | 'type'> & {
  readonly type: string | null
}
export type SelfEnroll = (self: Self, command: SelfEnrollCommand, facts: Facts) => Promise<Enrolled>

export function createSelfEnroll(enroll: Enroll): SelfEnroll {
  return async (self, command, facts) => {
    // LinOTP's quotes around the name, and around these the ones of the sentence.
    if (command.type === null) return err({ code: 'parameter_missing', field: "'type'" })
    const allowed = mayEnroll(self, command)
    if (!allowed.ok) return allowed
    const { user, realm, settings } = self
    return enroll(
      {
        ...command,
        type: command.type,
        user: { user: user.login, realm, resConf: user.resolver },
        realm: null,
        self: { realm, unverified: settingOf(settings, requireVerification) },
      },
      facts,
    )
  }
}

function mayEnroll(self: Self, command: SelfEnrollCommand): Result<unknown, AdminFailure> {
  const type = findTokenType(command.type ?? '')
  const right = type ? holds(self, type.actions.selfEnroll) : err({ code: 'self_right_missing' } as const)
  if (!type || !right.ok) return right
  if (command.secret !== null)
    return err({ code: 'parameter_invalid', field: 'otpkey', rule: 'must not be given: the secret is made here' })
  const { login: user } = self.user
  const maySet = self.policy.value(maySetPin)
  if (command.pin === null && maySet) return err({ code: 'pin_missing', user })
  if (command.pin !== null && !maySet) return err({ code: 'pin_not_allowed', user })
  const pin = command.pin === null ? ok(null) : checkPin(self, command.pin)
  return pin.ok ? checkAddress(self, type, command) : pin
}

/** `edit_email`, `edit_sms`: only the address that the resolver has for the user. */
function checkAddress({ user, policy }: Self, type: TokenType, { addresses }: SelfEnrollCommand) {
  const given = addresses[type.addressField]
  if (given === undefined || policy.value(type.actions.selfEdit) !== 0) return ok(null)
  const own = user.attributes[type.addressAttribute] || user.attributes[type.fallbackAttribute ?? ''] || ''
  return own.trim() !== '' && given.trim() === own.trim()
    ? ok(null)
    : err({ code: 'address_not_own', field: type.addressField } as const)
}
