/**
 * Verify: reads the audit from its first row to its last and says what is not as it was written. Whatever its size, a
 * few thousand rows are in memory.
 *
 * A row is right when its own MAC is, or when a checkpoint that is right has it among its good ones: that is how rows
 * outlive the key they were sealed with. Its place is right when the numbers run on, when the row it cites stands where
 * it says, and when its checkpoint's digest fits.
 */
import type { AuditBounds } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { PURPOSE } from './audit.ts'
import { type Chain, openChain } from './audit-chain.ts'
import { createFindings, type Finding, type Findings } from './audit-findings.ts'
import { createJudge, keyId } from './audit-seal.ts'
import { createWalk, type Walk } from './audit-walk.ts'

export type VerifyProgress = { readonly verified: number; readonly of: number }
export type Verdict = {
  readonly verdict: 'intact' | 'broken'
  /** Numbers of the rows that should be there. */
  readonly first: number
  readonly last: number
  readonly rows: number
  readonly deliveries: number
  readonly checkpoints: number
  /** Times that retention has removed rows. */
  readonly cuts: number
  /** Number of the last row that a checkpoint seals. */
  readonly sealed: number
  readonly findings: readonly Finding[]
  /** How many rows and others they are, also those that are not listed. */
  readonly found: number
  /** Odd, but not broken. */
  readonly warnings: readonly Finding[]
  /** What nothing in this database can show. */
  readonly unseen: readonly string[]
  /** Of the newest checkpoint; to be noted elsewhere, and given to a later verification. */
  readonly anchor: string | null
}

/**
 * @param anchor one that was noted before; without it the end of the audit is believed as it stands
 * @param until  stop at this row, which should end a checkpoint; the default is the end
 */
export type Verify = (anchor: string | null, until?: number) => AsyncGenerator<VerifyProgress, Verdict>

export function createVerify({ store, vault }: { readonly store: Store; readonly vault: Vault }): Verify {
  const judge = createJudge(vault)

  return async function* verify(anchor, until = Number.MAX_SAFE_INTEGER) {
    for (;;) {
      const verdict = yield* pass(anchor, until)
      // Retention has taken rows away under our eyes: what seemed to be missing is gone by right.
      if (verdict.verdict === 'intact' || (await store.readCuts()).length === verdict.cuts) return verdict
    }
  }

  async function* pass(anchor: string | null, until: number): AsyncGenerator<VerifyProgress, Verdict> {
    const [findings, warnings] = [createFindings(), createFindings()]
    const bounds = await store.auditBounds()
    const currentKey = keyId(await vault.mac(PURPOSE.row, ''))
    const chain = await openChain({ store, judge, findings, bounds, currentKey, anchor })
    const { start } = chain
    const walk = createWalk({ store, judge, findings, warnings, currentKey, cut: start.last })
    const of = Math.max(0, Math.min(bounds.rows.last, until) - start.last)

    for await (const { rows, deliveries } of chain.steps()) {
      if (rows.from > until) break
      await walk.rows(rows)
      await walk.deliveries(deliveries)
      yield { verified: Math.max(0, Math.min(of, rows.to - start.last)), of }
    }
    if (until === Number.MAX_SAFE_INTEGER) checkEnds(chain, bounds, findings)
    return conclude({ chain, bounds, findings, warnings, walk })
  }
}

/** Numbers that were given out and are gone: the database counts on its own, which a hasty hand forgets. */
function checkEnds(chain: Chain, { rows, deliveries }: AuditBounds, findings: Findings): void {
  const cutOff = 'cut off at the end'
  const [row, delivery] = [Math.max(rows.last, chain.sealed().row), Math.max(deliveries.last, chain.sealed().delivery)]
  if (rows.issued > row) findings.add('row_missing', row + 1, rows.issued, cutOff)
  if (deliveries.issued > delivery) findings.add('delivery_missing', delivery + 1, deliveries.issued, cutOff)
}

type Conclusion = {
  readonly chain: Chain
  readonly bounds: AuditBounds
  readonly findings: Findings
  readonly warnings: Findings
  readonly walk: Walk
}

function conclude({ chain, bounds, findings, warnings, walk }: Conclusion): Verdict {
  const sealed = chain.sealed()
  const last = Math.max(bounds.rows.last, sealed.row)
  return {
    verdict: findings.count() === 0 ? 'intact' : 'broken',
    ...{ first: chain.start.last + 1, last, ...walk.seen() },
    ...{ cuts: chain.cuts, checkpoints: sealed.count, sealed: sealed.row, anchor: sealed.anchor },
    ...{ findings: findings.list(), found: findings.count(), warnings: warnings.list() },
    unseen: unseen(chain, last),
  }
}

function unseen({ start, cuts, sealed }: Chain, last: number): readonly string[] {
  const { row, anchor } = sealed()
  const open =
    last > row
      ? [
          `rows ${row + 1} to ${last} have no checkpoint yet: of requests at the same moment, one may have been removed or moved`,
        ]
      : []
  const cut =
    start.last > 0
      ? [`rows up to ${start.last} were removed by retention, in ${cuts} ${cuts === 1 ? 'cut' : 'cuts'}`]
      : []
  const end =
    anchor === null
      ? 'rows that were cut off at the very end: there is no checkpoint yet that could be noted elsewhere'
      : `rows that were cut off at the very end together with their checkpoints: give an anchor that was noted elsewhere`
  return [...open, ...cut, end, 'rows written by somebody who has the keys']
}
