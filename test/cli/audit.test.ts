/** The audit on the command line, on the local database and over the network. */
import { createClient } from '@libsql/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cleanUp, newDataDir, otpost, otpostJson, startOtpost } from './otpost.ts'

afterAll(cleanUp)

const data = newDataDir()
const local = ['--data', data]
const run = (...args: readonly string[]) => otpost(['audit', ...args], { runtime: 'bun' })

beforeAll(async () => {
  await otpost(['admin', 'add', 'eve', '--password-stdin', ...local], { runtime: 'bun', input: 'correct horse\n' })
})

describe('on the local database', () => {
  it('shows the newest rows first, as a table or as JSON', async () => {
    const table = await run('search', '--limit', '2', ...local)
    const rows = await otpostJson(['audit', 'search', '--action', 'otpost/admins', ...local], { runtime: 'bun' })

    expect(table.stdout.split('\n')[0]).toMatch(/^NUMBER +TIME +ACTION/)
    expect(table.stdout).toMatch(/otpost\/admins +yes/)
    expect(rows).toMatchObject([
      { action: 'otpost/admins', success: true, administrator: 'cli', info: 'eve', intact: true },
    ])
  })

  it('exports lines, and an array that is JSON also when it is empty', async () => {
    const { stdout } = await run('export', ...local)
    const none = await otpostJson(['audit', 'export', '--user', 'nobody', ...local], { runtime: 'bun' })
    const all = await otpostJson(['audit', 'export', ...local], { runtime: 'bun' })

    const numbers = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line).number)
    expect(numbers).toEqual(numbers.map((_, n) => n + 1))
    expect(stdout.endsWith('\n')).toBe(true)
    expect(none).toEqual([])
    expect(all).toHaveLength(numbers.length + 2)
  })

  it('exports CSV', async () => {
    const { stdout } = await run('export', '--csv', '--administrator', 'cli', '--action', 'otpost/admins', ...local)

    const [head, row, ...rest] = stdout.split('\r\n')
    expect(head).toMatch(/^"number","time","requestId","action",.*"mac"$/)
    expect(row).toMatch(/^\d+,"[\dT:Z-]+","\w+","otpost\/admins",true,.*"eve"/)
    expect(rest).toEqual([''])
  })

  it('verifies, says what it cannot see, and ends with 1 when a row was altered', async () => {
    await run('checkpoint', ...local)
    const good = await run('verify', ...local)
    const client = createClient({ url: `file:${data}/otpost.db` })
    await client.execute("UPDATE audit SET administrator = 'nobody' WHERE number = 1")
    client.close()

    const bad = await run('verify', ...local)

    expect(good).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Intact: \d+ rows/) })
    expect(good.stdout).toContain('What this cannot see:')
    expect(good.stdout).toMatch(/Anchor, to be noted elsewhere: 1:\d+:[0-9a-f]{32}\n/)
    expect(bad).toMatchObject({ code: 1, stderr: expect.stringContaining('the audit is broken: row 1 was altered') })
    expect(bad.stdout).toContain('  row 1 was altered\n')
  })

  it('prunes by age, not what is broken unless it is forced, and one of two ages only', async () => {
    const refused = await run('prune', '--before', '2100-01-01', ...local)
    const forced = await run('prune', '--keep-days', '0', '--force', '--json', ...local)
    const both = await run('prune', '--keep-days', '0', '--before', '2100-01-01', ...local)

    expect(refused).toMatchObject({ code: 1, stderr: expect.stringContaining('row 1 was altered') })
    // Rows of this very second are not older than now.
    expect(forced.code).toBe(0)
    expect(JSON.parse(forced.stdout)).toMatchObject({ first: expect.any(Number), last: expect.any(Number) })
    expect(both.code).toBe(2)
  })
})

it('speaks to a server over the network', async () => {
  const folder = newDataDir()
  const server = await startOtpost(['serve', '--data', folder], { env: { OTPOST_ADMIN_PASSWORD: 'correct horse' } })
  const made = await otpostJson(['admin', 'token', 'add', 'admin', '--data', folder], { runtime: 'bun' })
  const { token } = made as { token: string } // what the command prints
  const to = { env: { OTPOST_SERVER: server.url, OTPOST_TOKEN: token }, runtime: 'bun' } as const

  const rows = await otpostJson(['audit', 'search', '--limit', '1'], to)
  const verdict = await otpostJson(['audit', 'verify'], to)
  const wrong = await otpost(['audit', 'search', '--since', 'yesterday'], to)

  expect(rows).toHaveLength(1)
  expect(verdict).toMatchObject({ verdict: 'intact' })
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('since must be seconds since 1970') })
  await server.stop()
})
