/** What an administrator sees of challenges (`checkstatus`, contract 7.1): those of a transaction, a token or a user. */
import type { Challenge } from '../core/challenge.ts'
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import type { Facts } from './facts.ts'
import { type Choice, detailsOf, type Selection, type ShownToken, type TokenParts } from './token-choice.ts'

export type ChallengesCommand = Selection & {
  readonly transactionId: string | null
  /** Also those that are answered, or closed otherwise. */
  readonly withClosed: boolean
}
export type ChallengesOf = { readonly token: ShownToken; readonly challenges: readonly Challenge[] }
export type ShownChallenges = { readonly tokens: readonly ChallengesOf[]; readonly settings: Settings }

export function createTokenChallenges({ store, audit, settings: cache }: TokenParts, choice: Choice) {
  return { challenges }

  async function challenges(
    { serials, user, transactionId, withClosed }: ChallengesCommand,
    facts: Facts,
  ): Promise<Result<ShownChallenges, AdminFailure>> {
    if (transactionId === null && serials === null && user === null)
      return err({ code: 'settings_missing', known: ['transactionid', 'user', 'serial'] })
    const ofTransaction =
      transactionId === null ? null : (await store.findChallenges(transactionId, facts.now)).map((one) => one.challenge)
    // A transaction says of which tokens it is; serial and user narrow them down.
    const named = ofTransaction?.map(({ serial }) => serial).filter((serial) => serials?.includes(serial) ?? true)
    const chosen = await choice.choose({ serials: named ?? serials, user }, facts)
    if (!chosen.ok) return chosen
    const all =
      ofTransaction ??
      (await store.challengesOf(
        chosen.value.map(({ serial }) => serial),
        facts.now,
      ))
    // One whose message nobody took is gone for everybody.
    const shown = all.filter(({ state, delivery }) => delivery !== 'undelivered' && (withClosed || state === 'open'))
    const tokens = chosen.value
      .map((token) => ({ token, challenges: shown.filter(({ serial }) => serial === token.serial) }))
      .filter((one) => one.challenges.length > 0)
    await audit.write(facts, { ...detailsOf(tokens.map(({ token }) => token)), success: true })
    return ok({ tokens, settings: await cache.known() })
  }
}
