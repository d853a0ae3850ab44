/**
 * A witness inside the database: SQL triggers write down what a challenge and its token looked like in the very
 * transaction that opened or accepted it. What must never happen is judged by that, not by the model.
 */
import type { Batch, Row } from '../../src/ports/store.ts'
import type { Ask } from './state.ts'
import { clientOf, type Posted, userIdOf } from './world.ts'

const TOKEN = 't.secret, t.active, t.fail_count, t.max_fail_count, t.last_failed_at, t.user_id'

const WITNESS = [
  `CREATE TABLE seen (n INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT, challenge INTEGER, transaction_id TEXT, parent_id TEXT,
    serial TEXT, counter INTEGER, expires_at INTEGER, request TEXT, secret TEXT, active INTEGER, fails INTEGER,
    max_fails INTEGER, failed_at INTEGER, user_id TEXT)`,
  'CREATE INDEX seen_request ON seen (request)',
  `CREATE TRIGGER seen_opened AFTER INSERT ON challenges BEGIN
    INSERT INTO seen SELECT NULL, 'opened', new.id, new.transaction_id, new.parent_id, new.serial, new.counter, new.expires_at,
      new.opened_by, ${TOKEN} FROM (SELECT 1) LEFT JOIN tokens t ON t.serial = new.serial; END`,
  `CREATE TRIGGER seen_accepted AFTER UPDATE OF state ON challenges WHEN new.state = 'accepted' BEGIN
    INSERT INTO seen SELECT NULL, 'accepted', new.id, new.transaction_id, new.parent_id, new.serial, new.counter, old.expires_at,
      new.closed_by, ${TOKEN} FROM (SELECT 1) LEFT JOIN tokens t ON t.serial = new.serial; END`,
  // Within one secret; a new secret begins at 0.
  `CREATE TRIGGER seen_backwards AFTER UPDATE OF counter ON tokens WHEN new.counter < old.counter AND new.secret = old.secret BEGIN
    INSERT INTO seen (kind, serial, counter) VALUES ('backwards', new.serial, new.counter); END`,
]

const SWEEP = 100

/** What one request was, and whether it was told yes. */
export type Asked = { readonly ask: Ask; readonly transactionId: string | undefined; readonly yes: boolean }

export type OpenedChallenge = { readonly serial: string; readonly transactionId: string; readonly parentId: string }

export type Monitor = {
  /** Tells what was sent; before the requests that may answer it are judged. */
  readonly post: (posted: readonly Posted[]) => void
  /**
   * Judges what was seen since the last time.
   *
   * @returns challenges that were opened
   * @throws an error that names the invariant
   */
  readonly judge: (asked: ReadonlyMap<number, Asked>) => Promise<readonly OpenedChallenge[]>
}

export async function startMonitor(batch: Batch): Promise<Monitor> {
  const write = (statements: readonly string[]) =>
    batch(
      statements.map((sql) => ({ sql, params: [] })),
      'write',
    )
  await write(WITNESS)
  let judged = 0
  let swept = 0
  const otps = new Map<string, string>()
  const opened = new Map<string, number>()
  const accepted = { otps: new Set<string>(), parents: new Set<string>() }

  return {
    post: (posted) => {
      for (const { transactionId, otp, serial } of posted) {
        must(otps.get(transactionId) === undefined, `one message per challenge: ${transactionId}`)
        otps.set(transactionId, otp)
        opened.set(serial, (opened.get(serial) ?? 0) - 1)
      }
    },
    judge: async (asked) => {
      const numbers = new Map([...asked.keys()].map((number) => [clientOf(number), number]))
      const sql = `SELECT s.*, a.at, a.client, a.success FROM seen s LEFT JOIN audit a ON a.request_id = s.request
        WHERE s.n > ? ORDER BY s.n`
      const [rows = []] = await batch([{ sql, params: [judged] }], 'read')
      judged = Number(rows.at(-1)?.n ?? judged)
      const claimed = new Set<number>()
      for (const row of rows) {
        const number = numbers.get(String(row.client))
        const request = number === undefined ? undefined : asked.get(number)
        must(row.kind !== 'backwards', `the counter never goes back: ${row.serial}`)
        must(request !== undefined && number !== undefined, 'everything is done by a request that we know')
        must(row.active === 1, `a disabled token neither accepts nor sends: ${row.serial}`)
        // No lock of a walk is over in less than a minute.
        const unlocked = row.failed_at !== null && Number(row.at) - Number(row.failed_at) >= 60
        must(
          Number(row.fails) < Number(row.max_fails) || unlocked,
          `a locked token neither accepts nor sends: ${row.serial}`,
        )
        mustBeFor(row, request.ask)
        if (row.kind === 'opened') opened.set(String(row.serial), (opened.get(String(row.serial)) ?? 0) + 1)
        else {
          must(!claimed.has(number), 'one request is let in by one challenge')
          claimed.add(number)
          judgeAccepted(row, request)
        }
      }
      for (const [number, { yes, ask }] of asked)
        must(!yes || claimed.has(number), `nobody is let in without a challenge: ${JSON.stringify(ask)}`)
      for (const [serial, count] of opened) must(count >= 0, `nothing is sent without a challenge: ${serial}`)
      // What was judged goes now and then, so that a long walk stays fast.
      if (judged - swept > SWEEP) {
        await write(['DELETE FROM seen'])
        swept = judged
      }
      return rows
        .filter(({ kind }) => kind === 'opened')
        .map(({ serial, transaction_id, parent_id }) => ({
          serial: String(serial),
          transactionId: String(transaction_id),
          parentId: String(parent_id),
        }))
    },
  }

  function judgeAccepted(row: Row, { ask, transactionId, yes }: Asked): void {
    must(yes && row.success === 1, `what is accepted is told and written down: ${row.transaction_id}`)
    must(Number(row.at) < Number(row.expires_at), `no OTP is accepted at or after its expiry: ${row.transaction_id}`)
    const family = String(row.transaction_id).split('.')[0] ?? ''
    const inside = [row.transaction_id, row.parent_id, family].includes(transactionId ?? '')
    must(transactionId === undefined || inside, `no OTP is accepted for another transaction: ${transactionId}`)
    const otp = otps.get(String(row.transaction_id))
    must(otp !== undefined && ask.pass.endsWith(otp), `only the OTP that was sent is accepted: ${row.transaction_id}`)
    const once = `${row.secret} ${row.counter}`
    must(!accepted.otps.has(once), `an OTP is accepted once: ${row.transaction_id}`)
    accepted.otps.add(once)
    for (const transaction of new Set([String(row.parent_id), family])) {
      must(!accepted.parents.has(transaction), `of a transaction one challenge is accepted: ${transaction}`)
      accepted.parents.add(transaction)
    }
  }
}

/** The token belongs to the user who was named, or is the one that was named. */
function mustBeFor(row: Row, { path, user, serial }: Ask): void {
  must(serial === undefined || serial === row.serial, `no token but the one that was named: ${row.serial}`)
  const named = user !== undefined && !(path === 'check_s' && serial !== undefined)
  must(!named || userIdOf(user) === row.user_id, `no token of another user: ${row.serial} for ${user}`)
}

function must(holds: boolean, invariant: string): asserts holds {
  if (!holds) throw new Error(`invariant broken: ${invariant}`)
}
