/** Opens the server's parts in a process: data folder, keys, database with its migrations. */
import { link, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Client, createClient } from '@libsql/client'
import { libsqlBatch, prepareFile } from '../adapters/store/libsql.ts'
import { migrateDatabase } from '../adapters/store/migrate.ts'
import { createStore } from '../adapters/store/store.ts'
import { templateFolder } from '../adapters/templates/folder.ts'
import { newKey, readKeys } from '../adapters/vault/keys.ts'
import { compose, type Otpost } from '../compose.ts'
import type { Config } from '../config.ts'
import type { Edges, TemplatePlace } from '../ports/edges.ts'
import type { Batch, Store } from '../ports/store.ts'

/** Beside `src/` in the source tree, beside `dist/` in the package. */
const SHIPPED_TEMPLATES = fileURLToPath(new URL('../../templates', import.meta.url))

export type Opened = Otpost & { readonly close: () => void }

type Database = {
  readonly client: Client
  readonly batch: Batch
  readonly store: Store
  /** A file of this machine, not a server. */
  readonly embedded: boolean
}

/**
 * @param dataDir where the embedded database and the key file are kept; made when it is not there, for the owner only
 * @throws with one sentence for the operator when keys are missing or wrong, or the database cannot be used
 */
export async function openServer(config: Config, edges: Edges, dataDir: string): Promise<Opened> {
  const templates = await templatePlaces(config)
  const database = await openDatabase(config, dataDir)
  const { client, batch, store } = database
  try {
    const text = await keysText(config, database, edges, dataDir)
    const keys = readKeys(text)
    if (!keys.ok) throw new Error(keys.error)
    if ((await migrateDatabase(client, store)) === 'migrated') edges.log.info('database_migrated')
    return { ...compose(batch, keys.value, { ...edges, templates }, config), close: () => client.close() }
  } catch (error) {
    client.close()
    throw error
  }
}

/** The operator's folder first; it is looked into for each mail, so what is put there counts at once. */
async function templatePlaces({ templates }: Config): Promise<readonly TemplatePlace[]> {
  const shipped = templateFolder('shipped', SHIPPED_TEMPLATES)
  if (templates === null) return [shipped]
  const found = await stat(templates).catch(() => null)
  if (!found?.isDirectory()) throw new Error(`OTPOST_TEMPLATES must be a folder, and ${templates} is none`)
  return [templateFolder('folder', templates), shipped]
}

/** Brings the database up to date and closes it. Needs no keys, save that an embedded one gets its key file. */
export async function migrateOnly(config: Config, edges: Edges, dataDir: string): Promise<'migrated' | 'current'> {
  const database = await openDatabase(config, dataDir)
  try {
    if (database.embedded) await keysText(config, database, edges, dataDir)
    return await migrateDatabase(database.client, database.store)
  } finally {
    database.client.close()
  }
}

async function openDatabase(
  { databaseUrl, databaseToken, synchronous, keys }: Config,
  dataDir: string,
): Promise<Database> {
  const embedded = databaseUrl === null || databaseUrl.startsWith('file:')
  if (databaseUrl === null || (embedded && keys === null)) await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const url = databaseUrl ?? pathToFileURL(join(dataDir, 'otpost.db')).href
  let client: Client | undefined
  try {
    client = embedded
      ? createClient({ url, concurrency: 1, timeout: 5000 })
      : createClient({ url, ...(databaseToken === null ? {} : { authToken: databaseToken }) })
    if (embedded) await prepareFile(client, synchronous)
    const batch = libsqlBatch(client)
    return { client, batch, store: createStore(batch), embedded }
  } catch (cause) {
    client?.close()
    // Behind the question mark there may be a token.
    throw new Error(`the database ${url.split('?')[0]} cannot be opened`, { cause })
  }
}

/**
 * The keys that were given, or the key file of an embedded database. The file is made for a new database only: with
 * keys made up for an old one, everything in it would be unreadable and new tokens would be sealed by a second key.
 */
async function keysText(
  { keys }: Config,
  { store, embedded }: Database,
  edges: Edges,
  dataDir: string,
): Promise<string> {
  if (keys !== null) return keys
  if (!embedded)
    throw new Error('OTPOST_KEYS must be set beside the URL of a database server; `otpost keys new` makes a key')
  const path = resolve(dataDir, 'keys')
  // Asked before the file is read: who made the tables in the meantime had made the file before them.
  const isNew = (await store.schemaVersion()) === null
  const found = await readFile(path, 'utf8').catch(unlessMissing)
  if (found !== null) return found
  if (!isNew) throw new Error(`the keys of this database are missing: ${path} is not there and OTPOST_KEYS is not set`)
  return makeKeyFile(path, edges)
}

/** Makes the file in one step, so that of several processes one makes it and no one reads half of it. */
async function makeKeyFile(path: string, edges: Edges): Promise<string> {
  const draft = `${path}.${crypto.randomUUID()}`
  await writeFile(draft, `${newKey('k1', edges.random)}\n`, { mode: 0o600 })
  try {
    await link(draft, path)
    edges.log.warn('keys_created', { file: path, advice: 'keep a copy: without it the database cannot be read' })
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft, { force: true })
  }
  return readFile(path, 'utf8')
}

function unlessMissing(error: unknown): null {
  if (codeOf(error) === 'ENOENT') return null
  throw error
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)
