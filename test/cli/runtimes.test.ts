/** The same server on Node, Deno and Bun: a login through the mail catcher, and who the client was. */
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { afterAll, describe, expect, it } from 'vitest'
import { caughtTexts, check, cleanUp, newDataDir, otpost, otpostJson, run, startOtpost } from './otpost.ts'

afterAll(cleanUp)

describe.each(['node', 'deno', 'bun'] as const)('on %s', (runtime) => {
  it('a user logs in with the OTP from the mail, once', async () => {
    const data = newDataDir()
    const server = await startOtpost(['serve', '--dev-mail', '--demo', '--data', data], { runtime })
    const challenged = await check(server.url, { user: 'demo', pass: 'demo-pin' })
    const [mail = ''] = await caughtTexts(server.url)
    const otp = /^\d{6}$/m.exec(mail)?.[0] ?? ''
    const answers = [
      await check(server.url, { user: 'demo', pass: `demo-pin${otp}` }),
      await check(server.url, { user: 'demo', pass: `demo-pin${otp}` }),
    ]
    const exit = await server.stop()

    expect(challenged).toMatchObject({ value: false, message: 'e-mail sent successfully' })
    expect(answers.map(({ value }) => value)).toEqual([true, false])
    expect(exit).toEqual({ code: 0, signal: null })
    expect(await clientsOf(data)).toEqual(['127.0.0.1'])
  })

  it('commands work on the local database', async () => {
    const data = newDataDir()
    const added = await otpost(['admin', 'add', 'ada', '--password-stdin', '--data', data], {
      runtime,
      input: 'correct horse',
    })

    expect(added).toMatchObject({ code: 0, stdout: '' })
    expect(await otpostJson(['admin', 'list', '--data', data], { runtime: 'bun' })).toEqual([
      { username: 'ada', createdAt: expect.any(Number) },
    ])
  })

  it('a port in use is said in one line', async () => {
    const server = await startOtpost(['serve', '--data', newDataDir()], { runtime: 'bun' })
    const { port } = new URL(server.url)
    const second = await otpost(['serve', '--data', newDataDir(), '--port', port], { runtime })

    expect(second.code).toBe(1)
    expect(second.stderr).toContain(`\notpost: port ${port} of 127.0.0.1 is in use: `)
  })
})

/** Addresses that the audit has for /validate. */
async function clientsOf(data: string): Promise<readonly unknown[]> {
  const client = createClient({ url: `file:${join(data, 'otpost.db')}` })
  const { rows } = await client.execute("SELECT DISTINCT client FROM audit WHERE action LIKE 'validate/%'")
  client.close()
  return rows.map((row) => row.client)
}

it('`npm run demo` tells of one login and ends with exit code 0', async () => {
  const { code, stdout, stderr } = await run('npm', ['run', '--silent', 'demo'])

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/accepted once, refused 49 times\.\n\nThe OTP was accepted once, and never again\.\n$/)
})
