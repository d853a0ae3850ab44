/**
 * A token type is one folder with one descriptor: everything that tells this type from another. Flows ask the
 * descriptor; nothing else in the product knows the names of types.
 */
import type { Action } from '../policy/action.ts'
import type { Policy } from '../policy/policy.ts'
import type { Setting } from '../setting-keys.ts'
import type { ProviderRecord, ProviderType, Settings } from '../settings.ts'
import type { Instant, Seconds } from '../time.ts'
import type { TokenInfo } from '../token.ts'

/** Texts that a client may propose with a request (contract 2.0). */
export type ProposedText = {
  /** `data`, else `message`. */
  readonly text: string | null
  /** `challenge`: used when nothing else says anything. */
  readonly fallback: string | null
}

export type TokenType = {
  /** As stored; input is taken in any case. */
  readonly name: string
  readonly serialPrefix: string
  /** The kind of provider that carries its messages. */
  readonly channel: ProviderType
  /** The enrolment parameter, and TokenInfo key, that holds where messages go. */
  readonly addressField: string
  /** The user's attribute that replaces the address where policy says so. */
  readonly addressAttribute: string
  /** Where the user has none of that and must take an address of their own. */
  readonly fallbackAttribute?: string
  /** Reads an address; null when it is none. */
  readonly readAddress: (text: string) => string | null
  /** What an address must be, for the error text. */
  readonly addressRule: string
  /** How far the counter moves per challenge; the OTP sent is always counter + 1 (contract 3.3). */
  readonly counterStep: number
  /**
   * An OTP counts wherever it stands: before it is asked whether the pass is a PIN, and with the PIN before it also
   * beside a transaction id (contract 3.5). Otherwise a pass that is the PIN is a request, and beside a transaction id
   * the whole pass is the OTP (contract 3.4).
   */
  readonly lenientAnswers: boolean
  /** What policy decides about its messages and numbers. */
  readonly actions: {
    readonly providers: Action<string>
    readonly dynamicAddress: Action<boolean>
    readonly limit: Action<number | null>
    /** May users enrol it themselves, and give an address of their own choice (1)? */
    readonly selfEnroll: Action<boolean>
    readonly selfEdit: Action<number>
  }
  /** The message before `<otp>` and its kin are filled in; it always holds `<otp>`. */
  readonly template: (policy: Policy, proposed: ProposedText) => { readonly text: string; readonly subject: string }
  /** A bound on the validity of a challenge beside the validity keys; null or 0: none. */
  readonly validityBound: (settings: Settings, provider: ProviderRecord | null) => Seconds | null
  /** What sending stamps into TokenInfo. */
  readonly stamp: (settings: Settings, now: Instant) => TokenInfo
  /** Seconds in which no second message is sent, and what clients are told instead of `sent`. */
  readonly settings: {
    readonly blocking: Setting<Seconds>
    readonly prompt: Setting<string>
    /** False: no message is sent. Types without it always send. */
    readonly send?: Setting<boolean>
  }
  /** What clients are told, word for word (contract 12.1 #6). */
  readonly sent: string
  readonly alreadySent: string
}

export const defineTokenType = (type: TokenType): TokenType => type
