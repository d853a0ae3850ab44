/** A large audit, made faster than by writing row after row: a thousand in one statement, each with its MAC. */

import { pathToFileURL } from 'node:url'
import { type Client, createClient } from '@libsql/client'
import { libsqlBatch, prepareFile } from '../../src/adapters/store/libsql.ts'
import { migrateDatabase } from '../../src/adapters/store/migrate.ts'
import { createStore } from '../../src/adapters/store/store.ts'
import { createVault } from '../../src/adapters/vault/webcrypto.ts'
import { citedMark, macText, PURPOSE } from '../../src/flows/audit.ts'
import { createSeal } from '../../src/flows/audit-seal.ts'
import { createVerify } from '../../src/flows/audit-verify.ts'
import type { Store } from '../../src/ports/store.ts'
import type { Vault } from '../../src/ports/vault.ts'

export type LargeAudit = {
  readonly client: Client
  readonly store: Store
  readonly vault: Vault
  readonly seal: ReturnType<typeof createSeal>
  readonly verify: ReturnType<typeof createVerify>
}

export async function openAudit(file: string): Promise<LargeAudit> {
  const client = createClient({ url: pathToFileURL(file).href, concurrency: 1, timeout: 5000 })
  await prepareFile(client, 'NORMAL')
  const store = createStore(libsqlBatch(client))
  await migrateDatabase(client, store)
  const vault = createVault([{ id: 'k1', bytes: new Uint8Array(32).fill(1) }], (n) =>
    crypto.getRandomValues(new Uint8Array(n)),
  )
  const nothing = () => {}
  const seal = createSeal({
    store,
    vault,
    edges: { log: { debug: nothing, info: nothing, warn: nothing, error: nothing } },
  })
  return { client, store, vault, seal, verify: createVerify({ store, vault }) }
}

const AT_ONCE = 1000

type Filling = { readonly from?: number; readonly progress?: (done: number) => void }

/** Rows as a busy server writes them: four requests at a time, which cite the newest row before them. */
export async function fillAudit(
  { client, store, vault }: LargeAudit,
  rows: number,
  filling: Filling = {},
): Promise<void> {
  const { from = 0, progress = () => {} } = filling
  let known = await store.newestAudit()
  for (let done = from; done < from + rows; done += AT_ONCE) {
    const page: Filled[] = []
    for (let n = done; n < done + AT_ONCE; n += 4) {
      const cites = known && { number: known.number, mark: citedMark(known.mac) }
      const four: readonly Filled[] = await Promise.all([0, 1, 2, 3].map((one) => aRow(vault, n + one, cites)))
      page.push(...four)
      known = { number: n + 4, mac: String(four[3]?.mac) }
    }
    await client.execute({
      sql: `INSERT INTO audit (request_id, at, action, success, serial, token_type, user, realm, client, server, cited_number,
          cited_mark, mac)
        SELECT r.value ->> 'requestId', r.value ->> 'at', 'validate/check', 0, r.value ->> 'serial', 'email', r.value ->> 'user',
          'home', '192.0.2.1', 'node-1', r.value ->> 'cited', r.value ->> 'mark', r.value ->> 'mac' FROM json_each(?) r`,
      args: [JSON.stringify(page)],
    })
    progress(done - from + page.length)
  }
}

type Filled = Readonly<Record<'requestId' | 'at' | 'serial' | 'user' | 'cited' | 'mark' | 'mac', string | number>>

async function aRow(
  vault: Vault,
  n: number,
  cites: { readonly number: number; readonly mark: string } | null,
): Promise<Filled> {
  const row = {
    ...{
      requestId: n.toString(16).padStart(32, '0'),
      at: 1_700_000_000 + Math.floor(n / 10),
      action: 'validate/check',
    },
    ...{ success: false, serial: `LSEM${n % 5000}`, tokenType: 'email', user: `user${n % 5000}`, realm: 'home' },
    ...{ administrator: '', actionDetail: '', info: '', client: '192.0.2.1', server: 'node-1', cites },
  }
  const mac = await vault.mac(PURPOSE.row, macText(row))
  const { requestId, at, serial, user } = row
  return { requestId, at, serial, user, cited: cites?.number ?? 0, mark: cites?.mark ?? '', mac }
}
