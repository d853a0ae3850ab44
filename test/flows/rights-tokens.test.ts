/** Administrators who are bound to realms, and each call about tokens beyond those of rights-realms. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { hotp } from '../../src/core/hotp.ts'
import { type Call, codeOf, HOMELY, moreRealms } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
let homely: Call

const SECRET = '3132333435363738393031323334353637383930' // RFC 4226 appendix D
const otp = (counter: number): string => hotp({ secret: Buffer.from(SECRET, 'hex'), counter, digits: 6, hash: 'sha1' })

beforeAll(async () => {
  h = await startHarness()
  homely = await moreRealms(h)
})
afterAll(() => h.close())
beforeEach(async () => {
  await permit({})
  for (const { serial } of await h.store.findTokens({})) await h.admin('/admin/remove', { serial })
  await enroll(h, 'ada', 'HOME', { otpkey: SECRET })
  await enroll(h, 'ada', 'SPARE')
  await enroll(h, 'alice', 'CORP', { realm: 'corp', otpkey: SECRET })
  await h.admin('/admin/init', { type: 'email', serial: 'NONE', email_address: 'x@mail.test', otpkey: SECRET })
})

const permit = (fields: Fields) => h.admin('/system/setPolicy', { ...HOMELY, ...fields })
const post = (path: string, fields?: Fields) => homely('POST', path, fields)
const tokenOf = async (serial: string) => (await h.store.findTokens({ serials: [serial] }))[0]
const putInto = (serial: string, realms: readonly string[]) =>
  h.client.execute({ sql: 'UPDATE tokens SET realms = ? WHERE serial = ?', args: [JSON.stringify(realms), serial] })

type TokenCall = readonly [right: string, path: string, fields: (serial: string) => Fields]
const CHANGES: readonly TokenCall[] = [
  ['assign', '/admin/assign', (serial) => ({ serial, user: 'bob' })],
  ['unassign', '/admin/unassign', (serial) => ({ serial })],
  ['set', '/admin/setValidity', (serial) => ({ tokens: serial, countAuthMax: '3' })],
  ['resync', '/admin/resync', (serial) => ({ serial, otp1: otp(0), otp2: otp(1) })],
  ['manageToken', '/admin/tokenrealm', (serial) => ({ serial, realms: 'home' })],
  ['copytokenpin', '/admin/copyTokenPin', (serial) => ({ from: serial, to: 'SPARE' })],
  ['copytokenpin', '/admin/copyTokenPin', (serial) => ({ from: 'SPARE', to: serial })],
  ['copytokenuser', '/admin/copyTokenUser', (serial) => ({ from: serial, to: 'SPARE' })],
  ['copytokenuser', '/admin/copyTokenUser', (serial) => ({ from: 'SPARE', to: serial })],
  ['losttoken', '/admin/losttoken', (serial) => ({ serial, type: 'email' })],
  ['initEMAIL', '/admin/init', (serial) => ({ serial, type: 'email', email_address: 'new@mail.test' })],
  ['disable', '/admin/disable', (serial) => ({ serial })],
  ['reset', '/admin/reset', (serial) => ({ serial })],
  ['remove', '/admin/remove', (serial) => ({ serial })],
]
const CALLS: readonly TokenCall[] = [
  ...CHANGES,
  ['setOTPPIN', '/admin/setPin', (serial) => ({ serial, userpin: '1' })],
  ['tokenowner', '/admin/getTokenOwner', (serial) => ({ serial })],
  ['checkstatus', '/admin/checkstatus', (serial) => ({ serial })],
]

describe('an administrator of one realm', () => {
  it.each(CALLS)('needs %s for %s, and reaches tokens of that realm alone', async (right, path, fields) => {
    const before = [await tokenOf('CORP'), await tokenOf('NONE'), await tokenOf('SPARE')]
    const codes: Record<string, number | undefined> = {}
    await permit({ action: `*, !${right}` })
    codes.without = codeOf(await post(path, fields('HOME')))
    await permit({ action: right })
    for (const serial of ['CORP', 'NONE']) codes[serial] = codeOf(await post(path, fields(serial)))
    const after = [await tokenOf('CORP'), await tokenOf('NONE'), await tokenOf('SPARE')]
    codes.HOME = codeOf(await post(path, fields('HOME')))

    // That call gets as far as to the type, which has no such PIN.
    const done = path === '/admin/setPin' ? -311 : undefined
    expect(codes).toEqual({ without: 410, CORP: 410, NONE: 410, HOME: done })
    expect(after).toEqual(before)
  })

  it.each(CHANGES)('who has %s loses a token that leaves the realm while %s changes it', async (_, path, fields) => {
    const moving = anotherNode(h, {
      batch: async (statements, mode) => {
        // Between what was read and what is written.
        const writes = /(UPDATE|INTO|DELETE FROM) tokens/
        if (mode === 'write' && statements.some(({ sql }) => writes.test(sql))) await putInto('HOME', ['corp'])
        return h.batch(statements, mode)
      },
    })
    const before = await tokenOf('HOME')

    expect(codeOf(await homely('POST', path, fields('HOME'), moving))).toBe(410)
    expect(await tokenOf('HOME')).toEqual({ ...before, realms: ['corp'] })
  })

  it('gives tokens to users of that realm alone, and asks about no others', async () => {
    const users: readonly Fields[] = [
      { user: 'alice', realm: 'corp' },
      { user: 'alice@corp' },
      { user: 'nobody', realm: 'nowhere' },
    ]
    for (const user of users) {
      expect(codeOf(await post('/admin/assign', { serial: 'HOME', ...user }))).toBe(410)
      expect(codeOf(await post('/admin/resync', { otp1: otp(0), otp2: otp(1), ...user }))).toBe(410)
      expect(codeOf(await post('/admin/checkstatus', user))).toBe(410)
    }
    expect(codeOf(await post('/admin/checkstatus', { user: 'ada' }))).toBeUndefined()
  })

  it('looks at the challenges of a transaction if its tokens lie in that realm', async () => {
    const transactionOf = async (fields: Fields) =>
      String((await h.check({ pass: 'pin-', ...fields })).json.detail?.transactionid)
    await h.admin('/admin/remove', { serial: 'SPARE' })
    const [own, foreign] = [await transactionOf({ user: 'ada' }), await transactionOf({ user: 'alice', realm: 'corp' })]

    expect((await post('/admin/checkstatus', { transactionid: own })).text).toContain('"HOME"')
    expect(codeOf(await post('/admin/checkstatus', { transactionid: foreign }))).toBe(410)
    expect((await h.admin('/admin/checkstatus', { transactionid: foreign })).text).toContain('"CORP"')
  })

  it('finds the token of that realm by an OTP that others have, too, and leaves theirs alone', async () => {
    const find = async (fields: Fields = {}) =>
      (await post('/admin/getSerialByOtp', { otp: otp(2), ...fields })).json.result?.value

    expect(await find({ realm: 'corp' })).toMatchObject({ serial: '' })
    expect(await find()).toMatchObject({ serial: 'HOME', user_login: 'ada' })
    const counters = [await tokenOf('HOME'), await tokenOf('CORP'), await tokenOf('NONE')].map((one) => one?.counter)
    expect(counters).toEqual([3, 0, 0])
    await permit({ action: '*, !getserial' })
    expect(codeOf(await post('/admin/getSerialByOtp', { otp: otp(4) }))).toBe(410)
  })

  it.each([
    ['home', 'home', 'home', undefined],
    ['home', 'home', 'corp', 410],
    ['home', 'home', 'home,corp', 410],
    ['home', 'home', '', 410],
    ['home', 'home', 'nowhere', 410],
    ['home', 'home,corp', 'home', 410],
    ['home', 'corp', 'home', 410],
    ['home, corp', 'home', 'Corp', undefined],
    ['home, corp', 'home,corp', 'home', undefined],
    ['home, corp', 'home', '', 410],
    ['*', 'home', '', undefined],
    ['*', '', 'corp', undefined],
  ])('who manages tokens in %s moves one from "%s" to "%s" or not', async (realm, old, realms, code) => {
    await permit({ action: 'manageToken', realm })
    await putInto('HOME', old.split(',').filter(Boolean))

    expect(codeOf(await post('/admin/tokenrealm', { serial: 'HOME', realms }))).toBe(code)
    expect((await tokenOf('HOME'))?.realms.join()).toBe(code ? old : realms.toLowerCase())
  })
})

describe('lists for an administrator of one realm', () => {
  const ALL = ['HOME', 'SPARE']
  const get = async (path: string, fields: Fields = {}) => (await homely('GET', path, fields)).json.result?.value

  it('have the tokens of that realm on their pages, and count no others', async () => {
    const shown = await get('/admin/show', { page: '2', pagesize: '1', sortby: 'TokenSerialnumber' })
    expect(shown).toMatchObject({
      data: [{ 'LinOtp.TokenSerialnumber': 'SPARE' }],
      resultset: { pages: 2, pagesize: 1, tokens: 2, page: 2 },
    })
    const page = (serials: readonly string[], totalPages: number) => ({
      ...{ totalPages, totalRecords: 2 },
      pageRecords: serials.map((serial) => expect.objectContaining({ serial })),
    })
    expect(await get('/api/v2/tokens')).toMatchObject(page(ALL, 1))
    expect(await get('/api/v2/tokens/', { pageSize: '1', page: '1' })).toMatchObject(page(['SPARE'], 2))
    expect(await get('/api/v2/tokens', { realm: 'corp' })).toMatchObject({ totalRecords: 0, pageRecords: [] })
    expect(await get('/api/v2/tokens', { searchTerm: 'CORP' })).toMatchObject({ totalRecords: 0, pageRecords: [] })
  })

  it('have what that realm has, whichever filter is asked for', async () => {
    for (const fields of [{ user: '*' }, { serial: '*' }, { filter: '/:active:/' }, { realm: '*' }] as const) {
      const { data } = (await get('/admin/show', fields)) as { data: Fields[] } // as encodeShown writes it
      expect(data.map((one) => one['LinOtp.TokenSerialnumber']).toSorted()).toEqual(ALL)
    }
    expect(await get('/admin/show', { user: '/:no user:/' })).toMatchObject({ data: [] })
  })

  it('show one token of that realm, and say of a foreign one what they say of none', async () => {
    expect(await get('/api/v2/tokens/HOME')).toMatchObject({ serial: 'HOME' })
    expect(await get('/api/v2/tokens/CORP')).toEqual({})
    expect(await get('/api/v2/tokens/NONE')).toEqual({})
  })

  it('need a right, whichever, and then a serial is told that is free everywhere', async () => {
    await permit({ action: 'reset' })
    expect(await get('/admin/check_serial', { serial: 'CORP' })).toEqual({ unique: false, new_serial: 'CORP_01' })
    expect(await get('/api/v2/tokens')).toMatchObject({ totalRecords: 2 })
    await permit({ user: 'somebody' })
    expect(codeOf(await homely('GET', '/admin/check_serial', { serial: 'CORP' }))).toBe(410)
    const refused = await homely('GET', '/api/v2/tokens/HOME')
    expect([refused.status, codeOf(refused)]).toEqual([403, 410])
  })
})

describe('an import by an administrator of one realm', () => {
  const CSV = [
    'user,realm,email,serial',
    'eve,,eve@mail.test,IM1',
    'alice,corp,alice@mail.test,IM2',
    ',corp,free@mail.test,IM3',
    ',,free@mail.test,IM4',
    ',home,free@mail.test,IM5',
    'nobody,nowhere,free@mail.test,IM6',
  ].join('\n')

  it('makes the tokens of that realm, puts those of nobody into it, and refuses other rows', async () => {
    await permit({ action: 'import' })

    const { text } = await post('/otpost/tokens/import', { csv: CSV })

    const lines = text.trim().split('\n')
    const told = lines.map((line) => JSON.parse(line)).map(({ line, serial, field }) => [line, serial ?? field])
    expect(told.slice(0, -1)).toEqual([
      ...[
        [2, 'IM1'],
        [3, 'user'],
        [4, 'realm'],
        [5, 'IM4'],
        [6, 'IM5'],
        [7, 'user'],
      ],
    ])
    expect(lines[1]).toContain('must lie in a realm for which you have the right to import')
    const made = await h.store.findTokens({ serialPatterns: ['IM*'] })
    expect(made.map(({ serial, realms }) => [serial, realms.join()])).toEqual([
      ...[
        ['IM1', 'home'],
        ['IM4', 'home'],
        ['IM5', 'home'],
      ],
    ])
  })

  it('needs the right to import', async () => {
    await permit({ action: '*, !import' })

    expect(codeOf(await post('/otpost/tokens/import', { csv: CSV }))).toBe(410)
    expect(await h.store.findTokens({ serialPatterns: ['IM*'] })).toEqual([])
  })
})
