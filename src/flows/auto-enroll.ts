/**
 * Auto-enrolment: a user without a token who gives the right password gets one (contract 3.8). The password becomes the
 * PIN; `check` opens the first challenge at once.
 */
import type { MatchesPin } from '../core/pass.ts'
import { allowedDestinations, autoEnrollment } from '../core/policy/actions.ts'
import { type Destinations, isWithin } from '../core/policy/destinations.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { TokenType } from '../core/tokens/token-type.ts'
import type { UserRecord } from '../core/users.ts'
import type { Enroll } from './enroll.ts'
import type { Facts } from './facts.ts'
import type { Gathered } from './gather.ts'

/** `serial` was made by this request; null: by one at the same time. */
export type AutoEnrolled = { readonly serial: string | null }
/** null: policy does not say so, the password is wrong, or there is no address to send to. */
export type AutoEnroll = (
  pass: string | null,
  gathered: Gathered,
  password: MatchesPin,
  facts: Facts,
) => Promise<AutoEnrolled | null>

export function createAutoEnroll(enroll: Enroll): AutoEnroll {
  return async (pass, { policy, user, realm }, password, facts) => {
    const chosen = user && chooseType(policy.value(autoEnrollment), user, policy.value(allowedDestinations))
    if (!chosen || realm === null || pass === null || !(await password(pass))) return null
    const { type, address } = chosen
    const command = {
      ...{ type: type.name, user: { user: user.login, realm }, realm: null, serial: null, prefix: null },
      addresses: { [type.addressField]: address },
      ...{ secret: null, generateSecret: null, hash: null, digits: null, pin: pass, keepsPin: true },
      description: `auto enrolled for ${user.login}@${realm}`.slice(0, 80),
      // Of several equal requests one makes the token, the others find it.
      atMost: 1,
    }
    const made = await enroll(command, { ...facts, requestId: `${facts.requestId}.enroll` })
    if (made.ok) return { serial: made.value.serial }
    return made.error.code === 'token_limit_reached' ? { serial: null } : null
  }
}

/** The first type of the list for which the user has an address that may be sent to; `*` stands for sms, then email. */
function chooseType(
  wanted: string,
  user: UserRecord,
  destinations: Destinations,
): { readonly type: TokenType; readonly address: string } | null {
  const names = wanted.trim() === '*' ? ['sms', 'email'] : wanted.toLowerCase().split(/\s+/)
  for (const name of names) {
    const type = findTokenType(name)
    const address = type?.readAddress(user.attributes[type.addressAttribute] ?? '')
    if (type && address && isWithin(destinations, address)) return { type, address }
  }
  return null
}
