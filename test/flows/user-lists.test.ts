/** Lists of users, in LinOTP's words: filters, pages, resolvers of every kind; and version 2 of the same. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fields, type Harness, startHarness } from '../support/harness.ts'
import { type People, startPeople, usePeople } from '../support/people.ts'

let h: Harness
let people: People
/** Three passwd users, then two of a directory, then 1200 of a local resolver. */
beforeAll(async () => {
  h = await startHarness()
  people = await startPeople()
  await usePeople(h, people.url, 'away')
  await h.admin('/system/setResolver', { name: 'own', type: 'localresolver' })
  const rows = Array.from({ length: 1200 }, (_, n) => `u${String(n).padStart(4, '0')},u${n}@x${n % 3}.test`)
  const imported = await h.admin('/otpost/users/import', {
    ...{ resolver: 'own', content: `username,email\n${rows.join('\n')}` },
  })
  expect(imported.json.result?.value).toMatchObject({ stored: true, added: 1200 })
  await h.admin('/system/setRealm', { realm: 'all', resolvers: 'people,away,own' })
})
afterAll(async () => {
  await h.close()
  await people.close()
})

type Listed = { readonly value: readonly Record<string, string>[]; readonly queried: number; readonly page?: number }
const list = async (fields: Fields): Promise<Listed> =>
  (await h.admin('/admin/userlist', fields)).json.result as unknown as Listed // as the contract has it
const names = async (fields: Fields): Promise<readonly string[]> =>
  (await list(fields)).value.map(({ username }) => username ?? '')

describe('userlist', () => {
  it('has the users of a realm in the order of its resolvers, each with the spec of the resolver', async () => {
    const { value, queried } = await list({ realm: 'all' })

    expect([value.length, queried]).toEqual([1205, 1205])
    expect(value.slice(0, 6).map(({ username, resolver }) => [username, resolver])).toEqual([
      ['ada', 'useridresolver.PasswdIdResolver.IdResolver.people'],
      ['bob', 'useridresolver.PasswdIdResolver.IdResolver.people'],
      ['eve', 'useridresolver.PasswdIdResolver.IdResolver.people'],
      ['zoe', 'useridresolver.HTTPIdResolver.IdResolver.away'],
      ['yan', 'useridresolver.HTTPIdResolver.IdResolver.away'],
      ['u0000', 'useridresolver.LocalIdResolver.IdResolver.own'],
    ])
  })

  it('comes in the envelope of a streamed reply', async () => {
    const { json, headers } = await h.admin('/admin/userlist', { realm: 'away', username: 'zoe' })

    expect(headers.get('content-type')).toBe('application/json')
    expect(json).toEqual({
      ...{ jsonrpc: '2.0802', id: 1, version: expect.stringMatching(/^otpost /) },
      result: { status: true, value: [expect.objectContaining({ username: 'zoe', userid: 'u1' })], queried: 1 },
    })
  })

  it.each<readonly [Fields, readonly string[]]>([
    [{ username: 'ada' }, ['ada']],
    [{ username: 'ADA' }, ['ada']],
    [{ username: '*o*' }, ['bob', 'zoe']],
    [{ username: 'u000*', email: '*@x1.test' }, ['u0001', 'u0004', 'u0007']],
    [{ email: 'ada@*' }, ['ada']],
    [{ mobile: '+49 170*' }, ['ada', 'bob', 'zoe']],
    [{ userid: '1002' }, ['bob']],
    // Only ASCII letters are the same in either case.
    [{ surname: 'ümlaut' }, []],
    [{ surname: 'Ümlaut', nonsense: 'x' }, ['eve']],
    [{ username: '' }, []],
    [{ username: 'a%' }, []],
    [{ username: "x' OR 1=1 --" }, []],
  ])('finds by %j', async (filter, found) => {
    const listed = await names({ realm: 'all', ...filter })

    expect(filter.username === '' ? listed.length : listed).toEqual(filter.username === '' ? 1205 : found)
  })

  it.each<readonly [Fields, readonly string[], number | undefined]>([
    [{ rp: '2' }, ['ada', 'bob'], undefined],
    [{ rp: '2', page: '1' }, ['eve', 'zoe'], 1],
    [{ rp: '2', page: '2' }, ['yan', 'u0000'], 2],
    [{ rp: '3', page: '100' }, ['u0295', 'u0296', 'u0297'], 100],
    [{ rp: '1000', page: '1' }, [], 1],
    [{ rp: '2', page: '1000' }, [], 1000],
    [{ rp: '2', page: '1', username: '*9' }, ['u0029', 'u0039'], 1],
    [{ rp: 'x', page: '1', username: 'ada' }, ['ada'], undefined],
  ])('has pages: %j', async (fields, found, page) => {
    const listed = await list({ realm: 'all', ...fields })

    if (found.length > 0) expect(listed.value.map(({ username }) => username)).toEqual(found)
    else expect(listed.value).toHaveLength(fields.rp === '1000' ? 205 : 0)
    expect([listed.queried, listed.page]).toEqual([listed.value.length, page])
  })

  it('is of one resolver, by its name or its spec, alone or within the realm', async () => {
    const spec = 'useridresolver.HTTPIdResolver.IdResolver.away'

    expect(await names({ resConf: 'away' })).toEqual(['zoe', 'yan'])
    expect(await names({ realm: 'all', resConf: spec })).toEqual(['zoe', 'yan'])
    expect((await h.admin('/admin/userlist', { realm: 'home', resConf: 'away' })).json.result?.error?.message).toBe(
      "there is no resolver 'away'",
    )
    expect(await names({ realm: '*', username: 'ada' })).toEqual(['ada'])
  })
})

describe('the owner of a token', () => {
  it('is shown with what the directory says now, and as nobody when the directory no longer knows', async () => {
    const fields = { type: 'email', serial: 'ZOE', pin: 'x', email_address: 'z@x.test', user: 'zoe', realm: 'away' }
    await h.admin('/admin/init', fields)
    const shown = async () => (await h.admin('/admin/show', { serial: 'ZOE', user_fields: 'email' })).json.result?.value
    const owner = async () => (await h.admin('/admin/getTokenOwner', { serial: 'ZOE' })).json.result?.value

    const [before, ownerBefore] = [await shown(), await owner()]
    people.people = []
    const [after, ownerAfter] = [await shown(), await owner()]

    expect(before).toMatchObject({
      data: [
        {
          ...{ 'User.username': 'zoe', 'User.userid': 'u1', 'User.email': 'zoe@mail.test' },
          'LinOtp.IdResClass': 'useridresolver.HTTPIdResolver.IdResolver.away',
        },
      ],
    })
    expect(ownerBefore).toMatchObject({ username: 'zoe', email: 'zoe@mail.test' })
    expect(after).toMatchObject({ data: [{ 'User.username': '/:no user info:/', 'User.userid': '/:no user info:/' }] })
    expect(ownerAfter).toEqual({})
  })
})

describe('version 2', () => {
  const get = async (path: string) => {
    const { json, status } = await h.request(`/api/v2${path}`, {}, 'operator')
    return json.result?.value ?? { status, error: json.result?.error?.message }
  }

  it('lists realms and resolvers', async () => {
    expect(await get('/realms')).toContainEqual({
      ...{ name: 'away', entry: 'linotp.useridresolver.group.away', default: false, admin: false },
      userIdResolvers: ['useridresolver.HTTPIdResolver.IdResolver.away'],
    })
    expect(await get('/resolvers')).toContainEqual({
      ...{ name: 'away', type: 'httpresolver', spec: 'useridresolver.HTTPIdResolver.IdResolver.away' },
      ...{ realms: ['away', 'all'], readOnly: false, immutable: false, admin: false },
    })
  })

  it('lists users page by page, with how many there are', async () => {
    expect(await get('/realms/all/users?pageSize=2&page=2')).toEqual({
      ...{ page: 2, pageSize: 2, totalPages: 602, totalRecords: 1203 },
      pageRecords: [expect.objectContaining({ username: 'u0001' }), expect.objectContaining({ username: 'u0002' })],
    })
    expect(await get('/resolvers/own/users?username=u119*&pageSize=0')).toMatchObject({
      ...{ page: 0, pageSize: 10, totalPages: 1, totalRecords: 10 },
    })
  })

  it('shows one user by the id', async () => {
    expect(await get('/resolvers/people/users/1001')).toEqual({
      ...{ userId: '1001', username: 'ada', givenName: 'Ada', surname: 'Byron', email: 'ada@example.org' },
      ...{ phone: '+49 30 111', mobile: '+49 170 1111111' },
      userDescription: 'Ada Byron,room,+49 170 1111111,+49 30 111,ada@example.org',
      idResolverInfo: { resolverName: 'people', resolverClass: 'PasswdIdResolver' },
    })
    expect(await get('/resolvers/people/users/nobody')).toEqual({})
    expect(await get('/resolvers/none/users/1')).toMatchObject({ error: "there is no resolver 'none'" })
    expect(await get('/realms/none/users')).toMatchObject({ error: "realm: there is no realm 'none'" })
  })

  it('is for administrators', async () => {
    expect((await h.request('/api/v2/realms')).status).toBe(401)
  })
})
