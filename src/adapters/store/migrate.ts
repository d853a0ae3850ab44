/**
 * Migrations of a libSQL database, by Drizzle's migrator. On D1 they come from `wrangler d1 migrations apply`.
 *
 * The migrator takes no lock, but each of its runs is one transaction: of several processes that start at once one
 * succeeds, the others fail as a whole and find the work done when they look again.
 */
import { fileURLToPath } from 'node:url'
import type { Client } from '@libsql/client'
import type { Store } from '../../ports/store.ts'
import { SCHEMA_VERSION } from './store.ts'

const FOLDER = fileURLToPath(new URL('../../../migrations', import.meta.url))
const TRIES = 5

/**
 * @returns `migrated` when something was to be done, by this process or by one that was faster; else `current`
 * @throws when the database is newer than this program, or cannot be migrated
 */
export async function migrateDatabase(
  client: Client,
  store: Pick<Store, 'schemaVersion'>,
  folder = FOLDER,
): Promise<'migrated' | 'current'> {
  for (let tries = 1; ; tries++) {
    const version = await store.schemaVersion()
    if (version === SCHEMA_VERSION) return 'current'
    if (version !== null && version > SCHEMA_VERSION)
      throw new Error(`the database has schema ${version}, this otpost knows ${SCHEMA_VERSION}: start a newer otpost`)
    // Another process may be at it: beginning to write waits for as long as the client's time-out says.
    await client.batch(['SELECT 1'], 'write')
    try {
      // Loaded only where there is something to do, which is once in the life of a database.
      const [{ drizzle }, { migrate }] = await Promise.all([
        import('drizzle-orm/libsql'),
        import('drizzle-orm/libsql/migrator'),
      ])
      await migrate(drizzle(client), { migrationsFolder: folder })
      return 'migrated'
    } catch (error) {
      if (tries === TRIES) throw new Error('the database could not be migrated', { cause: error })
      // One that waited in vain is of no use any more (`fileBatch`).
      await client.reconnect()
    }
  }
}
