/** Keys and copies of a database that is being served: one server, changed under its hands as an operator would. */
import { randomBytes } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { addKeyInFront } from '../../src/cli/key-file.ts'
import type { RunningChild } from '../support/runtimes.ts'
import { caughtTexts, cleanUp, newDataDir, otpost, otpostJson, startOtpost } from './otpost.ts'

afterAll(cleanUp)

const data = newDataDir()
const copy = join(dirname(data), 'copy.db')
let server: RunningChild

const start = async () => {
  server = await startOtpost(['serve', '--dev-mail', '--demo', '--data', data])
}
beforeAll(start)

/** On Bun, which loads the database faster. */
const run = (...args: readonly string[]) => otpost([...args, '--data', data], { runtime: 'bun' })
const check = async (fields: Readonly<Record<string, string>>) => {
  const response = await fetch(`${server.url}/validate/check`, { method: 'POST', body: new URLSearchParams(fields) })
  return (await response.json()) as { result: { value: boolean }; detail?: { transactionid?: string } }
}
async function trigger(): Promise<{ otp: string; transactionid: string }> {
  const { detail } = await check({ user: 'demo', pass: 'demo-pin' })
  const [newest = ''] = await caughtTexts(server.url)
  return { otp: /\n(\d{6})\n/.exec(newest)?.[1] ?? '', transactionid: detail?.transactionid ?? '' }
}
const keysOf = async () =>
  (await otpostJson(['keys', 'list', '--data', data], { runtime: 'bun' })) as { id: string; current: boolean }[]

it('copies the database while it is served, for its owner alone, and replaces no file', async () => {
  const [{ code, stderr }] = await Promise.all([run('backup', copy), check({ user: 'demo', pass: 'x' })])

  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining(`Copied the database to ${copy}`) })
  expect(statSync(copy).mode & 0o777).toBe(0o600)
  const again = await run('backup', copy)
  expect([again.code, again.stderr]).toEqual([1, `otpost: ${copy} is there already: a backup replaces nothing\n`])
})

it('rotates the key under a running server, whose open challenges can still be answered', async () => {
  const { otp, transactionid } = await trigger()

  const { code, stderr } = await run('keys', 'rotate', '--new')

  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringMatching(/Sealed \d+ values anew with key k\d{8}-/),
  })
  expect((await check({ user: 'demo', pass: otp, transactionid })).result.value).toBe(true)
})

it('does not remove the key that seals, nor one that is needed, nor one that is not there', async () => {
  const [current] = (await keysOf()).filter((key) => key.current)
  const removal = (id: string) => run('keys', 'remove', id)

  expect((await removal(current?.id ?? '')).stderr).toContain('seals what is new')
  expect((await removal('k9')).stderr).toContain('there is no key k9 in the key file')
})

it('removes the old key once nothing needs it, and the server goes on', async () => {
  // The server may have written a row with the old key in the second before it looked at the file.
  await run('keys', 'rotate')

  const { code, stderr } = await run('keys', 'remove', 'k1')

  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Removed key k1') })
  expect((await keysOf()).map(({ id }) => id)).toHaveLength(1)
  expect(readFileSync(join(data, 'keys'), 'utf8')).not.toContain('k1:')
  expect(statSync(join(data, 'keys')).mode & 0o777).toBe(0o600)
  expect((await check({ user: 'demo', pass: 'wrong' })).result.value).toBe(false)
})

it('removes a key that seals nothing any more although nothing was rotated, and the database does not ask for it', async () => {
  const other = newDataDir()
  const there = (...args: readonly string[]) => otpost([...args, '--data', other], { runtime: 'bun' })
  await there('keys', 'list')
  const fresh = (await otpost(['keys', 'new', '--id', 'k2'], { runtime: 'bun' })).stdout
  writeFileSync(join(other, 'keys'), `${fresh}${readFileSync(join(other, 'keys'), 'utf8')}`)

  const { code, stderr } = await there('keys', 'remove', 'k1')
  const listed = await there('keys', 'list')

  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('Removed key k1') })
  expect([listed.code, listed.stdout.includes('k1')]).toEqual([0, false])
})

it('loses no key when several are put in front at once', async () => {
  const other = newDataDir()
  await otpost(['keys', 'list', '--data', other], { runtime: 'bun' })

  const done = await Promise.allSettled(
    Array.from({ length: 20 }, (_, n) => addKeyInFront(other, `n${n}`, { random: randomBytes })),
  )

  const added = done.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
  const left = readFileSync(join(other, 'keys'), 'utf8').match(/^\w+(?=:)/gm)
  expect(added.length).toBeGreaterThan(0)
  expect(left?.toSorted()).toEqual([...added, 'k1'].toSorted())
  expect(existsSync(join(other, 'keys.lock'))).toBe(false)
})

it('puts a copy back, in which no OTP is good that was sent before', async () => {
  const later = join(dirname(data), 'later.db')
  const open = await trigger()
  expect(open.otp).toMatch(/^\d{6}$/)
  await run('backup', later)
  const served = await run('restore', later, '--replace')
  await server.stop()

  const refused = await run('restore', later)
  const { code, stderr } = await run('restore', later, '--replace')

  expect([served.code, served.stderr]).toEqual([
    1,
    expect.stringContaining('is open in another process: stop the server'),
  ])
  expect(refused.stderr).toContain('has a database: --replace keeps it as')
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('moved the counters of 1 tokens') })
  expect(existsSync(join(data, 'otpost.db.before-restore'))).toBe(true)
  await start()
  expect((await check({ user: 'demo', pass: open.otp, transactionid: open.transactionid })).result.value).toBe(false)
  const fresh = await trigger()
  expect(fresh.transactionid).not.toBe(open.transactionid)
  expect((await check({ user: 'demo', pass: fresh.otp, transactionid: fresh.transactionid })).result.value).toBe(true)
})

it('says of a copy from before the rotation which key it needs', async () => {
  const other = newDataDir()
  const { code, stderr } = await otpost(['restore', copy, '--data', other], {
    runtime: 'bun',
    env: { OTPOST_KEYS: readFileSync(join(data, 'keys'), 'utf8') },
  })

  expect(code).toBe(1)
  expect(stderr).toContain("key 'k1' is missing")
  expect(stderr).toContain('run `otpost restore` without a file once this is mended')
})

it.each([
  ['no file', 'none.db', 'there is no file'],
  ['a file that is no database', 'text.db', 'is not a database that can be read'],
])('puts back nothing from %s', async (_, name, reason) => {
  const file = join(dirname(data), name)
  if (name === 'text.db')
    writeFileSync(file, 'no database at all, but longer than a header of SQLite needs to be '.repeat(99))
  const other = newDataDir()

  const { code, stderr } = await otpost(['restore', file, '--data', other], { runtime: 'bun' })

  expect([code, stderr.includes(reason) && stderr.includes(name), existsSync(join(other, 'otpost.db'))]).toEqual([
    1,
    true,
    false,
  ])
})
