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
  await client.execute('PRAGMA journal_mode = WAL')
  await client.execute(`PRAGMA synchronous = ${synchronous}`)
}
