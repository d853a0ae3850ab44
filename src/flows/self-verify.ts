/**
 * Verify: does what is sent to a token arrive? Its user asks for a message and answers it (contract 10.3, verify). It is
 * a check like any other, without a PIN; a right answer also ends the wait of a token that must be verified first.
 */
import type { AdminFailure } from '../core/failures.ts'
import { mayVerify } from '../core/policy/selfservice.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import type { Check } from './check.ts'
import type { Facts } from './facts.ts'
import { checkOf, holds, type Self, whoIs } from './self-user.ts'
import type { StatusEntry } from './status.ts'
import type { TriggeredChallenge } from './trigger.ts'

export type VerifyCommand = {
  readonly serial: string | null
  /** null: there is none. */
  readonly transactionId: string | null
  readonly otp: string | null
}
export type VerifyOutcome =
  | { readonly kind: 'answered'; readonly right: boolean }
  | { readonly kind: 'triggered'; readonly challenge: TriggeredChallenge }
  | { readonly kind: 'status'; readonly entry: StatusEntry }
  /** The request has its row of the audit. */
  | { readonly kind: 'failed'; readonly failure: AdminFailure }

export type SelfVerify = (
  self: Self,
  command: VerifyCommand,
  facts: Facts,
) => Promise<Result<VerifyOutcome, AdminFailure>>

type Parts = { readonly store: Store; readonly audit: Audit; readonly check: Check }

export function createSelfVerify({ store, audit, check }: Parts): SelfVerify {
  return async (self, command, facts) => {
    const { serial, transactionId, otp } = command
    const right = holds(self, mayVerify)
    if (!right.ok) return right
    if (transactionId !== null) return inTransaction(self, transactionId, command, facts)
    if (serial === null) return err({ code: 'parameter_missing', field: 'serial' })
    // For the message alone: a check asks nobody's tokens but the user's own.
    if (!self.tokens.some((token) => token.serial === serial)) return err({ code: 'token_unknown', serial })
    return ok(otp === null ? await trigger(self, serial, facts) : await withoutTransaction(self, serial, otp, facts))
  }

  async function inTransaction(
    self: Self,
    transactionId: string,
    { serial, otp }: VerifyCommand,
    facts: Facts,
  ): Promise<Result<VerifyOutcome, AdminFailure>> {
    const entries = (await store.findChallenges(transactionId, facts.now)).filter(
      ({ token, challenge }) =>
        token.owner?.userId === self.user.userId &&
        token.owner.resolver === self.user.resolver &&
        (serial === null || token.serial === serial) &&
        challenge.delivery !== 'undelivered',
    )
    const [entry] = entries
    if (!entry) return err({ code: 'challenge_unknown', transactionId })
    if (entries.length > 1) return err({ code: 'challenge_ambiguous', transactionId })
    const { token, challenge } = entry
    if (otp === null) {
      await audit.write(facts, { ...whoIs(self), success: true, serial: token.serial, tokenType: token.type })
      return ok({ kind: 'status', entry })
    }
    const asked = { serial: token.serial, pass: otp, transactionId: challenge.transactionId }
    const outcome = await check(checkOf(identity(self), asked, 'only_otp', true), facts)
    return ok({ kind: 'answered', right: outcome.kind === 'accepted' && outcome.token !== null })
  }

  async function trigger(self: Self, serial: string, facts: Facts): Promise<VerifyOutcome> {
    const outcome = await check(
      checkOf(identity(self), { serial, proposed: testText(self, serial) }, 'ignore_pin', true),
      facts,
    )
    const [challenge] = outcome.kind === 'challenged' ? outcome.challenges : []
    if (!challenge) return failed({ code: 'message_unsent', serial })
    if (challenge.alreadySent) return failed({ code: 'challenge_pending', message: challenge.message })
    return { kind: 'triggered', challenge }
  }

  /** As a login of the user with this token, whatever the PIN: an e-mail token sends another message then. */
  async function withoutTransaction(self: Self, serial: string, otp: string, facts: Facts): Promise<VerifyOutcome> {
    const asked = { serial, pass: otp, proposed: testText(self, serial) }
    const outcome = await check(checkOf(identity(self), asked, 'ignore_pin', true), facts)
    return { kind: 'answered', right: outcome.kind === 'accepted' && outcome.token !== null }
  }
}

const failed = (failure: AdminFailure): VerifyOutcome => ({ kind: 'failed', failure })
const identity = ({ user, realm }: Self) => ({ ...user, realm })

/** What an SMS says beside the OTP; mails have their own text. */
const testText = ({ tokens, user }: Self, serial: string) => ({
  text: `SelfService token test\nToken: ${tokens.find((token) => token.serial === serial)?.type ?? ''}\nSerial: ${serial}\nUser: ${user.login}`,
  fallback: null,
})
