/** A database that cannot be used: what the operator reads, and that nothing is lost by having tried. */
import { chmodSync, copyFileSync, mkdirSync, readdirSync, readFileSync, statfsSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startHranaServer } from '../support/hrana-server.ts'
import { startHttpServer } from '../support/http-server.ts'
import { CAN_MOUNT, mount, smallDisk, unmount } from '../support/mounts.ts'
import { makeOldDatabase } from '../support/old-database.ts'
import { cleanUp, newDataDir, otpost, otpostJson, type Ran, startOtpost } from './otpost.ts'

const ends: (() => void)[] = []
afterAll(async () => {
  await cleanUp()
  for (const end of ends) end()
})

/** A database with one token, closed. */
const seed = newDataDir()
beforeAll(async () => {
  const run = async (args: readonly string[], input = '') => {
    const { code, stderr } = await otpost([...args, '--data', seed], { runtime: 'bun', input })
    expect([code, stderr]).toEqual([0, expect.any(String)])
  }
  await run(['user', 'import', '-'], 'ada:x:1:1:Ada,,,,ada@example.org::\n')
  await run(['token', 'init', '--user', 'ada', '--email', 'ada@example.org', '--serial', 'SEED', '--pin', 'pin'])
  const client = createClient({ url: `file:${join(seed, 'otpost.db')}` })
  await client.execute('PRAGMA wal_checkpoint(TRUNCATE)')
  client.close()
})

function copyOfSeed(data = newDataDir()): string {
  mkdirSync(data, { recursive: true, mode: 0o700 })
  for (const name of ['keys', 'otpost.db']) copyFileSync(join(seed, name), join(data, name))
  return data
}

type Fault = {
  readonly name: string
  readonly skip?: boolean
  /** The folder, and how what is wrong with it is put right. */
  readonly make: () => Promise<{ readonly data: string; readonly mend: () => Promise<void> | void }>
  readonly says: RegExp
  /** What fails beside `serve`; `token list` unless told. */
  readonly command?: readonly string[]
  /** Tokens afterwards. */
  readonly tokens?: number
}

const database = (data: string): string => join(data, 'otpost.db')
const isRoot = process.getuid?.() === 0

/** Somebody else's connection that is in a transaction. */
async function hold(data: string) {
  const client = createClient({ url: `file:${database(data)}`, concurrency: 1 })
  const held = await client.transaction('write')
  const mend = async () => {
    await held.rollback()
    client.close()
  }
  return { data, mend }
}

/** Changes the file, and has a copy of how it was. */
function spoil(change: (whole: Buffer) => Buffer | Promise<Buffer>): Fault['make'] {
  return async () => {
    const data = copyOfSeed()
    writeFileSync(database(data), await change(readFileSync(database(data))))
    return { data, mend: () => copyFileSync(database(seed), database(data)) }
  }
}

const LOCKED = /otpost\.db is locked by another process, for longer than otpost waits: end what holds it/
const READ_ONLY = /otpost\.db cannot be written: give the user that runs otpost the right to write the file/
const FULL =
  /(otpost\.db has no room: make some|otpost\.db cannot be read or written: is there room|the key file .*keys cannot be made: is there room)/
const NO_DATABASE = /otpost\.db is no database: name another folder, or put a backup in its place/
const DAMAGED = /otpost\.db is damaged: put a backup in its place/

const faults: readonly Fault[] = [
  {
    name: 'locked before it can be opened',
    make: async () => {
      const data = newDataDir()
      mkdirSync(data)
      const client = createClient({ url: `file:${database(data)}`, concurrency: 1 })
      await client.execute('CREATE TABLE meta_of_nobody (n)')
      await client.execute('DROP TABLE meta_of_nobody')
      client.close()
      return hold(data)
    },
    says: LOCKED,
    command: ['token', 'list'],
    tokens: 0,
  },
  {
    name: 'locked before it can be migrated',
    make: async () => {
      const data = newDataDir()
      mkdirSync(data)
      copyFileSync(join(seed, 'keys'), join(data, 'keys'))
      await makeOldDatabase(database(data))
      return hold(data)
    },
    says: LOCKED,
    command: ['migrate'],
    tokens: 0,
  },
  {
    name: 'locked before there is an administrator',
    make: async () => hold(copyOfSeed()),
    says: LOCKED,
    command: ['admin', 'add', 'bob', '--generate'],
  },
  {
    name: 'a file that is read-only',
    skip: isRoot && !CAN_MOUNT,
    make: async () => {
      const data = copyOfSeed()
      const file = database(data)
      if (!isRoot) {
        chmodSync(file, 0o400)
        return { data, mend: () => chmodSync(file, 0o600) }
      }
      mount('--bind', file, file)
      mount('-o', 'remount,ro,bind', file)
      return { data, mend: () => void unmount(file) }
    },
    says: READ_ONLY,
    command: ['admin', 'add', 'bob', '--generate'],
  },
  {
    name: 'a folder that is read-only',
    skip: isRoot && !CAN_MOUNT,
    make: async () => {
      if (!isRoot) {
        const data = copyOfSeed()
        chmodSync(data, 0o500)
        return { data, mend: () => chmodSync(data, 0o700) }
      }
      const { folder, end } = smallDisk('8m')
      ends.push(end)
      const data = copyOfSeed(join(folder, 'data'))
      mount('-o', 'remount,ro', folder)
      return { data, mend: () => void mount('-o', 'remount,rw', folder) }
    },
    says: /otpost\.db cannot be (written|opened): /,
    command: ['token', 'list'],
  },
  ...[0, 12, 200].map((left) => ({
    name: `a disk with ${left} KiB left, for a new database`,
    skip: !CAN_MOUNT,
    make: async () => {
      const { folder, end } = smallDisk('4m')
      ends.push(end)
      mkdirSync(join(folder, 'data'), { mode: 0o700 })
      return fillDisk(folder, left)
    },
    says: FULL,
    command: ['migrate'],
    tokens: 0,
  })),
  {
    name: 'a disk that is full, for an old database',
    skip: !CAN_MOUNT,
    make: async () => {
      const { folder, end } = smallDisk('8m')
      ends.push(end)
      return fillDisk(folder, 40, copyOfSeed(join(folder, 'data')))
    },
    says: FULL,
    command: ['admin', 'add', 'bob', '--generate'],
  },
  { name: 'a file of noise', make: spoil((whole) => noise(whole.length)), says: NO_DATABASE },
  { name: 'a text', make: spoil(() => Buffer.from('This is a note to myself.\n'.repeat(50))), says: NO_DATABASE },
  { name: 'the first half of a database', make: spoil((whole) => whole.subarray(0, whole.length / 2)), says: DAMAGED },
  {
    name: 'a page of noise in the middle of a table',
    make: spoil(async (whole) => {
      const page = await pageOf('tokens')
      noise(4096).copy(whole, (page - 1) * 4096)
      return whole
    }),
    says: DAMAGED,
  },
  {
    name: 'the database of another program',
    make: async () => {
      const data = newDataDir()
      mkdirSync(data)
      const client = createClient({ url: `file:${database(data)}` })
      await client.execute('CREATE TABLE meta (name, content)')
      await client.execute('CREATE TABLE songs (title)')
      client.close()
      const before = readFileSync(database(data))
      return {
        data,
        mend: async () => {
          expect(readFileSync(database(data)).equals(before)).toBe(true)
          expect(readdirSync(data)).toEqual(['otpost.db'])
          const theirs = createClient({ url: `file:${database(data)}` })
          const { rows } = await theirs.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
          theirs.close()
          expect(rows.map((row) => row.name)).toEqual(['meta', 'songs'])
          await rm(database(data))
        },
      }
    },
    says: /otpost\.db is the database of another program, with the table meta: name another place/,
    tokens: 0,
  },
]

/** The first page of a table of the seed. */
async function pageOf(table: string): Promise<number> {
  const client = createClient({ url: `file:${database(seed)}` })
  const { rows } = await client.execute({ sql: 'SELECT rootpage FROM sqlite_master WHERE name = ?', args: [table] })
  client.close()
  return Number(rows[0]?.rootpage)
}

const noise = (bytes: number): Buffer => {
  const made = Buffer.alloc(bytes)
  for (let at = 0; at < bytes; at += 65_536) crypto.getRandomValues(made.subarray(at, Math.min(bytes, at + 65_536)))
  return made
}

/** Leaves so many KiB on a small disk. */
function fillDisk(folder: string, left: number, data = join(folder, 'data')) {
  const { bavail, bsize } = statfsSync(folder)
  writeFileSync(join(folder, 'ballast'), Buffer.alloc(Math.max(0, bavail * bsize - left * 1024)))
  return { data, mend: () => rm(join(folder, 'ballast')) }
}

/** What was said last, of a run that failed in order. */
function saidBy({ code, stdout, stderr }: Ran): string {
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).not.toMatch(/^\s+at /m)
  return stderr.trim().split('\n').at(-1) ?? ''
}

describe('a server and a command that cannot use the database say why', { timeout: 60_000 }, () => {
  for (const { name, skip = false, make, says, command = ['token', 'list'], tokens = 1 } of faults)
    it.skipIf(skip)(skip ? `${name} (it takes root that may mount)` : name, async () => {
      const { data, mend } = await make()

      const runs = await Promise.all([
        otpost(['serve', '--port', '0', '--data', data]),
        otpost([...command, '--data', data], { runtime: 'bun' }),
      ])
      await mend()
      const server = await startOtpost(['serve', '--data', data], { runtime: 'bun' })
      await server.stop()
      const found = await otpostJson(['token', 'list', '--data', data], { runtime: 'bun' })

      for (const ran of runs) {
        expect(saidBy(ran)).toMatch(/^otpost: /)
        expect(saidBy(ran)).toMatch(says)
        expect(saidBy(ran)).toContain(data)
      }
      expect(found).toHaveLength(tokens)
    })

  it('and an empty file is a new database', async () => {
    const data = newDataDir()
    mkdirSync(data)
    writeFileSync(database(data), '')

    const server = await startOtpost(['serve', '--data', data], { runtime: 'bun' })

    expect((await fetch(`${server.url}/healthcheck/ready`)).status).toBe(200)
  })
})

describe('a backup says which of its two files is at fault', () => {
  it('when the database is damaged, or is none', async () => {
    const data = copyOfSeed()
    const whole = readFileSync(database(data))
    const said: string[] = []
    for (const content of [whole.subarray(0, whole.length / 2), noise(8192)]) {
      writeFileSync(database(data), content)
      said.push(saidBy(await otpost(['backup', join(data, 'copy.db'), '--data', data], { runtime: 'bun' })))
    }

    expect(said).toEqual([expect.stringMatching(DAMAGED), expect.stringMatching(NO_DATABASE)])
    expect(readdirSync(data).filter((name) => name.startsWith('copy'))).toEqual([])
  })

  it('when the database is a folder', async () => {
    const data = newDataDir()
    mkdirSync(database(data), { recursive: true })

    const said = saidBy(await otpost(['backup', join(data, 'copy.db'), '--data', data], { runtime: 'bun' }))

    expect(said).toContain(`otpost: ${database(data)} cannot be opened: is it a file`)
  })

  it.each(['#1', 'why?', '100%', 'a%20b'])('or copies one in a folder called %s', async (name) => {
    const data = copyOfSeed(join(newDataDir(), name))

    const { code, stderr } = await otpost(['backup', `${data}.db`, '--data', data], { runtime: 'bun' })

    expect([code, stderr]).toEqual([0, expect.stringContaining(`Copied the database to ${data}.db`)])
  })

  it('or copies one whose URL is relative to where the command runs', async () => {
    const data = copyOfSeed()
    const env = { OTPOST_DATABASE_URL: 'file:./otpost.db' }

    const { code, stderr } = await otpost(['backup', 'copy.db'], { runtime: 'bun', cwd: data, env })

    expect([code, stderr]).toEqual([0, expect.stringContaining('Copied the database to copy.db')])
    expect(readdirSync(data)).toContain('copy.db')
  })

  it.skipIf(!CAN_MOUNT)('when there is no room for the copy', async () => {
    const data = copyOfSeed()
    const { folder, end } = smallDisk('64k')
    ends.push(end)

    const said = saidBy(await otpost(['backup', join(folder, 'copy.db'), '--data', data], { runtime: 'bun' }))

    expect(said).toContain(`otpost: ${join(folder, 'copy.db')} has no room: `)
    expect(readdirSync(folder)).toEqual([])
  })
})

describe('a database server that cannot be used', { timeout: 60_000 }, () => {
  const KEYS = `k1:${Buffer.alloc(32, 7).toString('base64')}`
  const start = (runtime: 'node' | 'deno' | 'bun', url: string, token = 'of-nobody') => {
    const env = { OTPOST_DATABASE_URL: url, OTPOST_DATABASE_TOKEN: token, OTPOST_KEYS: KEYS }
    return otpost(['serve', '--port', '0', '--data', newDataDir()], { runtime, env })
  }

  // At once, since one of the servers is waited for.
  it.concurrent.each(['node', 'deno', 'bun'] as const)('is named on %s, with what is wrong', async (runtime) => {
    const hrana = await startHranaServer()
    const gone = await startHttpServer(() => ({ status: 200 }))
    await gone.close()
    const page = await startHttpServer(() => ({ status: 200, body: '<html>Welcome to nginx!</html>' }))
    const other = await startHttpServer(() => ({ status: 200, body: { ok: true } }))
    const broken = await startHttpServer(() => ({ status: 502, body: 'x'.repeat(100_000) }))
    const missing = await startHttpServer(() => ({ status: 404 }))
    const silent = await startHttpServer(() => new Promise(() => {}))

    const servers = [gone, silent, hrana, page, other, broken, missing]
    const wrong = saidBy(await start(runtime, `${hrana.url}?jwt=hidden`))
    const said = (await Promise.all(servers.map(({ url }) => start(runtime, `${url}?authToken=hidden`)))).map(saidBy)
    await Promise.all([silent, hrana, page, other, broken, missing].map(({ close }) => close()))

    expect(said).toEqual(
      [
        `${gone.url} cannot be reached: is the server running, and is OTPOST_DATABASE_URL right?`,
        `${silent.url} cannot be reached: is the server running, and is OTPOST_DATABASE_URL right?`,
        `${hrana.url} does not accept the token: set OTPOST_DATABASE_TOKEN to one that is good for this database`,
        `${page.url} does not answer as a libSQL server does: is OTPOST_DATABASE_URL right?`,
        `${other.url} does not answer as a libSQL server does: is OTPOST_DATABASE_URL right?`,
        `${broken.url} answers with status 502: is OTPOST_DATABASE_URL right, and is the server well?`,
        `${missing.url} answers with status 404: is OTPOST_DATABASE_URL right, and is the server well?`,
      ].map((sentence) => expect.stringContaining(`otpost: ${sentence}`)),
    )
    expect(wrong).toBe(
      `otpost: ${hrana.url} is no address of a database that libSQL knows: correct OTPOST_DATABASE_URL`,
    )
    expect(said.filter((line) => line.length > 1000 || /hidden|of-nobody/.test(line))).toEqual([])
  })
})
