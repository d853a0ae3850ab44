/** API tokens: what they are bound to, until when, and what the list tells of them. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addAdministrator, apiToken, type Call, codeOf } from '../support/administrators.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await addAdministrator(h, 'ada')
  await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'people' })
  await enroll(h, 'ada', 'BOTH')
  await h.admin('/admin/init', { type: 'email', serial: 'CORP', email_address: 'x@mail.test', realm: 'corp' })
  await h.admin('/admin/init', { type: 'email', serial: 'NONE', email_address: 'x@mail.test' })
})
afterAll(() => h.close())

const make = async (fields: Fields) => (await h.admin('/otpost/api-tokens', { username: 'ada', ...fields })).json
const listed = async (name: string) => {
  const { value } = (await h.request('/otpost/api-tokens', {}, 'operator')).json.result ?? {}
  return (value as { readonly name: string }[]).find((token) => token.name === name) // as routes/operators.ts writes it
}
const may = async (call: Call, method: string, path: string, fields: Fields = {}) =>
  codeOf(await call(method, path, fields)) === undefined

describe('an API token', () => {
  it('may do all that its administrator may, for ever, unless it is bound', async () => {
    await apiToken(h, 'ada', { name: 'free' })

    expect(await listed('free')).toMatchObject({
      admin: 'ada',
      scope: [],
      realms: [],
      expiresAt: null,
      lastUsedAt: null,
    })
  })

  it('that only reads changes nothing', async () => {
    const call = await apiToken(h, 'ada', { scope: 'read-only' })

    expect(await may(call, 'GET', '/admin/show')).toBe(true)
    expect(await may(call, 'GET', '/system/getConfig')).toBe(true)
    expect(await may(call, 'GET', '/admin/userlist', { realm: 'home' })).toBe(true)
    expect((await call('GET', '/audit/search')).status).toBe(200)
    expect(await may(call, 'POST', '/admin/disable', { serial: 'BOTH' })).toBe(false)
    expect(await may(call, 'POST', '/system/setConfig', { key: 'a', value: 'b' })).toBe(false)
    expect(await may(call, 'POST', '/system/testProvider', { type: 'email', name: 'catcher', to: 'a@b.test' })).toBe(
      false,
    )
    expect(await may(call, 'POST', '/otpost/api-tokens', { username: 'ada' })).toBe(false)
  })

  it('that is bound makes no administrators out of users either', async () => {
    const call = await apiToken(h, 'ada', { scope: 'system/write' })
    const free = await apiToken(h, 'ada')
    const content = 'username,password_hash\nmallory,$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0'
    const passwd = { type: 'passwdresolver', 'passwdresolver.content': 'zoe:x:1:1:Zoe,,,,z@corp.test:/:/bin/sh' }
    const tries: readonly (readonly [string, string, Fields])[] = [
      ['POST', '/system/setRealm', { realm: 'Linotp_Admins', resolvers: 'chiefs,guests' }],
      ['POST', '/otpost/users', { resolver: 'chiefs', username: 'mallory', password: 'mallory-pw' }],
      ['POST', '/otpost/users/import', { resolver: 'chiefs', content }],
      ['POST', '/otpost/users/chiefs/ivy', { password: 'mallory-pw' }],
      ['DELETE', '/otpost/users/chiefs/ivy', {}],
      ['POST', '/system/setResolver', { name: 'clerks', previous_name: 'clerks', ...passwd }],
    ]
    await free('POST', '/system/setResolver', { name: 'chiefs', type: 'localresolver' })
    await free('POST', '/system/setResolver', { name: 'guests', type: 'localresolver' })
    await free('POST', '/system/setResolver', { name: 'clerks', ...passwd })
    await free('POST', '/otpost/users', { resolver: 'chiefs', username: 'ivy', password: 'ivy-password' })

    expect(codeOf(await call('POST', '/system/setRealm', { realm: 'linotp_admins', resolvers: 'guests' }))).toBe(410)
    await free('POST', '/system/setRealm', { realm: 'linotp_admins', resolvers: 'chiefs,clerks' })
    for (const [method, path, fields] of tries) expect(codeOf(await call(method, path, fields)), path).toBe(410)
    expect(await may(call, 'POST', '/otpost/users', { resolver: 'guests', username: 'gus' })).toBe(true)
    for (const [method, path, fields] of tries) expect(await may(free, method, path, fields), path).toBe(true)
  })

  it('for single rights has those, and sees the tokens that they are about', async () => {
    const call = await apiToken(h, 'ada', { scope: 'admin/reset, audit/view' })

    expect(await may(call, 'POST', '/admin/reset', { serial: 'BOTH' })).toBe(true)
    expect(await may(call, 'GET', '/admin/show')).toBe(true)
    expect((await call('GET', '/audit/search')).json.result?.error).toBeUndefined()
    expect(await may(call, 'POST', '/admin/enable', { serial: 'BOTH' })).toBe(false)
    expect(await may(call, 'GET', '/system/getRealms')).toBe(false)
  })

  it('of one realm reaches its tokens and nothing of the configuration', async () => {
    const call = await apiToken(h, 'ada', { realm: 'Home' })

    expect(await may(call, 'POST', '/admin/reset', { serial: 'BOTH' })).toBe(true)
    expect(await may(call, 'POST', '/admin/reset', { serial: 'CORP' })).toBe(false)
    expect(await may(call, 'POST', '/admin/reset', { serial: 'NONE' })).toBe(false)
    expect(await may(call, 'GET', '/system/getConfig')).toBe(false)
    expect((await call('GET', '/audit/search')).status).toBe(200)
    expect(codeOf(await call('GET', '/audit/search'))).toBe(410)
  })

  it('never has more than its administrator, whose policies change beside it', async () => {
    const call = await apiToken(h, 'ada', { scope: 'admin' })
    const bound = await apiToken(h, 'ada', { realm: 'home corp' })
    const policy = { name: 'rights', scope: 'admin', realm: 'corp', user: 'ada', client: '*' }
    await h.admin('/system/setPolicy', { ...policy, action: 'reset' })

    expect(await may(call, 'POST', '/admin/reset', { serial: 'CORP' })).toBe(true)
    expect(await may(call, 'POST', '/admin/reset', { serial: 'NONE' })).toBe(false)
    expect(await may(call, 'POST', '/admin/disable', { serial: 'CORP' })).toBe(false)
    expect(await may(bound, 'POST', '/admin/reset', { serial: 'CORP' })).toBe(true)
    await h.admin('/system/setPolicy', { ...policy, action: 'reset', realm: 'people' })
    expect(await may(bound, 'POST', '/admin/reset', { serial: 'CORP' })).toBe(false)
    await h.admin('/system/delPolicy', { name: 'rights' })
  })

  it('expires to the second, and says when', async () => {
    const call = await apiToken(h, 'ada', { name: 'short', expires: '2h' })
    expect(await listed('short')).toMatchObject({ expiresAt: h.edges.clock() + 7200 })
    h.pass(7199)
    const last = (await call('GET', '/admin/show')).status

    h.pass(1)

    expect([last, (await call('GET', '/admin/show')).status]).toEqual([200, 401])
  })

  it('tells to the hour when it was used, without a write at each request', async () => {
    const call = await apiToken(h, 'ada', { name: 'used' })
    const first = h.edges.clock()
    await call('GET', '/admin/show')
    h.pass(3599)
    await call('GET', '/admin/show')
    const before = await listed('used')
    h.pass(1)
    await call('GET', '/admin/show')

    expect(before).toMatchObject({ lastUsedAt: first })
    expect(await listed('used')).toMatchObject({ lastUsedAt: first + 3600 })
  })

  it.each([
    [{ scope: 'everything' }, /^scope must be made of .*'everything' is none/],
    [{ scope: 'admin/nothing' }, /^scope must/],
    [{ scope: 'authentication/otppin' }, /^scope must/],
    [{ realm: 'nowhere' }, /^realm must name realms that there are; 'nowhere' is none/],
    [{ realm: 'home', scope: 'system/read' }, /^realm goes with validate and rights of scope admin only/],
    [{ expires: 'tomorrow' }, /^expires must be a time like 90d/],
    [{ expires: '2020-01-01' }, /^expires must/],
    [{ username: 'nobody' }, /there is no administrator 'nobody'/],
    [{ name: 'x'.repeat(65) }, /^name must have at most 64 characters/],
  ])('is refused for %j', async (fields, message) => {
    expect((await make(fields)).result?.error?.message).toMatch(message)
  })
})
