/** Opens the server's parts in a process: data folder, keys, database with its migrations. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Client, createClient } from '@libsql/client'
import { libsqlBatch, prepareFile } from '../adapters/store/libsql.ts'
import { migrateDatabase } from '../adapters/store/migrate.ts'
import { createStore } from '../adapters/store/store.ts'
import { newKey, readKeys } from '../adapters/vault/keys.ts'
import { compose, type Otpost } from '../compose.ts'
import type { Config } from '../config.ts'
import type { Edges } from '../ports/edges.ts'

export type Opened = Otpost & { readonly close: () => void }

/** @param dataDir where the embedded database and the key file are kept; made when it is not there, for the owner only */
export async function openServer(config: Config, edges: Edges, dataDir: string): Promise<Opened> {
  const embedded = config.databaseUrl === null || config.databaseUrl.startsWith('file:')
  if (config.databaseUrl === null || config.keys === null) await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const keys = readKeys(config.keys ?? (await keyFile(dataDir, edges)))
  if (!keys.ok) throw new Error(keys.error)
  const url = config.databaseUrl ?? pathToFileURL(join(dataDir, 'otpost.db')).href
  const client: Client = embedded
    ? createClient({ url, concurrency: 1, timeout: 5000 })
    : createClient({ url, ...(config.databaseToken === null ? {} : { authToken: config.databaseToken }) })
  if (embedded) await prepareFile(client, config.synchronous)
  const batch = libsqlBatch(client)
  if ((await migrateDatabase(client, createStore(batch))) === 'migrated') edges.log.info('database_migrated')
  return { ...compose(batch, keys.value, edges, config), close: () => client.close() }
}

/** The key file of a server that was given no keys. It is made once; of several processes one writes it, all read it. */
async function keyFile(dataDir: string, edges: Edges): Promise<string> {
  const path = join(dataDir, 'keys')
  try {
    await writeFile(path, `${newKey('k1', edges.random)}\n`, { mode: 0o600, flag: 'wx' })
    await chmod(path, 0o600)
    edges.log.warn('keys_created', { file: path, advice: 'keep a copy: without it the database cannot be read' })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
  return readFile(path, 'utf8')
}
