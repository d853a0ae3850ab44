/** A batch whose time is taken. */
import type { Metrics } from '../../ports/metrics.ts'
import type { Batch } from '../../ports/store.ts'

export const measured =
  (batch: Batch, metrics: Metrics): Batch =>
  async (statements, mode) => {
    const stop = metrics.time('database')
    try {
      return await batch(statements, mode)
    } catch (error) {
      metrics.count('database_errors', {})
      throw error
    } finally {
      stop({ mode })
    }
  }
