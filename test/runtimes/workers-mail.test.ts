/** CloudflareEmailProvider in workerd, by the `send_email` binding that Miniflare plays. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { COMPLETE, PASSWORD, startWorker, type TestWorker } from './workers-fixture.ts'

let worker: TestWorker
let cookies = ''
let session = ''
beforeAll(async () => {
  worker = await startWorker(COMPLETE, true, { EMAIL: { allowed_sender_addresses: ['otp@example.org'] } })
  await worker.migrate()
  const login = await fetch(`${worker.url}/admin/login`, {
    method: 'POST',
    body: new URLSearchParams({ username: 'admin', password: PASSWORD }),
  })
  cookies = login.headers
    .getSetCookie()
    .map((cookie) => cookie.split(';')[0])
    .join('; ')
  session = /csrf_access_token=([^;]+)/.exec(cookies)?.[1] ?? ''
}, 60_000)
afterAll(() => worker.stop())

const admin = async (path: string, fields: Readonly<Record<string, string>>): Promise<string> => {
  const headers = { cookie: cookies, 'x-csrf-token': session }
  const body = new URLSearchParams({ ...fields, session })
  return (await fetch(worker.url + path, { method: 'POST', headers, body })).text()
}
const save = (config: object) =>
  admin('/system/setProvider', {
    ...{ name: 'cf', type: 'email', class: 'CloudflareEmailProvider', timeout: '120' },
    config: JSON.stringify(config),
  })
const test = () => admin('/system/testProvider', { name: 'cf', type: 'email', to: 'ada@example.org' })

it('sends a mail by the binding', async () => {
  expect(await save({ EMAIL_FROM: 'One-time passwords <otp@example.org>' })).toContain('"value": true')

  expect(await test()).toContain('"value": true')
})

it('takes a sender that the binding does not allow for a failure', async () => {
  await save({ EMAIL_FROM: 'other@example.org' })

  expect(await test()).toContain('binding_failed')
})

it('refuses a binding that is none of mail: the database', async () => {
  expect(await save({ EMAIL_FROM: 'otp@example.org', BINDING: 'DB' })).toContain(
    'must be the name of a send_email binding',
  )
})
