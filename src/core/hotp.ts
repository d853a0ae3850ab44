/**
 * HOTP: RFC 4226 over otplib, which brings the arithmetic; here stand our limits and the constant-time comparison.
 */
import { createGuardrails } from '@otplib/core'
import { generateSync } from '@otplib/hotp'
import { crypto } from '@otplib/plugin-crypto-noble'
import type { HashName } from './token.ts'

/** LinOTP enrols secrets of any length; RFC 4226 §4 R6 asks for 16 bytes, which enrolment checks. */
const guardrails = createGuardrails({ MIN_SECRET_BYTES: 1, MAX_SECRET_BYTES: 256 })

export type HotpParameters = {
  readonly secret: Uint8Array
  readonly counter: number
  readonly digits: number
  readonly hash: HashName
}

/**
 * The OTP at `counter`, decimal, left-padded with zeros to `digits` (RFC 4226 §5.3).
 *
 * @throws for a secret that is empty or over 256 bytes, which enrolment has refused
 */
export function hotp({ secret, counter, digits, hash }: HotpParameters): string {
  // `Digits` of otplib is the union 6 | 7 | 8; its arithmetic holds up to 10, and enrolment allows 4 to 10.
  return generateSync({ secret, counter, digits: digits as 6, algorithm: hash, crypto, guardrails })
}

/** Compares two texts in time that depends on the length of `expected` alone. */
export function equalInConstantTime(expected: string, given: string): boolean {
  let difference = expected.length ^ given.length
  for (let i = 0; i < expected.length; i++) difference |= expected.charCodeAt(i) ^ (given.charCodeAt(i) || 0)
  return difference === 0
}
