/** The log of a server process: its level, and that nothing secret gets out of it by any way, whatever is asked. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { RunningChild } from '../support/runtimes.ts'
import { caughtTexts, check, cleanUp, newDataDir, otpost, startOtpost } from './otpost.ts'

afterAll(cleanUp)

const PASSWORD = 'correct horse 4711'
const PIN = 'pin-of-ada-0815'
const linesOf = (server: RunningChild) =>
  server
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { level: string; event: string; request?: string }) // as jsonLog writes them

describe.each(['node', 'deno', 'bun'] as const)('on %s', (runtime) => {
  it('level debug shows each request, and no secret gets into log, database, backup or export', async () => {
    const data = newDataDir()
    const env = { OTPOST_LOG_LEVEL: 'debug', OTPOST_ADMIN_PASSWORD: PASSWORD }
    // On stderr: the log of the command; on stdout: what it is asked for.
    const command = async (args: readonly string[], input = '') => {
      const ran = await otpost([...args, '--data', data], { runtime: 'bun', env, input })
      expect(ran.code).toBe(0)
      return ran
    }
    await command(['user', 'import', '-'], 'ada:x:1:1:Ada,,,,ada@example.org::\n')
    const initArgs = ['token', 'init', '--user', 'ada', '--email', 'ada@example.org', '--pin-stdin']
    const init = await command(initArgs, `${PIN}\n`)
    const server = await startOtpost(['serve', '--dev-mail', '--data', data], { runtime, env })

    const otps: string[] = []
    const challenged = await check(server.url, { user: 'ada', pass: PIN })
    otps.push(/^\d{6}$/m.exec((await caughtTexts(server.url))[0] ?? '')?.[0] ?? '')
    const answers = [
      await check(server.url, { user: 'ada', pass: `${PIN}${otps[0]}` }),
      await check(server.url, { user: 'ada', pass: `${PIN}${otps[0]}` }),
      await check(server.url, { user: 'ada', pass: `${PIN}no` }),
    ]
    const login = (password: string) =>
      fetch(`${server.url}/admin/login`, { method: 'POST', body: new URLSearchParams({ username: 'admin', password }) })
    const logins = [await login(PASSWORD), await login(`${PASSWORD}x`)]
    const { headers } = await fetch(`${server.url}/validate/check&user=ada&pass=${PIN}`)
    await command(['backup', join(data, 'copy.db')])
    const exported = await command(['audit', 'export'])
    await server.stop()

    expect(challenged.value).toBe(false)
    expect(answers.map(({ value }) => value)).toEqual([true, false, false])
    expect(logins.map(({ status }) => status)).toEqual([200, 401])
    expect(init.stderr).toContain('"event":"request"')
    const shown = linesOf(server).filter(({ event }) => event === 'request')
    expect(shown.map(({ request }) => request)).toContain(headers.get('x-request-id'))
    const files = readdirSync(data)
    expect(files).toEqual(expect.arrayContaining(['copy.db', 'keys', 'otpost.db']))
    const key = readFileSync(join(data, 'keys'), 'utf8').trim().split(':')[1] ?? ''
    const secrets = [PIN, PASSWORD, key]
    const places = [
      ['output', server.output()],
      ['export', exported.stdout + exported.stderr],
      ['init', init.stdout + init.stderr],
      ...files
        .filter((name) => name !== 'keys')
        .map((name) => [name, readFileSync(join(data, name)).toString('latin1')]),
    ] as const
    for (const [place = '', content = ''] of places) {
      expect(content.length + Number(place.endsWith('-wal') || place.endsWith('-shm')), place).toBeGreaterThan(0)
      expect(
        secrets.filter((secret) => content.includes(secret)),
        place,
      ).toEqual([])
      expect(
        otps.filter((otp) => otp === '' || new RegExp(`(?<![0-9a-f])${otp}(?![0-9a-f])`).test(content)),
        place,
      ).toEqual([])
    }
  })

  it('level warn leaves out what is no trouble, and a level that there is not is refused', async () => {
    const server = await startOtpost(['serve', '--data', newDataDir()], { runtime, env: { OTPOST_LOG_LEVEL: 'WARN' } })
    await check(server.url, { user: 'nobody', pass: 'x' })
    await server.stop()
    const refused = await otpost(['serve', '--port', '0', '--data', newDataDir()], {
      ...{ runtime, env: { OTPOST_LOG_LEVEL: 'trace' } },
    })

    expect(linesOf(server).map(({ level, event }) => [level, event])).toEqual([['warn', 'keys_created']])
    expect([refused.code, refused.stderr]).toEqual([
      1,
      'otpost: OTPOST_LOG_LEVEL must be one of debug, info, warn, error\n',
    ])
  })
})
