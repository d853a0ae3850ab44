/**
 * Trigger: opens challenges for tokens whose PIN was right, and sends their messages.
 *
 * *commit* burns the counters and names the winner among equal triggers; *deliver* comes after it, so a process that
 * dies in between has handed out no OTP twice and locked nobody out; *note* says what became of the message, to the
 * losers of the race too.
 */
import { type Challenge, transactionIds, validityOf } from '../core/challenge.ts'
import { hotp } from '../core/hotp.ts'
import { preferredLanguages } from '../core/language.ts'
import { maskAddress } from '../core/mask.ts'
import { allowedDestinations, language, maxAttempts, sendLimit } from '../core/policy/actions.ts'
import { isWithin } from '../core/policy/destinations.ts'
import type { Policy } from '../core/policy/policy.ts'
import { maxAttemptsSetting, transactionLength } from '../core/setting-keys.ts'
import { challengeValidity, type ProviderRecord, type Settings, settingOf } from '../core/settings.ts'
import { smsParts } from '../core/sms-parts.ts'
import { fill } from '../core/template.ts'
import type { Seconds } from '../core/time.ts'
import { ownChallengeValidity, type Token } from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { ProposedText, TokenType } from '../core/tokens/token-type.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { OpenCommand, Store } from '../ports/store.ts'
import type { Audit, AuditDetails } from './audit.ts'
import { createAwaitDelivery } from './await-delivery.ts'
import { type Deliver, type DeliveryResult, type Render, restingLast } from './deliver.ts'
import type { Facts } from './facts.ts'
import type { MessagePlan } from './message.ts'

export type TriggerCommand = {
  readonly settings: Settings
  readonly tokens: readonly Token[]
  /** Secrets of `tokens`, opened by the caller's step *prove*. */
  readonly secrets: ReadonlyMap<string, Uint8Array>
  /** Serials that count a failure in the same commit. */
  readonly failed: readonly string[]
  /** The policy for the user that was named, else for the owner of the tokens. */
  readonly policy: Policy
  readonly owner: UserRecord | null
  /** Texts that the client proposed. */
  readonly proposed: ProposedText
  readonly subject: Pick<AuditDetails, 'user' | 'realm'>
}

/** One challenge as the client is told of it. */
export type TriggeredChallenge = {
  readonly serial: string
  readonly type: string
  readonly description: string
  readonly transactionId: string
  readonly message: string
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

type Parts = {
  readonly store: Store
  readonly audit: Audit
  readonly deliver: Deliver
  readonly messages: (plan: MessagePlan) => Render
  readonly edges: Edges
}

/** A token and where its messages go; null: there is no address, or none that can be read. */
type Target = { readonly token: Token; readonly type: TokenType; readonly to: string | null }
/** One on its way to a challenge. */
type Opening = OpenCommand['openings'][number] & Target & { readonly providers: readonly ProviderRecord[] }

/** @param sendDeadline seconds that one delivery may take; the time-out of the deliveries behind `parts.deliver` */
export function createTrigger(parts: Parts, sendDeadline: Seconds): Trigger {
  const { store, audit, deliver, messages, edges } = parts
  // One second more than a delivery takes: what is still pending then was lost with its process.
  const lostAfter = sendDeadline + 1
  const awaitDelivery = createAwaitDelivery(parts, lostAfter)

  return async (command, facts) => {
    const destinations = command.policy.value(allowedDestinations)
    const targets = command.tokens.flatMap((token) => targetOf(token, command) ?? [])
    const [inside, outside] = divide(targets, ({ to }) => to === null || isWithin(destinations, to))
    const { parentId, openings } = prepare(inside, command, facts)
    const row = (chosen: readonly Target[], actionDetail: string, info = '') =>
      audit.row(facts, { ...detailsOf(chosen, command), actionDetail, info })
    // The same batch also when nothing is left to open, so that the failures are counted, and time does not tell.
    const { opened, blocking, limited, resting } = await store.open({
      requestId: facts.requestId,
      now: facts.now,
      parentId,
      openings: openings.map(({ type: _type, providers: _providers, to: _to, ...opening }) => opening),
      failed: command.failed,
      sendDeadline: lostAfter,
      audit: {
        done: await row(openings, 'challenge_created'),
        blocked:
          inside.length > 0
            ? await row(openings, 'challenge_pending')
            : await row(outside, 'destination_not_allowed', masked(outside)),
        limited: await row(openings, 'send_limit_reached'),
      },
    })
    const overLimit = openings.filter(({ token }) => limited.includes(token.serial))
    const nothing = opened.length + blocking.length === 0
    // What is withheld beside another token's challenge has a row of its own.
    await withhold(outside, 'destination_not_allowed', inside.length > 0 ? 'outside' : null, command, facts)
    await withhold(overLimit, 'send_limit_reached', nothing ? null : 'limited', command, facts)

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
  ): Promise<void> {
    for (const { token, to } of targets)
      edges.log.warn('message_withheld', {
        ...{ request: facts.requestId, serial: token.serial, reason },
        to: to === null ? '' : maskAddress(to),
      })
    if (suffix === null || targets.length === 0) return
    const own = { ...facts, requestId: `${facts.requestId}.${suffix}` }
    await audit.write(own, { ...detailsOf(targets, command), actionDetail: reason, info: masked(targets) })
  }

  function prepare(
    targets: readonly Target[],
    { settings, policy }: TriggerCommand,
    facts: Facts,
  ): { parentId: string; openings: readonly Opening[] } {
    const { parentId, ids } = transactionIds(targets.length, settingOf(settings, transactionLength), edges.random)
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
          stamp: type.stamp(settings, facts.now),
        },
      ]
    })
    return { parentId, openings }
  }

  /** Renders, delivers and notes; true when a provider took the message. */
  async function send(opening: Opening, challenge: Challenge, command: TriggerCommand, facts: Facts): Promise<boolean> {
    const { token, providers } = opening
    const result = await transmit(opening, challenge, command, facts)
    const provider = result.provider ?? providers[0] ?? null
    const note = { requestId: facts.requestId, serial: token.serial, at: facts.now }
    await store.noteDelivery({
      ...note,
      challengeId: challenge.id,
      delivered: result.delivered,
      message: opening.message,
      expiresAt: challenge.createdAt + validity(command.settings, token, opening.type, provider),
      tries: await audit.sealTries({ ...note, tries: result.tries }),
      rests: {
        now: edges.clock(),
        failed: result.failed.map(({ type, name, sealedConfig }) => ({ type, name, sealedConfig })),
        took: result.provider && { type: result.provider.type, name: result.provider.name },
      },
    })
    if (!result.delivered)
      edges.log.error('message_undelivered', {
        request: facts.requestId,
        serial: token.serial,
        reason: result.tries.map((t) => `${t.provider}: ${t.reason}`).join(', '),
      })
    return result.delivered
  }

  async function transmit(
    opening: Opening,
    challenge: Challenge,
    command: TriggerCommand,
    facts: Facts,
  ): Promise<DeliveryResult> {
    const { settings, policy } = command
    const { token, type, providers, to } = opening
    const undelivered = (reason: string): DeliveryResult => ({
      delivered: false,
      provider: null,
      tries: [{ provider: '', status: 'unavailable', reason }],
      failed: [],
    })
    const secret = command.secrets.get(token.serial)
    if (!secret) return undelivered('token_unreadable')
    if (type.settings.send && !settingOf(settings, type.settings.send)) return undelivered('sending_disabled')
    if (providers.length === 0) return undelivered('provider_missing')
    if (to === null) return undelivered('address_missing')

    const values = {
      otp: hotp({ secret, counter: challenge.counter, digits: token.digits, hash: token.hash }),
      serial: token.serial,
      transactionId: challenge.transactionId,
      attributes: command.owner?.attributes ?? {},
    }
    const template = type.template(policy, command.proposed)
    if (type.channel === 'sms') warnOfParts(token.serial, fill(template.text, values))
    const message = messages({
      id: `${challenge.transactionId}.${challenge.id}`,
      to,
      ...template,
      values,
      languages: preferredLanguages({
        decided: policy.value(language),
        attributes: values.attributes,
        accepted: facts.acceptLanguage ?? '',
      }),
      version: settings.version,
      now: facts.now,
      validity: (provider) => validity(settings, token, type, provider),
    })
    edges.log.info('message_sending', { serial: token.serial, to: maskAddress(to) })
    return deliver(providers, message)
  }

  /** Each part is paid for. What a provider's own template adds is not counted. */
  function warnOfParts(serial: string, text: string): void {
    const { parts, encoding } = smsParts(text)
    if (parts > 1) edges.log.warn('sms_parts', { serial, parts, encoding })
  }
}

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
  alreadySent,
})

function targetOf(token: Token, { policy, owner }: TriggerCommand): Target | null {
  const type = findTokenType(token.type)
  return type ? { token, type, to: type.readAddress(addressOf(token, type, policy, owner)) } : null
}

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

/** Policy names the providers, in order; without a policy the default serves. A name that does not exist sends nothing. */
function chooseProviders(settings: Settings, type: TokenType, policy: Policy): readonly ProviderRecord[] {
  const ofType = settings.providers.filter((provider) => provider.type === type.channel)
  const chosen = policy.value(type.actions.providers).trim()
  if (chosen === '') return ofType.filter((provider) => provider.isDefault)
  const names = ofType.some((provider) => provider.name === chosen) ? [chosen] : chosen.split(/\s+/)
  return names.flatMap((name) => ofType.filter((provider) => provider.name === name))
}

function validity(settings: Settings, token: Token, type: TokenType, provider: ProviderRecord | null): Seconds {
  const configured = ownChallengeValidity(token) ?? challengeValidity(settings, type.name)
  return validityOf(configured, type.validityBound(settings, provider))
}

/** An owner's attribute that is missing falls back to the token's address, an empty one does not (contract 3.6). */
function addressOf(token: Token, type: TokenType, policy: Policy, owner: UserRecord | null): string {
  const own = String(token.info[type.addressField] ?? '')
  return owner && policy.value(type.actions.dynamicAddress) ? (owner.attributes[type.addressAttribute] ?? own) : own
}
