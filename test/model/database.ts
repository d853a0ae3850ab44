/**
 * The database of a walk. `shipped` is what otpost runs on: @libsql/client. `kept` is the same libSQL under it, asked
 * without the client, which prepares each statement anew: it keeps them, and flushes nothing, for a walk four times as long.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient } from '@libsql/client'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import type { Batch } from '../../src/ports/store.ts'

export type DatabaseKind = 'shipped' | 'kept'
export type Database = { readonly batch: Batch; readonly close: () => void }

/** As much of the package `libsql` as is used here. */
type Native = {
  readonly exec: (sql: string) => void
  readonly prepare: (sql: string) => Statement
  readonly close: () => void
}
type Statement = {
  readonly reader: boolean
  readonly all: (params: readonly unknown[]) => Record<string, string | number | null>[]
  readonly run: (params: readonly unknown[]) => unknown
}

export type Synchronous = 'FULL' | 'NORMAL'

/** @param synchronous of a `shipped` database */
export async function openDatabase(kind: DatabaseKind, folder: string, synchronous: Synchronous): Promise<Database> {
  const file = join(folder, 'otpost.db')
  const client = createClient({ url: pathToFileURL(file).href, concurrency: 1, timeout: 5000 })
  await prepareFile(client, synchronous)
  const batch = libsqlBatch(client)
  await migrateDatabase(client, createStore(batch))
  if (kind === 'shipped') return { batch, close: () => client.close() }
  client.close()

  // The copy that @libsql/client itself uses, wherever npm has put it.
  const require = createRequire(import.meta.resolve('@libsql/client'))
  const LibSql = require('libsql') as new (path: string) => Native // the type says what the package documents
  const native = new LibSql(file)
  native.exec('PRAGMA synchronous = OFF')
  return { batch: keptBatch(native), close: () => native.close() }
}

function keptBatch(native: Native): Batch {
  const kept = new Map<string, Statement>()
  function statement(sql: string): Statement {
    const made = kept.get(sql) ?? native.prepare(sql)
    kept.set(sql, made)
    return made
  }
  return async (statements, mode) => {
    statement(mode === 'write' ? 'BEGIN IMMEDIATE' : 'BEGIN').run([])
    try {
      const results = statements.map(({ sql, params }) => {
        const one = statement(sql)
        if (one.reader) return one.all(params)
        one.run(params)
        return []
      })
      statement('COMMIT').run([])
      return results
    } catch (error) {
      statement('ROLLBACK').run([])
      throw error
    }
  }
}
