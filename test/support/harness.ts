/**
 * A whole otpost in this process, for tests of flows: a real libSQL file, real SMTP to the mail catcher, a clock and a
 * log that the test holds. Requests go through the app; only the TCP listener is left out.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Client, createClient } from '@libsql/client'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import { newKey, readKeys } from '../../src/adapters/vault/keys.ts'
import { compose, type Otpost } from '../../src/compose.ts'
import { readConfig, type Variables } from '../../src/config.ts'
import type { MailCatcher } from '../../src/ports/catcher.ts'
import type { Capabilities, Edges } from '../../src/ports/edges.ts'
import type { Batch } from '../../src/ports/store.ts'
import { SCRATCH } from './scratch.ts'

/** A reply as tests look at it: the parsed body, loosely typed, since a missing member is what they are after. */
export type Reply = {
  readonly status: number
  readonly headers: Headers
  readonly text: string
  readonly json: {
    readonly id?: unknown
    readonly version?: string
    readonly versionNumber?: string
    readonly result?: {
      readonly status?: boolean
      readonly value?: unknown
      readonly error?: { readonly code: number; readonly message: string }
    }
    readonly detail?: Readonly<Record<string, unknown>>
  }
}
export type Fields = Readonly<Record<string, string>>

export type Harness = Otpost & {
  readonly batch: Batch
  readonly client: Client
  readonly file: string
  readonly catcher: MailCatcher
  /** What is logged in normal life. */
  readonly log: string[]
  /** The same on level debug. */
  readonly fullLog: string[]
  readonly keys: string
  readonly edges: Edges
  /** Moves the clock. */
  readonly pass: (seconds: number) => void
  readonly request: (path: string, init?: RequestInit, operator?: string) => Promise<Reply>
  /** POST of a form by nobody in particular. */
  readonly post: (path: string, fields?: Fields) => Promise<Reply>
  /** POST of a form by the operator of the machine. */
  readonly admin: (path: string, fields?: Fields) => Promise<Reply>
  readonly check: (fields: Fields) => Promise<Reply>
  /** Triggers with a PIN and takes the OTP out of the mail. */
  readonly trigger: (
    user: string,
    pin: string,
  ) => Promise<{ readonly otp: string; readonly transactionId: string; readonly reply: Reply }>
  readonly failCount: (serial: string) => Promise<number>
  readonly close: () => Promise<void>
}

export const PASSWD = [
  'ada:x:1001:100:Ada Byron,room,+49 170 1111111,+49 30 111,ada@example.org:/home/ada:/bin/sh',
  'bob:x:1002:100:Bob Berg,room,+49 170 2222222,+49 30 222,bob@example.org:/home/bob:/bin/sh',
  'eve:x:1003:100:Eve Ümlaut,room,,,:/home/eve:/bin/sh',
].join('\n')

export const NODE: Capabilities = {
  runtime: 'node',
  files: true,
  smtpPort25: true,
  tlsOptions: true,
  sharedConnections: true,
}

/**
 * @param variables process settings
 * @param capabilities those of another runtime, to see what it refuses
 * @param more edges that a test brings
 */
export async function startHarness(
  variables: Variables = {},
  capabilities: Capabilities = NODE,
  more: Partial<Edges> = {},
): Promise<Harness> {
  const folder = mkdtempSync(join(SCRATCH, 'otpost-'))
  const file = join(folder, 'otpost.db')
  const client = createClient({ url: pathToFileURL(file).href, concurrency: 1, timeout: 5000 })
  await prepareFile(client, 'FULL')
  const batch = libsqlBatch(client)
  await migrateDatabase(client, createStore(batch))

  let now = 1_800_000_000
  const log: string[] = []
  const fullLog: string[] = []
  const write =
    (level: string) =>
    (event: string, fields = {}) => {
      const line = JSON.stringify({ level, event, ...fields })
      fullLog.push(line)
      if (level !== 'debug') log.push(line)
    }
  const edges: Edges = {
    clock: () => now,
    random: (bytes) => crypto.getRandomValues(new Uint8Array(bytes)),
    fetch,
    deadline: (after) => AbortSignal.timeout(after * 1000),
    capabilities,
    log: { debug: write('debug'), info: write('info'), warn: write('warn'), error: write('error') },
    ...more,
  }
  const config = readConfig({ OTPOST_SEND_DEADLINE: '2', ...variables })
  if (!config.ok) throw new Error(config.error)
  const keyText = newKey('t1', edges.random)
  const keys = readKeys(keyText)
  if (!keys.ok) throw new Error(keys.error)
  const otpost = compose(batch, keys.value, edges, config.value)
  const catcher = await startMailCatcher({ clock: edges.clock })

  const request: Harness['request'] = async (path, init = {}, operator) => {
    const connection = { peer: '192.0.2.7', secure: false, ...(operator === undefined ? {} : { operator }) }
    const response = await otpost.app.fetch(new Request(`http://otpost.test${path}`, init), connection)
    const text = await response.text()
    const isLines = response.headers.get('content-type')?.includes('ndjson') ?? false
    const json = text.trimStart().startsWith('{') && !isLines ? JSON.parse(text) : {}
    return { status: response.status, headers: response.headers, text, json }
  }
  const form = (fields: Fields): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) })
  const admin: Harness['admin'] = (path, fields = {}) => request(path, form(fields), 'operator')
  const check: Harness['check'] = (fields) => request('/validate/check', form(fields))

  await must(
    admin(`${otpost.administration}/system/setResolver`, {
      name: 'people',
      type: 'passwdresolver',
      fileName: 'people.txt',
      'passwdresolver.content': PASSWD,
    }),
  )
  await must(
    admin(`${otpost.administration}/system/setRealm`, {
      realm: 'home',
      resolvers: 'useridresolver.PasswdIdResolver.IdResolver.people',
    }),
  )
  const smtp = JSON.stringify({ SMTP_SERVER: catcher.host, SMTP_PORT: catcher.port, EMAIL_FROM: 'otp@example.org' })
  // Port 25 and friends aside, loopback is open to every runtime under test.
  await must(
    admin(`${otpost.administration}/system/setProvider`, {
      name: 'catcher',
      type: 'email',
      class: 'SMTPEmailProvider',
      config: smtp,
      timeout: '120',
    }),
  )

  return {
    ...otpost,
    ...{ batch, client, file, catcher, log, fullLog, keys: keyText, edges, request, admin, check },
    pass: (seconds) => {
      now += seconds
    },
    post: (path, fields = {}) => request(path, form(fields)),
    trigger: async (user, pin) => {
      const before = catcher.mails().at(-1)?.id
      const reply = await check({ user, pass: pin })
      const transactionId = String(reply.json.detail?.transactionid ?? '')
      const mail = catcher
        .mails()
        .filter(({ id }) => before === undefined || Number(id) > Number(before))
        .at(-1)
      return { otp: mail?.text.trim() ?? '', transactionId, reply }
    },
    failCount: async (serial) => (await otpost.store.findTokens({ serials: [serial] }))[0]?.failCount ?? -1,
    close: async () => {
      await catcher.close()
      client.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

async function must(reply: Promise<Reply>): Promise<void> {
  const { text, json } = await reply
  if (json.result?.status !== true) throw new Error(`the harness could not be set up: ${text}`)
}

/** An e-mail token for `user`, `SERIAL` in, `SERIAL` out. */
export async function enroll(harness: Harness, user: string, serial: string, fields: Fields = {}): Promise<string> {
  await must(
    harness.admin('/admin/init', {
      type: 'email',
      user,
      serial,
      pin: 'pin-',
      email_address: `${user}@mail.test`,
      ...fields,
    }),
  )
  return serial
}

export const times = <T>(n: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: n }, (_, index) => make(index))
