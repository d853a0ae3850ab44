/**
 * Fixture of the store suite: one database per suite, a fixed clock, and records that carry names of their own, so
 * that no test sees the rows of another. Knows no runtime: the database comes from the caller.
 */
import { afterAll, beforeAll, expect } from 'vitest'
import { toChallenge, toToken } from '../../src/adapters/store/rows.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import type { Challenge } from '../../src/core/challenge.ts'
import type { Instant, Seconds } from '../../src/core/time.ts'
import type { Token } from '../../src/core/token.ts'
import type { AcceptCommand, AuditRow, Batch, NewToken, OpenCommand, Row, Store } from '../../src/ports/store.ts'
import { UNTHROTTLED } from '../support/records.ts'

export const NOW: Instant = 1_750_000_000
export const SEND_DEADLINE: Seconds = 21

/** A migrated, empty database. */
export type Database = { readonly batch: Batch; readonly close: () => Promise<void> }

/** What one batch weighed, for the limits of D1. */
export type BatchSize = {
  readonly statements: number
  /** Bound parameters of the statement that has most. */
  readonly params: number
  /** The longest statement, and the longest bound text. */
  readonly sqlBytes: number
  readonly valueBytes: number
}

export type Suite = {
  readonly store: Store
  readonly batch: Batch
  /** Every batch that went through `store` or `batch`, in order. */
  readonly sizes: readonly BatchSize[]
  /** A name nobody else has: the prefix and six digits. */
  readonly next: (prefix: string) => string
  readonly clear: (...tables: readonly string[]) => Promise<unknown>
  readonly rows: (sql: string, ...params: readonly (string | number | null)[]) => Promise<readonly Row[]>
}

/** Opens the database before the tests of the surrounding `describe` and closes it after them. */
export function createSuite(open: () => Promise<Database>): Suite {
  let database: Database | undefined
  let names = 0
  const sizes: BatchSize[] = []

  beforeAll(async () => {
    database = await open()
  }, 30_000)
  afterAll(async () => {
    await database?.close()
  })

  const batch: Batch = (statements, mode) => {
    if (!database) throw new Error('the database is there in tests only')
    const bytes = (value: unknown) => (typeof value === 'string' ? new TextEncoder().encode(value).length : 0)
    sizes.push({
      statements: statements.length,
      params: Math.max(...statements.map(({ params }) => params.length)),
      sqlBytes: Math.max(...statements.map(({ sql }) => bytes(sql))),
      valueBytes: Math.max(...statements.flatMap(({ params }) => params.map(bytes))),
    })
    return database.batch(statements, mode)
  }

  return {
    store: createStore(batch),
    batch,
    sizes,
    next: (prefix) => `${prefix}${String(++names).padStart(6, '0')}`,
    clear: (...tables) =>
      batch(
        tables.map((table) => ({ sql: `DELETE FROM ${table}`, params: [] })),
        'write',
      ),
    rows: async (sql, ...params) => {
      const [rows = []] = await batch([{ sql, params }], 'write')
      return rows
    },
  }
}

/** All at once. */
export const times = <T>(n: number, act: (index: number) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: n }, (_, index) => act(index)))

export const countOf = <T>(values: readonly T[], value: T): number => values.filter((v) => v === value).length

export function auditRow(requestId: string, actionDetail = ''): AuditRow {
  return {
    requestId,
    at: NOW,
    action: 'validate/check',
    success: false,
    serial: '',
    tokenType: 'email',
    user: 'ada',
    realm: 'corp',
    administrator: '',
    actionDetail,
    info: '',
    client: '192.0.2.1',
    mac: `k1.${requestId}`,
  }
}

/** What the audit tells of each request: the action detail of all its rows. */
export async function auditsOf(suite: Suite, requestIds: readonly string[]): Promise<readonly (readonly string[])[]> {
  const rows = await suite.rows(
    'SELECT request_id, action_detail FROM audit WHERE request_id IN (SELECT value FROM json_each(?))',
    JSON.stringify(requestIds),
  )
  return requestIds.map((id) => rows.filter((row) => row.request_id === id).map((row) => String(row.action_detail)))
}

export const auditOf = async (suite: Suite, requestId: string): Promise<readonly string[]> =>
  (await auditsOf(suite, [requestId])).flat()

export function newToken(serial: string, over: Partial<NewToken> = {}): NewToken {
  return {
    serial,
    type: 'email',
    description: '',
    sealedSecret: `v1.k1.secret.${serial}`,
    sealedPin: `v1.k1.pin.${serial}`,
    digits: 6,
    hash: 'sha1',
    countWindow: 10,
    syncWindow: 1000,
    maxFailCount: 10,
    active: true,
    owner: null,
    realms: [],
    info: { email_address: 'ada@example.org' },
    createdAt: NOW - 1000,
    ...over,
  }
}

/** A token as enrolled; columns that only time can change are set by `set`, an SQL text such as `counter = 9`. */
export async function enrolled(suite: Suite, over: Partial<NewToken> = {}, set?: string): Promise<Token> {
  const [token] = await enrolledMany(suite, 1, over)
  if (!token) throw new Error('no token was enrolled')
  if (!set) return token
  const [row = {}] = await suite.rows(`UPDATE tokens SET ${set} WHERE id = ? RETURNING *`, token.id)
  return toToken(row)
}

/** In one statement, since over HTTP each costs a round trip. */
export async function enrolledMany(suite: Suite, n: number, over: Partial<NewToken> = {}): Promise<readonly Token[]> {
  const tokens = Array.from({ length: n }, () => {
    const { owner, realms, info, active, ...rest } = newToken(suite.next('LSEM'), over)
    const json = { realms: JSON.stringify(realms), info: JSON.stringify(info), active: active ? 1 : 0 }
    return { ...rest, ...json, userId: owner?.userId ?? null, resolver: owner?.resolver ?? null }
  })
  const rows = await suite.rows(
    `INSERT INTO tokens (serial, type, description, secret, pin, digits, hash, count_window, sync_window, max_fail_count,
       active, user_id, resolver, realms, info, created_at)
     SELECT t.value ->> 'serial', t.value ->> 'type', t.value ->> 'description', t.value ->> 'sealedSecret',
       t.value ->> 'sealedPin', t.value ->> 'digits', t.value ->> 'hash', t.value ->> 'countWindow',
       t.value ->> 'syncWindow', t.value ->> 'maxFailCount', t.value ->> 'active', t.value ->> 'userId',
       t.value ->> 'resolver', t.value ->> 'realms', t.value ->> 'info', t.value ->> 'createdAt'
     FROM json_each(?) t RETURNING *`,
    JSON.stringify(tokens),
  )
  return rows.map(toToken).toSorted((a, b) => a.id - b.id)
}

export async function tokenOf(suite: Suite, serial: string): Promise<Token> {
  const [row] = await suite.rows('SELECT * FROM tokens WHERE serial = ?', serial)
  if (!row) throw new Error(`there is no token ${serial}`)
  return toToken(row)
}

export type OpenOptions = Partial<Omit<OpenCommand, 'openings'>> &
  Partial<Omit<OpenCommand['openings'][number], 'token'>>

/** A trigger for these tokens: e-mail's step, no blocking time and ten minutes of validity unless told. */
export function openCommand(suite: Suite, tokens: readonly Token[], options: OpenOptions = {}): OpenCommand {
  const { requestId = suite.next('open-'), parentId = suite.next('17000000'), now = NOW } = options
  const {
    failed = [],
    guessed = [],
    sendDeadline = SEND_DEADLINE,
    throttle = UNTHROTTLED,
    message = 'sent',
    validity = 600,
    blocking = 0,
  } = options
  const { maxAttempts = 0, step = 2, stamp, limits, buckets } = options
  const single = tokens.length === 1 ? (options.transactionId ?? parentId) : null
  return {
    requestId,
    now,
    throttle,
    parentId,
    openings: tokens.map((token, n) => ({
      token,
      transactionId: single ?? `${parentId}.${String(n + 1).padStart(2, '0')}`,
      message,
      validity,
      blocking,
      maxAttempts,
      step,
      ...(stamp && { stamp }),
      ...(limits && { limits }),
      ...(buckets && { buckets }),
    })),
    failed,
    guessed,
    sendDeadline,
    audit: {
      done: auditRow(requestId, 'created'),
      blocked: auditRow(requestId, 'blocked'),
      limited: auditRow(requestId, 'limited'),
      lost: auditRow(requestId, 'lost'),
    },
  }
}

/** A delivered challenge of the token; columns are set by `set`, an SQL text such as `attempts = 3`. */
export async function challenged(
  suite: Suite,
  token: Token,
  { set, ...options }: OpenOptions & { readonly set?: string } = {},
): Promise<Challenge> {
  const { opened } = await suite.store.open(openCommand(suite, [token], options))
  const [challenge] = opened
  if (!challenge) throw new Error(`nothing was opened for ${token.serial}`)
  const change = set ?? "delivery = 'delivered'"
  const [row = {}] = await suite.rows(`UPDATE challenges SET ${change} WHERE id = ? RETURNING *`, challenge.id)
  return toChallenge(row)
}

export async function challengeOf(suite: Suite, id: number): Promise<Challenge> {
  const [row] = await suite.rows('SELECT * FROM challenges WHERE id = ?', id)
  if (!row) throw new Error(`there is no challenge ${id}`)
  return toChallenge(row)
}

export function acceptCommand(
  suite: Suite,
  { challenge, token }: Pick<AcceptCommand, 'challenge' | 'token'>,
  over: Partial<AcceptCommand> = {},
): AcceptCommand {
  const requestId = over.requestId ?? suite.next('accept-')
  return {
    requestId,
    now: NOW,
    throttle: UNTHROTTLED,
    challenge,
    token,
    reset: [token.serial],
    failed: [],
    stampAccess: false,
    audit: { done: auditRow(requestId, 'done'), lost: auditRow(requestId, 'lost') },
    ...over,
  }
}

/** A wrong answer to one challenge of one token. */
export function wrongAnswer(
  suite: Suite,
  { challenge, token }: Pick<AcceptCommand, 'challenge' | 'token'>,
): Promise<unknown> {
  const { serial } = token
  const audit = auditRow(suite.next('reject-'), 'otp_wrong')
  return suite.store.reject({
    now: NOW,
    throttle: UNTHROTTLED,
    failed: [serial],
    judged: [serial],
    guessed: [challenge.id],
    audit,
  })
}

/** How far the version of the settings moves while `act` runs. */
export async function versionMoves(suite: Suite, act: () => Promise<unknown>): Promise<number> {
  const before = (await suite.store.settings()).version
  await act()
  return (await suite.store.settings()).version - before
}

/** Numbers of the audit run without a gap, so nobody can take a line out unseen. */
export async function expectGapless(suite: Suite): Promise<void> {
  const [row] = await suite.rows('SELECT COUNT(*) AS n, MIN(number) AS first, MAX(number) AS last FROM audit')
  expect(Number(row?.last) - Number(row?.first) + 1).toBe(row?.n)
}
