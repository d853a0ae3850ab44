/** A server process: what it makes, what it says, and how it ends. */

import { statSync } from 'node:fs'
import { mkdir, rm } from 'node:fs/promises'
import { type AddressInfo, connect } from 'node:net'
import { join } from 'node:path'
import { createClient } from '@libsql/client'
import { SMTPServer } from 'smtp-server'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { graceFor } from '../../src/cli/serving.ts'
import type { RunningChild } from '../support/runtimes.ts'
import { check, cleanUp, newDataDir, otpost, startOtpost } from './otpost.ts'

afterAll(cleanUp)

const modeOf = (path: string): string => (statSync(path).mode & 0o777).toString(8)
const logIn = async (url: string, password: string): Promise<number> =>
  (await fetch(`${url}/admin/login`, { method: 'POST', body: new URLSearchParams({ username: 'admin', password }) }))
    .status

describe('the first start', () => {
  const data = newDataDir()
  let server: RunningChild
  beforeAll(async () => {
    server = await startOtpost(['serve', '--data', data])
  })

  it('says where it listens and where the keys are', () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(server.output()).toContain(`"file":"${join(data, 'keys')}"`)
  })

  it('keeps data and keys from other users of the machine', () => {
    expect(['', 'keys', 'otpost.db', 'otpost.db-wal'].map((name) => modeOf(join(data, name)))).toEqual([
      ...['700', '600', '600', '600'],
    ])
  })

  it('prints a password for admin once, beside the log, and it works', async () => {
    const password = /^Administrator admin, password (\S+) /m.exec(server.output())?.[1] ?? ''

    expect(await logIn(server.url, password)).toBe(200)
    expect(await logIn(server.url, `${password}x`)).toBe(401)
    expect(server.output().split(password)).toHaveLength(2)
  })

  it('shows no mails and has no demo user', async () => {
    expect((await fetch(`${server.url}/dev/mail`)).status).toBe(404)
    expect((await otpost(['user', 'list', '--data', data], { runtime: 'bun' })).stdout).toBe('')
  })

  it('ends with exit code 0 and starts again without a new password', async () => {
    expect(await server.stop('SIGINT')).toEqual({ code: 0, signal: null })
    const again = await startOtpost(['serve', '--data', data], { runtime: 'deno' })
    await again.stop()

    const said = again
      .output()
      .split('\n')
      .filter((line) => !line.includes('"audit_sealed"'))
    expect(said).toEqual([`otpost listening on ${again.url}`, ''])
  })
})

describe('a server', () => {
  it('takes the first password from OTPOST_ADMIN_PASSWORD and does not print it; hosts of IPv6 are in brackets', async () => {
    const server = await startOtpost(['serve', '--data', newDataDir(), '--host', '::1'], {
      runtime: 'deno',
      env: { OTPOST_ADMIN_PASSWORD: 'correct horse' },
    })

    expect(server.url).toMatch(/^http:\/\/\[::1\]:\d+$/)
    expect(await logIn(server.url, 'correct horse')).toBe(200)
    expect(server.output()).not.toContain('assword')
  })

  it.each(['node', 'deno', 'bun'] as const)(
    'on %s that is told to end answers the running request first',
    async (runtime) => {
      const slow = await startSlowSmtp()
      const data = newDataDir()
      const onDatabase = (args: readonly string[], input = '') =>
        otpost([...args, '--data', data], { runtime: 'bun', input })
      await onDatabase(['user', 'import', '-'], 'ada:x:1:1:Ada,,,,ada@example.org::\n')
      await onDatabase(['token', 'init', '--user', 'ada', '--email', 'ada@example.org', '--pin', 'pin'])
      await onDatabase(['provider', 'set', 'slow', '--set', 'SMTP_SERVER=127.0.0.1', '--set', `SMTP_PORT=${slow.port}`])
      const server = await startOtpost(['serve', '--data', data], { runtime })

      const kept = await keepOpen(server.url)

      const answer = check(server.url, { user: 'ada', pass: 'pin' })
      await slow.reached
      const exit = server.stop()
      await refused(server.url)
      const asked = await kept.ask()
      slow.release()

      expect(await answer).toMatchObject({ message: 'e-mail sent successfully' })
      expect(asked).toBe('closed')
      expect(await exit).toEqual({ code: 0, signal: null })
      slow.close()
    },
  )
})

describe('the grace of a server that ends', () => {
  it.each([
    [1, 10_000],
    [8, 10_000],
    [9, 11_000],
    [60, 62_000],
  ])('with %i seconds for a message is %i ms, so that no message is cut off', (sendDeadline, grace) => {
    expect(graceFor(sendDeadline)).toBe(grace)
  })

  it('lets a message arrive that takes longer than the usual ten seconds', { timeout: 60_000 }, async () => {
    const slow = await startSlowSmtp()
    const data = newDataDir()
    const onDatabase = (args: readonly string[], input = '') => otpost([...args, '--data', data], { input })
    await onDatabase(['user', 'import', '-'], 'ada:x:1:1:Ada,,,,ada@example.org::\n')
    await onDatabase(['token', 'init', '--user', 'ada', '--email', 'ada@example.org', '--pin', 'pin'])
    const keys = ['SMTP_SERVER=127.0.0.1', `SMTP_PORT=${slow.port}`, 'TIMEOUT=30']
    await onDatabase(['provider', 'set', 'slow', ...keys.flatMap((key) => ['--set', key])])
    const server = await startOtpost(['serve', '--data', data], { env: { OTPOST_SEND_DEADLINE: '20' } })

    const answer = check(server.url, { user: 'ada', pass: 'pin' })
    await slow.reached
    process.kill(server.pid, 'SIGTERM')
    setTimeout(slow.release, 11_000)

    expect(await answer).toMatchObject({ message: 'e-mail sent successfully' })
    expect(await server.exited).toEqual({ code: 0, signal: null })
    slow.close()
  })
})

/** Takes a mail when it is told to. */
async function startSlowSmtp() {
  const reached = Promise.withResolvers<void>()
  const released = Promise.withResolvers<void>()
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    disableReverseLookup: true,
    closeTimeout: 50,
    onData: (stream, _session, done) => {
      stream.resume()
      reached.resolve()
      released.promise.then(() => done())
    },
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo // listening on TCP
  return { port, reached: reached.promise, release: released.resolve, close: () => server.close() }
}

/** A connection that has had an answer and stays open for more, as a proxy's does. */
async function keepOpen(url: string) {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  let heard = ''
  let ended = false
  let wake = () => {}
  socket
    .on('data', (chunk) => {
      heard += chunk
      wake()
    })
    .on('error', () => undefined) // reset by a server that has let go of it
    .on('close', () => {
      ended = true
      wake()
    })
  const ask = async (): Promise<'answered' | 'closed'> => {
    heard = ''
    socket.write('GET /healthcheck/status HTTP/1.1\r\nhost: otpost\r\n\r\n')
    while (!ended && !heard.includes('\r\n\r\n')) await new Promise<void>((resolve) => (wake = resolve))
    return heard.startsWith('HTTP/1.1 200') ? 'answered' : 'closed'
  }
  expect(await ask()).toBe('answered')
  return { ask }
}

/** Settles when the address takes no more connections. */
async function refused(url: string): Promise<void> {
  for (;;) {
    const open = await fetch(`${url}/healthcheck/status`, { headers: { connection: 'close' } }).then(
      () => true,
      () => false,
    )
    if (!open) return
  }
}

describe('a server that cannot start says why in one line', () => {
  const lastLine = async (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const { code, stdout, stderr } = await otpost(['serve', '--port', '0', ...args], { env, runtime: 'bun' })
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
    expect(stderr).not.toMatch(/^\s+at /m)
    return stderr.trim().split('\n').at(-1)
  }

  it.each([
    ['OTPOST_SEND_DEADLINE', '0', 'must be a whole number from 1 to 60'],
    ['OTPOST_DATABASE_URL', 'mysql://x', 'must begin with file:, libsql:, https: or http:'],
    ['OTPOST_DATABASE_URL', 'http://otpost:hid@den@db:8080', 'must hold no user or password; a token goes into'],
    ['OTPOST_TRUSTED_PROXIES', 'everyone', 'is neither an address nor a network'],
    ['OTPOST_KEYS', 'k1:short', "key 'k1' must be 32 bytes in base64"],
    ['OTPOST_DATABASE_URL', 'http://127.0.0.1:1', 'OTPOST_KEYS must be set beside the URL of a database server'],
  ])('when %s is %s', async (name, value, said) => {
    const line = await lastLine(['--data', newDataDir()], { [name]: value })

    expect(line).toMatch(/^otpost: /)
    expect(line).toContain(said)
    expect(line).not.toMatch(/hid|den@/)
  })

  it('when the database is from a newer otpost, or its keys are gone', async () => {
    const data = newDataDir()
    await otpost(['migrate', '--data', data], { runtime: 'bun' })
    const client = createClient({ url: `file:${join(data, 'otpost.db')}` })
    await client.execute("UPDATE meta SET value = 999 WHERE key = 'schema'")
    client.close()
    const newer = await lastLine(['--data', data])
    await rm(join(data, 'keys'))
    const keyless = await lastLine(['--data', data])

    expect(newer).toMatch(/^otpost: the database has schema 999, .* newer otpost$/)
    expect(keyless).toBe(
      `otpost: the keys of this database are missing: ${join(data, 'keys')} is not there and OTPOST_KEYS is not set`,
    )
  })

  it('when the data folder holds something else', async () => {
    const data = newDataDir()
    await mkdir(join(data, 'otpost.db'), { recursive: true })

    expect(await lastLine(['--data', data])).toMatch(/^otpost: \/.*otpost\.db cannot be opened: is it a file, and may/)
  })
})
