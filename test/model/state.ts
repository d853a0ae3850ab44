/** What the model knows: users, tokens, challenges, times, and the words in which it says what it expects. */
import { createHmac } from 'node:crypto'

export type Kind = 'email' | 'sms'
export type HashName = 'sha1' | 'sha256' | 'sha512'

export type ModelToken = {
  readonly serial: string
  readonly kind: Kind
  user: string
  pin: string
  /** Hex. */
  key: string
  digits: number
  hash: HashName
  counter: number
  fails: number
  maxFails: number
  /** When it last failed without being locked. */
  failed: number | undefined
  active: boolean
  /** `count_auth` and its maximum; 0 is no limit. */
  asked: number
  askedMax: number
  /** `count_auth_success` and its maximum. */
  succeeded: number
  succeededMax: number
}

export type ModelChallenge = {
  /** Grows; the newest is the highest. */
  readonly id: number
  /** Labels: `7`, or `7.01` and `7.02` under the parent `7`. What the product calls them is learned from its replies. */
  readonly transaction: string
  /** The transaction it stands in now; a later trigger of several tokens may take it over. */
  parent: string
  readonly serial: string
  readonly otp: string
  readonly counter: number
  readonly created: number
  readonly expires: number
  readonly maxAttempts: number
  readonly delivered: boolean
  attempts: number
  state: 'open' | 'accepted' | 'exhausted' | 'superseded'
}

/** What an administrator configured, in seconds and answers; 0 is no bound. */
export type ModelConfig = {
  validity: Record<Kind, number>
  bound: Record<Kind, number>
  blocking: Record<Kind, number>
  maxAttempts: number
  /** Minutes until a lock is over; 0: never. */
  unlock: number
  /** Seconds of the first wait. */
  delay: number
}

export type Model = {
  now: number
  config: ModelConfig
  /** Logins that a resolver knows. */
  readonly users: readonly string[]
  /** In the order of enrolment. */
  tokens: ModelToken[]
  challenges: ModelChallenge[]
  /** Gateways that do not take messages. */
  readonly down: Record<Kind, boolean>
  transactions: number
}

export type Ask = {
  readonly path: 'check' | 'check_s' | 'check_t'
  readonly user?: string
  readonly serial?: string
  /** `token_type`. */
  readonly kind?: Kind
  /** A label, or a text that never was one. */
  readonly transaction?: string
  readonly pass: string
}

export type Sent = { readonly serial: string; readonly transaction: string; readonly otp: string }

/** A reply without what is the same in all of them. Transaction ids stand as labels in guillemets. */
export type Answer = {
  readonly id: number
  readonly result: { readonly status: boolean; readonly value: unknown }
  readonly detail?: Readonly<Record<string, unknown>>
  readonly sent: readonly Sent[]
}

/** RFC 4226 §5.3. */
export function otpAt(token: Pick<ModelToken, 'key' | 'digits' | 'hash'>, counter: number): string {
  const block = Buffer.alloc(8)
  block.writeBigUInt64BE(BigInt(counter))
  const mac = createHmac(token.hash, Buffer.from(token.key, 'hex')).update(block).digest()
  const offset = mac.readUInt8(mac.length - 1) & 15
  const number = (mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** token.digits
  return String(number).padStart(token.digits, '0')
}

export const label = (transaction: string): string => `«${transaction}»`
export const isOpen = (challenge: ModelChallenge, now: number): boolean =>
  challenge.state === 'open' &&
  challenge.delivered &&
  now < challenge.expires &&
  (challenge.maxAttempts === 0 || challenge.attempts < challenge.maxAttempts)
