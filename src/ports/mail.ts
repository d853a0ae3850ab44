/**
 * Mail port: what a mail provider is. A provider is one file in `adapters/mail/`, exporting `provider`; the list in
 * `adapters/mail/index.ts` is the table of contents.
 */
import type { Result } from '../core/result.ts'
import type { Edges } from './edges.ts'

/** One message to one recipient, rendered. It lives in memory only. */
export type Mail = {
  /** Unique per message; goes into Message-ID. */
  readonly id: string
  /** Exactly one addr-spec (RFC 5321 §4.1.2), checked when the token was enrolled. */
  readonly to: string
  readonly subject: string
  readonly text: string
}

/**
 * What became of one message.
 * `accepted`: a server took responsibility. `refused`: a verdict on the recipient, no other provider will help.
 * `unavailable`: this provider could not, another one may. `reason` is for operators and holds no secret and no address.
 */
export type Delivery =
  | { readonly status: 'accepted'; readonly reference: string }
  | { readonly status: 'refused'; readonly reason: string }
  | { readonly status: 'unavailable'; readonly reason: string }

/** Sends one message. Settles by `signal` at the latest; never throws for what a server did. */
export type SendMail = (mail: Mail, signal: AbortSignal) => Promise<Delivery>

/** Why a configuration was refused: the key, as written in the configuration, and the rule it breaks. */
export type ConfigProblem = { readonly key: string; readonly rule: string }

/** A configuration read and found good. `warnings` name keys that are kept but not understood. */
export type ReadConfig<C> = { readonly config: C; readonly warnings: readonly string[] }

export type MailProvider<C = unknown> = {
  /** The class name as it is shown in documentation. */
  readonly name: string
  /** Every identifier that selects this class (contract of LinOTP's provider classes), `name` included. */
  readonly classNames: readonly string[]
  /** Keys whose values are secrets: sealed at rest, shown as `***`. */
  readonly secretKeys: readonly string[]
  /** Keys that say where secrets go and under which name: when one changes, a masked secret must be given again. */
  readonly boundKeys: readonly string[]
  /** A configuration that passes `read` on Node, used by documentation and the contract suite. */
  readonly sample: Readonly<Record<string, unknown>>
  /** Parses a stored or posted configuration; total, never throws. */
  readonly read: (raw: Readonly<Record<string, unknown>>, edges: Edges) => Promise<Result<ReadConfig<C>, ConfigProblem>>
  /** From-address and subject that the configuration carries; the flow needs them to render. */
  readonly defaults: (config: C) => { readonly subject: string }
  readonly create: (config: C, edges: Edges) => SendMail
}

/** Ties the configuration type of `read` and `create` together, then forgets it, so that lists are uniform. */
export function defineMailProvider<C>(provider: MailProvider<C>): MailProvider {
  return provider as MailProvider
}
