/** Opens a database in a file; one connection, which waits five seconds for a lock. */
import { type Client, createClient } from '@libsql/client'
import { type DatabasePlace, explain } from '../adapters/store/failures.ts'

/** @throws with one sentence for the operator: libSQL says in words alone why it cannot open a file */
export function openFile(url: string, place: DatabasePlace): Client {
  try {
    return createClient({ url, concurrency: 1, timeout: 5000 })
  } catch (cause) {
    throw explain(Object.assign(new Error('SQLite cannot open it', { cause }), { code: 'SQLITE_CANTOPEN' }), place)
  }
}
