/**
 * Demo (`npm run demo`): one login from start to end, told in plain words. A server of its own in a process of its own,
 * spoken to over HTTP, with mails over SMTP; each step is checked, and whatever fails ends the demo with exit code 1.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import * as v from 'valibot'
import { startMailCatcher } from '../adapters/catcher/smtp.ts'
import type { CaughtMail, MailCatcher } from '../ports/catcher.ts'
import { type AdminClient, createAdminClient } from './client.ts'
import { importUsers } from './commands/user-import.ts'
import { report } from './failure.ts'
import { logIn } from './login.ts'
import { note, print, warn } from './output.ts'
import { newPassword } from './password.ts'
import { createCall, network } from './request.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
const clock = () => Math.floor(Date.now() / 1000)

const ADDRESS = 'ada@example.org'
const PIN = 'my-pin'
const SERVER = fileURLToPath(new URL('../runtimes/node.ts', import.meta.url))
const START_MS = 20_000

type Running = { readonly url: string; readonly child: ChildProcess }

const Checked = v.object({
  result: v.object({ status: v.literal(true), value: v.boolean() }),
  detail: v.optional(v.object({ transactionid: v.string(), message: v.string() })),
})

async function demo(): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'otpost-demo-'))
  const password = newPassword(random)
  const catcher = await startMailCatcher({ clock })
  let running: Running | undefined
  try {
    print('One login with a one-time password by e-mail, from start to end.\n')
    running = await startServer(folder, password)
    step(`A server runs at ${running.url}, with a new database in ${folder}.`)
    const send = await logIn(running.url, network(running.url), { username: 'admin', password })
    const client = createAdminClient(createCall({ base: running.url, token: null, warn, send }))
    step('The administrator has logged in.')
    await prepare(client, catcher)
    await use(running.url, catcher)
    print('\nThe OTP was accepted once, and never again.')
  } finally {
    await stopServer(running)
    await catcher.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function prepare(client: AdminClient, { host, port }: MailCatcher): Promise<void> {
  const config = {
    SMTP_SERVER: host,
    SMTP_PORT: port,
    EMAIL_FROM: 'otpost@example.org',
    TEMPLATE: 'file://otp.eml',
  }
  await client.saveProvider({
    type: 'email',
    name: 'demo-mail',
    class: 'SMTPEmailProvider',
    config,
    timeout: 120,
    isDefault: true,
  })
  step(`Mails go to an SMTP server at ${host} port ${port}, which keeps them for this demo.`)

  const content = `ada:x:1001:1001:Ada Lovelace,,,,${ADDRESS}:/:\n`
  const users = await importUsers(client, { realm: 'demo', resolver: 'demo', content, label: 'demo' })
  expect(users === 1, `one user should have been imported, not ${users}`)
  step('Realm demo has a user: ada.')

  const serial = await client.enroll({ type: 'email', user: 'ada', realm: 'demo', email: ADDRESS, pin: PIN })
  step(`Ada has an e-mail token with a PIN of her own: ${serial}.`)
}

async function use(url: string, catcher: MailCatcher): Promise<void> {
  const check = (fields: Readonly<Record<string, string>>) => validate(url, { user: 'ada', ...fields })

  const challenge = await check({ pass: PIN })
  const transactionid = challenge.detail?.transactionid ?? ''
  expect(!challenge.result.value && transactionid !== '', 'the right PIN should have started a challenge')
  step(`Ada gives her PIN. The server says: "${challenge.detail?.message}".`)

  const mail = await catcher.waitFor(ADDRESS)
  const otp = otpIn(mail)
  expect(otp !== '', 'the mail should hold an OTP of six digits')
  step(`The mail is there: to ${mail.to.join(', ')}, "${mail.subject}", with the OTP ${otp}.`)

  const wrong = String((Number(otp) + 1) % 1_000_000).padStart(6, '0')
  expect(!(await check({ pass: wrong, transactionid })).result.value, 'a wrong OTP should have been refused')
  step(`${wrong}, which is wrong: refused.`)

  expect((await check({ pass: otp, transactionid })).result.value, 'the OTP should have been accepted')
  step(`${otp}: accepted. Ada is logged in.`)

  expect(
    !(await check({ pass: otp, transactionid })).result.value,
    'the same OTP should have been refused the second time',
  )
  step(`${otp} once more: refused.`)

  await check({ pass: PIN })
  const second = otpIn(await catcher.waitFor(ADDRESS, { after: mail.id }))
  const answers = await Promise.all(Array.from({ length: 50 }, () => check({ pass: `${PIN}${second}` })))
  const accepted = answers.filter(({ result }) => result.value).length
  expect(accepted === 1, `one of fifty equal answers should have been accepted, not ${accepted}`)
  step(`A new OTP, ${second}, sent fifty times at once with the PIN in front: accepted once, refused 49 times.`)
}

/** On a line of its own in the text part. */
const otpIn = ({ text }: CaughtMail): string => /^\d{6}$/m.exec(text)?.[0] ?? ''

async function validate(url: string, fields: Readonly<Record<string, string>>): Promise<v.InferOutput<typeof Checked>> {
  const response = await fetch(`${url}/validate/check`, { method: 'POST', body: new URLSearchParams(fields) })
  return v.parse(Checked, await response.json())
}

/** @throws with what the server wrote, when it does not start */
function startServer(folder: string, password: string): Promise<Running> {
  // Nothing of the operator's own configuration may reach the demo, least of all the database.
  const env = Object.entries(process.env).filter(([name]) => !name.startsWith('OTPOST_'))
  const child = spawn(process.execPath, [SERVER, 'serve', '--port', '0', '--data', folder], {
    env: { ...Object.fromEntries(env), OTPOST_ADMIN_PASSWORD: password },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let log = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    log += text
  })
  return new Promise((resolve, reject) => {
    const fail = (reason: string) => {
      clearTimeout(timer)
      child.kill('SIGKILL')
      reject(new Error(`the server ${reason}\n${log}`))
    }
    const timer = setTimeout(() => fail(`did not start within ${START_MS / 1000} seconds`), START_MS)
    child.once('error', ({ message }) => fail(`could not be started: ${message}`))
    child.once('exit', (code) => fail(`ended with code ${code}`))
    createInterface(child.stdout).on('line', (line) => {
      const url = /^otpost listening on (\S+)$/.exec(line)?.[1]
      if (url === undefined) return
      clearTimeout(timer)
      resolve({ url, child })
    })
  })
}

async function stopServer(running: Running | undefined): Promise<void> {
  if (!running || running.child.exitCode !== null) return
  const exited = new Promise((resolve) => running.child.once('exit', resolve))
  running.child.kill('SIGTERM')
  await exited
}

const step = (text: string): void => print(`  ok  ${text}`)

function expect(condition: boolean, message: string): void {
  if (!condition) throw new Error(message)
}

// Ctrl-C ends the server too; the step that was waiting for it fails, and the demo tidies up on its way out.
process.on('SIGINT', () => note('broken off'))
await demo().catch((error: unknown) => {
  process.exitCode = report(error)
})
