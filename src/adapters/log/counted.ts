/** A log whose warnings and errors are counted by event, also where they are not written. */
import type { Log } from '../../ports/edges.ts'
import type { Metrics } from '../../ports/metrics.ts'

export const countedLog = (log: Log, metrics: Metrics): Log => ({
  debug: log.debug,
  info: log.info,
  warn: (event, fields) => {
    metrics.count('log_lines', { level: 'warn', event })
    log.warn(event, fields)
  },
  error: (event, fields) => {
    metrics.count('log_lines', { level: 'error', event })
    log.error(event, fields)
  },
})
