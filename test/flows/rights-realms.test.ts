/** Administrators who are bound to realms: each call about tokens and users, inside and outside of them. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { type Call, codeOf, moreRealms, HOMELY as PERMITTED } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
let homely: Call

beforeAll(async () => {
  h = await startHarness()
  homely = await moreRealms(h)
})
afterAll(() => h.close())
beforeEach(async () => {
  await h.admin('/system/setPolicy', PERMITTED)
  await enroll(h, 'ada', 'HOME')
  await enroll(h, 'alice', 'CORP', { realm: 'corp' })
  await h.admin('/admin/init', { type: 'email', serial: 'NONE', email_address: 'x@mail.test' })
})
afterEach(async () => {
  await h.admin('/system/delPolicy', { name: 'rights,more' })
  const { tokens } = await shownBy((path, fields) => h.admin(path, fields))
  for (const serial of tokens) await h.admin('/admin/remove', { serial })
})

type Post = (path: string, fields?: Fields) => ReturnType<Harness['admin']>
async function shownBy(post: Post, fields: Fields = {}) {
  const { value } = (await post('/admin/show', fields)).json.result ?? {}
  const { data = [], resultset } = (value ?? {}) as Shown // as encodeShown writes it
  return { tokens: data.map((one) => one['LinOtp.TokenSerialnumber']).toSorted(), count: resultset?.tokens }
}
type Shown = {
  readonly data?: readonly { readonly 'LinOtp.TokenSerialnumber': string }[]
  readonly resultset?: { readonly tokens: number }
}
const post: Post = (path, fields) => homely('POST', path, fields)
const realmsOf = async (serial: string) => (await h.store.findTokens({ serials: [serial] }))[0]?.realms

const CHANGES: readonly (readonly [string, Fields])[] = [
  ['/admin/disable', {}],
  ['/admin/enable', {}],
  ['/admin/reset', {}],
  ['/admin/set', { pin: 'new' }],
  ['/admin/set', { description: 'new' }],
  ['/admin/set', { pin: 'new', MaxFailCount: '3' }],
  ['/admin/set', { validityPeriodEnd: '31/12/40 23:59' }],
  ['/admin/set', { countAuthMax: '3' }],
  ['/admin/set', { hashlib: 'sha256' }],
  ['/admin/init', { type: 'email', email_address: 'new@mail.test' }],
  ['/admin/getTokenOwner', {}],
  ['/admin/remove', {}],
]

describe('an administrator of one realm', () => {
  it.each(CHANGES)('calls %s %j for tokens of that realm, and for no others', async (path, fields) => {
    const codes: Record<string, number | undefined> = {}
    for (const serial of ['CORP', 'NONE', 'HOME']) codes[serial] = codeOf(await post(path, { ...fields, serial }))

    expect(codes).toEqual({ CORP: 410, NONE: 410, HOME: undefined })
  })

  it.each(CHANGES.filter(([path]) => !['/admin/getTokenOwner', '/admin/init'].includes(path)))(
    'calls %s %j for users of that realm, and for no others',
    async (path, fields) => {
      const codes: unknown[] = []
      for (const user of [
        { user: 'alice', realm: 'corp' },
        { user: 'alice@corp' },
        { user: 'nobody', realm: 'nowhere' },
      ])
        codes.push(codeOf(await post(path, { ...fields, ...user })))
      codes.push(codeOf(await post(path, { ...fields, user: 'ada' })))

      expect(codes).toEqual([410, 410, 410, undefined])
    },
  )

  it('changes none of several tokens when one lies elsewhere', async () => {
    const both = new URLSearchParams([
      ['serial[]', 'HOME'],
      ['serial[]', 'CORP'],
    ])
    const refused = await homely('POST', `/admin/remove?${both}`)

    expect(codeOf(refused)).toBe(410)
    expect((await shownBy((path) => h.admin(path))).tokens).toEqual(['CORP', 'HOME', 'NONE'])
  })

  it('reaches a token that lies in several realms by one of them', async () => {
    await h.client.execute(`UPDATE tokens SET realms = '["guests","home"]' WHERE serial = 'CORP'`)

    expect(codeOf(await post('/admin/disable', { serial: 'CORP' }))).toBeUndefined()
  })

  it('loses a token that moves to another realm while it is being changed', async () => {
    const moving = anotherNode(h, {
      batch: async (statements, mode) => {
        // Between what was read and what is written.
        if (mode === 'write' && statements.some(({ sql }) => /UPDATE tokens|DELETE FROM tokens/.test(sql)))
          await h.client.execute(`UPDATE tokens SET realms = '["corp"]', revision = revision + 1 WHERE serial = 'HOME'`)
        return h.batch(statements, mode)
      },
    })
    const codes: unknown[] = []
    for (const path of ['/admin/disable', '/admin/reset', '/admin/remove']) {
      await h.client.execute(`UPDATE tokens SET realms = '["home"]' WHERE serial = 'HOME'`)
      codes.push(codeOf(await homely('POST', path, { serial: 'HOME' }, moving)))
    }

    expect(codes).toEqual([-311, 410, 410])
    expect(await h.store.findTokens({ serials: ['HOME'] })).toMatchObject([{ active: true, realms: ['corp'] }])
  })

  it('sees the tokens of that realm alone, whatever is asked for', async () => {
    expect(await shownBy(post)).toEqual({ tokens: ['HOME'], count: 1 })
    expect(await shownBy(post, { serial: '*' })).toEqual({ tokens: ['HOME'], count: 1 })
    expect(await shownBy(post, { realm: 'corp' })).toEqual({ tokens: [], count: 0 })
    expect(await shownBy(post, { user: 'alice', realm: 'corp' })).toEqual({ tokens: [], count: 0 })
  })

  it('enrols for users of that realm, and puts a token without a user into it', async () => {
    const init = async (fields: Fields) => {
      const reply = await post('/admin/init', { type: 'email', email_address: 'x@mail.test', ...fields })
      return codeOf(reply) ?? (await realmsOf(String(reply.json.detail?.serial)))
    }

    expect(await init({ user: 'ada' })).toEqual(['home'])
    expect(await init({})).toEqual(['home'])
    expect(await init({ realm: 'Home' })).toEqual(['home'])
    expect(await init({ realm: 'corp' })).toBe(410)
    expect(await init({ user: 'alice', realm: 'corp' })).toBe(410)
    // Where a realm is not split off first, both readings of the name must be his.
    await h.admin('/system/setConfig', { splitAtSign: 'False' })
    expect(await init({ user: 'alice@corp' })).toBe(410)
    await h.admin('/system/delConfig', { key: 'splitAtSign' })
  })

  it('has all realms of several policies together, without those that one forbids', async () => {
    await h.admin('/system/setPolicy', { ...PERMITTED, name: 'more', realm: 'corp, guests' })
    expect(await shownBy(post)).toMatchObject({ tokens: ['CORP', 'HOME'] })
    const { json } = await post('/admin/init', { type: 'email', email_address: 'x@mail.test' })
    expect(await realmsOf(String(json.detail?.serial))).toEqual(['home', 'corp', 'guests'])

    await h.admin('/system/setPolicy', { ...PERMITTED, name: 'more', realm: 'home', action: '!remove' })

    expect(codeOf(await post('/admin/remove', { serial: 'HOME' }))).toBe(410)
    expect(codeOf(await post('/admin/disable', { serial: 'HOME' }))).toBeUndefined()
  })

  it('lists the users of that realm alone', async () => {
    const users = async (fields: Fields) => {
      const reply = await post('/admin/userlist', fields)
      const { value } = reply.json.result ?? {}
      return codeOf(reply) ?? (value as { username: string }[]).map(({ username }) => username)
    }

    expect(await users({ realm: 'home' })).toEqual(['ada', 'bob', 'eve'])
    expect(await users({ realm: 'corp' })).toBe(410)
    expect(await users({})).toEqual(['ada', 'bob', 'eve'])
  })

  it('sees in version 2 the users, realms and resolvers of that realm alone', async () => {
    const get = async (path: string) => {
      const reply = await homely('GET', `/api/v2${path}`)
      return reply.status === 200 ? reply.json.result?.value : reply.status
    }
    await h.admin('/system/setPolicy', { ...PERMITTED, name: 'more', scope: 'system', action: 'write', user: 'other' })

    expect(await get('/realms')).toMatchObject([{ name: 'home' }])
    expect(await get('/resolvers')).toMatchObject([{ name: 'people' }])
    expect(await get('/realms/home/users')).toMatchObject({ totalRecords: 3 })
    expect(await get('/resolvers/people/users/1001')).toMatchObject({ username: 'ada' })
    for (const path of ['/realms/corp/users', '/resolvers/staff/users', '/resolvers/staff/users/2001'])
      expect(await get(path), path).toBe(403)
    await h.admin('/system/delPolicy', { name: 'more', enforce: 'true' })
  })

  it.each([
    ['of every realm', { realm: '*' }, ['CORP', 'HOME', 'NONE']],
    ['from this address', { realm: 'corp', client: '192.0.2.0/24' }, ['CORP']],
    ['from another address', { realm: 'corp', client: '10.0.0.0/8' }, 410],
    ['at this hour', { realm: 'corp', time: '* * * * * *' }, ['CORP']],
    ['in another year', { realm: 'corp', time: '* * * * * 1999' }, 410],
    ['of a realm that there is not', { realm: 'nowhere' }, 410],
    ['by a pattern', { realm: 'corp', user: 'home.*' }, ['CORP']],
    ['of local administrators', { realm: 'corp', user: 'LinOTP_local_admins:' }, ['CORP']],
    ['of another one', { realm: 'corp', user: 'other' }, 410],
    ['of nobody, since it is not active', { realm: 'corp', active: 'False' }, ['CORP', 'HOME', 'NONE']],
  ])('is one %s by what the policy says', async (_, fields, seen) => {
    await h.admin('/system/setPolicy', { ...PERMITTED, ...fields })

    const reply = await post('/admin/show')

    expect(codeOf(reply) ?? (await shownBy(post)).tokens).toEqual(seen)
  })
})

describe('settings of tokens', () => {
  it.each([
    ['setOTPPIN', { pin: '1' }, undefined],
    ['setOTPPIN', { description: 'x' }, 410],
    ['setOTPPIN', { pin: '1', description: 'x' }, 410],
    ['set', { description: 'x' }, undefined],
    ['set', { PIN: '1' }, 410],
    ['set', { validityPeriodStart: '01/01/25 00:00', countAuth: '1', hashlib: 'sha1', MaxFailCount: '9' }, undefined],
    ['set, setOTPPIN', { pin: '1', OtpLen: '6' }, undefined],
    ['enable', { countAuthSuccessMax: '1' }, 410],
    ['enable', { phone: '+49 1' }, 410],
  ])('need their rights: with %s alone %j', async (action, fields, code) => {
    await h.admin('/system/setPolicy', { ...PERMITTED, action })

    expect(codeOf(await post('/admin/set', { serial: 'HOME', ...fields }))).toBe(code)
  })

  it('need both rights in the realm of the token', async () => {
    await h.admin('/system/setPolicy', { ...PERMITTED, action: 'setOTPPIN', realm: 'home' })
    await h.admin('/system/setPolicy', { ...PERMITTED, name: 'more', action: 'set', realm: 'corp' })

    expect(codeOf(await post('/admin/set', { serial: 'HOME', pin: '1' }))).toBeUndefined()
    expect(codeOf(await post('/admin/set', { serial: 'HOME', pin: '1', description: 'x' }))).toBe(410)
  })

  it.each([
    ['initEMAIL', { type: 'EMAIL', email_address: 'x@mail.test' }, undefined],
    ['initEMAIL', { type: 'sms', phone: '+49 170 1234567' }, 410],
    ['initEMAIL', { type: 'hotp' }, 410],
    ['initSMS', { type: 'sms', phone: '+49 170 1234567' }, undefined],
    ['*', { type: 'hotp' }, 1610],
  ])('of a new one need the right of its type: with %s %j', async (action, fields, code) => {
    await h.admin('/system/setPolicy', { ...PERMITTED, action })

    expect(codeOf(await post('/admin/init', { user: 'ada', ...fields }))).toBe(code)
  })
})

describe('a policy that cannot be read', () => {
  it('permits nothing, and keeps its scope closed', async () => {
    await h.client.execute(`UPDATE policies SET client = 'nonsense' WHERE name = 'rights'`)
    await h.client.execute(`UPDATE meta SET value = value + 1 WHERE key = 'version'`)

    expect(codeOf(await post('/admin/show'))).toBe(410)
  })
})

describe('what an administrator may', () => {
  const ask = async (fields: Fields) =>
    (await h.admin('/system/checkPolicy', { user: 'homely', realm: 'home', client: '192.0.2.7', ...fields })).json
      .result?.value

  it('is what checkPolicy says', async () => {
    expect(await ask({ scope: 'admin', action: 'remove' })).toMatchObject({ allowed: true, policy: { rights: {} } })
    expect(await ask({ scope: 'admin', action: 'remove', realm: 'corp' })).toEqual({ allowed: false, policy: {} })
    expect(await ask({ scope: 'admin', action: 'remove', user: 'other' })).toEqual({ allowed: false, policy: {} })
    expect(await ask({ scope: 'system', action: 'write' })).toEqual({
      allowed: true,
      policy: 'No policies in this scope',
    })
  })
})
