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
