/**
 * Administration of the audit: search, export, verify, checkpoint, prune. Reading it is audited too; the row of a reader
 * stands behind what was read.
 */
import type { AdminFailure } from '../core/failures.ts'
import { ok, type Result } from '../core/result.ts'
import type { SentRecord } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import { createAreIntact } from './audit-intact.ts'
import type { Prune, PruneCommand, Pruned } from './audit-prune.ts'
import type { Seal } from './audit-seal.ts'
import { type AuditFilter, type AuditPage, createAuditSearch } from './audit-search.ts'
import type { Verdict, Verify, VerifyProgress } from './audit-verify.ts'
import type { Facts } from './facts.ts'

/** A row as it is shown. `intact`: it is what was written; whether it stands where it should, `verify` says. */
export type ShownRecord = SentRecord & { readonly intact: boolean }
export type ShownPage = { readonly rows: readonly ShownRecord[]; readonly total: number }
/** `limit` null: all. */
export type AuditExport = AuditFilter & { readonly descending: boolean; readonly limit: number | null }

export type AuditAdmin = {
  readonly search: (page: AuditPage, facts: Facts) => Promise<ShownPage>
  /** Audited before the first row is read: a reader who breaks off has read. */
  readonly stream: (what: AuditExport, facts: Facts) => Promise<AsyncGenerator<ShownRecord>>
  /** Its verdict, or that it was broken off, gets a row of its own when it is known. */
  readonly verify: (anchor: string | null, facts: Facts) => AsyncGenerator<VerifyProgress, Verdict>
  /** @returns how many rows were sealed now */
  readonly checkpoint: (facts: Facts) => Promise<Result<number, AdminFailure>>
  readonly prune: (command: PruneCommand, facts: Facts) => Promise<Result<Pruned, AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly audit: Audit
  readonly seal: Seal
  readonly verify: Verify
  readonly prune: Prune
}

export function createAuditAdmin({ store, vault, audit, seal, verify, prune: { prune } }: Parts): AuditAdmin {
  const find = createAuditSearch(store)
  const areIntact = createAreIntact({ store, vault })

  return {
    search: async (page, facts) => {
      const { rows, total } = await find.page(page)
      await audit.write(facts, { success: true })
      return { rows: await shown(rows), total }
    },

    stream: async ({ limit, ...filter }, facts) => {
      const { rows: bounds } = await store.auditBounds()
      await audit.write(facts, { success: true })
      return limited(find.stream(filter, bounds), limit ?? Number.POSITIVE_INFINITY)
    },

    verify: async function* (anchor, facts) {
      let verdict: Verdict | null = null
      try {
        verdict = yield* verify(anchor)
        return verdict
      } finally {
        const info = verdict
          ? [verdict.verdict, verdict.findings[0]?.text ?? ''].filter(Boolean).join(': ')
          : 'broken off'
        const late = { ...facts, requestId: `${facts.requestId}.verdict` }
        await audit.write(late, { success: verdict?.verdict === 'intact', info })
      }
    },

    checkpoint: async (facts) => {
      const sealed = await seal.checkpoint(facts.now)
      await seal.reseal()
      await audit.write(facts, { success: true, info: `${sealed} rows` })
      return ok(sealed)
    },

    prune,
  }

  async function shown(rows: readonly SentRecord[]): Promise<readonly ShownRecord[]> {
    const intact = await areIntact(rows)
    return rows.map((row, n) => ({ ...row, intact: intact[n] === true }))
  }

  async function* limited(pages: AsyncGenerator<readonly SentRecord[]>, limit: number): AsyncGenerator<ShownRecord> {
    let left = limit
    for await (const page of pages) {
      for (const row of await shown(page.slice(0, left))) yield row
      left -= page.length
      if (left <= 0) return
    }
  }
}
