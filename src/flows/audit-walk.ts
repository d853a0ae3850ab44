/** Judges rows and deliveries, range by range in ascending order. Remembers the MACs of two ranges and no more. */
import type { Seconds } from '../core/time.ts'
import type { AuditCheckpoint, AuditDelivery, AuditRecord } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'
import { citedMark } from './audit.ts'
import { foreignKey, type Judge, type Range } from './audit-chain.ts'
import type { FindingKind, Findings } from './audit-findings.ts'
import { deliveryDigest, markOf, readBroken, rowDigest, splitMarks } from './audit-seal.ts'

/** A row may be this much older than one before it: requests take their time, and the clocks of nodes differ. */
const CLOCKS: Seconds = 300
/** A range has a thousand rows; more can only have been put in. */
const MOST = 10_000

export type Walk = {
  readonly rows: (range: Range) => Promise<void>
  readonly deliveries: (range: Range) => Promise<void>
  readonly seen: () => { readonly rows: number; readonly deliveries: number }
}

type Parts = {
  readonly store: Store
  readonly judge: Judge
  readonly findings: Findings
  /** Odd, but not broken. */
  readonly warnings: Findings
  readonly currentKey: string
  /** Rows up to this one are gone. */
  readonly cut: number
}
type Row = AuditRecord & { readonly repeated: boolean }
type Macs = ReadonlyMap<number, string>

export function createWalk({ store, judge, findings, warnings, currentKey, cut }: Parts): Walk {
  const seen = { rows: 0, deliveries: 0 }
  let newest = 0
  let before: Macs = new Map()
  return { rows, deliveries, seen: () => seen }

  async function rows({ from, to, checkpoint }: Range): Promise<void> {
    if (from > to) return
    const here = await store.readAudit({ from, to, limit: MOST })
    seen.rows += here.length
    missing(
      'row_missing',
      here.map(({ number }) => number),
      { from, to },
    )
    const right = await judge.rows(here)
    const sealed = checkpoint !== null && (await rowDigest(here)) === checkpoint.digest
    const broken = new Set(checkpoint ? readBroken(checkpoint).rows : [])
    const named = createNames()
    const macs = await citedMacs(here)
    for (const [n, row] of here.entries()) {
      if (!right[n] && (!sealed || broken.has(row.number)))
        named.add('row_altered', row.number, foreignKey(row.mac, currentKey))
      if (row.repeated) named.add('row_repeated', row.number)
      place(row, macs, named)
      if (row.at < newest - CLOCKS) warnings.add('clock_went_back', row.number)
      newest = Math.max(newest, row.at)
    }
    if (checkpoint && !sealed) {
      compare(here, checkpoint, named)
      if (named.none() && here.length === to - from + 1) findings.add('rows_changed', from, to)
    }
    named.tell(findings)
  }

  /** The MACs of the rows that are cited, as they stand now; mostly they are near. */
  async function citedMacs(here: readonly Row[]): Promise<Macs> {
    const near = new Map([...before, ...here.map(({ number, mac }) => [number, mac] as const)])
    before = new Map(here.map(({ number, mac }) => [number, mac]))
    const cited = here.flatMap(({ cites }) =>
      cites && cites.number > cut && !near.has(cites.number) ? [cites.number] : [],
    )
    if (cited.length === 0) return near
    return new Map([...near, ...(await store.findMacs([...new Set(cited)]))])
  }

  /** Does the row stand behind the one it was written after, and is that one still there? */
  function place({ number, cites }: Row, macs: Macs, named: Names): void {
    if (!cites || cites.number <= cut) return
    const mac = macs.get(cites.number)
    if (cites.number >= number) named.add('row_moved', number)
    else if (mac !== undefined && citedMark(mac) !== cites.mark)
      named.add('row_replaced', cites.number, `row ${number} saw another one there`)
  }

  async function deliveries({ from, to, checkpoint }: Range): Promise<void> {
    if (from > to) return
    const here = await store.readDeliveries({ from, to, limit: MOST })
    seen.deliveries += here.length
    missing(
      'delivery_missing',
      here.map(({ id }) => id),
      { from, to },
    )
    const right = await judge.deliveries(here)
    const sealed = checkpoint !== null && (await deliveryDigest(here)) === checkpoint.deliveryDigest
    const broken = new Set(checkpoint ? readBroken(checkpoint).deliveries : [])
    const wrong = here.filter(({ id }, n) => !right[n] && (!sealed || broken.has(id)))
    for (const one of wrong) findings.add('delivery_altered', one.id, one.id, deliveryNote(one))
    if (checkpoint && !sealed && wrong.length === 0 && here.length === to - from + 1)
      findings.add('deliveries_changed', from, to)
  }

  function deliveryNote({ requestId, mac }: AuditDelivery): string {
    return [`of request ${requestId}`, foreignKey(mac, currentKey)].filter(Boolean).join(', ')
  }

  function missing(kind: FindingKind, numbers: readonly number[], { from, to }: Omit<Range, 'checkpoint'>): void {
    let expected = from
    for (const number of numbers) {
      if (number > expected) findings.add(kind, expected, number - 1)
      expected = number + 1
    }
    if (expected <= to) findings.add(kind, expected, to)
  }
}

/** Names the rows that do not stand where they were sealed. Where rows were missing already then, nothing is known. */
function compare(rows: readonly Row[], { first, last, marks }: AuditCheckpoint, named: Names): void {
  const sealed = splitMarks(marks)
  if (sealed.length !== last - first + 1) return
  const [known, here] = [new Set(sealed), new Map(rows.map((row) => [row.number, markOf(row)]))]
  const present = new Set(here.values())
  for (const [number, mark] of here) {
    const expected = sealed[number - first] ?? ''
    if (mark === expected || named.has('row_altered', number)) continue
    named.add(known.has(mark) ? 'row_moved' : 'row_inserted', number)
    if (!present.has(expected)) named.add('row_replaced', number, 'the sealed one is gone')
  }
}

type Names = ReturnType<typeof createNames>

/** What is wrong with the rows of one range: each thing once, told in ascending order. */
function createNames() {
  const names = new Map<string, readonly [FindingKind, number, string]>()
  return {
    add: (kind: FindingKind, number: number, note = ''): void => {
      const key = `${kind} ${number}`
      if (!names.has(key)) names.set(key, [kind, number, note])
    },
    has: (kind: FindingKind, number: number): boolean => names.has(`${kind} ${number}`),
    none: (): boolean => names.size === 0,
    tell: (findings: Findings): void => {
      for (const [kind, number, note] of [...names.values()].toSorted((a, b) => a[1] - b[1]))
        findings.add(kind, number, number, note)
    },
  }
}
