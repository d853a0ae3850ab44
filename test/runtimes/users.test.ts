/** Users of a directory over HTTP, and an import of CSV, on every runtime. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cleanUp, newDataDir, startOtpost } from '../cli/otpost.ts'
import { type People, peopleConfig, startPeople } from '../support/people.ts'
import { type Body, checkAt, logInAt } from '../support/served.ts'
import { COMPLETE, PASSWORD, startWorker } from './workers-fixture.ts'

afterAll(cleanUp)

type Server = { readonly url: string; readonly stop: () => unknown }

const served = (runtime: 'node' | 'deno' | 'bun') => async (): Promise<Server> =>
  startOtpost(['serve', '--data', newDataDir()], { runtime, env: { OTPOST_ADMIN_PASSWORD: PASSWORD } })
async function worker(): Promise<Server> {
  const started = await startWorker(COMPLETE)
  await started.migrate()
  return started
}

describe.each<readonly [string, () => Promise<Server>, boolean]>([
  ['Node', served('node'), true],
  ['Deno', served('deno'), true],
  ['Bun', served('bun'), true],
  ['Workers', worker, false],
])('on %s', (_, start, takesCsv) => {
  let server: Server
  let people: People
  let admin: (path: string, fields: Readonly<Record<string, string>>) => Promise<Body>
  beforeAll(async () => {
    people = await startPeople()
    server = await start()
    admin = await logInAt(server.url, PASSWORD)
    const everybody = { realm: '*', user: '*', client: '*', active: 'True' }
    await admin('/system/setPolicy', { name: 'p', scope: 'authentication', action: 'passthru', ...everybody })
    for (const [name, fields] of [
      ['away', { type: 'httpresolver', ...peopleConfig(people.url) }],
      ['own', { type: 'localresolver' }],
    ] as const) {
      await admin('/system/setResolver', { name, ...fields })
      await admin('/system/setRealm', { realm: name, resolvers: name })
    }
  }, 60_000)
  afterAll(async () => {
    await server?.stop()
    await people.close()
  })
  const isLetIn = async (user: string, pass: string) => (await checkAt(server.url, { user, pass })).result.value

  it('lets users of a directory in by its password, request after request', async () => {
    const answers = await Promise.all([
      isLetIn('zoe@away', 'zoe-password'),
      isLetIn('yan@away', 'yan-password'),
      isLetIn('zoe@away', 'yan-password'),
      isLetIn('nobody@away', 'zoe-password'),
    ])

    expect([...answers, await isLetIn('zoe@away', 'zoe-password')]).toEqual([true, true, false, false, true])
  })

  it('takes a table of users with a password, or its rows', async () => {
    const content = 'username;password\r\n"ann";"gehe;im"\r\n'
    const rows = JSON.stringify({ line: 2, fields: { username: 'ann', password: 'gehe;im' } })

    const { result } = await admin('/otpost/users/import', { resolver: 'own', ...(takesCsv ? { content } : { rows }) })

    expect(result.value).toMatchObject({ stored: true, added: 1, refused: [] })
    expect([await isLetIn('ann@own', 'gehe;im'), await isLetIn('ann@own', 'geheim')]).toEqual([true, false])
  })
})
