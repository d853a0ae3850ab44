/** Commands on Node that administer a server by its URL. */
import { afterAll, describe, expect, it } from 'vitest'
import { describeCommands } from './commands.ts'
import { cleanUp, newDataDir, otpost, otpostJson, startOtpost } from './otpost.ts'
import { tableTests } from './user-commands.ts'

afterAll(cleanUp)

describe('with an API token', () => {
  describeCommands(async () => {
    const data = newDataDir()
    const server = await startOtpost(['serve', '--data', data])
    const { stdout } = await otpost(['admin', 'token', 'add', 'admin', '--data', data], { runtime: 'bun' })
    return { args: ['--server', server.url], env: { OTPOST_TOKEN: stdout.trim() } }
  }, tableTests)
})

it('makes the first API token of a remote server with the password of the administrator', async () => {
  const server = await startOtpost(['serve', '--data', newDataDir()], {
    runtime: 'bun',
    env: { OTPOST_ADMIN_PASSWORD: 'correct horse' },
  })
  const add = (password: string) =>
    otpost(['admin', 'token', 'add', 'admin', '--server', server.url], { env: { OTPOST_PASSWORD: password } })
  const [wrong, right] = [await add('wrong horse'), await add('correct horse')]
  const list = await otpostJson(['admin', 'list', '--server', server.url], {
    env: { OTPOST_TOKEN: right.stdout.trim() },
  })

  expect(wrong).toEqual({
    code: 1,
    stdout: '',
    stderr: expect.stringContaining('does not accept this password of admin'),
  })
  expect(list).toMatchObject([{ username: 'admin' }])
})
