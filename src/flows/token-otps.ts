/** OTPs in the hands of an administrator: resynchronise a counter, find the token that an OTP is of (contract 7.1). */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import { resetFailCountAtResync } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import type { Facts } from './facts.ts'
import { createOtpSearch } from './otp-search.ts'
import { ELSEWHERE } from './rights.ts'
import {
  CHANGED_MEANWHILE,
  type Choice,
  detailsOf,
  type Selection,
  type ShownToken,
  type TokenParts,
} from './token-choice.ts'
import { withOwners } from './users.ts'

export type FindByOtpCommand = {
  readonly otp: string
  readonly type: string | null
  readonly realm: string | null
  /** null: assigned and free ones. */
  readonly assigned: boolean | null
}

export function createTokenOtps({ store, vault, audit, settings: cache, directories }: TokenParts, choice: Choice) {
  const search = createOtpSearch({ store, vault })
  return { resync, findByOtp }

  /** True: two OTPs in a row were found within the synchronisation window, and the counter stands behind them. */
  async function resync(
    selection: Selection,
    otps: readonly [string, string],
    facts: Facts,
  ): Promise<Result<boolean, AdminFailure>> {
    const chosen = await choice.choose(selection, facts)
    if (!chosen.ok) return chosen
    const [token, ...others] = chosen.value
    if (!token) return err({ code: 'token_unknown', serial: selection.serials?.join(', ') ?? '' })
    if (others.length > 0)
      return err({ code: 'parameter_invalid', field: 'user', rule: 'must own one token; name its serial' })
    const matched = await search.twoInARow(token, otps)
    if (typeof matched === 'string') {
      await audit.write(facts, { ...detailsOf([token]), success: false, actionDetail: matched })
      return ok(false)
    }
    const { serial, revision } = token
    const resetFailCount = settingOf(await cache.known(), resetFailCountAtResync)
    const move = { serial, revision, matched, next: matched + 2, resetFailCount }
    const done = await store.moveCounter(move, await choice.row(facts, [token]), facts)
    return done === 'done' ? ok(true) : err(NOT_MOVED[done])
  }

  /** The one token within reach that has this OTP next, or soon; its counter moves behind it. null: there is none. */
  async function findByOtp(command: FindByOtpCommand, facts: Facts): Promise<Result<ShownToken | null, AdminFailure>> {
    const realm = command.realm?.toLowerCase() || null
    const found = await search.everywhere(command.otp, {
      within: facts.within,
      ...(command.type === null ? {} : { type: command.type.toLowerCase() }),
      ...(command.assigned === null ? {} : { assigned: command.assigned }),
      ...(realm === null || realm === '*' ? {} : { realms: [realm] }),
    })
    const [only, ...others] = found
    if (others.length > 0) return err({ code: 'otp_ambiguous', serials: found.map(({ token }) => token.serial) })
    if (!only) {
      await audit.write(facts, { success: false, realm: realm ?? '', actionDetail: 'otp_wrong' })
      return ok(null)
    }
    const { matched } = only
    const [token = only.token] = await withOwners(directories.askedBy(facts), await cache.known(), [only.token])
    const { serial, revision } = token
    const move = { serial, revision, matched, next: matched + 1, resetFailCount: false }
    const done = await store.moveCounter(move, await choice.row(facts, [token]), facts)
    return done === 'done' ? ok(token) : err(NOT_MOVED[done])
  }
}

const NOT_MOVED = { lost: CHANGED_MEANWHILE, elsewhere: ELSEWHERE } as const
