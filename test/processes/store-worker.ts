/**
 * One process of store-processes.test.ts: a store over a libSQL file, driven by messages of the parent.
 *
 * Says `ready` when everything is loaded, so that several can be let loose at the same moment. Then each message is
 * one call, or many equal ones at once, and each answer is what they came to.
 */
import process from 'node:process'
import { createClient } from '@libsql/client'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import type { AcceptCommand, OpenCommand, RejectCommand, Store } from '../../src/ports/store.ts'

/** `endless` answers after each call and does not stop. */
export type Call =
  | { readonly step: 'start'; readonly file: string }
  | { readonly step: 'open'; readonly commands: readonly OpenCommand[] }
  | { readonly step: 'accept'; readonly commands: readonly AcceptCommand[] }
  | { readonly step: 'reject'; readonly commands: readonly RejectCommand[] }
  | { readonly step: 'endless'; readonly command: RejectCommand }
export type Answer = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: string }

let store: Store | undefined

async function start(file: string): Promise<string> {
  const client = createClient({ url: `file:${file}`, concurrency: 1, timeout: 5000 })
  await prepareFile(client, 'FULL')
  store = createStore(libsqlBatch(client))
  await migrateDatabase(client, store)
  return `schema ${await store.schemaVersion()}`
}

async function run(call: Call): Promise<unknown> {
  if (call.step === 'start') return start(call.file)
  const opened = store
  if (!opened) throw new Error('start comes first')
  switch (call.step) {
    case 'open':
      return Promise.all(call.commands.map((command) => opened.open(command)))
    case 'accept':
      return Promise.all(call.commands.map((command) => opened.accept(command)))
    case 'reject':
      await Promise.all(call.commands.map((command) => opened.reject(command)))
      return 'done'
    case 'endless':
      for (let n = 0; ; n++) {
        const audit = { ...call.command.audit, requestId: `${call.command.audit.requestId}-${n}` }
        await opened.reject({ ...call.command, audit })
        process.send?.({ ok: true, value: n } satisfies Answer)
      }
  }
}

// What a parent sends is a `Call`; nobody else has this channel.
process.on('message', (call: Call) => {
  run(call).then(
    (value) => process.send?.({ ok: true, value } satisfies Answer),
    (error: unknown) =>
      process.send?.({ ok: false, error: `${error} ${error instanceof Error ? error.cause : ''}` } satisfies Answer),
  )
})
process.send?.({ ok: true, value: 'ready' } satisfies Answer)
