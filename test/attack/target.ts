/** Targets: whole servers, several at a time over one database, with a user whose mails the attacker may read. */
import { createClient } from '@libsql/client'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import { libsqlBatch } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import { newKey } from '../../src/adapters/vault/keys.ts'
import type { CaughtMail } from '../../src/ports/catcher.ts'
import { startOtpost } from '../../src/testing/index.ts'
import { startHranaServer } from '../support/hrana-server.ts'
import { type RunningChild, startRuntime } from '../support/runtimes.ts'
import { scratchFolder } from '../support/scratch.ts'
import { type Body, checkAt, logInAt } from '../support/served.ts'

export type Target = {
  readonly name: string
  readonly urls: readonly string[]
  /** Asks one of the servers, each in turn. */
  readonly check: (fields: Readonly<Record<string, string>>) => Promise<Body>
  readonly admin: (path: string, fields: Readonly<Record<string, string>>) => Promise<Body>
  /** A token of a new user, locked after `maxFail` failures. */
  readonly enrol: (maxFail?: number) => Promise<Victim>
  readonly mails: () => readonly CaughtMail[]
  readonly close: () => Promise<void>
}
export type Victim = {
  readonly user: string
  readonly serial: string
  readonly pin: string
  /** Asks for an OTP and reads it from the mail. */
  readonly challenge: () => Promise<{ readonly pass: string; readonly transactionid: string }>
  readonly mails: () => number
}

export const PASSWORD = 'attack-test-pw'
const SETTINGS = { OTPOST_ADMIN_PASSWORD: PASSWORD, OTPOST_SEND_DEADLINE: '10', OTPOST_PI_UNKNOWN_USER: 'reject' }
const PIN = 'pin-'

type Servers = {
  readonly urls: readonly string[]
  readonly mails: () => readonly CaughtMail[]
  readonly close: () => Promise<void>
}

async function prepare(name: string, servers: Servers, smtp: { host: string; port: number } | null): Promise<Target> {
  const [first = ''] = servers.urls
  const admin = await logInAt(first, PASSWORD)
  const users: string[] = []
  let turn = 0
  if (smtp) {
    const config = JSON.stringify({ SMTP_SERVER: smtp.host, SMTP_PORT: smtp.port, EMAIL_FROM: 'otp@example.org' })
    await admin('/system/setProvider', {
      name: 'catcher',
      type: 'email',
      class: 'SMTPEmailProvider',
      config,
      timeout: '60',
    })
  }
  await admin('/system/setResolver', {
    name: 'victims',
    type: 'passwdresolver',
    'passwdresolver.content': 'nobody:x:1:1:::',
  })
  await admin('/system/setRealm', { realm: 'victims', resolvers: 'victims' })
  await admin('/system/setDefaultRealm', { realm: 'victims' })
  const check: Target['check'] = (fields) => checkAt(servers.urls[turn++ % servers.urls.length] ?? first, fields)

  return {
    name,
    urls: servers.urls,
    mails: servers.mails,
    check,
    admin,
    close: servers.close,
    enrol: async (maxFail = 10) => {
      const user = `victim${users.length + 1}`
      users.push(user)
      await admin('/system/setResolver', {
        ...{ name: 'victims', type: 'passwdresolver', previous_name: 'victims' },
        'passwdresolver.content': users.map((login, n) => `${login}:x:${n + 1}:1:::`).join('\n'),
      })
      const serial = `ATTACK${users.length}`
      const email_address = `${user}@mail.test`
      await admin('/admin/init', { type: 'email', user, serial, pin: PIN, email_address })
      await admin('/admin/set', { serial, MaxFailCount: String(maxFail) })
      const own = () => servers.mails().filter(({ to }) => to.includes(email_address))
      return {
        ...{ user, serial, pin: PIN, mails: () => own().length },
        challenge: async () => {
          const { detail } = await check({ user, pass: PIN })
          const transactionid = detail?.transactionid ?? ''
          if (transactionid === '') throw new Error(`${name}: no challenge for ${user}`)
          return { pass: own().at(-1)?.text.trim() ?? '', transactionid }
        },
      }
    },
  }
}

async function catcherOf() {
  const catcher = await startMailCatcher({ clock: () => Math.floor(Date.now() / 1000), keep: 5000 })
  return { catcher, smtp: { host: catcher.host, port: catcher.port } }
}

/** So many processes on one database file. */
export async function fileTarget(
  processes: number,
): Promise<Target & { readonly folder: string; readonly children: readonly RunningChild[] }> {
  const { path: folder, remove } = scratchFolder('otpost-attack')
  const { catcher, smtp } = await catcherOf()
  const children: RunningChild[] = []
  for (let n = 0; n < processes; n++) children.push(await serve(['--data', folder], {}))
  const close = async () => {
    await Promise.all(children.map((child) => child.stop()))
    await catcher.close()
    remove()
  }
  const servers = { urls: children.map(({ url }) => url), mails: catcher.mails, close }
  return { ...(await prepare(`file, ${processes} processes`, servers, smtp)), folder, children }
}

export const serve = (
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  runtime: 'node' | 'bun' = 'node',
) =>
  startRuntime(runtime, {
    script: `src/runtimes/${runtime}.ts`,
    args: ['serve', '--port', '0', ...args],
    env: { ...SETTINGS, ...env },
    ready: /listening on (http:\S+)/,
  })

/** Two processes on a libSQL server of ours: it proves the protocol, not a cluster. */
export async function libsqlTarget(address: (url: string) => Promise<string> = async (url) => url): Promise<Target> {
  const hrana = await startHranaServer()
  const client = createClient({ url: hrana.url, authToken: hrana.token })
  await migrateDatabase(client, createStore(libsqlBatch(client)))
  client.close()
  const { catcher, smtp } = await catcherOf()
  const env = {
    OTPOST_DATABASE_URL: await address(hrana.url),
    OTPOST_DATABASE_TOKEN: hrana.token,
    OTPOST_KEYS: newKey('k1', (bytes) => crypto.getRandomValues(new Uint8Array(bytes))),
  }
  const children = [await serve([], env), await serve([], env)]
  const close = async () => {
    await Promise.all(children.map((child) => child.stop()))
    await catcher.close()
    await hrana.close()
  }
  return prepare(
    'libSQL over HTTP, 2 processes',
    { urls: children.map(({ url }) => url), mails: catcher.mails, close },
    smtp,
  )
}

/** workerd over D1, as Miniflare runs them. */
export async function d1Target(): Promise<Target> {
  const otpost = await startOtpost({
    runtime: 'miniflare',
    variables: SETTINGS,
  })
  return prepare('D1 in workerd', { urls: [otpost.url], mails: otpost.mails, close: otpost.stop }, null)
}
