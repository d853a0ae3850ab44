/**
 * Provider port: what carries a message, by mail or by SMS. A provider is one file in `adapters/mail/` or
 * `adapters/sms/`, exporting `provider`; the `index.ts` beside it is the table of contents.
 */
import type { Mailbox } from '../core/fields.ts'
import type { InlineImage, MailHeader } from '../core/mail-template.ts'
import type { Result } from '../core/result.ts'
import type { ProviderType } from '../core/settings.ts'
import type { Edges } from './edges.ts'

/** One message to one recipient, rendered. It lives in memory only. */
export type Message = {
  /** Unique per message; goes into Message-ID. */
  readonly id: string
  /** E-mail: exactly one addr-spec (RFC 5321 §4.1.2). SMS: a phone number as enrolled. Checked at enrolment. */
  readonly to: string
  /** Of no use to an SMS. */
  readonly subject: string
  readonly text: string
  /** From here on: of a mail template, for mail only. Header and sender instead of the provider's own. */
  readonly from?: Mailbox
  readonly replyTo?: Mailbox
  /** Names are tokens, values one line each. */
  readonly headers?: readonly MailHeader[]
  /** The same as `text`, for those who read HTML. */
  readonly html?: string
  /** What `html` shows by `cid:`. */
  readonly images?: readonly InlineImage[]
}

/** What the configuration of a provider says about the text of messages. */
export type MessageDefaults = {
  readonly subject: string
  /** E-mail: who mails are from, as it is shown. */
  readonly from?: string
  /** E-mail: `file://name`, or a whole MIME message with placeholders. */
  readonly template?: string
  /** SMS: the host of the last line `@host #otp`, which lets a browser fill in the OTP there and nowhere else. */
  readonly origin?: string
}

/**
 * What became of one message.
 * `accepted`: a server took responsibility. `refused`: a verdict on the recipient, no other provider will help.
 * `unavailable`: this provider could not, another one may. `reason` is for operators and holds no secret and no address.
 */
export type Delivery =
  | { readonly status: 'accepted'; readonly reference: string }
  | { readonly status: 'refused'; readonly reason: string }
  | {
      readonly status: 'unavailable'
      readonly reason: string
      /** The server put off this recipient alone: that is no failure of the provider, which goes on as before. */
      readonly recipientOnly?: true
    }

/** Sends one message. Settles by `signal` at the latest; never throws for what a server did. */
export type Send = (message: Message, signal: AbortSignal) => Promise<Delivery>

/** Why a configuration was refused: the key, as written in the configuration, and the rule it breaks. */
export type ConfigProblem = { readonly key: string; readonly rule: string }

/**
 * A configuration read and found good. `warnings`: names of keys that are kept but not understood, and sentences that
 * begin with the key they are about and a colon.
 */
export type ReadConfig<C> = { readonly config: C; readonly warnings: readonly string[] }

/** A configuration as posted, with the provider's `timeout` merged in under that name. */
export type RawConfig = Readonly<Record<string, unknown>>

export type Provider<C = unknown> = {
  /** The class name as it is shown in documentation. */
  readonly name: string
  /** Every identifier that selects this class (contract 4.5), `name` included. */
  readonly classNames: readonly string[]
  /**
   * Keys whose values are secrets: sealed at rest, shown as `***`. What lies inside objects and URLs is found by its
   * name (`flows/provider-masks.ts`) and needs no mention.
   */
  readonly secretKeys: readonly string[]
  /** Keys that say where secrets go and under which name: when one changes, a masked secret must be given again. */
  readonly boundKeys: readonly string[]
  /** A configuration that passes `read` on Node, used by documentation and the contract suite. */
  readonly sample: RawConfig
  /** Parses a stored or posted configuration; total, never throws. */
  readonly read: (raw: RawConfig, edges: Edges) => Promise<Result<ReadConfig<C>, ConfigProblem>>
  readonly defaults: (config: C) => MessageDefaults
  readonly create: (config: C, edges: Edges) => Send
}

/** Ties the configuration type of `read` and `create` together, then forgets it, so that lists are uniform. */
export function defineProvider<C>(provider: Provider<C>): Provider {
  return provider as Provider // each `config` goes from `read` to `create` of the same provider
}

/** The classes of one type of provider, found by any of their identifiers. */
export type FindProvider = (type: ProviderType, className: string) => Provider | undefined

/** @param className any identifier of the class, exactly as written */
export const findIn = (providers: readonly Provider[], className: string): Provider | undefined =>
  providers.find((provider) => provider.classNames.includes(className))
