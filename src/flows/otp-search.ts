/** Looking for OTPs that were not asked for by a challenge: ahead in one token, or over many (contract 7.1). */
import { equalInConstantTime, hotp } from '../core/hotp.ts'
import type { Token } from '../core/token.ts'
import type { Store, TokenSelection } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { ShownToken } from './token-choice.ts'

/** Counters that are tried at most, whatever window a token has: each costs an HMAC. */
const MAX_WINDOW = 10_000
/** Counters in which an OTP is looked for over all tokens. */
const SEARCH_WINDOW = 10
/** Tokens that are read at a time. */
const LUMP = 200

export type FoundOtp = { readonly token: ShownToken; readonly matched: number }

export type OtpSearch = ReturnType<typeof createOtpSearch>

export function createOtpSearch({ store, vault }: { readonly store: Store; readonly vault: Vault }) {
  return { twoInARow, everywhere }

  /** The counter of the first of two OTPs that follow each other within the synchronisation window. */
  async function twoInARow(
    token: Token,
    [first, second]: readonly [string, string],
  ): Promise<number | 'otp_wrong' | 'token_unreadable'> {
    const isOtp = await otpsOf(token)
    if (!isOtp) return 'token_unreadable'
    const matched = counters(token, Math.min(token.syncWindow, MAX_WINDOW)).find(
      (counter) => isOtp(counter, first) && isOtp(counter + 1, second),
    )
    return matched ?? 'otp_wrong'
  }

  /** All tokens of a selection that have this OTP next, or soon. */
  async function everywhere(otp: string, where: TokenSelection): Promise<readonly FoundOtp[]> {
    const found: FoundOtp[] = []
    for (let after = 0; ; ) {
      const tokens = await store.findTokens({ ...where, after, limit: LUMP })
      for (const token of tokens) {
        const isOtp = otp.length === token.digits ? await otpsOf(token) : null
        const matched = isOtp && counters(token, SEARCH_WINDOW).find((counter) => isOtp(counter, otp))
        if (matched !== null && matched !== undefined) found.push({ token, matched })
      }
      after = tokens.at(-1)?.id ?? after
      if (tokens.length < LUMP) return found
    }
  }

  /** Is this the OTP at a counter? null: the secret cannot be opened with the keys at hand. */
  async function otpsOf({ serial, sealedSecret, digits, hash }: Token) {
    const secret = await vault.open(sealedSecret, place.secret(serial))
    if (!secret.ok) return null
    return (counter: number, given: string): boolean =>
      equalInConstantTime(hotp({ secret: secret.value, counter, digits, hash }), given)
  }
}

const counters = ({ counter }: Token, window: number): readonly number[] =>
  Array.from({ length: window }, (_, n) => counter + n)
