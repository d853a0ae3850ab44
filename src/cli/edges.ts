/** Edges of a process: the clock, random bytes, files and a log of one JSON object a line on standard error. */
import { readFile, writeFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { jsonLog } from '../adapters/log/json.ts'
import { openSmpp } from '../adapters/sockets/smpp.ts'
import { openSql } from '../adapters/sql/open.ts'
import { NAMED_FORMATS } from '../adapters/users/web-hashes.ts'
import type { Edges, LogLevel } from '../ports/edges.ts'
import type { Platform } from './platform.ts'

export function processEdges(
  platform: Pick<Platform, 'capabilities' | 'fetchVia'>,
  logLevel: LogLevel = 'info',
): Edges {
  return {
    host: hostname(),
    clock: () => Math.floor(Date.now() / 1000),
    localTime: (now) => {
      const at = new Date(now * 1000)
      return {
        minute: at.getMinutes(),
        hour: at.getHours(),
        day: at.getDate(),
        month: at.getMonth() + 1,
        weekday: at.getDay(),
        year: at.getFullYear(),
      }
    },
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    fetch: (input, init) => fetch(input, init),
    ...(platform.fetchVia && { fetchVia: platform.fetchVia }),
    openSmpp,
    deadline: (after) => AbortSignal.timeout(after * 1000),
    openSql,
    passwordFormats: NAMED_FORMATS,
    readFile: (path) => readFile(path, 'utf8'),
    writeFile: (path, text) => writeFile(path, text, 'utf8'),
    capabilities: platform.capabilities,
    log: jsonLog((line) => process.stderr.write(`${line}\n`), logLevel),
  }
}
