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
 * `Batch` over an embedded file. A statement that waited for a lock in vain (SQLITE_BUSY) stays open until it is collected
 * as garbage, and until then its connection can commit nothing; so the connection is replaced. Whoever had got hold of the
 * old one by then has stored nothing, and is served by the new one.
 *
 * @param client of one connection
 */
export function fileBatch(client: Client, synchronous: Synchronous): Batch {
  const batch = libsqlBatch(client)
  let connection = 0
  return (...asked) => ask(asked, TRIES)

  async function ask(asked: Parameters<Batch>, tries: number): ReturnType<Batch> {
    const mine = connection
    try {
      return await batch(...asked)
    } catch (error) {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      const replaced = code === 'CLIENT_CLOSED' && !client.closed
      const spoilt = error instanceof Error && error.message.includes('SQL statements in progress')
      if (code.startsWith('SQLITE_BUSY') && mine === connection) await renew()
      if ((replaced || spoilt) && tries > 1) return ask(asked, tries - 1)
      throw error
    }
  }

  async function renew(): Promise<void> {
    connection++
    // In this order, and nobody comes between: a new connection knows nothing of the PRAGMA.
    await Promise.all([client.reconnect(), client.execute(`PRAGMA synchronous = ${synchronous}`)])
  }
}

type Synchronous = 'FULL' | 'NORMAL'

/**
 * PRAGMAs of an embedded file. A lost commit would be an OTP that can be used again, so each commit is flushed.
 *
 * @param synchronous FULL, or NORMAL where losing the last moments in a power cut is acceptable
 */
export async function prepareFile(client: Client, synchronous: Synchronous): Promise<void> {
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
