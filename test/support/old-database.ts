/** A database as an otpost of before has left it: all migrations but the newest. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createClient } from '@libsql/client'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import { SCRATCH } from './scratch.ts'

const MIGRATIONS = fileURLToPath(new URL('../../migrations', import.meta.url))

/** @param file its path; in a folder that is there */
export async function makeOldDatabase(file: string): Promise<void> {
  const folder = mkdtempSync(join(SCRATCH, 'otpost-migrations-'))
  const client = createClient({ url: `file:${file}`, concurrency: 1, timeout: 5000 })
  try {
    cpSync(MIGRATIONS, folder, { recursive: true })
    const journal = join(folder, 'meta', '_journal.json')
    const { entries, ...rest } = JSON.parse(readFileSync(journal, 'utf8'))
    writeFileSync(journal, JSON.stringify({ ...rest, entries: entries.slice(0, -1) }))
    await prepareFile(client, 'FULL')
    await migrateDatabase(client, createStore(libsqlBatch(client)), folder)
  } finally {
    client.close()
    rmSync(folder, { recursive: true, force: true })
  }
}
