/** An audit in a database of its own, without the requests around it, and hands that tamper with it. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Client, createClient } from '@libsql/client'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import { type MasterKey, readKeys } from '../../src/adapters/vault/keys.ts'
import { createVault } from '../../src/adapters/vault/webcrypto.ts'
import { utcTime } from '../../src/core/time.ts'
import { createAudit } from '../../src/flows/audit.ts'
import { createPrune } from '../../src/flows/audit-prune.ts'
import { createSeal } from '../../src/flows/audit-seal.ts'
import { createVerify, type Verdict } from '../../src/flows/audit-verify.ts'
import type { Facts } from '../../src/flows/facts.ts'
import type { Log } from '../../src/ports/edges.ts'
import type { DeliveryNote } from '../../src/ports/store.ts'
import { SCRATCH } from './scratch.ts'

export const NOW = 1_782_907_200

const TRIES: DeliveryNote['tries'] = [
  { provider: 'first', status: 'unavailable', reason: 'timeout' },
  { provider: 'second', status: 'accepted', reason: '' },
]
const key = (id: string, fill: number): string => `${id}:${Buffer.alloc(32, fill).toString('base64')}`
/** Master keys by name; the first one seals. */
export const KEYS = { old: key('k1', 1), new: `${key('k2', 2)},${key('k1', 1)}`, onlyNew: key('k2', 2) } as const

export type Opened = ReturnType<typeof partsOf>
export type AuditFixture = {
  readonly client: Client
  readonly log: string[]
  /** The parts of another process on the same database. */
  readonly reopen: (keys?: string) => Opened
  readonly sql: (...statements: readonly string[]) => Promise<void>
  readonly close: () => void
} & Opened

export async function startAuditFixture(keys: string = KEYS.old): Promise<AuditFixture> {
  const folder = mkdtempSync(join(SCRATCH, 'otpost-audit-'))
  const client = createClient({ url: pathToFileURL(join(folder, 'otpost.db')).href, concurrency: 1, timeout: 5000 })
  await prepareFile(client, 'NORMAL')
  await migrateDatabase(client, createStore(libsqlBatch(client)))
  const log: string[] = []
  const reopen = (text = keys) => partsOf(client, text, log)
  return {
    ...reopen(),
    ...{ client, log, reopen },
    sql: async (...statements) => void (await client.batch([...statements], 'write')),
    close: () => {
      client.close()
      rmSync(folder, { recursive: true })
    },
  }
}

function partsOf(client: Client, text: string, lines: string[]) {
  const keys = readKeys(text)
  if (!keys.ok) throw new Error(keys.error)
  const write = (event: string, fields = {}) => void lines.push(JSON.stringify({ event, ...fields }))
  const log: Log = { debug: write, info: write, warn: write, error: write }
  const store = createStore(libsqlBatch(client))
  // readKeys gives at least one.
  const vault = createVault(keys.value as readonly [MasterKey, ...MasterKey[]], (n) =>
    crypto.getRandomValues(new Uint8Array(n)),
  )
  const audit = createAudit(store, vault, 'node-1')
  const seal = createSeal({ store, vault, edges: { log } })
  const verify = createVerify({ store, vault })
  const prune = createPrune({ store, vault, audit, seal, verify })
  return {
    ...{ store, vault, audit, seal, prune },
    /** Rows one after the other, the first at `from` and one a second. */
    write: async (n: number, from = NOW): Promise<void> => {
      for (let i = 0; i < n; i++) await audit.write(factsOf(from + i), { success: i % 2 === 0, serial: 'LSEM1' })
    },
    /** A row with what providers said to its message. */
    deliver: async (tries = TRIES): Promise<void> => {
      const facts = factsOf(NOW)
      const note = { requestId: facts.requestId, serial: 'LSEM1', at: NOW }
      await audit.write(facts, { success: false, serial: 'LSEM1', actionDetail: 'challenge_created' })
      const sealed = await audit.sealTries({ ...note, tries })
      await store.noteDelivery({ ...note, challengeId: 0, delivered: true, message: '', expiresAt: NOW, tries: sealed })
    },
    verify: async (anchor: string | null = null): Promise<Verdict> => {
      const running = verify(anchor)
      for (;;) {
        const step = await running.next()
        if (step.done) return step.value
      }
    },
    verifying: verify,
  }
}

export const factsOf = (now: number): Facts => ({
  ...{ requestId: Buffer.from(crypto.getRandomValues(new Uint8Array(16))).toString('hex'), now, time: utcTime(now) },
  ...{ client: '192.0.2.1', action: 'validate/check', administrator: '' },
})

/** What was found, in words. */
export const textsOf = ({ findings }: Verdict): readonly string[] => findings.map(({ text }) => text)

/** Moves a row to another number. */
export const moveRow = (from: number | string, to: number | string): string =>
  `UPDATE audit SET number = ${to} WHERE number = ${from}`
/** Two rows change their places. */
export const swapRows = (a: number, b: number): readonly string[] => [moveRow(a, -1), moveRow(b, a), moveRow(-1, b)]
/** Takes a row out and closes the gap, as somebody would who knows of the numbers. */
export const removeAndClose = (number: number): readonly string[] => [
  `DELETE FROM audit WHERE number = ${number}`,
  `UPDATE audit SET number = -number WHERE number > ${number}`,
  'UPDATE audit SET number = -number - 1 WHERE number < 0',
  `UPDATE sqlite_sequence SET seq = (SELECT MAX(number) FROM audit) WHERE name = 'audit'`,
]
/** Makes room at `number` and puts a copy of `source` there, as somebody would who may change the tables too. */
export const insertCopy = (number: number, source: number, requestId = 'request_id'): readonly string[] => [
  'DROP INDEX IF EXISTS audit_request',
  `UPDATE audit SET number = -number WHERE number >= ${number}`,
  'UPDATE audit SET number = 1 - number WHERE number < 0',
  `INSERT INTO audit SELECT ${number}, ${requestId}, at, action, success, serial, token_type, user, realm, administrator,
    action_detail, info, client, mac, server, cited_number, cited_mark FROM audit
    WHERE number = ${source >= number ? source + 1 : source}`,
]
