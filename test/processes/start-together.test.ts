/** Servers that start at the same moment on one database: it is migrated once, and all of them serve. */
import { copyFileSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { afterAll, expect, it } from 'vitest'
import migrations from '../../migrations/meta/_journal.json' with { type: 'json' }
import { check, cleanUp, newDataDir, otpost, startOtpost } from '../cli/otpost.ts'
import { makeOldDatabase } from '../support/old-database.ts'

afterAll(cleanUp)

const RUNTIMES = ['node', 'bun', 'deno', 'node', 'bun', 'node'] as const

it.each([
  ['a folder that is not there yet', async () => newDataDir()],
  [
    'a database of the otpost before',
    async () => {
      const [seed, data] = [newDataDir(), newDataDir()]
      await otpost(['migrate', '--data', seed], { runtime: 'bun' })
      mkdirSync(data)
      copyFileSync(join(seed, 'keys'), join(data, 'keys'))
      await makeOldDatabase(join(data, 'otpost.db'))
      return data
    },
  ],
])('six start together on %s', { timeout: 90_000 }, async (_, make) => {
  const data = await make()

  const servers = await Promise.all(
    RUNTIMES.map((runtime) =>
      startOtpost(['serve', '--data', data], { runtime, env: { OTPOST_ADMIN_PASSWORD: 'six-at-once' } }),
    ),
  )
  const answers = await Promise.all(servers.map(({ url }) => check(url, { user: 'nobody', pass: 'x' })))
  const exits = await Promise.all(servers.map((server) => server.stop()))
  const client = createClient({ url: `file:${join(data, 'otpost.db')}` })
  const count = async (sql: string) => (await client.execute(`SELECT COUNT(*) AS n FROM ${sql}`)).rows[0]?.n
  const counts = [
    await count('__drizzle_migrations'),
    await count('admins'),
    await count("audit WHERE user = 'nobody'"),
  ]
  client.close()

  expect(answers).toEqual(Array(6).fill({ value: false }))
  expect(exits).toEqual(Array(6).fill({ code: 0, signal: null }))
  expect(counts).toEqual([migrations.entries.length, 1, 6])
})
