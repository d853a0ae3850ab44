/** Log as JSON: one object a line, to wherever the runtime writes it. */
import type { Log, LogFields } from '../../ports/edges.ts'

/** @param write takes one line, without its line break */
export function jsonLog(write: (line: string) => void): Log {
  const at =
    (level: string) =>
    (event: string, fields: LogFields = {}) =>
      write(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }))
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
