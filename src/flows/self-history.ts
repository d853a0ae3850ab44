/** A user's own entries in the audit: what was done by them, for them and to their tokens, without who administered. */
import type { AdminFailure } from '../core/failures.ts'
import { mayReadHistory } from '../core/policy/selfservice.ts'
import { ok, type Result } from '../core/result.ts'
import type { SentRecord } from '../ports/audit.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import { type AuditFilter, type AuditFound, type AuditPage, createAuditSearch } from './audit-search.ts'
import type { Facts } from './facts.ts'
import { createQueue } from './queue.ts'
import { holds, type Self, whoIs } from './self-user.ts'

export type SelfHistory = (
  self: Self,
  page: AuditPage,
  facts: Facts,
) => Promise<Result<AuditFound | 'busy', AdminFailure>>

type Parts = { readonly store: Store; readonly edges: Edges; readonly audit: Audit }

export function createSelfHistory({ store, edges, audit }: Parts): SelfHistory {
  const find = createAuditSearch(store)
  // The whole audit is read for it, piece by piece: not by everybody at once.
  const oneByOne = createQueue(edges)

  return async (self, page, facts) => {
    const right = holds(self, mayReadHistory)
    if (!right.ok) return right
    const found = await oneByOne(`${self.user.resolver} ${self.user.userId}`, () =>
      find.page({ ...page, ...own(self, page) }),
    )
    const detail = found === 'busy' ? { success: false, actionDetail: 'too_many_searches' } : { success: true }
    await audit.write(facts, { ...whoIs(self), ...detail })
    return ok(found)
  }
}

function own({ user: { login }, realm }: Self, { matches, hints }: AuditFilter): AuditFilter {
  const mine = (row: SentRecord): boolean => row.user === login && row.realm === realm
  // The database folds ASCII alone.
  const byUser = /^[ -~]+$/.test(login) ? [{ column: 'user', holds: login } as const] : []
  return {
    matches: (row) => mine(row) && (matches === null || matches(row)),
    hints: [...hints, ...byUser],
  }
}
