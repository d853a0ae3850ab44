/**
 * Who acts in self-service: the user of a session as resolvers and policies have them at this moment. Somebody who is no
 * longer found, or whose login is another person's by now, is nobody, whatever session they hold.
 */
import type { AdminFailure, CheckFailure } from '../core/failures.ts'
import type { Action } from '../core/policy/action.ts'
import type { Policy } from '../core/policy/policy.ts'
import { err, ok, type Result } from '../core/result.ts'
import { selfserviceExpiry } from '../core/setting-keys.ts'
import { type Settings, settingOf } from '../core/settings.ts'
import { liesAhead } from '../core/time.ts'
import type { Owner, Token } from '../core/token.ts'
import type { UserSession } from '../ports/self-service.ts'
import type { CheckCommand, SelfCheck } from './check.ts'
import type { Facts } from './facts.ts'
import type { Gather } from './gather.ts'
import type { RealmUser } from './self-session.ts'

export type Self = RealmUser & {
  readonly settings: Settings
  readonly policy: Policy
  /** Those the user owns, in the order of their enrolment. */
  readonly tokens: readonly Token[]
}
/** Else why there is nobody. */
export type FindSelf = (session: UserSession, facts: Facts) => Promise<Result<Self, CheckFailure | 'session_ahead'>>

export function createFindSelf(gather: Gather): FindSelf {
  return async (session, facts) => {
    const { settings, policy, failure, user, realm, tokens } = await gather(checkOf(session, {}, 'ignore_pin'), facts)
    // It would last longer than any that begins now: the clock was set back, or the setting was lowered.
    if (liesAhead(session.expiresAt, facts.now + settingOf(settings, selfserviceExpiry))) return err('session_ahead')
    return user && realm !== null ? ok({ settings, policy, user, realm, tokens }) : err(failure ?? 'user_unknown')
  }
}

/** A check of exactly this user, whatever policy makes of the name. */
export function checkOf(
  { resolver, userId, login, realm }: Pick<UserSession, 'resolver' | 'userId' | 'login' | 'realm'>,
  asked: Partial<Pick<CheckCommand, 'serial' | 'pass' | 'transactionId' | 'proposed'>>,
  pinRule: SelfCheck['pinRule'],
  verifies = false,
): CheckCommand {
  const nothing = { serial: null, tokenType: null, pass: '', transactionId: null }
  return {
    ...{ ...nothing, proposed: { text: null, fallback: null }, ...asked },
    user: { user: login, realm, resConf: resolver },
    self: { owner: { resolver, userId }, pinRule, verifies },
  }
}

export const ownerOf = ({ user: { userId, resolver } }: RealmUser): Owner => ({ userId, resolver })

/** User and realm as the audit has them. */
export const whoIs = ({ user, realm }: RealmUser) => ({ user: user.login, realm })

/** No policy that says so, no right. */
export const holds = ({ policy }: Self, right: Action<boolean>): Result<true, AdminFailure> =>
  policy.value(right) ? ok(true) : err({ code: 'self_right_missing' })
