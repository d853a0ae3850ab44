/**
 * Search in the audit. Rows are found by number, so a page costs the same wherever it stands; with a filter the audit is
 * read piece by piece, the database throwing out what cannot match and the caller's own function having the last word.
 */
import type { Instant, Seconds } from '../core/time.ts'
import type { AuditHint, Bounds, SentRecord } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'

export type AuditFilter = {
  /** null: all rows. */
  readonly matches: ((record: SentRecord) => boolean) | null
  /** What every row must hold for `matches` to be true. */
  readonly hints: readonly AuditHint[]
  /** Written at or after this, and before that. */
  readonly since?: Instant | null
  readonly until?: Instant | null
}
export type AuditOrder = {
  readonly descending: boolean
  /** What rows are ordered by; null: by number. */
  readonly key: ((record: SentRecord) => string | number) | null
}
export type AuditPage = AuditFilter & AuditOrder & { readonly offset: number; readonly limit: number }
export type AuditFound = { readonly rows: readonly SentRecord[]; readonly total: number }

export type AuditSearch = {
  readonly page: (page: AuditPage) => Promise<AuditFound>
  /** Rows by number, as many at a time as are read at once; `bounds` are those of the moment it was asked for. */
  readonly stream: (
    filter: AuditFilter & Pick<AuditOrder, 'descending'>,
    bounds: Bounds,
  ) => AsyncGenerator<readonly SentRecord[]>
}

/** Rows that are read at once, and numbers that the database looks at for them. */
const AT_ONCE = 1000
const LOOKED_AT = 20_000

/** Times do not quite follow the numbers: requests take their time, and the clocks of nodes differ. */
const SLACK: Seconds = 600

export function createAuditSearch(store: Store): AuditSearch {
  return { page, stream }

  async function page(asked: AuditPage): Promise<AuditFound> {
    const { rows: bounds } = await store.auditBounds()
    const plain = asked.matches === null && asked.key === null && !asked.since && !asked.until
    return plain ? byNumber(asked, bounds) : byScan(asked, bounds)
  }

  async function byNumber({ descending, offset, limit }: AuditPage, { first, last }: Bounds): Promise<AuditFound> {
    if (last === 0) return { rows: [], total: 0 }
    const from = descending ? Math.max(first, last - offset - limit + 1) : first + offset
    const to = descending ? last - offset : Math.min(last, first + offset + limit - 1)
    const rows = from > to ? [] : await store.findAudit({ from, to, limit, descending, hints: [] })
    return { rows, total: last - first + 1 }
  }

  async function byScan(asked: AuditPage, bounds: Bounds): Promise<AuditFound> {
    const { offset, limit, key, descending } = asked
    let total = 0
    let kept: SentRecord[] = []
    const inOrder = key && ordered(key, descending)
    for await (const rows of stream(asked, bounds)) {
      if (inOrder) kept = [...kept, ...rows].toSorted(inOrder).slice(0, offset + limit)
      else kept.push(...rows.slice(Math.max(0, offset - total), Math.max(0, offset + limit - total)))
      total += rows.length
    }
    return { rows: inOrder ? kept.slice(offset) : kept, total }
  }

  async function* stream(
    filter: AuditFilter & Pick<AuditOrder, 'descending'>,
    bounds: Bounds,
  ): AsyncGenerator<readonly SentRecord[]> {
    const { matches, hints, descending } = filter
    const [since, until] = [filter.since ?? null, filter.until ?? null]
    let from = since === null ? bounds.first : await numberAt(since - SLACK, bounds)
    let to = until === null ? bounds.last : Math.min(bounds.last, await numberAt(until + SLACK, bounds))
    const span = hints.length > 0 ? LOOKED_AT : AT_ONCE
    const wanted = (row: SentRecord): boolean =>
      (since === null || row.at >= since) && (until === null || row.at < until) && (matches === null || matches(row))
    while (from > 0 && from <= to) {
      const range = descending
        ? { from: Math.max(from, to - span + 1), to }
        : { from, to: Math.min(to, from + span - 1) }
      const rows = await store.findAudit({ ...range, limit: AT_ONCE, descending, hints })
      const end = rows.length === AT_ONCE ? rows.at(-1)?.number : undefined
      if (descending) to = (end ?? range.from) - 1
      else from = (end ?? range.to) + 1
      const found = rows.filter(wanted)
      if (found.length > 0) yield found
    }
  }

  /** The first number whose row is not older, by halving. */
  async function numberAt(at: Instant, { first, last }: Bounds): Promise<number> {
    let [low, high] = [first, last + 1]
    while (low < high) {
      const middle = Math.floor((low + high) / 2)
      const [row] = await store.findAudit({ from: middle, to: last, limit: 1, descending: false, hints: [] })
      if (row && row.at < at) low = Math.max(middle, row.number) + 1
      else high = middle
    }
    return low
  }
}

/** By key, then by number. */
function ordered(key: (record: SentRecord) => string | number, descending: boolean) {
  const sign = descending ? -1 : 1
  return (a: SentRecord, b: SentRecord): number => {
    const [x, y] = [key(a), key(b)]
    return sign * (x < y ? -1 : x > y ? 1 : a.number - b.number)
  }
}
