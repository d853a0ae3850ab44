/** What `token list` and `token show` say of a token that is locked. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { check, cleanUp, newDataDir, otpost, otpostJson, startOtpost } from './otpost.ts'

const data = newDataDir()
let url: string

beforeAll(async () => {
  url = (await startOtpost(['serve', '--data', data], { runtime: 'bun' })).url
  await local(['user', 'add', 'ada', '--realm', 'staff', '--email', 'ada@example.org'])
  await local(['token', 'init', '--user', 'ada', '--email', 'ada@example.org', '--serial', 'LOCK1', '--pin', '4711'])
  for (let tries = 0; tries < 10; tries++) await check(url, { user: 'ada', pass: 'wrong' })
})
afterAll(cleanUp)

const local = (args: readonly string[]) => otpost([...args, '--data', data], { runtime: 'bun' })

async function apiToken(...options: readonly string[]): Promise<string> {
  const args = ['admin', 'token', 'add', 'admin', '--name', 'test', ...options, '--data', data]
  return ((await otpostJson(args, { runtime: 'bun' })) as { token: string }).token // what the command prints
}

/** @returns the state that the list has, and the line of the token shown alone */
async function states(env: Readonly<Record<string, string>> = { OTPOST_DATA: data }): Promise<readonly string[]> {
  const run = (...args: readonly string[]) => otpost(['token', ...args], { runtime: 'bun', env })
  const [list, shown] = [await run('list'), await run('show', 'LOCK1')]
  return [
    /ada@example\.org {2}(.*\S)$/m.exec(list.stdout)?.[1] ?? list.stderr,
    /^state: +(.*)$/m.exec(shown.stdout)?.[1] ?? shown.stderr,
  ]
}

it('says how long a lock may last, to whom may read the settings', async () => {
  const before = await states()
  const authorization = `Bearer ${await apiToken()}`
  const body = new URLSearchParams({ failcounter_clear_timeout: '30' })
  await fetch(`${url}/system/setConfig`, { method: 'POST', headers: { authorization }, body })
  const bound = await apiToken('--scope', 'admin/show')

  expect(before).toEqual(['locked', 'locked'])
  expect(await states()).toEqual(['locked for 30 min at most', 'locked for 30 min at most'])
  expect(await states({ OTPOST_SERVER: url, OTPOST_TOKEN: bound })).toEqual(['locked', 'locked'])
})
