/**
 * Checkpoints: each seals the rows and deliveries since the one before, a thousand rows at most, with a digest over what
 * they hold and where they stand. A checkpoint names its predecessor's digest, so they are a chain.
 *
 * Made behind the requests, by housekeeping. What is broken already is sealed too and listed as broken, so that one bad
 * row does not leave all later ones unsealed, and never counts as good because a checkpoint has it. A checkpoint is sealed
 * again under the newest key, which makes the rows in it outlive the key that they were sealed with.
 */
import type { Instant } from '../core/time.ts'
import type { AuditCheckpoint, AuditCut, AuditDelivery, AuditRecord } from '../ports/audit.ts'
import type { Log } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { deliveryText, macBody, macText, PURPOSE } from './audit.ts'
import { hex } from './digest.ts'

/** Rows that one checkpoint seals, and rows that are read at once. */
export const SEALED_ROWS = 1000
const SEALED_DELIVERIES = 4 * SEALED_ROWS

/** Checkpoints that are read at once: each has a mark for each of its rows. */
export const PAGE = 20

export type Seal = {
  /** Seals what is not sealed yet. @returns how many rows */
  readonly checkpoint: (now: Instant) => Promise<number>
  /** Puts checkpoints and cuts under the newest key. @returns how many */
  readonly reseal: () => Promise<number>
}

/** Where the next checkpoint begins. */
type Tip = Pick<AuditCheckpoint, 'last' | 'lastDelivery' | 'digest'>
const START: Tip = { last: 0, lastDelivery: 0, digest: '' }

type Parts = { readonly store: Store; readonly vault: Vault; readonly edges: { readonly log: Log } }

export function createSeal({ store, vault, edges }: Parts): Seal {
  const judge = createJudge(vault)
  return { checkpoint, reseal }

  async function checkpoint(now: Instant): Promise<number> {
    const { checkpoints } = await store.auditBounds()
    let tip: Tip = (await store.lastCheckpoint()) ?? (await store.readCuts()).at(-1) ?? START
    for (let id = checkpoints.issued + 1, sealed = 0; ; id++) {
      const rows = await store.readAudit({ from: tip.last + 1, to: Number.MAX_SAFE_INTEGER, limit: SEALED_ROWS })
      if (rows.length === 0) return sealed
      const next = await seal({ tip, id, rows, now })
      // Another process was faster, and seals the same rows.
      if ((await store.addCheckpoint(next)) === 'lost') return sealed
      tell(next, rows.length)
      sealed += rows.length
      tip = next
    }
  }

  function tell(made: AuditCheckpoint, rows: number): void {
    // Where a log goes elsewhere, this line is the witness of what stood in the database (docs/audit.md).
    edges.log.info('audit_sealed', { anchor: anchorOf(made), rows })
    const broken = readBroken(made)
    if (broken.rows.length + broken.deliveries.length > 0)
      edges.log.error('audit_broken', { rows: broken.rows.join(' '), deliveries: broken.deliveries.join(' ') })
  }

  async function seal({ tip, id, rows, now }: { tip: Tip; id: number; rows: readonly AuditRecord[]; now: Instant }) {
    const range = { from: tip.lastDelivery + 1, to: Number.MAX_SAFE_INTEGER, limit: SEALED_DELIVERIES }
    const deliveries = await store.readDeliveries(range)
    const [intactRows, intactDeliveries] = [await judge.rows(rows), await judge.deliveries(deliveries)]
    const unsealed: Omit<AuditCheckpoint, 'mac'> = {
      id,
      first: tip.last + 1,
      last: rows.at(-1)?.number ?? tip.last,
      firstDelivery: tip.lastDelivery + 1,
      lastDelivery: deliveries.at(-1)?.id ?? tip.lastDelivery,
      newest: Math.max(...rows.map(({ at }) => at)),
      at: now,
      digest: await rowDigest(rows),
      deliveryDigest: await deliveryDigest(deliveries),
      previous: tip.digest,
      marks: rows.map(markOf).join(''),
      broken: JSON.stringify({
        rows: rows.filter((_, n) => !intactRows[n]).map(({ number }) => number),
        deliveries: deliveries.filter((_, n) => !intactDeliveries[n]).map((delivery) => delivery.id),
      }),
    }
    return { ...unsealed, mac: await vault.mac(PURPOSE.checkpoint, checkpointText(unsealed)) }
  }

  /** From the newest to the oldest: when the oldest has the newest key, all have. */
  async function reseal(): Promise<number> {
    const cuts = await store.readCuts()
    const cut = cuts.at(-1)?.checkpoint ?? 0
    let done = 0
    for (const one of cuts) done += await again('cut', one, PURPOSE.cut, cutText(one))
    const [oldest] = await store.readCheckpoints(cut, 1)
    if (!oldest || (await isCurrent(oldest.mac))) return done
    const { checkpoints } = await store.auditBounds()
    for (let end = checkpoints.last; end > cut; end -= PAGE)
      for (const one of (await store.readCheckpoints(Math.max(cut, end - PAGE), PAGE)).toReversed())
        if (one.id <= end) done += await again('checkpoint', one, PURPOSE.checkpoint, checkpointText(one))
    return done
  }

  async function isCurrent(mac: string): Promise<boolean> {
    return keyId(mac) === keyId(await vault.mac(PURPOSE.row, ''))
  }

  async function again(
    kind: 'checkpoint' | 'cut',
    { id, mac: before }: { readonly id: number; readonly mac: string },
    purpose: string,
    text: string,
  ): Promise<number> {
    if (await isCurrent(before)) return 0
    // What is not right must not become so.
    if (!(await vault.macMatches(purpose, text, before))) return 0
    const after = await vault.mac(purpose, text)
    return (await store.resealAudit(kind, { id, before, after })) === 'done' ? 1 : 0
  }
}

export const keyId = (mac: string): string => mac.slice(0, Math.max(0, mac.indexOf('.')))

/** Are the MACs right? In the order given. */
export function createJudge(vault: Vault) {
  return {
    rows: (rows: readonly AuditRecord[]) =>
      Promise.all(rows.map((row) => vault.macMatches(PURPOSE.row, macText(row), row.mac))),
    deliveries: (deliveries: readonly AuditDelivery[]) =>
      Promise.all(deliveries.map((one) => vault.macMatches(PURPOSE.delivery, deliveryText(one), one.mac))),
    checkpoint: (one: AuditCheckpoint) => vault.macMatches(PURPOSE.checkpoint, checkpointText(one), one.mac),
    cut: (one: AuditCut) => vault.macMatches(PURPOSE.cut, cutText(one), one.mac),
  }
}

export const rowDigest = (rows: readonly AuditRecord[]): Promise<string> =>
  sha256(rows.map((row) => `${row.number} ${macText(row)} ${row.mac}`))
export const deliveryDigest = (deliveries: readonly AuditDelivery[]): Promise<string> =>
  sha256(deliveries.map((one) => `${one.id} ${deliveryText(one)} ${one.mac}`))

async function sha256(lines: readonly string[]): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(lines.join('\n')))))
}

/** Tells a row from the others of its checkpoint; that it is the right one is the digest's business. */
const MARK = 6
export const markOf = ({ mac }: { readonly mac: string }): string => macBody(mac).slice(0, MARK).padEnd(MARK, '-')
export const splitMarks = (marks: string): readonly string[] => marks.match(new RegExp(`[\\s\\S]{${MARK}}`, 'g')) ?? []

const checkpointText = (c: Omit<AuditCheckpoint, 'mac'>): string =>
  JSON.stringify([
    ...[c.id, c.first, c.last, c.firstDelivery, c.lastDelivery, c.newest, c.at],
    ...[c.digest, c.deliveryDigest, c.previous, c.marks, c.broken],
  ])

export const cutText = (c: Omit<AuditCut, 'mac'>): string =>
  JSON.stringify([c.id, c.last, c.lastDelivery, c.checkpoint, c.digest, c.findings, c.at])

export type Broken = { readonly rows: readonly number[]; readonly deliveries: readonly number[] }

/** Written by `checkpoint`; look at it only once the MAC is known to be right. */
export const readBroken = ({ broken }: Pick<AuditCheckpoint, 'broken'>): Broken => JSON.parse(broken) as Broken

/** What is noted elsewhere, to be compared one day: number of the checkpoint, last row, digest. */
export const anchorOf = (c: Pick<AuditCheckpoint, 'id' | 'last' | 'digest'>): string =>
  `${c.id}:${c.last}:${c.digest.slice(0, 32)}`
