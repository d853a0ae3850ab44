/** Administrators who are users of the realm of administrators, and two nodes that know the same sessions. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { addAdministrator, caller, codeOf, logIn } from '../support/administrators.ts'
import { type AnotherNode, anotherNode } from '../support/another-node.ts'
import { type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
let second: AnotherNode

/** The password is "alice-pw". */
const line = (login: string, id: string, hash = '$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0') =>
  `${login}:${hash}:${id}:100:${login} A,room,,,${login}@corp.test`
const save = (name: string, content: string, more: Fields = {}) =>
  h.admin('/system/setResolver', { name, type: 'passwdresolver', 'passwdresolver.content': content, ...more })
const replace = (name: string, content: string) => save(name, content, { previous_name: name })
const setRealm = (resolvers: string, realm = 'linotp_admins') => h.admin('/system/setRealm', { realm, resolvers })

beforeAll(async () => {
  h = await startHarness()
  second = anotherNode(h, {})
  await addAdministrator(h, 'local')
  await save('staff', [line('alice', '1'), line('zoe', '2'), line('local', '3')].join('\n'))
  await save('others', line('olga', '1'))
})
afterAll(() => h.close())
beforeEach(async () => {
  await replace('staff', [line('alice', '1'), line('zoe', '2'), line('local', '3')].join('\n'))
  await setRealm('staff,others')
})

const alive = async ({ call }: { call: Awaited<ReturnType<typeof logIn>>['call'] }, node?: AnotherNode) =>
  (await call('POST', '/admin/show', {}, node)).status === 200

describe('a user of the realm of administrators', () => {
  it('logs in with the password, and is named with realm and resolver', async () => {
    const { reply, call } = await logIn(h, 'alice', 'alice-pw')

    expect(reply.json).toMatchObject({ result: { value: true }, detail: { message: 'Login successful for alice' } })
    const out = await call('GET', '/admin/logout')
    expect(out.json.detail?.message).toBe('Logout successful for alice@linotp_admins (staff)')
  })

  it.each([
    ['with another password', 'alice', 'wrong'],
    ['with none', 'alice', ''],
    ['who is in another realm only', 'ada', 'x'],
    ['whom nobody knows', 'nobody', 'alice-pw'],
    ['with a realm behind the name', 'alice@linotp_admins', 'alice-pw'],
  ])('is refused %s', async (_, username, password) => {
    expect((await logIn(h, username, password)).reply.status).toBe(401)
  })

  it('is looked for in every resolver, also beside a local administrator of the same name', async () => {
    const [other, own, local] = [
      await logIn(h, 'olga', 'alice-pw'),
      await logIn(h, 'local', 'alice-pw'),
      await logIn(h, 'local'),
    ]

    const names = await Promise.all(
      [other, own, local].map(async ({ call }) => (await call('GET', '/admin/logout')).json.detail?.message),
    )
    expect(names).toEqual([
      'Logout successful for olga@linotp_admins (others)',
      'Logout successful for local@linotp_admins (staff)',
      'Logout successful for local@linotp_admins (LinOTP_local_admins)',
    ])
  })

  it('has the rights of policies for that name or resolver', async () => {
    const policy = { name: 'rights', scope: 'admin', action: 'show', realm: '*', client: '*' }
    await h.admin('/system/setPolicy', { ...policy, user: 'others:' })
    const [alice, olga] = [await logIn(h, 'alice', 'alice-pw'), await logIn(h, 'olga', 'alice-pw')]

    expect([await alive(alice), await alive(olga)]).toEqual([true, true])
    expect(codeOf(await alice.call('GET', '/admin/show'))).toBe(410)
    expect(codeOf(await olga.call('GET', '/admin/show'))).toBeUndefined()
    await h.admin('/system/delPolicy', { name: 'rights' })
  })

  it.each([
    ['the password changes', () => replace('staff', line('alice', '1', '$1$abc$6CdIZ91rqcwJnUpxUFE4c/'))],
    ['the user goes', () => replace('staff', line('zoe', '2'))],
    ['the name changes', () => replace('staff', [line('alicia', '1'), line('alice', '4')].join('\n'))],
    ['the id belongs to somebody else', () => replace('staff', line('alice', '9'))],
    ['the resolver leaves the realm', () => setRealm('others')],
  ])('is out as soon as %s, on every node', async (_, act) => {
    const session = await logIn(h, 'alice', 'alice-pw')
    const before = [await alive(session), await alive(session, second)]

    await act()

    expect(before).toEqual([true, true])
    expect([await alive(session), await alive(session, second)]).toEqual([false, false])
  })

  it('cannot take the resolver away by which the login came, nor anybody the realm', async () => {
    const { call } = await logIn(h, 'alice', 'alice-pw')

    const replies = [
      await call('POST', '/system/setRealm', { realm: 'linotp_admins', resolvers: 'others' }),
      await call('POST', '/system/delRealm', { realm: 'Linotp_Admins' }),
      await h.admin('/system/delRealm', { realm: 'linotp_admins' }),
      await call('POST', '/system/delResolver', { resolver: 'staff' }),
    ]

    expect(replies.map(codeOf)).toEqual([-311, -311, -311, -311])
    expect(await alive({ call })).toBe(true)
    expect(
      codeOf(await call('POST', '/system/setRealm', { realm: 'linotp_admins', resolvers: 'staff' })),
    ).toBeUndefined()
  })

  it('is marked where realms and resolvers are listed', async () => {
    const value = async (path: string) => (await h.admin(path)).json.result?.value

    expect(await value('/system/getRealms')).toMatchObject({ linotp_admins: { admin: true }, home: { admin: false } })
    expect(await value('/system/getResolvers')).toMatchObject({ staff: { admin: true }, people: { admin: false } })
  })

  it('may belong to a realm of another name', async () => {
    const own = await startHarness({ OTPOST_ADMIN_REALM: 'Operators' })
    const content = { 'passwdresolver.content': line('alice', '1') }
    await own.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', ...content })
    const before = (await logIn(own, 'alice', 'alice-pw')).reply.status
    await own.admin('/system/setRealm', { realm: 'operators', resolvers: 'staff' })

    const { reply, call } = await logIn(own, 'alice', 'alice-pw')

    expect([before, reply.status]).toEqual([401, 200])
    const out = await call('GET', '/admin/logout')
    expect(out.json.detail?.message).toBe('Logout successful for alice@operators (staff)')
    await own.close()
  })
})

describe('a session', () => {
  it.each([
    ['local', 'correct horse'],
    ['alice', 'alice-pw'],
  ])('of %s begun on one node serves on the other, and ends on both', async (username, password) => {
    const session = await logIn(h, username, password)
    const before = [await alive(session), await alive(session, second)]

    await session.call('POST', '/admin/logout')

    expect(before).toEqual([true, true])
    expect([await alive(session), await alive(session, second)]).toEqual([false, false])
  })

  it.each(['the old cookie', 'the new one'])(
    'ends with all that it was made anew as, by logout with %s',
    async (which) => {
      const { cookie, csrf, call } = await logIn(h, 'local')
      h.pass(1501)
      const reply = await call('GET', '/admin/show')
      const [fresh = '', freshCsrf = ''] = reply.headers.getSetCookie().map((one) => one.split(';')[0] ?? '')
      const [old, anew] = [
        caller(h, { cookie, 'x-csrf-token': csrf }),
        caller(h, { cookie: fresh, 'x-csrf-token': freshCsrf.split('=')[1] ?? '' }),
      ]
      const before = [await alive({ call: old }), await alive({ call: anew })]

      await (which === 'the new one' ? anew : old)('POST', '/admin/logout')

      expect(before).toEqual([true, true])
      expect([await alive({ call: old }), await alive({ call: anew }), await alive({ call: anew }, second)]).toEqual([
        false,
        false,
        false,
      ])
      h.pass(1700)
      expect(await alive({ call: anew })).toBe(false)
    },
  )

  it('is made anew on another node shortly before it ends, for whom it was begun', async () => {
    const { call } = await logIn(h, 'alice', 'alice-pw')
    h.pass(1501)

    const reply = await call('GET', '/admin/show', {}, second)

    const [cookie = ''] = reply.headers.getSetCookie()
    h.pass(1000)
    const headers = { cookie: cookie.split(';')[0] ?? '' }
    const out = await h.request('/admin/logout', { headers })
    expect(out.json.detail?.message).toBe('Logout successful for alice@linotp_admins (staff)')
  })
})
