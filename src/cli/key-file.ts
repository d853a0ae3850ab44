/**
 * Keys of a process: `OTPOST_KEYS`, or the file `keys` beside an embedded database. A running server takes up what
 * changes in the file, so that a key can be brought in without a restart.
 */
import { unwatchFile, watchFile } from 'node:fs'
import { link, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { type Keyring, type MasterKeys, newKey, readKeys } from '../adapters/vault/keys.ts'
import type { Config } from '../config.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'

/** How often the file is looked at. A value that is sealed with an unknown key makes a server look at once. */
export const WATCH_MS = 1000

const keyFile = (dataDir: string): string => resolve(dataDir, 'keys')

type KeyedDatabase = { readonly store: Pick<Store, 'schemaVersion'>; readonly embedded: boolean }
type OpenedKeys = { readonly ring: Keyring; readonly close: () => void }

/**
 * The keys that were given, or the key file of an embedded database. The file is made for a new database only: with
 * keys made up for an old one, everything in it would be unreadable and new tokens would be sealed by a second key.
 *
 * @throws with one sentence for the operator
 */
export async function openKeys(
  { keys: given }: Config,
  { store, embedded }: KeyedDatabase,
  edges: Edges,
  dataDir: string,
): Promise<OpenedKeys> {
  if (given !== null) {
    const keys = parse(given)
    return { ring: { all: () => keys }, close: () => {} }
  }
  if (!embedded)
    throw new Error('OTPOST_KEYS must be set beside the URL of a database server; `otpost keys new` makes a key')
  const path = keyFile(dataDir)
  // Asked before the file is read: who made the tables in the meantime had made the file before them.
  const isNew = (await store.schemaVersion()) === null
  const found = await readFile(path, 'utf8')
    .catch(unlessMissing)
    .catch((cause: unknown) => {
      throw new Error(`the key file ${path} cannot be read: it must be a file that the user who runs otpost may read`, {
        cause,
      })
    })
  if (found === null && !isNew)
    throw new Error(`the keys of this database are missing: ${path} is not there and OTPOST_KEYS is not set`)
  return watched(path, parse(found ?? (await makeKeyFile(path, edges))), edges.log)
}

function watched(path: string, first: MasterKeys, log: Edges['log']): OpenedKeys {
  let keys = first
  const reload = async (): Promise<void> => {
    const text = await readFile(path, 'utf8').catch(() => null)
    const read = text === null ? null : readKeys(text)
    // A file that is gone or half written takes nothing away from a server that runs.
    if (read === null || !read.ok) return log.warn('keys_unreadable', { file: path })
    const changed = idsOf(read.value) !== idsOf(keys)
    keys = read.value
    if (changed) log.info('keys_changed', { keys: idsOf(keys) })
  }
  const listener = () => void reload()
  watchFile(path, { interval: WATCH_MS, persistent: false }, listener)
  return { ring: { all: () => keys, reload }, close: () => unwatchFile(path, listener) }
}

const idsOf = (keys: MasterKeys): string => keys.map(({ id }) => id).join(' ')

/**
 * Puts a new key in front of the others in the file.
 *
 * @returns its id
 */
export async function addKeyInFront(dataDir: string, id: string, edges: Pick<Edges, 'random'>): Promise<string> {
  await change(dataDir, (lines) => [newKey(id, edges.random), ...lines])
  return id
}

/** Takes a key out of the file. The one in front seals, and stays. */
export async function removeKey(dataDir: string, id: string): Promise<void> {
  await change(dataDir, (lines) => lines.filter((line) => !line.startsWith(`${id}:`)))
}

/**
 * The new text is written beside the file, with its permissions, and takes its place in one step. Of commands at once one
 * changes the file: a key that another one has just put there may seal something already.
 */
async function change(dataDir: string, edit: (entries: readonly string[]) => readonly string[]): Promise<void> {
  const path = keyFile(dataDir)
  const lock = `${path}.lock`
  await writeFile(lock, '', { flag: 'wx', mode: 0o600 }).catch((error: unknown) => {
    if (codeOf(error) !== 'EEXIST') throw error
    throw new Error(`another command is changing ${path}: try again; if there is none, remove ${lock}`)
  })
  const draft = `${path}.${crypto.randomUUID()}`
  try {
    const text = await readFile(path, 'utf8').catch(unlessMissing)
    if (text === null)
      throw new Error(`there is no key file ${path}: keys that are given in OTPOST_KEYS are changed there`)
    parse(text)
    const after = edit(text.split(/[\s,]+/).filter((entry) => entry !== '')).join('\n')
    parse(after)
    await writeFile(draft, `${after}\n`, { mode: 0o600, flush: true })
    await rename(draft, path)
  } finally {
    await rm(draft, { force: true })
    await rm(lock, { force: true })
  }
}

export const hasKeyFile = async (dataDir: string): Promise<boolean> =>
  (await stat(keyFile(dataDir)).catch(unlessMissing)) !== null

function parse(text: string): MasterKeys {
  const read = readKeys(text)
  if (!read.ok) throw new Error(read.error)
  return read.value
}

/** Makes the file in one step, so that of several processes one makes it and no one reads half of it. */
async function makeKeyFile(path: string, edges: Edges): Promise<string> {
  const draft = `${path}.${crypto.randomUUID()}`
  try {
    // On disk before anything is sealed with it: the database is.
    await writeFile(draft, `${newKey('k1', edges.random)}\n`, { mode: 0o600, flush: true })
    await link(draft, path)
    edges.log.warn('keys_created', { file: path, advice: 'keep a copy: without it the database cannot be read' })
  } catch (cause) {
    if (codeOf(cause) !== 'EEXIST')
      throw new Error(
        `the key file ${path} cannot be made: is there room, and may the user who runs otpost write the folder?`,
        {
          cause,
        },
      )
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
