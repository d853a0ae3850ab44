/**
 * Send: renders the message of a challenge that was opened, delivers it, and notes what became of it. The OTP is made here
 * and lives no longer than the message.
 */
import type { Challenge } from '../core/challenge.ts'
import { hotp } from '../core/hotp.ts'
import { preferredLanguages } from '../core/language.ts'
import { maskAddress } from '../core/mask.ts'
import { language } from '../core/policy/actions.ts'
import type { Policy } from '../core/policy/policy.ts'
import { type ProviderRecord, type Settings, settingOf } from '../core/settings.ts'
import { smsParts } from '../core/sms-parts.ts'
import { fill } from '../core/template.ts'
import type { ProposedText } from '../core/tokens/token-type.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Deliver, DeliveryResult, Render } from './deliver.ts'
import type { Facts } from './facts.ts'
import type { MessagePlan } from './message.ts'
import { type Target, validity } from './target.ts'

export type SendCommand = {
  readonly settings: Settings
  /** The policy for the user that was named, else for the owner of the tokens. */
  readonly policy: Policy
  readonly owner: UserRecord | null
  /** Texts that the client proposed. */
  readonly proposed: ProposedText
  /** By serial, opened by the caller's step *prove*. */
  readonly secrets: ReadonlyMap<string, Uint8Array>
}
/** Where it goes, through which providers in order, and what the client is told of it. */
export type Outgoing = Target & { readonly providers: readonly ProviderRecord[]; readonly message: string }

/** @returns whether a provider took the message */
export type Send = (outgoing: Outgoing, challenge: Challenge, command: SendCommand, facts: Facts) => Promise<boolean>

export type SendParts = {
  readonly store: Pick<Store, 'noteDelivery'>
  readonly audit: Audit
  readonly deliver: Deliver
  readonly messages: (plan: MessagePlan) => Render
  readonly edges: Edges
}

export function createSend({ store, audit, deliver, messages, edges }: SendParts): Send {
  return async (opening, challenge, command, facts) => {
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
    opening: Outgoing,
    challenge: Challenge,
    command: SendCommand,
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
    if (type.channel === 'sms') warnOfParts(token.serial, fill(template.text, values), facts)
    const message = messages({
      request: facts.requestId,
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
    edges.log.info('message_sending', { request: facts.requestId, serial: token.serial, to: maskAddress(to) })
    return deliver(providers, message, facts)
  }

  /** Each part is paid for. What a provider's own template adds is not counted. */
  function warnOfParts(serial: string, text: string, { requestId: request }: Facts): void {
    const { parts, encoding } = smsParts(text)
    if (parts.length > 1) edges.log.warn('sms_parts', { request, serial, parts: parts.length, encoding })
  }
}
