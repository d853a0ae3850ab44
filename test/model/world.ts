/**
 * The real thing for a walk: the whole app over a libSQL database, with a clock, gateways and post in the hand. Mails
 * go over SMTP to the catcher, SMS through FileSMSProvider; what was sent is read from there and nowhere else.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import { socketOpener } from '../../src/adapters/mail/smtp-socket.ts'
import { newKey, readKeys } from '../../src/adapters/vault/keys.ts'
import { compose } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import type { Edges } from '../../src/ports/edges.ts'
import type { Batch } from '../../src/ports/store.ts'
import { NODE } from '../support/harness.ts'
import { SCRATCH } from '../support/scratch.ts'
import { type Database, type DatabaseKind, openDatabase, type Synchronous } from './database.ts'
import { SERIALS, USERS } from './operations.ts'
import type { Ask, Kind, ModelConfig } from './state.ts'

export type Fields = Readonly<Record<string, string>>
/** A body as a walk compares it, loosely typed, since a missing member is what it is after. */
export type Body = {
  readonly id?: unknown
  readonly result?: { readonly status?: boolean; readonly value?: unknown; readonly error?: unknown }
  readonly detail?: Readonly<Record<string, unknown>>
}
export type Posted = { readonly serial: string; readonly transactionId: string; readonly otp: string }

export type World = {
  /** The database, for looking at it. */
  readonly batch: Batch
  readonly clock: { now: number }
  readonly down: Record<Kind, boolean>
  /**
   * A request by anybody.
   *
   * @param number makes an address of its own, by which the audit row of the request is found again
   * @param transactionId what the product calls the transaction
   */
  readonly ask: (ask: Ask, transactionId: string | undefined, number: number) => Promise<Body>
  /** A request by the operator. @throws unless the reply is one of success */
  readonly operate: (path: string, fields: Fields) => Promise<Body>
  /** What was sent since the last time. */
  readonly collect: () => readonly Posted[]
  readonly errors: readonly string[]
  readonly close: () => Promise<void>
}

export const addressOf = (serial: string): Fields =>
  serial.startsWith('EM') ? { email_address: `${serial}@mail.test` } : { phone: `+49 170 ${phoneOf(serial)}` }
const phoneOf = (serial: string): string => String(1000 + SERIALS.findIndex(([one]) => one === serial))
export const userIdOf = (user: string): string => String(1000 + USERS.indexOf(user))

export const clientOf = (n: number): string => `10.${(n >> 16) & 255}.${(n >> 8) & 255}.${n & 255}`

export const settingsOf = ({ validity, bound, blocking, maxAttempts, unlock, delay }: ModelConfig): Fields => ({
  EmailChallengeValidityTime: String(validity.email),
  SmsChallengeValidityTime: String(validity.sms),
  SMSProviderTimeout: String(bound.sms),
  EmailBlockingTimeout: String(blocking.email),
  SMSBlockingTimeout: String(blocking.sms),
  max_attempts: String(maxAttempts),
  failcounter_clear_timeout: String(unlock),
  fail_delay: String(delay),
})

export type WorldOptions = {
  readonly database: DatabaseKind
  /** Apps over the one file, each with its own connection and its own idea of the settings. */
  readonly nodes?: number
  /** Validity of a mailed OTP, by the provider. */
  readonly mailTimeout: number
  readonly synchronous?: Synchronous
}

export async function startWorld(options: WorldOptions): Promise<World> {
  const { database, nodes = 1, mailTimeout, synchronous = 'NORMAL' } = options
  const folder = mkdtempSync(join(SCRATCH, 'otpost-model-'))
  const clock = { now: 1_800_000_000 }
  const down = { email: false, sms: false }
  const errors: string[] = []
  const posted: Posted[] = []
  const catcher = await startMailCatcher({ clock: () => clock.now, keep: 1000 })
  const connect = socketOpener({})
  const edges: Edges = {
    clock: () => clock.now,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    fetch,
    deadline: (after) => AbortSignal.timeout(after * 1000),
    capabilities: NODE,
    openSocket: (target, signal) => (down.email ? Promise.reject(new Error('down')) : connect(target, signal)),
    writeFile: async (_, text) => {
      if (down.sms) throw new Error('down')
      posted.push(readSms(text))
    },
    log: {
      debug: () => undefined,
      info: () => undefined,
      warn: () => undefined,
      error: (event, fields = {}) => {
        if (event !== 'message_undelivered') errors.push(`${event} ${JSON.stringify(fields)}`)
      },
    },
  }
  const config = readConfig({ OTPOST_SEND_DEADLINE: '10' })
  const keys = readKeys(newKey('m1', edges.random))
  if (!config.ok || !keys.ok) throw new Error('the world cannot be configured')

  const databases: Database[] = []
  const apps: ReturnType<typeof compose>['app'][] = []
  for (let node = 0; node < nodes; node++) {
    const opened = await openDatabase(database, folder, synchronous)
    databases.push(opened)
    apps.push(compose(opened.batch, keys.value, edges, config.value).app)
  }
  const [first] = databases
  if (!first) throw new Error('a world has at least one node')

  let turn = 0
  async function post(path: string, fields: Fields, connection: object): Promise<Body> {
    const app = apps[turn++ % apps.length]
    const init = { method: 'POST', body: new URLSearchParams(fields) }
    const response = await app?.fetch(new Request(`http://otpost.test${path}`, init), connection)
    return JSON.parse((await response?.text()) ?? '')
  }
  const operate: World['operate'] = async (path, fields) => {
    const body = await post(path, fields, { peer: '192.0.2.1', secure: false, operator: 'walk' })
    if (body.result?.status !== true) throw new Error(`${path}: ${JSON.stringify(body)}`)
    return body
  }

  const people = USERS.map((user) => `${user}:x:${userIdOf(user)}:100:${user},,,,:/home/${user}:/bin/sh`).join('\n')
  const resolver = { name: 'people', type: 'passwdresolver', fileName: 'people.txt' }
  await operate('/system/setResolver', { ...resolver, 'passwdresolver.content': people })
  await operate('/system/setRealm', { realm: 'home', resolvers: 'useridresolver.PasswdIdResolver.IdResolver.people' })
  const smtp = { SMTP_SERVER: catcher.host, SMTP_PORT: catcher.port, EMAIL_FROM: 'otp@mail.test' }
  const mail = { type: 'email', name: 'mail', class: 'SMTPEmailProvider', timeout: String(mailTimeout) }
  await operate('/system/setProvider', { ...mail, config: JSON.stringify(smtp) })
  const sms = { type: 'sms', name: 'sms', class: 'FileSMSProvider', timeout: '5' }
  await operate('/system/setProvider', { ...sms, config: JSON.stringify({ file: 'sms.out' }) })

  return {
    batch: first.batch,
    clock,
    down,
    errors,
    operate,
    ask: ({ path, user, serial, kind, pass }, transactionId, number) => {
      const transaction = { [number % 2 ? 'state' : 'transactionid']: transactionId ?? '' }
      const fields = {
        ...(user === undefined ? {} : { user }),
        ...(serial === undefined ? {} : { serial }),
        ...(kind === undefined ? {} : { token_type: kind }),
        ...(transactionId === undefined ? {} : transaction),
        pass,
        data: '<otp> <transactionid>', // so that an SMS says what it belongs to
      }
      return post(`/validate/${path}`, fields, { peer: clientOf(number), secure: false })
    },
    collect: () => {
      const mails = catcher.mails().map(({ to, text, raw }): Posted => {
        const id = /^Message-ID: <(.+)\.\d+@/im.exec(raw)?.[1] ?? ''
        return { serial: (to[0] ?? '').split('@')[0] ?? '', transactionId: id, otp: text }
      })
      catcher.clear()
      return [...mails, ...posted.splice(0)]
    },
    close: async () => {
      await catcher.close()
      for (const one of databases) one.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** `+49 170 1001:418276 75439840127586312` */
function readSms(text: string): Posted {
  const [, phone, otp = '', transactionId = ''] = /^\+49 170 (\d+):(\S*) (\S*)$/.exec(text) ?? []
  return { serial: SERIALS.find(([serial]) => phoneOf(serial) === phone)?.[0] ?? text, transactionId, otp }
}
