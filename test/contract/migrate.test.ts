import { describe, expect, it } from 'vitest'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore, SCHEMA_VERSION } from '../../src/adapters/store/store.ts'
import { fileClient, temporaryFile } from './store-databases.ts'

describe('migrateDatabase', () => {
  it('migrates an empty database, and finds nothing to do the next time', async () => {
    const { path, remove } = await temporaryFile()
    const client = fileClient(path)
    await prepareFile(client, 'NORMAL')
    const store = createStore(libsqlBatch(client))

    const before = await store.schemaVersion()
    const outcomes = [await migrateDatabase(client, store), await migrateDatabase(client, store)]

    expect([before, outcomes, await store.schemaVersion()]).toEqual([null, ['migrated', 'current'], SCHEMA_VERSION])
    client.close()
    await remove()
  })

  it('refuses a database that a newer otpost has migrated', async () => {
    const { path, remove } = await temporaryFile()
    const client = fileClient(path)
    const store = createStore(libsqlBatch(client))
    await migrateDatabase(client, store)
    await client.execute(`UPDATE meta SET value = ${SCHEMA_VERSION + 1} WHERE key = 'schema'`)

    await expect(migrateDatabase(client, store)).rejects.toThrow('start a newer otpost')

    client.close()
    await remove()
  })
})
