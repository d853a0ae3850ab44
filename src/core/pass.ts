/**
 * Pass: the one text a client sends, which holds a PIN, an OTP, or both (contract 3.7).
 */

export type SplitPass = { readonly pin: string; readonly otp: string }

/**
 * Splits PIN and OTP. A text shorter than an OTP is all OTP, so its PIN is empty.
 *
 * @param digits     length of the token's OTP
 * @param pinFirst   `PrependPin`: the PIN stands before the OTP (the default), else behind it
 */
export function splitPass(pass: string, digits: number, pinFirst: boolean): SplitPass {
  if (pinFirst) return { pin: pass.slice(0, -digits), otp: pass.slice(-digits) }
  return { pin: pass.slice(digits), otp: pass.slice(0, digits) }
}

/** What stands for the PIN (contract 3.7, policy `otppin` 0 to 3). */
export type PinRule = 'token_pin' | 'password' | 'only_otp' | 'ignore_pin'

/** Checks one text against a PIN or password; slow ones remember their answer. */
export type MatchesPin = (candidate: string) => Promise<boolean>

/** Is `candidate` what the rule wants in place of the PIN? */
export async function satisfies(
  rule: PinRule,
  candidate: string,
  check: { readonly pin: MatchesPin; readonly password: MatchesPin },
): Promise<boolean> {
  switch (rule) {
    case 'token_pin':
      return check.pin(candidate)
    case 'password':
      return check.password(candidate)
    case 'only_otp':
      return candidate === ''
    case 'ignore_pin':
      return true
  }
}
