/** Several processes on one libSQL file: what the store promises holds between them, and when one of them dies. */

import { type ChildProcess, fork } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, it } from 'vitest'
import { libsqlBatch } from '../../src/adapters/store/libsql.ts'
import { SCHEMA_VERSION } from '../../src/adapters/store/store.ts'
import type { Challenge } from '../../src/core/challenge.ts'
import type { Token } from '../../src/core/token.ts'
import type { Opened } from '../../src/ports/store.ts'
import { fileClient, temporaryFile } from '../contract/store-databases.ts'
import {
  acceptCommand,
  auditRow,
  challenged,
  challengeOf,
  countOf,
  createSuite,
  enrolled,
  expectGapless,
  NOW,
  openCommand,
  SEND_DEADLINE,
  tokenOf,
} from '../contract/store-fixture.ts'
import { UNTHROTTLED } from '../support/records.ts'
import type { Answer, Call } from './store-worker.ts'

const WORKER = fileURLToPath(new URL('./store-worker.ts', import.meta.url))
const PROCESSES = 4
const migrations = readdirSync(new URL('../../migrations', import.meta.url)).filter((name) =>
  name.endsWith('.sql'),
).length
const EACH = 25

type Worker = {
  /** @throws what the call threw over there */
  readonly call: (call: Call) => Promise<unknown>
  readonly next: () => Promise<Answer>
  /** As a crash would, and waits until it is gone. */
  readonly kill9: () => Promise<void>
}

async function startWorker(): Promise<Worker> {
  const child = fork(WORKER, { execArgv: [] })
  const next = answersOf(child)
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  const kill9 = async () => {
    child.kill('SIGKILL')
    await exited
  }
  const call = async (call: Call) => {
    child.send(call)
    const answer = await next()
    if (!answer.ok) throw new Error(answer.error)
    return answer.value
  }
  expect(await next()).toEqual({ ok: true, value: 'ready' })
  return { call, next, kill9 }
}

/** The answers in their order, each taken once. Rejects when the process ends before it answers. */
function answersOf(child: ChildProcess): () => Promise<Answer> {
  const arrived: Answer[] = []
  let wake: (() => void) | undefined
  let ended = false
  // What `store-worker.ts` sends is an `Answer`.
  child.on('message', (answer: Answer) => {
    arrived.push(answer)
    wake?.()
  })
  child.once('exit', () => {
    ended = true
    wake?.()
  })
  return async () => {
    for (;;) {
      const answer = arrived.shift()
      if (answer) return answer
      if (ended) throw new Error('the process ended without an answer')
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
  }
}

const each = <T>(make: (n: number) => T): readonly T[] => Array.from({ length: EACH }, (_, n) => make(n))

describe('four processes on one file', { timeout: 30_000 }, () => {
  const files: { path: string; remove: () => Promise<void> }[] = []
  let workers: readonly Worker[] = []
  let started: readonly unknown[] = []

  const suite = createSuite(async () => {
    const file = await temporaryFile()
    files.push(file)
    workers = await Promise.all(Array.from({ length: PROCESSES }, startWorker))
    // At the same moment, on a file that is not there yet.
    started = await Promise.all(workers.map((worker) => worker.call({ step: 'start', file: file.path })))
    const client = fileClient(file.path)
    return { batch: libsqlBatch(client), close: async () => client.close() }
  })
  afterAll(async () => {
    await Promise.all(workers.map((worker) => worker.kill9()))
    await Promise.all(files.map((file) => file.remove()))
  })

  /** What all processes answer to a call of their own, all at once. */
  const all = async (make: () => Call) => (await Promise.all(workers.map((worker) => worker.call(make())))).flat()
  const workerAt = (n: number): Worker => {
    const worker = workers[n]
    if (!worker) throw new Error('no such worker')
    return worker
  }
  const [first, second] = [() => workerAt(0), () => workerAt(1)]

  it('migrates an empty file once when all start at the same moment, and all can work', async () => {
    expect(started).toEqual(Array(PROCESSES).fill(`schema ${SCHEMA_VERSION}`))
    expect(await suite.rows('SELECT COUNT(*) AS n FROM __drizzle_migrations')).toEqual([{ n: migrations }])
    expect(await suite.rows("SELECT COUNT(*) AS n FROM meta WHERE key = 'schema'")).toEqual([{ n: 1 }])
    expect(await suite.rows('PRAGMA journal_mode')).toEqual([{ journal_mode: 'wal' }])
  })

  it('opens one of a hundred equal triggers, and points the others to it', async () => {
    const token = await enrolled(suite)

    const outcomes = (await all(() => ({
      step: 'open',
      commands: each(() => openCommand(suite, [token], { blocking: 120 })),
    }))) as readonly Opened[] // what `open` resolves to, over the channel

    expect(outcomes).toHaveLength(PROCESSES * EACH)
    const opened = outcomes.flatMap((outcome) => outcome.opened)
    expect(opened).toHaveLength(1)
    const pointers = outcomes.flatMap((outcome) => outcome.blocking.map(({ id }) => id))
    expect(pointers).toEqual(Array(PROCESSES * EACH - 1).fill(opened[0]?.id))
    expect((await tokenOf(suite, token.serial)).counter).toBe(2)
  })

  it('hands out no counter twice when nothing blocks', async () => {
    const token = await enrolled(suite)

    const outcomes = (await all(() => ({
      step: 'open',
      commands: each(() => openCommand(suite, [token], { step: 1 })),
    }))) as readonly Opened[] // what `open` resolves to, over the channel

    const counters = outcomes.flatMap((outcome) => outcome.opened.map(({ counter }) => counter))
    expect(counters.toSorted((a, b) => a - b)).toEqual(Array.from({ length: PROCESSES * EACH }, (_, n) => n + 1))
  })

  it('accepts one of a hundred equal answers, and counts the others', async () => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token)

    const outcomes = await all(() => ({
      step: 'accept',
      commands: each(() => acceptCommand(suite, { challenge, token })),
    }))

    expect([countOf(outcomes, 'done'), countOf(outcomes, 'lost')]).toEqual([1, PROCESSES * EACH - 1])
    expect((await tokenOf(suite, token.serial)).failCount).toBe(PROCESSES * EACH - 1)
    expect((await challengeOf(suite, challenge.id)).attempts).toBe(1)
  })

  it('counts every wrong answer of every process', async () => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token)

    await all(() => ({ step: 'reject', commands: each(() => guess(token, challenge)) }))

    expect((await tokenOf(suite, token.serial)).failCount).toBe(PROCESSES * EACH)
    expect((await challengeOf(suite, challenge.id)).attempts).toBe(PROCESSES * EACH)
    await expectGapless(suite)
  })

  it('loses an answer in one process that was accepted in another', async () => {
    const token = await enrolled(suite)
    const challenge = await challenged(suite, token)
    const accept = (worker: Worker) =>
      worker.call({ step: 'accept', commands: [acceptCommand(suite, { challenge, token })] })

    const outcomes = [await accept(first()), await accept(second())]

    expect(outcomes).toEqual([['done'], ['lost']])
  })

  it('blocks no token for longer than a send may take when the process dies before it notes the delivery', async () => {
    const token = await enrolled(suite)
    const open = async (worker: Worker, now: number) => {
      const commands = [openCommand(suite, [token], { blocking: 120, now })]
      return (await worker.call({ step: 'open', commands })) as readonly [Opened] // one command, one outcome
    }
    const doomed = await startWorker()
    await doomed.call({ step: 'start', file: files[0]?.path ?? '' })

    const [lost] = await open(doomed, NOW)
    await doomed.kill9()
    const [before] = await open(first(), NOW + SEND_DEADLINE - 1)
    const [after] = await open(first(), NOW + SEND_DEADLINE)

    expect(lost.opened).toHaveLength(1)
    expect(before).toEqual({ opened: [], blocking: lost.opened, limited: [], resting: [] })
    // The OTP of the dead process is burnt: nobody gets it a second time.
    expect(after.opened.map(({ counter }) => counter)).toEqual([3])
  })

  it('keeps each change whole when a process is killed in the middle of its work', async () => {
    const token = await enrolled(suite, { info: { count_auth_max: 1_000_000 } })
    const challenge = await challenged(suite, token)
    const command = guess(token, challenge)
    const doomed = await startWorker()
    await doomed.call({ step: 'start', file: files[0]?.path ?? '' })

    await doomed.call({ step: 'endless', command })
    for (let n = 0; n < 20; n++) await doomed.next()
    await doomed.kill9()

    const rows = await suite.rows(
      'SELECT COUNT(*) AS n FROM audit WHERE request_id LIKE ?',
      `${command.audit.requestId}-%`,
    )
    const { failCount, info } = await tokenOf(suite, token.serial)
    expect(failCount).toBeGreaterThan(20)
    expect([rows[0]?.n, info.count_auth, (await challengeOf(suite, challenge.id)).attempts]).toEqual(
      Array(3).fill(failCount),
    )
    await expectGapless(suite)
    expect(await suite.rows('PRAGMA integrity_check')).toEqual([{ integrity_check: 'ok' }])
  })

  const guess = (token: Token, challenge: Challenge) => ({
    now: NOW,
    throttle: UNTHROTTLED,
    failed: [token.serial],
    judged: [token.serial],
    guessed: [challenge.id],
    audit: auditRow(suite.next('guess-'), 'otp_wrong'),
  })
})
