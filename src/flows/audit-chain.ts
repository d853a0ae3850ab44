/**
 * The chain of checkpoints, walked from the newest cut to the end of the audit. Each step is a
 * range of rows and one of deliveries, under a checkpoint or, where there is none, in pieces of the same size.
 */
import type { AuditBounds, AuditCheckpoint, AuditCut } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'
import type { Findings } from './audit-findings.ts'
import { anchorOf, type createJudge, keyId, PAGE, SEALED_ROWS } from './audit-seal.ts'

export type Judge = ReturnType<typeof createJudge>

/** Rows and deliveries up to and with these numbers are gone, by retention. */
export type Start = Pick<AuditCut, 'last' | 'lastDelivery' | 'checkpoint' | 'digest'>
/** Both ends belong to it; empty when they are the wrong way round. `checkpoint` seals it, null: nothing does. */
export type Range = { readonly from: number; readonly to: number; readonly checkpoint: AuditCheckpoint | null }
export type Step = { readonly rows: Range; readonly deliveries: Range }

export type Chain = {
  readonly start: Start
  /** How many there are, right or wrong. */
  readonly cuts: number
  readonly steps: () => AsyncGenerator<Step>
  /** Ends of what is sealed; complete once `steps` is. */
  readonly sealed: () => {
    readonly row: number
    readonly delivery: number
    readonly anchor: string | null
    readonly count: number
  }
}

type Parts = {
  readonly store: Store
  readonly judge: Judge
  readonly findings: Findings
  readonly bounds: AuditBounds
  readonly currentKey: string
  readonly anchor: string | null
}

export async function openChain(parts: Parts): Promise<Chain> {
  const { store, judge, findings, bounds, currentKey } = parts
  const { start, cuts } = await readCuts(parts)
  const tip = {
    row: start.last,
    delivery: start.lastDelivery,
    digest: start.digest,
    anchor: null as string | null,
    count: 0,
  }
  let met = false
  compareCut(start)
  return { start, cuts, steps, sealed: () => tip }

  async function* steps(): AsyncGenerator<Step> {
    let id = start.checkpoint
    for (;;) {
      const page = await store.readCheckpoints(id, PAGE)
      if (page.length === 0) break
      for (const one of page) {
        if (one.id > id + 1) findings.add('checkpoint_missing', id + 1, one.id - 1)
        const follows = one.id === id + 1
        id = one.id
        if (!(await judge.checkpoint(one))) findings.add('checkpoint_altered', one.id, one.id, foreign(one.mac))
        else yield* upTo(one, follows)
      }
    }
    if (bounds.checkpoints.issued > id) findings.add('checkpoint_missing', id + 1, bounds.checkpoints.issued)
    if (parts.anchor !== null && !met)
      findings.add(
        'anchor_broken',
        anchorId(parts.anchor),
        anchorId(parts.anchor),
        `there were rows up to ${parts.anchor.split(':')[1]}`,
      )
    yield* open(bounds.rows.last, bounds.deliveries.last)
  }

  /** The rows of a checkpoint, and those before it that have none. */
  async function* upTo(one: AuditCheckpoint, follows: boolean): AsyncGenerator<Step> {
    compareAnchor(one.id, anchorOf(one))
    const fits = one.first === tip.row + 1 && one.firstDelivery === tip.delivery + 1 && one.previous === tip.digest
    if (one.first <= tip.row || (follows && !fits)) findings.add('checkpoint_misplaced', one.id)
    if (one.first <= tip.row) return
    yield* open(one.first - 1, one.firstDelivery - 1)
    yield {
      rows: { from: one.first, to: one.last, checkpoint: one },
      deliveries: { from: one.firstDelivery, to: one.lastDelivery, checkpoint: one },
    }
    tip.row = one.last
    tip.delivery = one.lastDelivery
    tip.digest = one.digest
    tip.anchor = anchorOf(one)
    tip.count += 1
  }

  /** What no checkpoint seals, up to these numbers, in pieces. */
  function* open(lastRow: number, lastDelivery: number): Generator<Step> {
    let [row, delivery] = [tip.row + 1, tip.delivery + 1]
    while (row <= lastRow || delivery <= lastDelivery) {
      const rows = { from: row, to: Math.min(lastRow, row + SEALED_ROWS - 1), checkpoint: null }
      const deliveries = { from: delivery, to: Math.min(lastDelivery, delivery + SEALED_ROWS - 1), checkpoint: null }
      yield { rows, deliveries }
      row = Math.max(row, rows.to + 1)
      delivery = Math.max(delivery, deliveries.to + 1)
    }
  }

  function compareAnchor(id: number, here: string): void {
    if (parts.anchor === null || anchorId(parts.anchor) !== id) return
    met = true
    if (here !== parts.anchor) findings.add('anchor_broken', id)
  }

  /** What was noted may be gone since: then only the last checkpoint that was cut can be compared. */
  function compareCut({ checkpoint: id, last, digest }: Start): void {
    if (parts.anchor !== null && anchorId(parts.anchor) < id) met = true
    compareAnchor(id, anchorOf({ id, last, digest }))
  }

  function foreign(mac: string): string {
    return foreignKey(mac, currentKey)
  }
}

export const foreignKey = (mac: string, currentKey: string): string =>
  keyId(mac) === currentKey ? '' : `or sealed with a key '${keyId(mac)}' that is not here`

/** The newest cut that is as it was written says where the audit begins. */
async function readCuts({ store, judge, findings, currentKey }: Parts): Promise<{ start: Start; cuts: number }> {
  let start: Start = { last: 0, lastDelivery: 0, checkpoint: 0, digest: '' }
  let id = 0
  const cuts = await store.readCuts()
  for (const cut of cuts) {
    if (cut.id > id + 1) findings.add('cut_missing', id + 1, cut.id - 1)
    id = cut.id
    if (!(await judge.cut(cut))) findings.add('cut_altered', cut.id, cut.id, foreignKey(cut.mac, currentKey))
    else start = cut
  }
  return { start, cuts: cuts.length }
}

export const isAnchor = (text: string): boolean => /^\d{1,12}:\d{1,15}:[0-9a-f]{32}$/.test(text)
const anchorId = (anchor: string): number => Number(anchor.split(':')[0])
