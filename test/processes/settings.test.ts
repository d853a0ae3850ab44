/** Two servers over one database: what is changed through one is in force for the very next request to the other. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import { newKey } from '../../src/adapters/vault/keys.ts'
import type { MailCatcher } from '../../src/ports/catcher.ts'
import { type Fields, PASSWD } from '../support/harness.ts'
import { startHranaServer } from '../support/hrana-server.ts'
import { type RunningChild, startRuntime } from '../support/runtimes.ts'
import { checkAt, logInAt } from '../support/served.ts'

const PASSWORD = 'two-nodes-pw'
type Database = { readonly env: Fields; readonly args: readonly string[]; readonly close: () => Promise<void> | void }

function file(): Database {
  const folder = mkdtempSync(join(tmpdir(), 'otpost-nodes-'))
  return { env: {}, args: ['--data', folder], close: () => rmSync(folder, { recursive: true, force: true }) }
}

async function http(): Promise<Database> {
  const { url, token, close } = await startHranaServer()
  const keys = newKey('t1', (bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
  return { env: { OTPOST_DATABASE_URL: url, OTPOST_DATABASE_TOKEN: token, OTPOST_KEYS: keys }, args: [], close }
}

describe.each<readonly [string, () => Database | Promise<Database>]>([
  ['a file', file],
  ['a database server over HTTP', http],
])('two servers over %s', { timeout: 30_000 }, (_, open) => {
  let database: Database
  let catcher: MailCatcher
  let servers: readonly RunningChild[] = []
  let admin: (path: string, fields: Fields) => Promise<unknown>

  beforeAll(async () => {
    database = await open()
    catcher = await startMailCatcher({ clock: () => Math.floor(Date.now() / 1000) })
    // One after the other, so that the second finds the keys of the first.
    servers = [await start(), await start()]
    admin = await logInAt(servers[0]?.url ?? '', PASSWORD)
    await admin('/system/setResolver', { name: 'r', type: 'passwdresolver', 'passwdresolver.content': PASSWD })
    await admin('/system/setRealm', { realm: 'r', resolvers: 'r' })
    await provider('one@mail.test')
    await admin('/system/setConfig', { EmailBlockingTimeout: '0' })
    const token = { type: 'email', user: 'ada', serial: 'NODES', pin: 'pin-', email_address: 'ada@mail.test' }
    await admin('/admin/init', token)
  }, 60_000)
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()))
    await catcher.close()
    await database.close()
  })

  const start = (): Promise<RunningChild> =>
    startRuntime('node', {
      script: 'src/runtimes/node.ts',
      args: ['serve', '--port', '0', ...database.args],
      env: { OTPOST_ADMIN_PASSWORD: PASSWORD, ...database.env },
      ready: /listening on (http:\S+)/,
    })
  const provider = (from: string) => {
    const config = JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: catcher.port, EMAIL_FROM: from })
    return admin('/system/setProvider', {
      name: 'm',
      type: 'email',
      class: 'SMTPEmailProvider',
      timeout: '120',
      config,
    })
  }
  /** What the other server sends, and says. */
  const other = async (): Promise<{ readonly message: string | undefined; readonly mail: string }> => {
    const { detail } = await checkAt(servers[1]?.url ?? '', { user: 'ada', pass: 'pin-' })
    const { from, text } = catcher.mails().at(-1) ?? {}
    return { message: detail?.message, mail: `${from}: ${text?.trim().replace(/\d{6}/, 'OTP')}` }
  }
  const SENT = 'e-mail sent successfully'

  it('takes up a policy, a provider and a setting with the next request', async () => {
    expect(await other()).toEqual({ message: SENT, mail: 'one@mail.test: OTP' })

    const rule = { name: 'rule', scope: 'authentication', realm: '*', user: '*', client: '*' }
    await admin('/system/setPolicy', { ...rule, action: 'emailtext=Code <otp>' })
    expect(await other()).toEqual({ message: SENT, mail: 'one@mail.test: Code OTP' })

    await provider('two@mail.test')
    expect(await other()).toEqual({ message: SENT, mail: 'two@mail.test: Code OTP' })

    await admin('/system/setConfig', { EMAIL_CHALLENGE_PROMPT: 'look into your mailbox' })
    expect(await other()).toEqual({ message: 'look into your mailbox', mail: 'two@mail.test: Code OTP' })

    await admin('/system/delPolicy', { name: 'rule' })
    expect(await other()).toEqual({ message: 'look into your mailbox', mail: 'two@mail.test: OTP' })
  })

  it('holds a limit on messages between them', async () => {
    const rule = { name: 'limit', scope: 'authentication', realm: '*', user: '*', client: '*' }
    await admin('/system/setPolicy', { ...rule, action: 'send_limit=3/1h' })
    const before = catcher.mails().length

    const checks = servers.flatMap(({ url }) => Array.from({ length: 15 }, () => url))
    await Promise.all(checks.map((url) => checkAt(url, { user: 'ada', pass: 'pin-' })))

    expect(catcher.mails().length - before).toBe(3)
  })
})
