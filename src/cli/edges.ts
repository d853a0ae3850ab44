/** Edges of a process: the clock, random bytes, files and a log of one JSON object a line on standard error. */
import { readFile } from 'node:fs/promises'
import type { Edges, Log, LogFields } from '../ports/edges.ts'
import type { Platform } from './platform.ts'

export function processEdges(platform: Platform): Edges {
  return {
    clock: () => Math.floor(Date.now() / 1000),
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    fetch: (input, init) => fetch(input, init),
    deadline: (after) => AbortSignal.timeout(after * 1000),
    readFile: (path) => readFile(path, 'utf8'),
    capabilities: platform.capabilities,
    log: jsonLog((line) => process.stderr.write(`${line}\n`)),
  }
}

export function jsonLog(write: (line: string) => void): Log {
  const at = (level: string) => (event: string, fields: LogFields = {}) =>
    write(JSON.stringify({ time: new Date().toISOString(), level, event, ...fields }))
  return { info: at('info'), warn: at('warn'), error: at('error') }
}
