/**
 * A token type is one folder with one descriptor: everything that tells this type from another. Flows ask the
 * descriptor; nothing else in the product knows the names of types.
 */
import type { ProviderType } from '../settings.ts'

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
  /** Reads an address; null when it is none. */
  readonly readAddress: (text: string) => string | null
  /** What an address must be, for the error text. */
  readonly addressRule: string
  /** How far the counter moves per challenge; the OTP sent is always counter + 1 (contract 3.3). */
  readonly counterStep: number
  /** What clients are told, word for word (contract 12.1 #6). */
  readonly sent: string
  readonly alreadySent: string
}

export const defineTokenType = (type: TokenType): TokenType => type
