/** Log as JSON: one object a line, to wherever the runtime writes it. */
import { LOG_LEVELS, type Log, type LogFields, type LogLevel } from '../../ports/edges.ts'

/**
 * @param write takes one line, without its line break
 * @param from the lowest level that is written
 */
export function jsonLog(write: (line: string) => void, from: LogLevel): Log {
  const at = (level: LogLevel) =>
    LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(from)
      ? () => {}
      : (event: string, fields: LogFields = {}) =>
          write(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }))
  return { debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}
