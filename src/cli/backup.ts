/**
 * Copies of an embedded database. A copy is one moment of it, whoever writes meanwhile, and holds everything but the
 * keys, without which its secrets cannot be read.
 */
import { access, chmod, copyFile, mkdir, rename, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Client } from '@libsql/client'
import { type DatabasePlace, explain, placeOf } from '../adapters/store/failures.ts'
import { libsqlBatch } from '../adapters/store/libsql.ts'
import { createStore, SCHEMA_VERSION } from '../adapters/store/store.ts'
import type { Config } from '../config.ts'
import { openFile } from './database-file.ts'

/** @throws with one sentence for the operator; nothing is left behind then */
export async function backUp(config: Config, dataDir: string, target: string): Promise<void> {
  const source = databaseUrl(config, dataDir)
  if (await exists(target)) throw new Error(`${target} is there already: a backup replaces nothing`)
  const draft = `${resolve(target)}.${crypto.randomUUID()}`
  try {
    // What the draft is made of is nobody else's to read, not for a moment.
    process.umask(0o077)
    await withDatabase(source, (client) => copyInto(client, draft, [placeOf(source), { name: target, embedded: true }]))
    await examine(draft, 'the copy')
    await rename(draft, target)
  } finally {
    await removeDatabase(draft)
  }
}

/** @param places of the database and of its copy, for what fails */
async function copyInto(client: Client, draft: string, [source, copy]: readonly [DatabasePlace, DatabasePlace]) {
  // What is wrong with the database shows here, and not as a failure of the copy.
  await client.execute('SELECT COUNT(*) FROM sqlite_master').catch((error: unknown) => {
    throw explain(error, source)
  })
  await client.execute({ sql: 'VACUUM INTO ?', args: [draft] }).catch((error: unknown) => {
    throw explain(error, /^SQLITE_(FULL|CANTOPEN|READONLY|IOERR)/.test(codeOf(error)) ? copy : source)
  })
}

/**
 * Puts a copy in the place of the embedded database. No server may run on it.
 *
 * @param replace a database that is there is kept beside it, under the returned name
 */
export async function putBack(
  config: Config,
  dataDir: string,
  copy: string,
  replace: boolean,
): Promise<{ readonly kept: string | null }> {
  if (config.databaseUrl !== null)
    throw new Error('OTPOST_DATABASE_URL is set: its server has a way of its own to restore')
  if (!(await exists(copy))) throw new Error(`there is no file ${copy}`)
  await mkdir(dataDir, { recursive: true, mode: 0o700 })
  const place = resolve(dataDir, 'otpost.db')
  const draft = `${place}.${crypto.randomUUID()}`
  try {
    await copyFile(copy, draft).catch((cause: unknown) => {
      throw new Error(`${copy} cannot be copied to ${dataDir}`, { cause })
    })
    await chmod(draft, 0o600)
    await examine(draft, copy)
    const kept = (await exists(place)) ? `${place}.before-restore` : null
    if (kept !== null) {
      if (!replace) throw new Error(`${dataDir} has a database: --replace keeps it as ${kept}`)
      if (await exists(kept)) throw new Error(`${kept} is there already: move it away first`)
      if (await isServed(place)) throw new Error(`${place} is open in another process: stop the server first`)
      // As it is: a damaged database can only be moved. Its log goes by its name.
      for (const end of ENDS) if (await exists(`${place}${end}`)) await rename(`${place}${end}`, `${kept}${end}`)
    }
    await rename(draft, place)
    return { kept }
  } finally {
    await removeDatabase(draft)
  }
}

function databaseUrl(config: Config, dataDir: string): string {
  if (config.databaseUrl === null) return pathToFileURL(join(dataDir, 'otpost.db')).href
  if (config.databaseUrl.startsWith('file:')) return config.databaseUrl
  throw new Error('only a database in a file can be copied: a database server has a way of its own to back up')
}

/** The log of a database can be given up by its last connection alone; what cannot be read is served by nobody. */
const isServed = (file: string): Promise<boolean> =>
  withDatabase(pathToFileURL(file).href, (client) => client.execute('PRAGMA journal_mode = DELETE')).then(
    () => false,
    (error: unknown) => codeOf(error) === 'SQLITE_BUSY',
  )

/** Is it a whole database of an otpost that this one can serve? @param name what the operator knows it by */
async function examine(file: string, name: string): Promise<void> {
  const found = await withDatabase(pathToFileURL(file).href, async (client) => {
    const { rows } = await client.execute('PRAGMA integrity_check')
    const whole = rows.length === 1 && rows[0]?.integrity_check === 'ok'
    return { whole, schema: whole ? await createStore(libsqlBatch(client)).schemaVersion() : null }
  }).catch((cause: unknown) => {
    throw new Error(`${name} is not a database that can be read`, { cause })
  })
  if (!found.whole) throw new Error(`${name} is damaged`)
  if (found.schema === null) throw new Error(`${name} is not a database of otpost`)
  if (found.schema > SCHEMA_VERSION) throw new Error(`${name} is of a newer otpost, with schema ${found.schema}`)
}

async function withDatabase<T>(url: string, use: (client: Client) => Promise<T>): Promise<T> {
  const place = placeOf(url)
  if (!(await exists(place.name))) throw new Error(`there is no database ${place.name}`)
  const client = openFile(url, place)
  try {
    return await use(client)
  } finally {
    client.close()
  }
}

/** The files of a database. */
const ENDS = ['', '-wal', '-shm', '-journal'] as const
const removeDatabase = (file: string): Promise<unknown> =>
  Promise.all(ENDS.map((end) => rm(`${file}${end}`, { force: true })))

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  )

const codeOf = (error: unknown): string => (error instanceof Error && 'code' in error ? String(error.code) : '')
