/** The Worker's bundle in workerd with the bindings that a test wants, complete or not. */
import { readFile } from 'node:fs/promises'
import { convertV4MiniflareOptions, Miniflare } from 'miniflare'
import type { D1Database } from '../../src/adapters/store/d1.ts'
import { newKey } from '../../src/adapters/vault/keys.ts'
import { migrateD1 } from '../../src/testing/miniflare.ts'
import { workerBundle } from '../../src/testing/worker-bundle.ts'

export const PASSWORD = 'correct horse battery'
export const COMPLETE: Readonly<Record<string, string>> = {
  OTPOST_KEYS: newKey('k1', (bytes) => new Uint8Array(bytes).fill(7)),
  OTPOST_ADMIN_PASSWORD: PASSWORD,
}

export type Logged = { readonly level: string; readonly event: string; readonly reason?: string }
export type TestWorker = {
  readonly url: string
  /** What the Worker logged so far, parsed: a line that is no JSON object fails the test that reads it. */
  readonly logged: () => readonly Logged[]
  readonly database: () => Promise<D1Database>
  readonly migrate: () => Promise<void>
  /** Dispatches a request to the Worker as if it had come to this address, https included. */
  readonly dispatch: (
    url: string,
    init?: { method?: string; headers?: Record<string, string>; body?: string },
  ) => Promise<{
    readonly status: number
    readonly headers: { readonly getSetCookie: () => string[] }
    readonly text: () => Promise<string>
  }>
  readonly runScheduled: () => Promise<{ readonly outcome: string }>
  readonly stop: () => Promise<void>
}

/**
 * @param d1 whether there is a binding `DB`; its database is empty, without any table
 * @param mail `send_email` bindings by name, played by Miniflare
 */
export async function startWorker(
  variables: Readonly<Record<string, unknown>>,
  d1 = true,
  mail: Readonly<Record<string, { readonly allowed_sender_addresses?: string[] }>> = {},
): Promise<TestWorker> {
  const lines: string[] = []
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      modules: [{ type: 'ESModule', path: 'workers.js', contents: await readFile(await workerBundle(), 'utf8') }],
      compatibilityDate: '2026-11-01',
      compatibilityFlags: ['nodejs_compat'],
      ...(d1 ? { d1Databases: ['DB'] } : {}),
      email: { send_email: Object.entries(mail).map(([name, restrictions]) => ({ name, ...restrictions })) },
      bindings: variables as Record<string, string>, // Miniflare's type for JSON, which the tests keep to
      host: '127.0.0.1',
      port: 0,
      cf: false,
      handleStructuredLogs: ({ message }) => void lines.push(message),
    }),
  )
  const { origin } = await miniflare.ready
  const database = async () => (await miniflare.getD1Database('DB')) as D1Database // of which ours names a part
  return {
    url: origin,
    logged: () => lines.map((line) => JSON.parse(line) as Logged), // every line has time, level and event
    database,
    migrate: async () => migrateD1(await database()),
    dispatch: (url, init = {}) => miniflare.dispatchFetch(url, init),
    runScheduled: async () => {
      // Miniflare's types lack what cron triggers do.
      const worker = (await miniflare.getWorker()) as unknown as { scheduled: () => Promise<{ outcome: string }> }
      return worker.scheduled()
    },
    stop: () => miniflare.dispose(),
  }
}

/** Posts a form. */
export const post = (url: string, params: Readonly<Record<string, string>> = {}): Promise<Response> =>
  fetch(url, { method: 'POST', body: new URLSearchParams(params) })
