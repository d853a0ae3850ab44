/** An embedded file that another process holds for longer than one waits: the request fails, and the server serves on. */
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { createClient } from '@libsql/client'
import { expect, it } from 'vitest'
import { fileBatch, prepareFile } from '../../src/adapters/store/libsql.ts'

it.each(['FULL', 'NORMAL'] as const)('after busy the connection is as good as before, with %s', async (synchronous) => {
  const url = pathToFileURL(join(mkdtempSync(join(tmpdir(), 'otpost-busy-')), 'otpost.db')).href
  const [client, other] = [createClient({ url, concurrency: 1, timeout: 20 }), createClient({ url, concurrency: 1 })]
  await prepareFile(client, synchronous)
  const batch = fileBatch(client, synchronous)
  const add = () => batch([{ sql: 'INSERT INTO t VALUES (1)', params: [] }], 'write')
  const look = (sql: string) => batch([{ sql, params: [] }], 'read')
  await batch([{ sql: 'CREATE TABLE t (n)', params: [] }], 'write')

  const lock = await other.transaction('write')
  const during = await Promise.allSettled([add(), look('SELECT 1'), add(), look('SELECT 1')])
  await lock.rollback()
  const after = await Promise.allSettled(Array.from({ length: 20 }, add))
  const [[count], [mode]] = [
    (await look('SELECT COUNT(*) AS n FROM t'))[0] ?? [],
    (await look('PRAGMA synchronous'))[0] ?? [],
  ]
  client.close()
  const closed = await add().catch((error: Error) => error.message)
  other.close()

  expect(during.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected', 'fulfilled'])
  expect(after.filter(({ status }) => status === 'rejected')).toEqual([])
  expect([count?.n, mode?.synchronous]).toEqual([20, synchronous === 'FULL' ? 2 : 1])
  expect(closed).toBe('CLIENT_CLOSED: The client is closed')
})
