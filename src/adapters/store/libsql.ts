/**
 * libSQL: `Batch` over @libsql/client, for an embedded file and for a libSQL server over HTTP.
 * The client is made by the runtime, since the package has a build of its own for Workers.
 */
import type { Client, InValue } from '@libsql/client'
import type { Batch, Row } from '../../ports/store.ts'

export function libsqlBatch(client: Client): Batch {
  return async (statements, mode) => {
    const results = await client.batch(
      statements.map(({ sql, params }) => ({ sql, args: params as InValue[] })), // text, numbers and null are InValues
      mode,
    )
    // Columns of otpost hold text, whole numbers and null.
    return results.map((result) => result.rows as unknown as readonly Row[])
  }
}

/**
 * PRAGMAs of an embedded file. A lost commit would be an OTP that can be used again, so each commit is flushed.
 *
 * @param synchronous FULL, or NORMAL where losing the last moments in a power cut is acceptable
 */
export async function prepareFile(client: Client, synchronous: 'FULL' | 'NORMAL'): Promise<void> {
  await useWriteAheadLog(client)
  await client.execute(`PRAGMA synchronous = ${synchronous}`)
}

const TRIES = 5

/** SQLite does not wait for a lock here, so of several processes that start at once some are told `busy`. */
async function useWriteAheadLog(client: Client): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await client.execute('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (tries === TRIES) throw error
      // Beginning to write does wait, for as long as the client's time-out says.
      await client.batch(['SELECT 1'], 'write')
    }
  }
}
