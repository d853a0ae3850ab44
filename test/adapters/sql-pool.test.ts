/** The pool of connections to SQL databases, over connections that the test answers for. */
import { describe, expect, it } from 'vitest'
import { connectionFailed, type SqlConnection, statementRefused } from '../../src/adapters/sql/connection.ts'
import { createPool } from '../../src/adapters/sql/pool.ts'
import { ok } from '../../src/core/result.ts'
import type { SqlOutcome } from '../../src/ports/sql.ts'

type Handmade = SqlConnection & {
  /** Answers what runs. */
  answer: (outcome: SqlOutcome) => void
  state: 'open' | 'closed' | 'destroyed'
  holds: boolean
}
const DONE = ok([])
const ASK = { sql: 'SELECT 1', params: [] }

function handmade(): Handmade {
  const made: Handmade = {
    state: 'open',
    holds: true,
    answer: () => {
      throw new Error('nothing runs')
    },
    run: () =>
      new Promise((resolve) => {
        made.answer = resolve
      }),
    isOpen: () => made.state === 'open',
    hold: (process) => {
      made.holds = process
    },
    close: () => {
      made.state = 'closed'
    },
    destroy: () => {
      made.state = 'destroyed'
    },
  }
  return made
}

function poolOf(limit: number, idleMs?: number) {
  const made: Handmade[] = []
  const pool = createPool(
    async () => {
      const connection = handmade()
      made.push(connection)
      return connection
    },
    { limit, ...(idleMs === undefined ? {} : { idleMs }) },
  )
  const { signal } = new AbortController()
  return { pool, made, query: (stop: AbortSignal = signal) => pool.query(ASK, stop) }
}
/** Lets everything run that waits for nothing. */
const settled = () => new Promise((resolve) => setImmediate(resolve))

describe('the pool', () => {
  it('uses a connection again, and lets the process end while nobody needs it', async () => {
    const { made, query } = poolOf(2)
    for (let n = 0; n < 3; n++) {
      const asked = query()
      await settled()
      expect(made[0]?.holds).toBe(true)
      made[0]?.answer(DONE)
      expect(await asked).toBe(DONE)
      expect(made[0]?.holds).toBe(false)
    }

    expect(made).toHaveLength(1)
  })

  it('serves others in the order in which they came, when all connections are in use', async () => {
    const { made, query } = poolOf(2)
    const order: number[] = []
    const asked = [1, 2, 3, 4].map((n) => query().then(() => order.push(n)))
    await settled()
    expect(made).toHaveLength(2)

    made[1]?.answer(DONE)
    await settled()
    made[0]?.answer(DONE)
    await settled()
    made[0]?.answer(DONE)
    made[1]?.answer(DONE)
    await Promise.all(asked)

    expect(order.slice(0, 2)).toEqual([2, 1])
    expect(made).toHaveLength(2)
  })

  it('lets those go who waited too long, whoever waits on', async () => {
    const { made, query } = poolOf(1)
    const stop = new AbortController()
    const asked = [query(), query(stop.signal), query()]
    await settled()

    stop.abort()
    expect(await asked[1]).toMatchObject({ error: { reason: 'deadline' } })
    made[0]?.answer(DONE)
    await settled()
    made[0]?.answer(DONE)

    expect(await Promise.all([asked[0], asked[2]])).toEqual([DONE, DONE])
    expect(made).toHaveLength(1)
  })

  it('ends what runs when its time is up, and gives its place to the next', async () => {
    const { made, query } = poolOf(1)
    const stop = new AbortController()
    const [first, second] = [query(stop.signal), query()]
    await settled()

    stop.abort()
    expect(await first).toMatchObject({ error: { reason: 'deadline' } })
    await settled()
    expect(made.map(({ state }) => state)).toEqual(['destroyed', 'open'])
    made[1]?.answer(DONE)

    expect(await second).toBe(DONE)
  })

  it('asks once more when the connection had been lost while nobody needed it', async () => {
    const { made, query } = poolOf(1)
    const before = query()
    await settled()
    made[0]?.answer(DONE)
    await before

    const asked = query()
    await settled()
    made[0]?.answer(connectionFailed('connection_lost'))
    await settled()
    made[1]?.answer(DONE)

    expect(await asked).toBe(DONE)
    expect(made.map(({ state }) => state)).toEqual(['destroyed', 'open'])
  })

  it('does not ask again for a new connection, nor when the statement was refused', async () => {
    const { made, query } = poolOf(1)
    const lost = query()
    await settled()
    made[0]?.answer(connectionFailed('connection_lost'))
    expect(await lost).toEqual(connectionFailed('connection_lost'))

    const refused = query()
    await settled()
    made[1]?.answer(statementRefused('syntax_wrong'))
    expect(await refused).toEqual(statementRefused('syntax_wrong'))
    expect(made.map(({ state }) => state)).toEqual(['destroyed', 'open'])
  })

  it('closes what nobody has needed for a while', async () => {
    const { made, query } = poolOf(1, 1)
    const asked = query()
    await settled()
    made[0]?.answer(DONE)
    await asked

    await expect.poll(() => made[0]?.state).toBe('closed')
  })

  it('keeps nothing that was running when it was closed, and goes on', async () => {
    const { pool, made, query } = poolOf(2)
    const idle = query()
    await settled()
    made[0]?.answer(DONE)
    await idle
    const running = [query(), query()]
    await settled()

    pool.close()
    made[0]?.answer(DONE)
    made[1]?.answer(DONE)

    expect(await Promise.all(running)).toEqual([DONE, DONE])
    expect(made.map(({ state }) => state)).toEqual(['closed', 'closed'])
    const after = query()
    await settled()
    made[2]?.answer(DONE)
    expect(await after).toBe(DONE)
  })

  it('says by its code why there is no connection', async () => {
    const refusing = createPool(
      async () => Promise.reject(Object.assign(new Error('10.0.0.1'), { code: 'ECONNREFUSED' })),
      { limit: 1 },
    )

    expect(await refusing.query(ASK, new AbortController().signal)).toEqual(connectionFailed('ECONNREFUSED'))
  })
})
