/**
 * Trigger: opens challenges for tokens whose PIN was right, and sends their messages.
 *
 * *commit* burns the counters and names the winner among equal triggers; *deliver* comes after it, so a process that
 * dies in between has handed out no OTP twice and locked nobody out; *note* says what became of the message, to the
 * losers of the race too.
 */
import { type Challenge, transactionIds } from '../core/challenge.ts'
import type { Bucket } from '../core/limits.ts'
import { maskAddress } from '../core/mask.ts'
import { allowedDestinations, maxAttempts, sendLimit } from '../core/policy/actions.ts'
import { isWithin } from '../core/policy/destinations.ts'
import { maxAttemptsSetting, transactionLength } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import { throttleOf } from '../core/throttle.ts'
import type { Seconds } from '../core/time.ts'
import type { Token } from '../core/token.ts'
import type { TokenType } from '../core/tokens/token-type.ts'
import type { OpenCommand, Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { AuditDetails } from './audit.ts'
import { createAwaitDelivery } from './await-delivery.ts'
import { restingLast } from './deliver.ts'
import type { Facts } from './facts.ts'
import { createSend, type Outgoing, type SendCommand, type SendParts } from './send.ts'
import { createSendBuckets, limitName } from './send-limits.ts'
import { chooseProviders, type Target, targetOf, validity } from './target.ts'

export type TriggerCommand = SendCommand & {
  readonly tokens: readonly Token[]
  /** Serials that count a failure in the same commit. */
  readonly failed: readonly string[]
  /** Challenges that were guessed at by the same request. */
  readonly guessed: readonly number[]
  /** Where the client's failures are counted, if this was one as well. */
  readonly failures?: readonly Bucket[]
  readonly subject: Pick<AuditDetails, 'user' | 'realm'>
}

/** One challenge as the client is told of it. */
export type TriggeredChallenge = {
  readonly serial: string
  readonly type: string
  readonly description: string
  readonly transactionId: string
  readonly message: string
  /** What the operator wants clients to be told; empty: nothing of his own. */
  readonly prompt: string
  /** An earlier message is still good; nothing was sent now. */
  readonly alreadySent: boolean
}
export type TriggerOutcome =
  | {
      readonly kind: 'challenged'
      /** The transaction of several tokens; null when one token was asked. */
      readonly parentId: string | null
      readonly challenges: readonly TriggeredChallenge[]
    }
  | { readonly kind: 'rejected'; readonly reason: Unsent }
export type Unsent = 'message_undelivered' | 'challenge_lost' | 'send_limit_reached' | 'destination_not_allowed'

export type Trigger = (command: TriggerCommand, facts: Facts) => Promise<TriggerOutcome>

type Parts = SendParts & { readonly store: Store; readonly vault: Vault }

/** One on its way to a challenge. */
type Opening = OpenCommand['openings'][number] & Outgoing

/** @param sendDeadline seconds that one delivery may take; the time-out of the deliveries behind `parts.deliver` */
export function createTrigger(parts: Parts, sendDeadline: Seconds): Trigger {
  const { store, audit, edges } = parts
  const send = createSend(parts)
  // One second more than a delivery takes: what is still pending then was lost with its process.
  const lostAfter = sendDeadline + 1
  const awaitDelivery = createAwaitDelivery(parts, lostAfter)
  const bucketsOf = createSendBuckets(parts.vault)

  return async (command, facts) => {
    const destinations = command.policy.value(allowedDestinations)
    const targets = command.tokens.flatMap((token) => targetOf(token, command.policy, command.owner) ?? [])
    const [inside, outside] = divide(targets, ({ to }) => to === null || isWithin(destinations, to))
    const { parentId, openings } = await prepare(inside, command, facts)
    const row = (chosen: readonly Target[], actionDetail: string, info = '') =>
      audit.row(facts, { ...detailsOf(chosen, command), actionDetail, info })
    // The same batch also when nothing is left to open, so that the failures are counted, and time does not tell.
    const { opened, blocking, limited, resting } = await store.open({
      requestId: facts.requestId,
      now: facts.now,
      throttle: throttleOf(command.settings),
      parentId,
      openings: openings.map(({ type: _type, providers: _providers, to: _to, ...opening }) => opening),
      failed: command.failed,
      guessed: command.guessed,
      ...(command.failures ? { failures: command.failures } : {}),
      sendDeadline: lostAfter,
      audit: {
        done: await row(openings, 'challenge_created'),
        blocked: await row(openings, 'challenge_pending'),
        limited: await row(openings, 'send_limit_reached'),
        lost:
          inside.length > 0
            ? await row(openings, 'challenge_lost')
            : await row(outside, 'destination_not_allowed', masked(outside)),
      },
    })
    const overLimit = openings.filter(({ token }) => limited.some(({ serial }) => serial === token.serial))
    const nothing = opened.length + blocking.length === 0
    // What is withheld beside another token's challenge has a row of its own.
    await withhold(outside, 'destination_not_allowed', inside.length > 0 ? 'outside' : null, command, facts)
    const limits = new Map(limited.map(({ serial, bucket }) => [serial, limitName(bucket)]))
    await withhold(overLimit, 'send_limit_reached', nothing ? null : 'limited', command, facts, limits)

    const replies = await Promise.all(
      openings.map(async (opening): Promise<TriggeredChallenge | 'undelivered' | null> => {
        const { serial } = opening.token
        const challenge = opened.find((c) => c.serial === serial)
        if (challenge) {
          const providers = restingLast(opening.providers, resting)
          const delivered = await send({ ...opening, providers }, challenge, command, facts)
          return delivered ? describe(opening, challenge, false) : 'undelivered'
        }
        const earlier = blocking.find((c) => c.serial === serial)
        if (!earlier) return null
        const state = await awaitDelivery(earlier, facts.now)
        return state === 'undelivered' ? state : describe(opening, earlier, true)
      }),
    )
    const challenges = replies.filter((reply) => reply !== null && reply !== 'undelivered')
    const top = (opened[0] ?? blocking[0])?.parentId ?? parentId
    if (challenges.length > 0) return { kind: 'challenged', parentId: openings.length > 1 ? top : null, challenges }
    if (replies.includes('undelivered')) return { kind: 'rejected', reason: 'message_undelivered' }
    if (overLimit.length > 0) return { kind: 'rejected', reason: 'send_limit_reached' }
    return { kind: 'rejected', reason: inside.length === 0 ? 'destination_not_allowed' : 'challenge_lost' }
  }

  /** @param suffix of the request id of a row of its own; null: the row of the request tells of it */
  async function withhold(
    targets: readonly Target[],
    reason: Unsent,
    suffix: string | null,
    command: TriggerCommand,
    facts: Facts,
    limits: ReadonlyMap<string, string> = new Map(),
  ): Promise<void> {
    for (const { token, to } of targets)
      edges.log.warn('message_withheld', {
        ...{ request: facts.requestId, serial: token.serial, reason, limit: limits.get(token.serial) },
        to: to === null ? '' : maskAddress(to),
      })
    if (suffix === null || targets.length === 0) return
    const own = { ...facts, requestId: `${facts.requestId}.${suffix}` }
    await audit.write(own, { ...detailsOf(targets, command), actionDetail: reason, info: masked(targets) })
  }

  async function prepare(
    targets: readonly Target[],
    { settings, policy, owner }: TriggerCommand,
    facts: Facts,
  ): Promise<{ parentId: string; openings: readonly Opening[] }> {
    const { parentId, ids } = transactionIds(targets.length, settingOf(settings, transactionLength), edges.random)
    const buckets = await Promise.all(targets.map(({ to }) => bucketsOf(settings, { to, owner }, facts)))
    const openings = targets.flatMap((target, n): readonly Opening[] => {
      const { token, type } = target
      const transactionId = ids[n]
      if (transactionId === undefined) return []
      const providers = chooseProviders(settings, type, policy)
      return [
        {
          ...target,
          providers,
          transactionId,
          message: settingOf(settings, type.settings.prompt) || type.sent,
          validity: validity(settings, token, type, providers[0] ?? null),
          blocking: settingOf(settings, type.settings.blocking),
          maxAttempts: policy.value(maxAttempts) ?? settingOf(settings, maxAttemptsSetting),
          step: type.counterStep,
          limits: policy.value(sendLimit),
          buckets: buckets[n] ?? [],
          stamp: type.stamp(settings, facts.now),
        },
      ]
    })
    return { parentId, openings }
  }
}

/** The operator's own words among those that were kept with a challenge. */
export const promptOf = ({ message }: Challenge, type: TokenType | undefined): string =>
  message === type?.sent ? '' : message

const describe = (
  { token, type, message }: Opening,
  challenge: Challenge,
  alreadySent: boolean,
): TriggeredChallenge => ({
  serial: token.serial,
  type: token.type,
  description: token.description,
  transactionId: challenge.transactionId,
  message: alreadySent ? type.alreadySent : message,
  prompt: promptOf(challenge, type),
  alreadySent,
})

const divide = <T>(items: readonly T[], first: (item: T) => boolean): readonly [readonly T[], readonly T[]] => [
  items.filter(first),
  items.filter((item) => !first(item)),
]

const detailsOf = (targets: readonly Target[], { subject }: TriggerCommand): AuditDetails => ({
  ...subject,
  success: false,
  serial: targets.map(({ token }) => token.serial).join(' '),
  tokenType: [...new Set(targets.map(({ type }) => type.name))].join(' '),
})

const masked = (targets: readonly Target[]): string => targets.map(({ to }) => maskAddress(to ?? '')).join(' ')
