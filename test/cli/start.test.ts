/** `start`: what a newcomer gets, up to pasting the printed lines into a shell. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { RunningChild } from '../support/runtimes.ts'
import { startSmtpServer } from '../support/smtp-server.ts'
import { check, cleanUp, newDataDir, otpost, otpostJson, run, startOtpost } from './otpost.ts'

afterAll(cleanUp)

const data = newDataDir()

/** The lines to paste: all that stand indented. */
const linesOf = async (server: RunningChild): Promise<readonly string[]> => {
  while (!server.output().includes('Ctrl-C ends it.')) await new Promise(setImmediate)
  return [...server.output().matchAll(/^ {2}(\S.*)$/gm)].map(([, line = '']) => line)
}
const paste = async (line: string): Promise<string> => (await run('sh', ['-c', line])).stdout

describe('the first start', () => {
  let server: RunningChild
  let lines: readonly string[]
  beforeAll(async () => {
    server = await startOtpost(['start', '--data', data])
    lines = await linesOf(server)
  })

  it('prints three lines, which log the demo user in when they are pasted', async () => {
    const [trigger = '', mails = '', answer = ''] = lines
    const triggered = JSON.parse(await paste(trigger))
    const caught = JSON.parse(await paste(mails))
    const answered = JSON.parse(await paste(answer))

    expect(lines).toHaveLength(3)
    expect(triggered).toMatchObject({ result: { value: false }, detail: { message: 'e-mail sent successfully' } })
    expect(caught).toMatchObject([{ to: ['demo@example.org'], text: expect.stringMatching(/^\d{6}$/m) }])
    expect(answered).toMatchObject({ result: { value: true } })
  })

  it('lets the first line be pasted twice: the mail before is still good', async () => {
    const [trigger = '', , answer = ''] = lines
    await paste(trigger)
    const again = JSON.parse(await paste(trigger))

    expect(again).toMatchObject({ result: { value: false }, detail: { message: 'e-mail with otp already submitted' } })
    expect(JSON.parse(await paste(answer))).toMatchObject({ result: { value: true } })
  })

  it('shows the mails on a page, and the password of admin', async () => {
    const page = await fetch(`${server.url}/dev/mail`, { headers: { accept: 'text/html' } })

    expect(server.output()).toContain(`shown at ${server.url}/dev/mail`)
    expect(await page.text()).toContain('demo@example.org')
    expect(server.output()).toMatch(/^Administrator admin, password /m)
  })
})

it('catches mails in every later start, and makes nothing a second time', async () => {
  const server = await startOtpost(['start', '--data', data], { runtime: 'deno' })
  const [trigger = '', , answer = ''] = await linesOf(server)
  await paste(trigger)

  expect(JSON.parse(await paste(answer))).toMatchObject({ result: { value: true } })
  expect(server.output()).not.toContain('password')
  expect(await otpostJson(['token', 'list', '--data', data], { runtime: 'bun' })).toHaveLength(1)
  await server.stop()
})

it('makes no demo user where there are users', async () => {
  const own = newDataDir()
  await otpost(['user', 'import', '-', '--data', own], {
    input: 'ada:x:1:1:Ada,,,,ada@example.org::\n',
    runtime: 'bun',
  })
  const server = await startOtpost(['start', '--data', own], { runtime: 'bun' })

  expect(await linesOf(server)).toEqual([])
  expect(await check(server.url, { user: 'demo', pass: 'demo-pin' })).toEqual({ value: false })
})

it('leaves mails to a provider that the operator has made the default', async () => {
  const smtp = await startSmtpServer()
  const set = ['--set', 'SMTP_SERVER=127.0.0.1', '--set', `SMTP_PORT=${smtp.port}`]
  await otpost(['provider', 'set', 'relay', ...set, '--default', '--data', data], { runtime: 'bun' })
  const server = await startOtpost(['start', '--data', data], { runtime: 'deno' })
  await linesOf(server)
  await check(server.url, { user: 'demo', pass: 'demo-pin' })

  expect(server.output()).toContain('Mails go out through provider relay; the mail catcher is off.')
  expect(smtp.mails).toHaveLength(1)
  expect((await fetch(`${server.url}/dev/mail.json`)).status).toBe(404)
  await smtp.close()
})

it('warns in `serve` that mails go to a catcher which is not there', async () => {
  const own = newDataDir()
  await (await startOtpost(['serve', '--dev-mail', '--data', own], { runtime: 'bun' })).stop()
  const server = await startOtpost(['serve', '--data', own], { runtime: 'bun' })

  expect(server.output()).toContain('warning: the default provider is a mail catcher that is not running')
})
