/** Whom a check asks at all, who passes without being asked, and whose token may log in: settings and policies. */
import type { CheckFailure } from '../core/failures.ts'
import type { MatchesPin } from '../core/pass.ts'
import { authorize, passOnNoToken, passthru, tokenSerial, tokenTypes } from '../core/policy/actions.ts'
import { isAuthorizationAsked } from '../core/policy/policy.ts'
import { passOnUserNoToken, passOnUserNotFound } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import type { CheckCommand } from './check.ts'
import type { Gathered } from './gather.ts'

/** Why nobody is asked, or null; `passed`: the answer is yes all the same (contract 2.1, steps 1, 3, 7, 8). */
export async function whatIsMissing(
  command: Pick<CheckCommand, 'user' | 'pass' | 'single'>,
  gathered: Gathered,
  password: MatchesPin,
): Promise<CheckFailure | 'passed' | null> {
  const { settings, policy, failure, tokens } = gathered
  if (isAuthorizationAsked(settings.policies) && !policy.value(authorize)) return 'user_not_authorized'
  if (failure) return failure === 'user_unknown' && settingOf(settings, passOnUserNotFound) ? 'passed' : failure
  if (tokens.length === 0) {
    if (command.user === null || gathered.hasToken) return 'token_missing'
    // Whom the name means is not known then, and who that is may have a token.
    if (gathered.unavailable.length > 0) return 'resolver_unavailable'
    if (settingOf(settings, passOnUserNoToken) || policy.value(passOnNoToken)) return 'passed'
    return policy.value(passthru) && (await password(command.pass ?? '')) ? 'passed' : 'token_missing'
  }
  if (command.single && tokens.length > 1) return 'token_ambiguous'
  return command.pass === null && !command.single ? 'pass_missing' : null
}

/** `tokentype` and `serial` of scope authorization. */
export function mayLogIn({ policy }: Gathered, token: Token): boolean {
  const types = policy.value(tokenTypes).toLowerCase().split(/\s+/).filter(Boolean)
  const pattern = policy.value(tokenSerial)
  return (
    (types.length === 0 || types.includes('*') || types.includes(token.type)) &&
    (pattern === '' || new RegExp(pattern).test(token.serial))
  )
}
