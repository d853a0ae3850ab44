/**
 * otpost/testing: a running otpost for integration tests, with a mail catcher behind it and nothing to set up.
 *
 * Each start is a server of its own, with an empty database that is gone afterwards, so tests run side by side.
 * README.md has an example.
 */
import { startMailCatcher } from '../adapters/catcher/smtp.ts'
import { newKey } from '../adapters/vault/keys.ts'
import { readConfig } from '../config.ts'
import { administrationBase } from '../http/mounts.ts'
import { adminClient, checkClient } from './client.ts'
import { otpReader } from './mailbox.ts'
import { startInMiniflare } from './miniflare.ts'
import { startInProcess } from './node.ts'
import type { AdminClient, NewUser, StartOptions, TestOtpost } from './types.ts'

export type { CaughtMail } from '../ports/catcher.ts'
export type * from './types.ts'

const REALM = 'test'
/** Resolver of the users that `enroll` makes. */
const RESOLVER = 'enrolled'
/** How many lines of the log a missing mail is explained with. */
const SHOWN = 5

const random = (bytes: number): Uint8Array => crypto.getRandomValues(new Uint8Array(bytes))

/**
 * Starts otpost on a free port of 127.0.0.1, with its default provider pointing at a mail catcher.
 *
 * @throws when the server cannot start; what was started by then is stopped
 */
export async function startOtpost({ runtime = 'node', variables = {} }: StartOptions = {}): Promise<TestOtpost> {
  const stops: (() => Promise<void>)[] = []
  const trouble: string[] = []
  let stopped: Promise<void> | undefined
  const stop = (): Promise<void> => {
    stopped ??= Promise.all(stops.map((one) => one())).then(() => {})
    return stopped
  }
  try {
    const catcher = await startMailCatcher({ clock: () => Math.floor(Date.now() / 1000) })
    stops.push(catcher.close)
    const log = (line: string) => void (/"level":"(warn|error)"/.test(line) && trouble.push(line))
    const password = btoa(String.fromCharCode(...random(18)))
    const settings = { OTPOST_KEYS: newKey('test', random), OTPOST_ADMIN_PASSWORD: password, ...variables }
    const start = runtime === 'miniflare' ? startInMiniflare : startInProcess
    const { url, stop: stopServer } = await start(settings, log)
    stops.push(stopServer)

    const login = { username: 'admin', password: settings.OTPOST_ADMIN_PASSWORD }
    const config = readConfig(settings)
    const base = `${url}${config.ok ? administrationBase(config.value.mounts) : ''}`
    const admin = await adminClient(base, login)
    const mailer = { SMTP_SERVER: catcher.host, SMTP_PORT: catcher.port, EMAIL_FROM: 'otp@example.org' }
    await admin.setProvider('catcher', mailer, { default: true })
    await admin.importUsers(RESOLVER, [])
    await admin.setRealm(REALM, [RESOLVER])
    return {
      url,
      runtime,
      admin,
      enroll: enroller(admin),
      nextOtp: otpReader(catcher, () => trouble.slice(-SHOWN).join('\n')),
      check: checkClient(base),
      mails: catcher.mails,
      stop,
      [Symbol.asyncDispose]: stop,
    }
  } catch (cause) {
    await stop().catch(() => {}) // what went wrong first is what counts
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new Error(['otpost could not be started', message, ...trouble].join('\n'), { cause })
  }
}

function enroller(admin: AdminClient): TestOtpost['enroll'] {
  const users: NewUser[] = []
  let made = 0
  /** The list is sent as a whole, so one sender at a time. */
  let turn: Promise<unknown> = Promise.resolve()

  async function add(user: NewUser): Promise<void> {
    if (users.some(({ login }) => login === user.login)) return
    await admin.importUsers(RESOLVER, [...users, user])
    users.push(user)
  }

  return async ({ user = `user${++made}`, email = `${user}@example.org`, pin = '1234' } = {}) => {
    const added = turn.then(() => add({ login: user, email }))
    turn = added.catch(() => {}) // the next one is not to blame
    await added
    const serial = await admin.init({ user, realm: REALM, email, pin })
    return { serial, user, realm: REALM, pin, email }
  }
}
