/** `kill -9` of a server on a file database, between any two steps of the flow; each time it is started again. */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import type { MailCatcher } from '../../src/ports/catcher.ts'
import { PASSWD } from '../support/harness.ts'
import { type RunningChild, startRuntime } from '../support/runtimes.ts'
import { SCRATCH } from '../support/scratch.ts'
import { checkAt, logInAt } from '../support/served.ts'
import { SILENCE, startScriptedServer } from '../support/smtp-server.ts'

const PASSWORD = 'crash-test-pw'
/** Seconds; a challenge that is pending for longer was lost with its process. */
const SEND_DEADLINE = 1

let folder: string
let catcher: MailCatcher
let server: RunningChild
beforeAll(async () => {
  folder = mkdtempSync(join(SCRATCH, 'otpost-crash-'))
  catcher = await startMailCatcher({ clock: () => Math.floor(Date.now() / 1000) })
  server = await start()
  const admin = await logIn()
  await admin('/system/setResolver', { name: 'r', type: 'passwdresolver', 'passwdresolver.content': PASSWD })
  await admin('/system/setRealm', { realm: 'r', resolvers: 'r' })
  await admin('/admin/init', {
    type: 'email',
    user: 'ada',
    serial: 'CRASH',
    pin: 'pin-',
    email_address: 'ada@mail.test',
  })
  await useSmtp(catcher.port)
})
afterAll(async () => {
  await server.stop()
  await catcher.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(async () => {
  const admin = await logIn()
  await admin('/admin/reset', { serial: 'CRASH' })
  await admin('/system/setConfig', { EmailBlockingTimeout: '0' })
})

const start = (): Promise<RunningChild> =>
  startRuntime('node', {
    script: 'src/runtimes/node.ts',
    args: ['serve', '--port', '0', '--data', folder],
    env: { OTPOST_ADMIN_PASSWORD: PASSWORD, OTPOST_SEND_DEADLINE: String(SEND_DEADLINE) },
    ready: /listening on (http:\S+)/,
  })

async function restart(): Promise<void> {
  await server.kill9()
  server = await start()
}

const check = (fields: Record<string, string>) => checkAt(server.url, { user: 'ada', ...fields })
const logIn = () => logInAt(server.url, PASSWORD)

async function useSmtp(port: number): Promise<void> {
  const admin = await logIn()
  const config = JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: port })
  await admin('/system/setProvider', {
    name: 'smtp',
    type: 'email',
    class: 'SMTPEmailProvider',
    timeout: '120',
    config,
  })
}

async function trigger(): Promise<{ readonly otp: string; readonly state: string }> {
  const { detail } = await check({ pass: 'pin-' })
  return { otp: catcher.mails().at(-1)?.text.trim() ?? '', state: detail?.state ?? '' }
}

it('refuses an OTP after the restart that was accepted before it', async () => {
  const { otp, state } = await trigger()
  expect((await check({ pass: otp, state })).result.value).toBe(true)

  await restart()

  expect((await check({ pass: otp, state })).result.value).toBe(false)
  expect((await check({ pass: `pin-${otp}` })).result.value).toBe(false)
})

it('accepts an OTP after the restart that was sent before it', async () => {
  const { otp, state } = await trigger()

  await restart()

  expect((await check({ pass: otp, state })).result.value).toBe(true)
})

it('locks nobody out by a message that was under way when the process died', async () => {
  const admin = await logIn()
  await admin('/system/setConfig', { EmailBlockingTimeout: '600' })
  const silent = await startScriptedServer({ RCPT: SILENCE })
  await useSmtp(silent.port)
  const lost = check({ pass: 'pin-' }).catch(() => 'lost')
  await silent.reached('RCPT')

  await restart()

  expect(await lost).toBe('lost')
  await silent.close()
  await useSmtp(catcher.port)
  await wait((SEND_DEADLINE + 2) * 1000) // the clock is the process's own here
  expect((await check({ pass: 'pin-' })).detail?.message).toBe('e-mail sent successfully')
})

it('answers yes once at most, wherever in an answer the process dies', async () => {
  for (const delay of [0, 2, 5]) {
    const { otp, state } = await trigger()
    const first = check({ pass: otp, state }).then(
      (body) => body.result.value,
      () => 'lost',
    )
    await wait(delay)

    await restart()

    const verdicts = [await first, (await check({ pass: otp, state })).result.value]
    expect(verdicts.filter((verdict) => verdict === true).length).toBeLessThanOrEqual(1)
    // Whoever heard nothing may have been accepted; then the second answer is refused. Never is a "no" followed by a "yes".
    expect(verdicts).not.toEqual([false, true])
    const admin = await logIn()
    await admin('/admin/reset', { serial: 'CRASH' })
  }
})
