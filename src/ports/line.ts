/**
 * Line: so many at once, the others wait in the order in which they came. Who leaves may hand on what it has open, so
 * that under load a connection serves one message after the other; when nobody waits it is closed, so that nothing
 * idle is left to watch over.
 */
import { type Metrics, noMetrics } from './metrics.ts'

export type Line<T> = {
  /** @returns what the one before left open, or null; `aborted` when the signal aborts before it is one's turn */
  readonly enter: (signal: AbortSignal) => Promise<T | null | 'aborted'>
  /** Once for each turn. */
  readonly leave: (open: T | null) => void
}

/** @param pool by which the metrics know it */
export function createLine<T extends { readonly close: () => void } = never>(
  limit: number,
  pool: string,
  { move, time }: Metrics = noMetrics,
): Line<T> {
  const waiting = new Set<(open: T | null) => void>()
  let inside = 0

  return {
    enter: (signal) => {
      if (signal.aborted) return Promise.resolve('aborted')
      if (inside < limit) {
        inside += 1
        move('connections', { pool }, 1)
        return Promise.resolve(null)
      }
      move('connections_waiting', { pool }, 1)
      const stop = time('connection_wait')
      const waited = () => {
        move('connections_waiting', { pool }, -1)
        stop({ pool })
      }
      return new Promise((resolve) => {
        const onTurn = (open: T | null) => {
          signal.removeEventListener('abort', onAbort)
          waited()
          resolve(open)
        }
        const onAbort = () => {
          waiting.delete(onTurn)
          waited()
          resolve('aborted')
        }
        signal.addEventListener('abort', onAbort, { once: true })
        waiting.add(onTurn)
      })
    },

    leave: (open) => {
      const [next] = waiting
      if (next) {
        waiting.delete(next)
        next(open)
        return
      }
      inside -= 1
      move('connections', { pool }, -1)
      open?.close()
    },
  }
}
