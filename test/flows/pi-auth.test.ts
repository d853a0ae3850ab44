/** /auth on privacyIDEA's wire: the same administrators, tokens, queue and rights as on the other one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { neededBy } from '../../src/http/dialects/privacyidea/rights.ts'
import { enroll, type Harness, startHarness, times } from '../support/harness.ts'
import { PASSWORD, type PiClient, piClient } from '../support/privacyidea.ts'

let h: Harness
let pi: PiClient
let jwt: string
let apiToken: string
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: PASSWORD })
  pi = piClient(h)
  jwt = await pi.auth()
  apiToken = await tokenFor({})
  await enroll(h, 'ada', 'EM1')
})
afterAll(() => h.close())

async function tokenFor(fields: Record<string, string>): Promise<string> {
  const made = await h.admin('/otpost/api-tokens', { username: 'admin', name: 'test', ...fields })
  return ((made.json.result?.value ?? {}) as { token: string }).token // the envelope
}

describe('a login', () => {
  it('gives a JWT with its end in whole seconds, in a reply with the time, and the role that php-client looks for', async () => {
    const { root, value, authentication } = await pi.post('/auth', { username: 'admin', password: PASSWORD, realm: '' })
    const { token } = value as { token: string }

    const payload = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64').toString())
    expect(value).toMatchObject({ role: 'admin', username: 'admin', realm: '', auth: true, rights: expect.any(Array) })
    expect([root.time, payload.exp, authentication]).toEqual([h.edges.clock(), h.edges.clock() + 1800, 'ACCEPT'])
  })

  it('works as JSON', async () => {
    const body = JSON.stringify({ username: 'admin', password: PASSWORD })
    const { status } = await pi.send('POST', '/auth', body, { headers: { 'content-type': 'application/json' } })

    expect(status).toBe(200)
  })

  it.each([
    ['a wrong password', { username: 'admin', password: 'wrong' }, 4031],
    ['an unknown name', { username: 'nobody', password: PASSWORD }, 4031],
    ['a user who is no administrator', { username: 'ada', password: 'pin-' }, 4031],
    ['no password', { username: 'admin' }, 4031],
    ['no name', { password: PASSWORD }, 4032],
  ])('is refused for %s', async (_, fields, code) => {
    const { status, error } = await pi.post('/auth', fields)

    expect([status, error?.code]).toEqual([401, code])
  })

  it('waits in the queue of the other wire, which takes no crowd', async () => {
    const logins = await Promise.all([
      ...times(8, () => pi.post('/auth', { username: 'admin', password: PASSWORD })),
      ...times(8, () => h.post('/admin/login', { username: 'admin', password: PASSWORD })),
    ])
    const busy = logins.filter(({ status }) => status === 429)

    expect(busy.length).toBeGreaterThanOrEqual(8)
    for (const { headers } of busy) expect(headers.get('retry-after')).toBe('1')
    expect(logins.filter(({ status }) => status === 200).length).toBeGreaterThan(0)
  })
})

describe('an administrator', () => {
  it.each([
    ['by a bare JWT', () => ({ authorization: jwt })],
    ['by a JWT behind Bearer', () => ({ authorization: `Bearer ${jwt}` })],
    ['by PI-Authorization, which is looked at first', () => ({ 'pi-authorization': jwt, authorization: 'Basic x' })],
    ['by a bare API token', () => ({ authorization: apiToken })],
    ['by an API token behind Bearer', () => ({ authorization: `bearer ${apiToken}` })],
  ])('is known %s', async (_, headers) => {
    const { status, value } = await pi.get('/auth/rights', { headers: headers() })

    expect([status, value]).toEqual([200, { email: expect.any(String), sms: expect.any(String) }])
  })

  it('is not known by a cookie, which browsers send by themselves', async () => {
    const { error } = await pi.get('/token/', { headers: { cookie: `access_token_cookie=${jwt}` } })

    expect(error?.code).toBe(4033)
  })

  it('is not let in on the other wire by a JWT in the header', async () => {
    const { status } = await h.request('/admin/show', { headers: { authorization: `Bearer ${jwt}` } })

    expect(status).toBe(401)
  })

  it('stands in the audit, with the path that was asked', async () => {
    await pi.post('/token/disable/EM1', {}, { token: jwt })
    await pi.post('/token/enable/EM1', {}, { token: jwt })
    await pi.get('/token/', { headers: {} })
    const { rows } = await h.client.execute(
      'SELECT action, success, administrator, serial FROM audit ORDER BY number DESC LIMIT 2',
    )

    expect(rows.map((row) => ({ ...row }))).toEqual([
      { action: 'pi/token/', success: 0, administrator: '', serial: '' },
      { action: 'pi/token/enable/EM1', success: 1, administrator: expect.stringContaining('admin@'), serial: 'EM1' },
    ])
  })
})

describe('the rights of a token', () => {
  it('are declared for every call but those that are for everybody', () => {
    const calls = h.app.routes.flatMap(({ method, path }) =>
      method !== 'ALL' && path.startsWith('/pi/') ? [`${method} ${path.slice('/pi'.length)}`] : [],
    )
    const open = /^POST \/auth\/?$|^\w+ \/validate\/(?!triggerchallenge)/

    expect(calls.length).toBeGreaterThan(30)
    expect(calls.filter((call) => !open.test(call) && neededBy(call, new Map()) === undefined)).toEqual([])
  })

  it.each([
    ['GET', '/token/', 200],
    ['GET', '/token/challenges/', 200],
    ['GET', '/user/', 200],
    ['GET', '/realm/', 200],
    ['GET', '/system/', 200],
    ['GET', '/auth/rights', 200],
    ['POST', '/token/disable/EM1', 403],
    ['POST', '/token/setpin/EM1?otppin=1', 403],
    ['POST', '/token/set/EM1?description=x', 403],
    ['POST', '/token/init?type=email&user=ada&email=a@b.test', 403],
    ['DELETE', '/token/EM1', 403],
    ['POST', '/validate/triggerchallenge?user=ada', 403],
    ['GET', '/validate/triggerchallenge?user=ada', 403],
  ])('that may only read: %s %s', async (method, path, status) => {
    const token = await tokenFor({ scope: 'read-only' })
    const reply = await pi.send(method, path, undefined, { token })

    expect([reply.status, reply.error?.code]).toEqual([status, status === 403 ? 303 : undefined])
  })

  it.each([
    ['admin/setOTPPIN', [200, 403, 403]],
    ['admin/set', [403, 200, 403]],
    ['admin/set admin/setOTPPIN', [200, 200, 200]],
  ])('%s are for the PIN, for every other setting, or for both: %j', async (scope, statuses) => {
    const token = await tokenFor({ scope })
    const set = async (fields: Record<string, string>) => (await pi.post('/token/set/EM1', fields, { token })).status

    const found = [
      await set({ otppin: 'pin-' }),
      await set({ description: 'x' }),
      await set({ pin: 'pin-', description: '' }),
    ]

    expect(found).toEqual(statuses)
  })

  it('of a service account are to trigger, and nothing else', async () => {
    const token = await tokenFor({ scope: 'admin/triggerchallenge' })

    const replies = [
      await pi.post('/validate/triggerchallenge', { user: 'ada' }, { token }),
      await pi.post('/token/disable/EM1', {}, { token }),
      await pi.get('/system/', { token }),
    ]

    expect(replies.map(({ status }) => status)).toEqual([200, 403, 403])
  })

  it('end at the realms that it is bound to', async () => {
    await h.admin('/system/setResolver', {
      ...{ name: 'others', type: 'passwdresolver', fileName: 'others.txt' },
      'passwdresolver.content': 'zoe:x:1:1:Zoe,,,,zoe@example.org:/:/bin/sh',
    })
    await h.admin('/system/setRealm', { realm: 'away', resolvers: 'others' })
    await enroll(h, 'zoe@away', 'EM9', { email_address: 'zoe@mail.test' })
    const token = await tokenFor({ scope: 'admin', realm: 'away' })

    const listed = await pi.get('/token/', { token })
    const replies = [
      await pi.post('/validate/triggerchallenge', { user: 'zoe', realm: 'away' }, { token }),
      await pi.post('/validate/triggerchallenge', { user: 'ada' }, { token }),
      await pi.post('/validate/triggerchallenge', { serial: 'EM1' }, { token }),
      await pi.post('/token/disable/EM1', {}, { token }),
    ]
    const challenges = await pi.get('/token/challenges/', { token })
    const realms = await pi.get('/realm/', { token })
    const users = await pi.get('/user/', { token })

    expect(Object.keys(realms.value as object)).toEqual(['away'])
    expect(users.value).toMatchObject([{ username: 'zoe' }])
    expect((listed.value as { tokens: { serial: string }[] }).tokens.map(({ serial }) => serial)).toEqual(['EM9'])
    expect(replies.map(({ status }) => status)).toEqual([200, 403, 403, 403])
    expect(challenges.value).toMatchObject({ count: 1, challenges: [{ serial: 'EM9' }] })
  })

  it('end there at a challenge too, with the reason and the user in the audit', async () => {
    const token = await tokenFor({ scope: 'admin/triggerchallenge', realm: 'away' })
    await pi.post('/validate/triggerchallenge', { user: 'ada' }, { token })

    const { rows } = await h.client.execute('SELECT * FROM audit ORDER BY number DESC LIMIT 1')
    expect(rows[0]).toMatchObject({ success: 0, user: 'ada', realm: 'home', action_detail: 'right_elsewhere' })
  })
})
