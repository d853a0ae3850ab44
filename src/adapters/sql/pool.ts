/**
 * Pool: at most so many connections at once; who finds none free waits for the next one, in the order of coming. One
 * that nobody has needed for a while is closed, and until then keeps no process alive.
 *
 * The clients' own pools are of no use here: they do not end what is running when its time is up, and a server that has
 * fallen silent would keep all of their connections.
 */
import { clearTimeout, setTimeout } from 'node:timers'
import { createLine } from '../../ports/line.ts'
import type { Metrics } from '../../ports/metrics.ts'
import type { SqlOutcome, SqlPool, SqlStatement } from '../../ports/sql.ts'
import { connectionFailed, type SqlConnection } from './connection.ts'

/** How long a connection that nobody needs is kept, in milliseconds. */
const IDLE_MS = 30_000

/** @param connect may reject; the signal is that of the query that needs the connection */
export function createPool(
  connect: (signal: AbortSignal) => Promise<SqlConnection>,
  { limit, metrics, idleMs = IDLE_MS }: { limit: number; metrics?: Metrics | undefined; idleMs?: number },
): SqlPool {
  const idle = new Map<SqlConnection, NodeJS.Timeout>()
  const line = createLine(limit, 'sql', metrics)
  /** Of the last `close`; connections that are older are not kept. */
  let generation = 0

  return {
    query: async (statement, signal) => {
      if ((await line.enter(signal)) === 'aborted') return connectionFailed('deadline')
      try {
        return await beforeAbort(signal, (onAbort) => attempt(statement, signal, onAbort))
      } finally {
        line.leave(null)
      }
    },
    close: () => {
      generation += 1
      for (const connection of idle.keys()) take(connection).close()
    },
  }

  async function attempt(statement: SqlStatement, signal: AbortSignal, onAbort: OnAbort): Promise<SqlOutcome> {
    const born = generation
    const kept = [...idle.keys()].filter((connection) => connection.isOpen() || discard(connection)).at(-1)
    if (kept) {
      const outcome = await runOn(take(kept), born, statement, onAbort)
      // A server that was started again has forgotten its connections; what reads may be asked twice.
      if (outcome.ok || outcome.error.code !== 'connection_failed' || signal.aborted) return outcome
    }
    let connection: SqlConnection
    try {
      connection = await connect(signal)
    } catch (error) {
      return connectionFailed(signal.aborted ? 'deadline' : reasonOf(error))
    }
    return runOn(connection, born, statement, onAbort)
  }

  async function runOn(
    connection: SqlConnection,
    born: number,
    statement: SqlStatement,
    onAbort: OnAbort,
  ): Promise<SqlOutcome> {
    onAbort(connection.destroy)
    const outcome = await connection.run(statement)
    onAbort(null)
    if (!outcome.ok && outcome.error.code === 'connection_failed') connection.destroy()
    else if (born !== generation) connection.close()
    else keep(connection)
    return outcome
  }

  function keep(connection: SqlConnection): void {
    connection.hold(false)
    const timer = setTimeout(() => take(connection).close(), idleMs)
    timer.unref()
    idle.set(connection, timer)
  }

  function take(connection: SqlConnection): SqlConnection {
    clearTimeout(idle.get(connection))
    idle.delete(connection)
    connection.hold(true)
    return connection
  }

  function discard(connection: SqlConnection): false {
    take(connection).destroy()
    return false
  }
}

/** Takes what has to be done when the time is up, or null. */
type OnAbort = (end: (() => void) | null) => void

/** What `run` comes to, or, when the signal aborts before, `deadline`; then what it had open is ended. */
async function beforeAbort(signal: AbortSignal, run: (onAbort: OnAbort) => Promise<SqlOutcome>): Promise<SqlOutcome> {
  let end: (() => void) | null = null
  const { promise, resolve } = Promise.withResolvers<SqlOutcome>()
  const abort = () => {
    resolve(connectionFailed('deadline'))
    end?.()
  }
  signal.addEventListener('abort', abort, { once: true })
  const done = run((action) => {
    end = action
    if (signal.aborted) action?.()
  })
  try {
    return await Promise.race([promise, done])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

/** Words of the system and of TLS are codes; messages hold addresses. */
function reasonOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'connection_lost'
}
