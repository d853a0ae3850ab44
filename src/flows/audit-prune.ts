/**
 * Retention: removes the oldest checkpoints with all that they seal, and leaves a sealed record of the cut, so that a
 * beginning that retention took away looks different from one that somebody tore off.
 *
 * What is broken is evidence: it is only removed by force, and the record says how much of it there was.
 */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Instant } from '../core/time.ts'
import type { AuditCheckpoint } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { type Audit, PURPOSE } from './audit.ts'
import { cutText, PAGE, type Seal } from './audit-seal.ts'
import type { Verdict, Verify } from './audit-verify.ts'
import type { Facts } from './facts.ts'

export type PruneCommand = {
  /** Rows that are older may go; what goes is whole checkpoints of up to a thousand rows. */
  readonly before: Instant
  /** Also when what is removed does not verify. */
  readonly force: boolean
}
/** `first` to `last` are gone; both 0: there was nothing old enough. */
export type Pruned = { readonly first: number; readonly last: number; readonly findings: number }

export type Prune = {
  readonly prune: (command: PruneCommand, facts: Facts) => Promise<Result<Pruned, AdminFailure>>
  /** Removes what is left of cuts that were interrupted. @returns how many rows and deliveries */
  readonly finish: () => Promise<number>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly audit: Audit
  readonly seal: Seal
  readonly verify: Verify
}

const SLICE = 1000

export function createPrune({ store, vault, audit, seal, verify }: Parts): Prune {
  return { prune, finish }

  async function prune({ before, force }: PruneCommand, facts: Facts): Promise<Result<Pruned, AdminFailure>> {
    await seal.checkpoint(facts.now)
    const cuts = await store.readCuts()
    const last = await lastBefore(before, cuts.at(-1)?.checkpoint ?? 0)
    if (!last) {
      await audit.write(facts, { success: true, info: 'nothing to remove' })
      return ok({ first: 0, last: 0, findings: 0 })
    }
    const { found, findings } = await drain(verify(null, last.last))
    if (found > 0 && !force) return err({ code: 'audit_broken', finding: findings[0]?.text ?? '', found })
    const first = (cuts.at(-1)?.last ?? 0) + 1
    const unsealed = {
      id: (cuts.at(-1)?.id ?? 0) + 1,
      ...{ last: last.last, lastDelivery: last.lastDelivery, checkpoint: last.id, digest: last.digest },
      ...{ findings: found, at: facts.now },
    }
    const cut = { ...unsealed, mac: await vault.mac(PURPOSE.cut, cutText(unsealed)) }
    const info = `rows ${first} to ${last.last}${found > 0 ? `, ${found} broken` : ''}`
    if ((await store.addCut(cut, await audit.row(facts, { success: true, info }))) === 'lost')
      return err({ code: 'parameter_invalid', field: 'before', rule: 'must not be pruned by two at the same time' })
    await finish()
    return ok({ first, last: last.last, findings: found })
  }

  /** The last checkpoint of the beginning in which every row is old enough. */
  async function lastBefore(before: Instant, after: number): Promise<AuditCheckpoint | null> {
    let chosen: AuditCheckpoint | null = null
    for (let id = after; ; ) {
      const page = await store.readCheckpoints(id, PAGE)
      for (const one of page) {
        if (one.newest >= before) return chosen
        chosen = one
      }
      const end = page.at(-1)
      if (!end) return chosen
      id = end.id
    }
  }

  async function finish(): Promise<number> {
    for (let removed = 0; ; ) {
      const slice = await store.removeCutRows(SLICE)
      if (slice === 0) return removed
      removed += slice
    }
  }
}

async function drain(running: ReturnType<Verify>): Promise<Verdict> {
  for (;;) {
    const step = await running.next()
    if (step.done) return step.value
  }
}
