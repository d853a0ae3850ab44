/** What the verification of the audit found, collected in bounded memory and put into words. */

export type FindingKind =
  | 'row_missing'
  | 'row_altered'
  | 'row_moved'
  | 'row_inserted'
  | 'row_replaced'
  | 'row_repeated'
  | 'rows_changed'
  | 'delivery_missing'
  | 'delivery_altered'
  | 'deliveries_changed'
  | 'checkpoint_missing'
  | 'checkpoint_altered'
  | 'checkpoint_misplaced'
  | 'cut_altered'
  | 'cut_missing'
  | 'anchor_broken'
  | 'clock_went_back'

/** One fact, or the same one of several numbers in a row. */
export type Finding = {
  readonly kind: FindingKind
  readonly first: number
  readonly last: number
  readonly text: string
}

/** Rows, deliveries, checkpoints or cuts; one or several. */
const WORDS: Readonly<Record<FindingKind, readonly [thing: string, one: string, several: string]>> = {
  row_missing: ['row', 'is missing', 'are missing'],
  row_altered: ['row', 'was altered', 'were altered'],
  row_moved: [
    'row',
    'stands at another number than it was written under',
    'stand at other numbers than they were written under',
  ],
  row_inserted: ['row', 'was put in, or stood elsewhere', 'were put in, or stood elsewhere'],
  row_replaced: [
    'row',
    'is not the one that was written under this number',
    'are not those that were written under these numbers',
  ],
  row_repeated: ['row', 'is a copy of an earlier one', 'are copies of earlier ones'],
  rows_changed: ['row', 'is not what was sealed', 'are not what was sealed'],
  delivery_missing: ['delivery', 'is missing', 'are missing'],
  delivery_altered: ['delivery', 'was altered', 'were altered'],
  deliveries_changed: ['delivery', 'is not what was sealed', 'are not what was sealed'],
  checkpoint_missing: ['checkpoint', 'is missing', 'are missing'],
  checkpoint_altered: ['checkpoint', 'was altered', 'were altered'],
  checkpoint_misplaced: ['checkpoint', 'does not follow the one before it', 'do not follow those before them'],
  cut_altered: ['cut', 'was altered', 'were altered'],
  cut_missing: ['cut', 'is missing', 'are missing'],
  anchor_broken: ['checkpoint', 'is not the one that was noted', 'are not those that were noted'],
  clock_went_back: ['row', 'is older than a row before it', 'are older than rows before them'],
}
const PLURALS: Readonly<Record<string, string>> = { delivery: 'deliveries' }

const KEPT = 500

export type Findings = {
  /** @param note stands behind the sentence, in brackets */
  readonly add: (kind: FindingKind, first: number, last?: number, note?: string) => void
  readonly list: () => readonly Finding[]
  /** Facts, the ones that are not kept included. */
  readonly count: () => number
}

/** Neighbours are one finding; of more than a few hundred findings only the number is kept. */
export function createFindings(): Findings {
  const found: { kind: FindingKind; first: number; last: number; note: string }[] = []
  const latest = new Map<FindingKind, { last: number; note: string }>()
  let count = 0
  return {
    add: (kind, first, last = first, note = '') => {
      count += last - first + 1
      const before = latest.get(kind)
      if (before && first === before.last + 1 && note === before.note) before.last = last
      else {
        const finding = { kind, first, last, note }
        latest.set(kind, finding)
        if (found.length < KEPT) found.push(finding)
      }
    },
    list: () =>
      found.map(({ kind, first, last, note }) => ({ kind, first, last, text: sentence(kind, first, last, note) })),
    count: () => count,
  }
}

function sentence(kind: FindingKind, first: number, last: number, note: string): string {
  const [thing, one, several] = WORDS[kind]
  const what =
    first === last ? `${thing} ${first} ${one}` : `${PLURALS[thing] ?? `${thing}s`} ${first} to ${last} ${several}`
  return note === '' ? what : `${what} (${note})`
}
