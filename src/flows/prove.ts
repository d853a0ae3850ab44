/**
 * Prove: compares a pass with PINs and OTPs. The only step that sees secrets; nothing leaves the process before the
 * commit. Each token is judged by the same operations, whatever comes out.
 */
import { answerable, type CheckFacts, type Evidence } from '../core/check.ts'
import { equalInConstantTime, hotp } from '../core/hotp.ts'
import { type MatchesPin, type PinRule, satisfies, splitPass } from '../core/pass.ts'
import type { Instant } from '../core/time.ts'
import type { Token } from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { Edges } from '../ports/edges.ts'
import { place, type Vault } from '../ports/vault.ts'

export type ProveCommand = {
  readonly facts: CheckFacts
  readonly pass: string
  readonly pinRule: PinRule
  /** The PIN stands before the OTP (`PrependPin`). */
  readonly pinFirst: boolean
  /** Checks the user's password; asked only where the rule says so. */
  readonly password: MatchesPin
  /** A token that may be triggered without a PIN (`trigger_sms`). */
  readonly needsNoPin: (token: Token) => boolean
  readonly now: Instant
  readonly requestId: string
}
/** `secret` is opened once, for comparing here and for sending later; null when it cannot be. */
export type Proof = { readonly evidence: Evidence; readonly secret: Uint8Array | null; readonly lengths: AnswerLengths }
/** For `auth_info`: how long PIN and OTP were, when the pass held both. */
export type AnswerLengths = { readonly pin: number; readonly otp: number } | null

export type Prove = (command: ProveCommand) => Promise<ReadonlyMap<string, Proof>>

const NOTHING: Evidence = { requests: false, pinPartMatches: false, matched: [], answersFirst: false }

export function createProve({ vault, edges }: { readonly vault: Vault; readonly edges: Edges }): Prove {
  return async (command) =>
    new Map(
      await Promise.all(
        command.facts.candidates.map(async (token) => [token.serial, await prove(token, command)] as const),
      ),
    )

  async function prove(token: Token, command: ProveCommand): Promise<Proof> {
    const [secret, pin] = await Promise.all([
      vault.open(token.sealedSecret, place.secret(token.serial)),
      vault.openPin(token.sealedPin, place.pin(token.serial)),
    ])
    if (!secret.ok || !pin.ok) {
      const reason = secret.ok ? 'pin' : 'secret'
      edges.log.error('token_unreadable', { request: command.requestId, serial: token.serial, reason })
      return { evidence: { ...NOTHING, unreadable: true }, secret: null, lengths: null }
    }
    const { facts, pass, pinRule, password } = command
    const { digits, hash } = token
    const check = { pin: pin.value, password }
    const split = splitPass(pass, digits, command.pinFirst)
    const lenient = findTokenType(token.type)?.lenientAnswers ?? false
    const inTransaction = facts.transactionId !== null
    const [wholeIsPin, partIsPin] = await Promise.all([
      // Beside a transaction id the whole is no password, and a directory would count it as a wrong one.
      inTransaction && pinRule === 'password' ? false : satisfies(pinRule, pass, check),
      satisfies(pinRule, split.pin, check),
    ])
    // Beside a transaction id the whole pass is the OTP, or, for a lenient token, PIN and OTP.
    const besidePin = inTransaction ? lenient && partIsPin : true
    const given = besidePin ? split.otp : pass
    const matched = answerable(facts, token, command.now)
      .filter(({ counter }) => equalInConstantTime(hotp({ secret: secret.value, counter, digits, hash }), given))
      .map((challenge) => challenge.id)
    const evidence = {
      requests: wholeIsPin || command.needsNoPin(token),
      pinPartMatches: partIsPin,
      matched: inTransaction || partIsPin ? matched : [],
      answersFirst: lenient,
      guesses: lenient && !(wholeIsPin && pinRule !== 'ignore_pin') && /^\d+$/.test(given) && given.length === digits,
    }
    return {
      evidence,
      secret: secret.value,
      lengths: besidePin ? { pin: split.pin.length, otp: split.otp.length } : null,
    }
  }
}
