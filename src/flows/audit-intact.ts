/**
 * Intact: is a row that is shown what was written? By its own MAC, or, where the key of that is gone, because a checkpoint
 * that is right has it among its good ones, as `verify` judges.
 */
import type { AuditCheckpoint, AuditRecord } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { macText } from './audit.ts'
import { createJudge, readBroken, rowDigest } from './audit-seal.ts'

/** In the order given. */
export type AreIntact = (rows: readonly AuditRecord[]) => Promise<readonly boolean[]>

type Parts = { readonly store: Pick<Store, 'findCheckpoint' | 'readAudit'>; readonly vault: Vault }

export function createAreIntact({ store, vault }: Parts): AreIntact {
  const judge = createJudge(vault)

  return async (rows) => {
    const right = await judge.rows(rows)
    const open = rows.filter((_, n) => !right[n]).toSorted((a, b) => a.number - b.number)
    const sealed = open.length === 0 ? new Map<number, string>() : await sealedAmong(open)
    return rows.map((row, n) => right[n] === true || sealed.get(row.number) === contentOf(row))
  }

  /** What stands under their checkpoints, each of which is read once. */
  async function sealedAmong(rows: readonly AuditRecord[]): Promise<ReadonlyMap<number, string>> {
    const sealed = new Map<number, string>()
    let read = 0
    for (const { number } of rows) {
      if (number <= read) continue
      const checkpoint = await store.findCheckpoint(number)
      if (checkpoint) for (const row of await goodOf(checkpoint)) sealed.set(row.number, contentOf(row))
      read = checkpoint?.last ?? number
    }
    return sealed
  }

  async function goodOf(checkpoint: AuditCheckpoint): Promise<readonly AuditRecord[]> {
    if (!(await judge.checkpoint(checkpoint))) return []
    const { first: from, last: to } = checkpoint
    const rows = await store.readAudit({ from, to, limit: to - from + 1 })
    if ((await rowDigest(rows)) !== checkpoint.digest) return []
    const broken = new Set(readBroken(checkpoint).rows)
    return rows.filter(({ number }) => !broken.has(number))
  }
}

const contentOf = (row: AuditRecord): string => `${macText(row)} ${row.mac}`
