/** Opens the server's parts in a process: data folder, keys, database with its migrations. */
import { mkdir, open, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { type Client, createClient } from '@libsql/client'
import { refuseDamaged, refuseForeign } from '../adapters/store/examine.ts'
import { type DatabasePlace, explain, explained, placeOf } from '../adapters/store/failures.ts'
import { fileBatch, libsqlBatch, prepareFile } from '../adapters/store/libsql.ts'
import { migrateDatabase } from '../adapters/store/migrate.ts'
import { createStore } from '../adapters/store/store.ts'
import { templateFolder } from '../adapters/templates/folder.ts'
import { compose, type Otpost } from '../compose.ts'
import type { Config } from '../config.ts'
import type { Edges, TemplatePlace } from '../ports/edges.ts'
import type { Batch, Store } from '../ports/store.ts'
import { openFile } from './database-file.ts'
import { openKeys } from './key-file.ts'

/** Beside `src/` in the source tree, beside `dist/` in the package. */
const SHIPPED_TEMPLATES = fileURLToPath(new URL('../../templates', import.meta.url))

export type Opened = Otpost

type Database = {
  readonly client: Client
  readonly batch: Batch
  readonly store: Store
  /** A file of this machine, not a server. */
  readonly embedded: boolean
  readonly place: DatabasePlace
  readonly patience: Patience
}

/**
 * @param dataDir where the embedded database and the key file are kept; made when it is not there, for the owner only
 * @param thorough read the pages of an embedded database before it is served
 * @throws with one sentence for the operator when keys are missing or wrong, or the database cannot be used
 */
export async function openServer(config: Config, edges: Edges, dataDir: string, thorough = false): Promise<Opened> {
  const templates = await templatePlaces(config)
  const database = await openDatabase(config, dataDir)
  const { client, batch, embedded, place } = database
  try {
    if (thorough && embedded) await refuseDamaged(batch, place)
    const keys = await openKeys(config, database, edges, dataDir)
    if ((await migrate(database, config)) === 'migrated') edges.log.info('database_migrated')
    const otpost = compose(batch, keys.ring, { ...edges, templates }, config)
    const close = async () => {
      keys.close()
      await otpost.close()
      client.close()
    }
    return { ...otpost, close }
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
    if (database.embedded) (await openKeys(config, database, edges, dataDir)).close()
    return await migrate(database, config)
  } finally {
    database.client.close()
  }
}

async function migrate({ client, batch, store, embedded, place, patience }: Database, { synchronous }: Config) {
  try {
    if (!embedded) await patiently(patience, () => refuseForeign(batch, place))
    const status = await migrateDatabase(client, store)
    // On its way it may have made the connection anew.
    if (embedded && status === 'migrated') await prepareFile(client, synchronous)
    return status
  } catch (error) {
    throw explain(error, place)
  }
}

async function openDatabase(
  { databaseUrl, databaseToken, synchronous, keys }: Config,
  dataDir: string,
): Promise<Database> {
  const embedded = databaseUrl === null || databaseUrl.startsWith('file:')
  if (databaseUrl === null || (embedded && keys === null))
    await mkdir(dataDir, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
      throw new Error(`--data: ${dataDir} is not a folder and cannot be made one`, { cause })
    })
  const url = databaseUrl ?? pathToFileURL(join(dataDir, 'otpost.db')).href
  const place = placeOf(url)
  let client: Client | undefined
  try {
    // What SQLite would make is for everybody to read; its log takes the mode of the file.
    if (databaseUrl === null) await (await open(join(dataDir, 'otpost.db'), 'a', 0o600)).close()
    const patience: Patience = {}
    client = embedded ? openFile(url, place) : openRemote(url, databaseToken, patience)
    const batch = explained(embedded ? fileBatch(client, synchronous) : libsqlBatch(client), place)
    if (embedded) {
      // Before anything is written into it, were it but its mode, or a key file is made beside it.
      await refuseForeign(batch, place)
      await prepareFile(client, synchronous)
    }
    return { client, batch, store: createStore(batch), embedded, place, patience }
  } catch (error) {
    client?.close()
    throw explain(error, place)
  }
}

/** How long a server may say nothing at the start. Later a statement takes as long as it takes. */
const PATIENCE_MS = 15_000

/** Of each request to a server, while there is one. */
type Patience = { signal?: AbortSignal }

async function patiently<T>(patience: Patience, work: () => Promise<T>): Promise<T> {
  const stop = new AbortController()
  // The kind of error that a server is not reached with.
  const giveUp = () => stop.abort(new TypeError(`no answer within ${PATIENCE_MS / 1000} seconds`))
  const timer = setTimeout(giveUp, PATIENCE_MS)
  patience.signal = stop.signal
  try {
    return await work()
  } finally {
    clearTimeout(timer)
    delete patience.signal
  }
}

function openRemote(url: string, token: string | null, patience: Patience): Client {
  const fetchPatiently = (request: Request) => fetch(request, { ...patience })
  return createClient({ url, fetch: fetchPatiently, ...(token === null ? {} : { authToken: token }) })
}
