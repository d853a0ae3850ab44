/**
 * Challenge for: challenges of a user or a token that somebody asks for who need not know the PIN, since he is trusted
 * to have checked the user in another way. The answer is then judged by `check`, as any other.
 *
 * Gather, decide which tokens can be asked at all, then `trigger`. Nothing is counted: nobody has guessed.
 */
import { whyUnusable } from '../core/check.ts'
import type { AdminFailure, CheckFailure } from '../core/failures.ts'
import { authorize } from '../core/policy/actions.ts'
import { isAuthorizationAsked } from '../core/policy/policy.ts'
import { isWithin } from '../core/policy/reach.ts'
import { err, ok, type Result } from '../core/result.ts'
import { throttleOf } from '../core/throttle.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { TurnedAway } from './admission.ts'
import type { Audit } from './audit.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import { createGather } from './gather.ts'
import type { SettingsCache } from './settings.ts'
import type { Trigger, TriggeredChallenge } from './trigger.ts'
import { type UserSelection, userWithin } from './users.ts'

export type ChallengeForCommand = {
  /** null: the request names a token. */
  readonly user: UserSelection | null
  readonly serial: string | null
  readonly tokenType: string | null
}
export type ChallengeForOutcome =
  | {
      readonly kind: 'challenged'
      readonly parentId: string | null
      readonly challenges: readonly TriggeredChallenge[]
    }
  | { readonly kind: 'rejected'; readonly reason: CheckFailure }
export type ChallengeFor = (
  command: ChallengeForCommand,
  facts: Facts,
) => Promise<Result<ChallengeForOutcome, AdminFailure> | TurnedAway>

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly settings: SettingsCache
  readonly audit: Audit
  readonly trigger: Trigger
  readonly directories: Directories
}

export function createChallengeFor(parts: Parts): ChallengeFor {
  const { vault, edges, audit, trigger } = parts
  const gather = createGather(parts)

  return async (command, facts) => {
    const asked = {
      ...command,
      ...{ pass: null, transactionId: null, proposed: { text: null, fallback: null } },
    }
    const { settings, policy, refusal, failure, tokens, realm, owner, who } = await gather(asked, facts)
    if (refusal) return { kind: 'turned_away', refusal }
    const reached = command.user ? userWithin(command.user, settings, facts) : ok(true)
    if (!reached.ok) return reached
    if (tokens.some((token) => !isWithin(token.realms, facts.within)))
      return err({ code: 'right_elsewhere', what: 'token' })
    const refuse = async (reason: CheckFailure): Promise<Result<ChallengeForOutcome, AdminFailure>> => {
      await audit.write(facts, {
        ...who,
        success: false,
        serial: tokens.map((token) => token.serial).join(' '),
        tokenType: [...new Set(tokens.map((token) => token.type))].join(' '),
        actionDetail: reason,
      })
      return ok({ kind: 'rejected', reason })
    }
    if (isAuthorizationAsked(settings.policies) && !policy.value(authorize)) return refuse('user_not_authorized')
    if (failure) return refuse(failure)
    const asking = { realm, path: facts.path ?? facts.action, throttle: throttleOf(settings), verifies: false }
    const usable = tokens.filter((token) => whyUnusable(token, asking, facts.now) === null)
    const [first] = tokens
    if (usable.length === 0) return refuse((first && whyUnusable(first, asking, facts.now)) ?? 'token_missing')

    const opened = await Promise.all(
      usable.map(async ({ serial, sealedSecret }) => {
        const secret = await vault.open(sealedSecret, place.secret(serial))
        if (!secret.ok) edges.log.error('token_unreadable', { request: facts.requestId, serial, reason: 'secret' })
        return secret.ok ? [[serial, secret.value] as const] : []
      }),
    )
    const secrets = new Map(opened.flat())
    const readable = usable.filter(({ serial }) => secrets.has(serial))
    if (readable.length === 0) return refuse('token_unreadable')
    const proposed = { text: null, fallback: null }
    return ok(
      await trigger(
        { settings, policy, tokens: readable, secrets, failed: [], guessed: [], owner, proposed, subject: who },
        facts,
      ),
    )
  }
}
