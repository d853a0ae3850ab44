/** OTPs in the hands of an administrator: resynchronise a counter, find the token that an OTP is of (contract 7.1). */
import type { AdminFailure } from '../core/failures.ts'
import { equalInConstantTime, hotp } from '../core/hotp.ts'
import { err, ok, type Result } from '../core/result.ts'
import { resetFailCountAtResync } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import { place } from '../ports/vault.ts'
import type { Facts } from './facts.ts'
import {
  CHANGED_MEANWHILE,
  type Choice,
  detailsOf,
  type Selection,
  type ShownToken,
  type TokenParts,
} from './token-choice.ts'

export type FindByOtpCommand = {
  readonly otp: string
  readonly type: string | null
  readonly realm: string | null
  /** null: assigned and free ones. */
  readonly assigned: boolean | null
}

/** Counters that are tried at most, whatever window a token has: each costs an HMAC. */
const MAX_WINDOW = 10_000
/** Counters in which an OTP is looked for over all tokens (contract 7.1). */
const SEARCH_WINDOW = 10
/** Tokens that are read at a time. */
const LUMP = 200

export function createTokenOtps({ store, vault, audit, settings: cache }: TokenParts, choice: Choice) {
  return { resync, findByOtp }

  /** True: two OTPs in a row were found within the synchronisation window, and the counter stands behind them. */
  async function resync(
    selection: Selection,
    [first, second]: readonly [string, string],
    facts: Facts,
  ): Promise<Result<boolean, AdminFailure>> {
    const chosen = await choice.choose(selection)
    if (!chosen.ok) return chosen
    const [token, ...others] = chosen.value
    if (!token) return err({ code: 'token_unknown', serial: selection.serials?.join(', ') ?? '' })
    if (others.length > 0)
      return err({ code: 'parameter_invalid', field: 'user', rule: 'must own one token; name its serial' })
    const isOtp = await otpsOf(token)
    const matched =
      isOtp &&
      counters(token, Math.min(token.syncWindow, MAX_WINDOW)).find(
        (counter) => isOtp(counter, first) && isOtp(counter + 1, second),
      )
    if (matched === null || matched === undefined) {
      const actionDetail = isOtp ? 'otp_wrong' : 'token_unreadable'
      await audit.write(facts, { ...detailsOf([token]), success: false, actionDetail })
      return ok(false)
    }
    const { serial, revision } = token
    const resetFailCount = settingOf(await cache.known(), resetFailCountAtResync)
    const move = { serial, revision, matched, next: matched + 2, resetFailCount }
    const done = await store.moveCounter(move, await choice.row(facts, [token]))
    return done === 'done' ? ok(true) : err(CHANGED_MEANWHILE)
  }

  /** The one token that has this OTP next, or soon; its counter moves behind it. null: there is none. */
  async function findByOtp(command: FindByOtpCommand, facts: Facts): Promise<Result<ShownToken | null, AdminFailure>> {
    const realm = command.realm?.toLowerCase() || null
    const found: { readonly token: ShownToken; readonly matched: number }[] = []
    for (let after = 0; ; ) {
      const tokens = await store.findTokens({
        ...{ after, limit: LUMP },
        ...(command.type === null ? {} : { type: command.type.toLowerCase() }),
        ...(command.assigned === null ? {} : { assigned: command.assigned }),
        ...(realm === null || realm === '*' ? {} : { realms: [realm] }),
      })
      for (const token of tokens) {
        const isOtp = command.otp.length === token.digits ? await otpsOf(token) : null
        const matched = isOtp && counters(token, SEARCH_WINDOW).find((counter) => isOtp(counter, command.otp))
        if (matched !== null && matched !== undefined) found.push({ token, matched })
      }
      after = tokens.at(-1)?.id ?? after
      if (tokens.length < LUMP) break
    }
    const [only, ...others] = found
    if (others.length > 0) return err({ code: 'otp_ambiguous', serials: found.map(({ token }) => token.serial) })
    if (!only) {
      await audit.write(facts, { success: false, realm: realm ?? '', actionDetail: 'otp_wrong' })
      return ok(null)
    }
    const { token, matched } = only
    const { serial, revision } = token
    const move = { serial, revision, matched, next: matched + 1, resetFailCount: false }
    const done = await store.moveCounter(move, await choice.row(facts, [token]))
    return done === 'done' ? ok(token) : err(CHANGED_MEANWHILE)
  }

  /** Is this the OTP at a counter? null: the secret cannot be opened with the keys at hand. */
  async function otpsOf({ serial, sealedSecret, digits, hash }: ShownToken) {
    const secret = await vault.open(sealedSecret, place.secret(serial))
    if (!secret.ok) return null
    return (counter: number, given: string): boolean =>
      equalInConstantTime(hotp({ secret: secret.value, counter, digits, hash }), given)
  }
}

const counters = ({ counter }: ShownToken, window: number): readonly number[] =>
  Array.from({ length: window }, (_, n) => counter + n)
