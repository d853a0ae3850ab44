/** OTPs in the hands of users: resynchronise a token of their own, find one that nobody owns (contract 10.3). */
import type { AdminFailure } from '../core/failures.ts'
import { mayFindSerial, mayResync } from '../core/policy/selfservice.ts'
import { err, ok, type Result } from '../core/result.ts'
import { resetFailCountAtResync } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import { createOtpSearch } from './otp-search.ts'
import { createQueue } from './queue.ts'
import { holds, type Self, whoIs } from './self-user.ts'
import { CHANGED_MEANWHILE } from './token-choice.ts'

export type ResyncCommand = { readonly serial: string; readonly otps: readonly [string, string] }
export type FindSerialCommand = { readonly otp: string; readonly type: string | null }

export type SelfOtps = {
  /** Were both found, one after the other? */
  readonly resync: (self: Self, command: ResyncCommand, facts: Facts) => Promise<Result<boolean, AdminFailure>>
  /** The serial; null: there is no such token in the user's realm. */
  readonly findSerial: (
    self: Self,
    command: FindSerialCommand,
    facts: Facts,
  ) => Promise<Result<string | null | 'busy', AdminFailure>>
}

type Parts = { readonly store: Store; readonly vault: Vault; readonly edges: Edges; readonly audit: Audit }

export function createSelfOtps({ store, vault, edges, audit }: Parts): SelfOtps {
  const search = createOtpSearch({ store, vault })
  // Every token that nobody owns is tried: not by everybody at once.
  const oneByOne = createQueue(edges)

  return { resync, findSerial }

  async function resync(self: Self, { serial, otps }: ResyncCommand, facts: Facts) {
    const right = holds(self, mayResync)
    if (!right.ok) return right
    const token = self.tokens.find((each) => each.serial === serial)
    if (!token) return err({ code: 'token_unknown', serial } as const)
    const details = { ...whoIs(self), serial, tokenType: token.type }
    const matched = await search.twoInARow(token, otps)
    if (typeof matched === 'string') {
      await audit.write(facts, { ...details, success: false, actionDetail: matched })
      return ok(false)
    }
    // A new owner is a new revision, so this holds only while the token is the user's.
    const { revision } = token
    const resetFailCount = settingOf(self.settings, resetFailCountAtResync)
    const move = { serial, revision, matched, next: matched + 2, resetFailCount }
    const done = await store.moveCounter(move, await audit.row(facts, { ...details, success: true }))
    return done === 'done' ? ok(true) : err(CHANGED_MEANWHILE)
  }

  async function findSerial(self: Self, { otp, type }: FindSerialCommand, facts: Facts) {
    const right = holds(self, mayFindSerial)
    if (!right.ok) return right
    const where = { assigned: false, realms: [self.realm], ...(type === null ? {} : { type }) }
    const found = await oneByOne(`${self.user.resolver} ${self.user.userId}`, () => search.everywhere(otp, where))
    const who = { ...whoIs(self), success: false }
    if (found === 'busy') {
      await audit.write(facts, { ...who, actionDetail: 'too_many_searches' })
      return ok('busy' as const)
    }
    const [only, ...others] = found
    if (others.length > 0) return err({ code: 'otp_ambiguous', serials: [] } as const)
    if (!only) {
      await audit.write(facts, { ...who, actionDetail: 'otp_wrong' })
      return ok(null)
    }
    const { token, matched } = only
    const { serial, revision, type: tokenType } = token
    const move = { serial, revision, matched, next: matched + 1, resetFailCount: false }
    const row = await audit.row(facts, { ...who, success: true, serial, tokenType })
    return (await store.moveCounter(move, row)) === 'done' ? ok(serial) : err(CHANGED_MEANWHILE)
  }
}
