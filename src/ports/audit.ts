/**
 * Audit in the store: rows, what became of their messages, the checkpoints that seal both, and the cuts of retention.
 * What seals them and how they are judged is the business of flows/audit-*.ts; the store keeps and numbers them.
 */
import type { Instant } from '../core/time.ts'

/** One line of the audit, without number and MAC. Codes, never secrets. */
export type AuditEntry = {
  readonly requestId: string
  readonly at: Instant
  /** Path of the request without the leading slash. */
  readonly action: string
  readonly success: boolean
  readonly serial?: string
  readonly tokenType?: string
  readonly user?: string
  readonly realm?: string
  readonly administrator?: string
  readonly actionDetail?: string
  readonly info?: string
  readonly client: string
}

/** A row as a later one remembers it: its number, and the beginning of its MAC. */
export type Citation = { readonly number: number; readonly mark: string }

/** An entry with its MAC; see `flows/audit.ts`. */
export type AuditRow = Required<AuditEntry> & {
  /** Name of the node that answered. */
  readonly server?: string
  /** The newest row that the node knew of when it wrote this one. */
  readonly cites?: Citation | null
  readonly mac: string
}

/** A row as it stands in the database. */
export type AuditRecord = Required<AuditRow> & { readonly number: number }

/** What one provider said to one message. */
export type AuditDelivery = {
  readonly id: number
  readonly requestId: string
  readonly serial: string
  readonly provider: string
  /** accepted | refused | unavailable */
  readonly status: string
  readonly reason: string
  readonly at: Instant
  readonly mac: string
}

/** A row with what became of the messages of its request. */
export type SentRecord = AuditRecord & { readonly deliveries: readonly AuditDelivery[] }

export type AuditCheckpoint = {
  /** Counts from 1 without a gap, over cuts too. */
  readonly id: number
  readonly first: number
  readonly last: number
  readonly firstDelivery: number
  readonly lastDelivery: number
  readonly newest: Instant
  readonly at: Instant
  readonly digest: string
  readonly deliveryDigest: string
  readonly previous: string
  readonly marks: string
  readonly broken: string
  readonly mac: string
}

export type AuditCut = {
  readonly id: number
  readonly last: number
  readonly lastDelivery: number
  readonly checkpoint: number
  readonly digest: string
  readonly findings: number
  readonly at: Instant
  readonly mac: string
}

/** Where a numbered table begins and ends; `issued` is the last number that was ever given out. All 0: nothing yet. */
export type Bounds = { readonly first: number; readonly last: number; readonly issued: number }
export type AuditBounds = { readonly rows: Bounds; readonly deliveries: Bounds; readonly checkpoints: Bounds }

/** Columns that a reader may be narrowed down by. */
export type HintColumn = 'action' | 'serial' | 'tokenType' | 'user' | 'realm' | 'administrator' | 'info' | 'client'
/** The column holds this ASCII text somewhere, in whatever case. A row that fails a hint is not worth reading. */
export type AuditHint = { readonly column: HintColumn; readonly holds: string }

export type AuditRange = {
  /** Both ends belong to it. */
  readonly from: number
  readonly to: number
  readonly limit: number
}

export type AuditStore = {
  readonly writeAudit: (row: AuditRow) => Promise<void>
  /** The newest row this process has written; one read for a process that has written none. null: there is no row. */
  readonly newestAudit: () => Promise<{ readonly number: number; readonly mac: string } | null>
  /** Has this process written a row of this request? Asked once; then it is forgotten. */
  readonly wasAudited: (requestId: string) => boolean

  readonly auditBounds: () => Promise<AuditBounds>
  readonly findAudit: (
    query: AuditRange & { readonly descending: boolean; readonly hints: readonly AuditHint[] },
  ) => Promise<readonly SentRecord[]>
  /** In ascending order. `repeated`: an earlier row has the same request id. */
  readonly readAudit: (range: AuditRange) => Promise<readonly (AuditRecord & { readonly repeated: boolean })[]>
  readonly readDeliveries: (range: AuditRange) => Promise<readonly AuditDelivery[]>
  /** MACs of single rows, by number. */
  readonly findMacs: (numbers: readonly number[]) => Promise<ReadonlyMap<number, string>>

  readonly lastCheckpoint: () => Promise<AuditCheckpoint | null>
  /** The one that seals the row with this number. */
  readonly findCheckpoint: (row: number) => Promise<AuditCheckpoint | null>
  readonly readCheckpoints: (after: number, limit: number) => Promise<readonly AuditCheckpoint[]>
  /** `lost`: another process has made a checkpoint since the one before this was read. */
  readonly addCheckpoint: (checkpoint: AuditCheckpoint) => Promise<'done' | 'lost'>
  readonly readCuts: () => Promise<readonly AuditCut[]>
  /** Takes the checkpoints away and leaves the rows to `removeCutRows`. `lost`: somebody else has cut meanwhile. */
  readonly addCut: (cut: AuditCut, audit: AuditRow) => Promise<'done' | 'lost'>
  /** Deletes at most `limit` rows and as many deliveries that a cut is over. @returns how many */
  readonly removeCutRows: (limit: number) => Promise<number>
  /** Puts another MAC on a checkpoint or a cut that still has the one that was seen. */
  readonly resealAudit: (
    kind: 'checkpoint' | 'cut',
    seal: { readonly id: number; readonly before: string; readonly after: string },
  ) => Promise<'done' | 'lost'>
}
