/** What a server process keeps in memory beyond a request, as a snapshot of its heap shows it: no secret of that request. */
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, expect, it } from 'vitest'
import { startSmtpServer } from '../support/smtp-server.ts'
import { check, cleanUp, newDataDir, otpost, startOtpost } from './otpost.ts'

afterAll(cleanUp)

const [PIN, WRONG, PASSWORD, LOGIN] = ['pin-of-ada-0815', 'wrong-pin-0816', 'admin-pass-4711', 'wrong-pass-4712']

it('keeps no PIN, OTP or password once it has answered', { timeout: 60_000 }, async () => {
  const data = newDataDir()
  const smtp = await startSmtpServer()
  const command = (args: readonly string[], input = '') => otpost([...args, '--data', data], { runtime: 'bun', input })
  await command(['user', 'import', '-'], 'ada:x:1:1:Ada,,,,ada@example.org::\n')
  await command(['token', 'init', '--user', 'ada', '--email', 'ada@example.org', '--pin-stdin'], `${PIN}\n`)
  await command(['admin', 'add', 'ada', '--password-stdin'], PASSWORD)
  const set = ['--set', 'SMTP_SERVER=127.0.0.1', '--set', `SMTP_PORT=${smtp.port}`]
  await command(['provider', 'set', 'relay', ...set, '--default'])
  const folder = dirname(data)
  const env = { NODE_OPTIONS: `--heapsnapshot-signal=SIGUSR2 --diagnostic-dir=${folder}` }
  const server = await startOtpost(['serve', '--data', data], { env })

  await check(server.url, { user: 'ada', pass: PIN })
  const otp = /^\d{6}$/m.exec(smtp.mails.at(-1)?.parsed.text ?? '')?.[0] ?? ''
  const verdicts = [
    await check(server.url, { user: 'ada', pass: `${WRONG}${otp}` }),
    await check(server.url, { user: 'ada', pass: `${PIN}${otp}` }),
  ]
  for (const password of [LOGIN, PASSWORD])
    await fetch(`${server.url}/admin/login`, {
      method: 'POST',
      body: new URLSearchParams({ username: 'ada', password }),
    })
  await check(server.url, { user: 'nobody', pass: 'x' })
  process.kill(server.pid, 'SIGUSR2')
  const heap = await snapshotIn(folder)
  await server.stop()
  await smtp.close()

  expect(verdicts.map(({ value }) => value)).toEqual([false, true])
  const texts = heap.slice(heap.indexOf('"strings":'))
  expect(texts).toContain('freeradius')
  expect([PIN, WRONG, PASSWORD, LOGIN].filter((secret) => texts.includes(secret))).toEqual([])
  expect(texts).not.toMatch(new RegExp(`(?<![0-9a-f])${otp}(?![0-9a-f])`))
})

/** The process goes on when it is written, which the end of the text tells. */
async function snapshotIn(folder: string): Promise<string> {
  for (;;) {
    const name = readdirSync(folder).find((each) => each.endsWith('.heapsnapshot'))
    const text = name === undefined ? '' : readFileSync(join(folder, name), 'utf8')
    if (text.trimEnd().endsWith('}')) return text
    await wait(50)
  }
}
