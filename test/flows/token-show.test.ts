/** Lists of tokens: /admin/show and /api/v2/tokens (contract 7.2, 7.6). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enroll, type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await enroll(h, 'ada', 'SH1', { description: 'charlie' })
  h.pass(60)
  await enroll(h, 'bob', 'SH2', { description: 'Alpha [x]' })
  await enroll(h, 'eve', 'SH3', { description: 'bravo', type: 'sms', phone: '+49 170 3333333' })
  await h.admin('/admin/init', { type: 'email', serial: 'FREE1', email_address: 'free@mail.test' })
  await enroll(h, 'ada', 'OTHER9', { description: "=cmd|' /C calc'!A0'; 'x" })
  await h.admin('/system/setRealm', { realm: 'lab', resolvers: 'useridresolver.PasswdIdResolver.IdResolver.people' })
  await h.admin('/admin/disable', { serial: 'SH2' })
  await h.admin('/admin/tokenrealm', { serial: 'SH3', realms: 'lab' })
  await h.admin('/admin/tokenrealm', { serial: 'OTHER9', realms: '' })
  await h.client.execute("UPDATE tokens SET user_id = '99' WHERE serial = 'OTHER9'")
})
afterAll(() => h.close())

type Value = { data: readonly Record<string, unknown>[]; resultset: Record<string, number> }
const show = async (fields: Fields): Promise<Value> =>
  (await h.request(`/admin/show?${new URLSearchParams(fields)}`, {}, 'operator')).json.result?.value as Value // shape tested in admin.test
const serials = async (fields: Fields): Promise<string> =>
  (await show({ sortby: 'TokenId', ...fields })).data.map((token) => token['LinOtp.TokenSerialnumber']).join(' ')

const ALL = 'SH1 SH2 SH3 FREE1 OTHER9'

describe('admin/show', () => {
  it.each<[Fields, string]>([
    [{}, ALL],
    [{ serial: 'SH2' }, 'SH2'],
    [{ serial: 'SH*' }, 'SH1 SH2 SH3'],
    [{ serial: 'S?1' }, ''],
    [{ serial: '*[1]*' }, ''],
    [{ serial: '*' }, ALL],
    [{ user: 'ada' }, 'SH1'],
    [{ user: 'ada', realm: 'lab' }, ''],
    [{ user: 'eve', realm: 'lab' }, 'SH3'],
    [{ user: 'ada', realm: '*' }, 'SH1'],
    [{ user: 'nosuch' }, ''],
    [{ user: '*a*' }, 'SH1'],
    [{ user: '*' }, 'SH1 SH2 SH3'],
    [{ user: '/:no user:/' }, 'FREE1'],
    [{ user: '/:none:/' }, 'FREE1'],
    [{ user: '/:no user info:/' }, 'OTHER9'],
    [{ realm: 'HOME' }, 'SH1 SH2'],
    [{ viewrealm: 'l*' }, 'SH3'],
    [{ realm: '*' }, ALL],
    [{ realm: '/:no realm:/' }, 'FREE1 OTHER9'],
    [{ realm: "''" }, 'FREE1 OTHER9'],
    [{ filter: '/:active:/' }, 'SH1 SH3 FREE1 OTHER9'],
    [{ filter: '/:enabled:/' }, 'SH1 SH3 FREE1 OTHER9'],
    [{ filter: '/:token is active:/' }, 'SH1 SH3 FREE1 OTHER9'],
    [{ filter: '/:token is enabled:/' }, 'SH1 SH3 FREE1 OTHER9'],
    [{ filter: '/:inactive:/' }, 'SH2'],
    [{ filter: '/:disabled:/' }, 'SH2'],
    [{ filter: '/:token is inactive:/' }, 'SH2'],
    [{ filter: '/:token is disabled:/' }, 'SH2'],
    [{ filter: 'ALPHA' }, 'SH2'],
    // Words that every object knows.
    [{ filter: 'constructor' }, ''],
    [{ filter: '__proto__' }, ''],
    [{ filter: '[x]' }, 'SH2'],
    [{ filter: '1003' }, 'SH3'],
    [{ filter: 'sms' }, 'SH3'],
    [{ filter: 'people' }, 'SH1 SH2 SH3 OTHER9'],
    [{ filter: '%' }, ''],
    [{ filter: '/:active:/', realm: 'home' }, 'SH1'],
    [{ sortby: 'TokenDesc' }, 'FREE1 OTHER9 SH2 SH3 SH1'],
    [{ sortby: '' }, 'FREE1 OTHER9 SH2 SH3 SH1'],
    [{ sortby: 'TokenSerialnumber', sortdir: 'desc' }, 'SH3 SH2 SH1 OTHER9 FREE1'],
    [{ sortby: 'Isactive' }, 'SH2 SH1 SH3 FREE1 OTHER9'],
    [{ sortby: 'CreationDate' }, ALL],
    [{ sortby: 'LastAuthMatch', sortdir: 'desc' }, 'OTHER9 FREE1 SH3 SH2 SH1'],
    [{ page: '2', pagesize: '2' }, 'SH3 FREE1'],
    [{ page: '3', pagesize: '2' }, 'OTHER9'],
    [{ page: '4', pagesize: '2' }, ''],
    [{ page: '0', pagesize: '2' }, 'SH1 SH2'],
  ])('with %j finds %j', async (fields, expected) => {
    expect(await serials(fields)).toBe(expected)
  })

  it('counts what there is on all pages, with the page size of the settings', async () => {
    await h.admin('/system/setConfig', { pagesize: '3' })

    expect((await show({ page: '2' })).resultset).toEqual({ pages: 2, pagesize: 3, tokens: 5, page: 2 })
    expect((await show({ page: '1', pagesize: '10' })).resultset).toEqual({
      pages: 1,
      pagesize: 10,
      tokens: 5,
      page: 1,
    })
    expect((await show({ user: 'nosuch' })).resultset).toMatchObject({ tokens: 0 })
    await h.admin('/system/delConfig', { key: 'pagesize' })
  })

  it('adds attributes of the owner and TokenInfo as an object when asked', async () => {
    await h.admin('/admin/set', { serial: 'SH1', validityPeriodEnd: '31/12/30 23:59' })

    const { data } = await show({ serial: 'SH1', user_fields: 'email, mobile,nosuch', tokeninfo_format: 'json' })

    expect(data[0]).toMatchObject({
      ...{ 'User.email': 'ada@example.org', 'User.mobile': '+49 170 1111111', 'User.nosuch': '' },
      'LinOtp.TokenInfo': { email_address: 'ada@mail.test', validity_period_end: '2030-12-31T23:59:00+00:00' },
    })
  })

  it('says of an owner whom nobody knows that there is no information', async () => {
    const { data } = await show({ serial: 'OTHER9' })

    expect(data[0]).toMatchObject({ 'User.username': '/:no user info:/', 'User.userid': '/:no user info:/' })
  })

  it('as CSV lets no value begin another one, nor a formula', async () => {
    const { text } = await h.request('/admin/show?outform=csv&serial=OTHER9', {}, 'operator')

    expect(text.split('\n')[1]).toContain(`; '=cmd|'' /C calc''!A0''; ''x'; `)
    expect(text.split('\n')).toHaveLength(3)
  })

  it('takes no pattern that a database would refuse', async () => {
    const reply = await h.admin('/admin/show', { serial: `${'x'.repeat(50)}*` })

    expect(reply.json.result?.error?.message).toBe('serial with a * must have at most 50 bytes')
  })
})

describe('/api/v2/tokens', () => {
  const get = (query: string): Promise<Reply> => h.request(`/api/v2/tokens${query}`, {}, 'operator')
  const found = async (query: string): Promise<string> => {
    const { value } = (await get(query)).json.result ?? {}
    return (value as { pageRecords: readonly { serial: string }[] }).pageRecords.map(({ serial }) => serial).join(' ') // shape tested below
  }

  it('begins at page 0, by serial, and tells no address', async () => {
    const reply = await get('?pageSize=2')

    expect(reply.json.result?.value).toMatchObject({ page: 0, pageSize: 2, totalPages: 3, totalRecords: 5 })
    expect(await found('?pageSize=2')).toBe('FREE1 OTHER9')
    expect(reply.text).not.toMatch(/mail\.test|\+49 170 3/)
  })

  it.each([
    ['?page=1&pageSize=2', 'SH1 SH2'],
    ['?pageSize=0&sortBy=id', ALL],
    ['?sortBy=isActive&sortOrder=asc', 'SH2 SH1 SH3 FREE1 OTHER9'],
    ['?sortBy=id&sortOrder=desc', 'OTHER9 FREE1 SH3 SH2 SH1'],
    ['?searchTerm=BRAVO', 'SH3'],
    ['?userId=1002', 'SH2'],
    ['?username=*b*', 'SH2'],
    ['?realm=l*b', 'SH3'],
    ['?resolverName=people', 'OTHER9 SH1 SH2 SH3'],
    ['?resolverName=nosuch', ''],
  ])('%s', async (query, expected) => {
    expect(await found(query)).toBe(expected)
  })

  it('shows one token in full, and nothing for a serial that there is not', async () => {
    expect((await get('/SH1')).json.result?.value).toEqual({
      ...{ id: expect.any(Number), description: 'charlie', serial: 'SH1', type: 'email', isActive: true },
      creationDate: '2027-01-15T08:00:00+00:00',
      realms: ['home'],
      tokenConfiguration: {
        ...{ hashLib: 'sha1', timeWindow: null, timeShift: null, timeStep: null, countWindow: 10 },
        ...{ syncWindow: 1000, otpLength: 6, otpCounter: 0 },
      },
      userInfo: {
        ...{ userId: '1001', username: 'ada' },
        userDescription: 'Ada Byron,room,+49 170 1111111,+49 30 111,ada@example.org',
        idResolverInfo: {
          resolverName: 'people',
          resolverClass: 'useridresolver.PasswdIdResolver.IdResolver.people',
        },
      },
      usageData: {
        ...{ loginAttempts: null, maxLoginAttempts: null, successfulLoginAttempts: null },
        ...{ maxSuccessfulLoginAttempts: null, lastSuccessfulLoginAttempt: null, failedLoginAttempts: 0 },
        ...{ maxFailedLoginAttempts: 10, lastAuthenticationMatch: null },
      },
      validityPeriod: { validityStart: null, validityEnd: '2030-12-31T23:59:00+00:00' },
    })
    expect((await get('/FREE1')).json.result?.value).toMatchObject({ description: null, userInfo: null })
    expect((await get('/NOSUCH')).json.result?.value).toEqual({})
    expect((await get('/SH*')).json.result?.value).toEqual({})
  })

  it.each([
    ['?page=-1', /^page must be a whole number/],
    ['?pageSize=x', /^pageSize must be a whole number/],
    ['?sortBy=LinOtp.Count', /^sortBy must be one of id, serial/],
    ['?sortOrder=down', /^sortOrder must be asc or desc$/],
  ])('refuses %s', async (query, message) => {
    const reply = await get(query)

    expect([reply.status, reply.json.result?.error?.code]).toEqual([200, -311])
    expect(reply.json.result?.error?.message).toMatch(message)
  })

  it('needs a login, and is for reading', async () => {
    expect((await h.request('/api/v2/tokens')).status).toBe(401)
    expect((await h.admin('/api/v2/tokens')).status).toBe(405)
  })
})
