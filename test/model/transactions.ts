/** The model names transactions by labels, the product by random digits: which is which is learned from replies. */

export type Transactions = {
  /** What to send for a label; for one that no reply has told yet, an id that does not exist. */
  readonly idOf: (transaction: string) => string
  /** Takes ids of new labels out of a reply. @throws when an id has the wrong form or was there before */
  readonly learn: (expected: unknown, actual: unknown) => void
  /** Takes an id that no reply tells, since nothing was delivered; somebody might guess it. */
  readonly know: (transaction: string, id: string) => void
  /** The expectation with ids in place of labels. */
  readonly fill: <T>(expected: T) => T
}

const DIGITS = 17
const NEVER = '9'.repeat(DIGITS)

export function createTransactions(): Transactions {
  const ids = new Map<string, string>()
  const taken = new Set<string>()

  function idOf(transaction: string): string {
    if (transaction === '') return ''
    const known = ids.get(transaction)
    if (known !== undefined) return known
    if (transaction.endsWith('~')) return idOf(transaction.slice(0, -1)).slice(0, -1) // cut short
    const [parent = '', sub] = transaction.split('.')
    const id = ids.get(parent)
    return sub !== undefined && id !== undefined ? `${id}.${sub}` : NEVER
  }

  function bind(transaction: string, id: unknown, several: boolean): void {
    if (ids.has(transaction)) return
    const right = transaction.includes('.')
      ? id === idOf(transaction)
      : typeof id === 'string' && /^\d+$/.test(id) && id.length === (several ? DIGITS - 3 : DIGITS) && !taken.has(id)
    if (!right) throw new Error(`transaction ${transaction} cannot be called ${id}`)
    ids.set(transaction, String(id))
    taken.add(String(id))
  }

  function learn(expected: unknown, actual: unknown): void {
    if (!isRecord(expected) || !isRecord(actual)) return
    const wanted = /^«(.*)»$/.exec(String(expected.transactionid))?.[1]
    if (wanted !== undefined) bind(wanted, actual.transactionid, 'challenges' in expected)
    if (!isRecord(expected.challenges) || !isRecord(actual.challenges)) return
    for (const [serial, challenge] of Object.entries(expected.challenges)) learn(challenge, actual.challenges[serial])
  }

  return {
    idOf,
    learn,
    know: (transaction, id) => {
      if (!ids.has(transaction)) ids.set(transaction, id)
    },
    // What goes in comes out, with other texts: the type stays.
    fill: (expected) => JSON.parse(JSON.stringify(expected).replace(/«([^»]*)»/g, (_, name: string) => idOf(name))),
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
