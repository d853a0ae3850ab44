/** What users may do with tokens in self-service, and what they may not do with those of others (contract 10.3). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Fields, type Harness, startHarness } from '../support/harness.ts'
import {
  ALL_RIGHTS,
  clearUp,
  codeOf,
  listed,
  logIn,
  mailToken,
  newestAudit,
  otpAt,
  policy,
  rowOf,
  setUpUsers,
  spare,
} from '../support/self.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await setUpUsers(h)
})
afterAll(() => h.close())
afterEach(() => clearUp(h))

type Call = { readonly path: string; readonly right: string; readonly fields: Fields; readonly value: unknown }
/** Each call about a token of one's own, with what it answers when it is done. */
const CALLS: readonly Call[] = [
  { path: 'enable', right: 'enable', fields: {}, value: { 'enable token': 1 } },
  { path: 'disable', right: 'disable', fields: {}, value: { 'disable token': 1 } },
  { path: 'reset', right: 'reset', fields: {}, value: { 'reset Failcounter': 1 } },
  { path: 'unassign', right: 'unassign', fields: {}, value: { 'unassign token': true } },
  { path: 'delete', right: 'delete', fields: {}, value: { 'delete token': 1 } },
  { path: 'setpin', right: 'setOTPPIN', fields: { userpin: 'new' }, value: { 'set userpin': 1 } },
  { path: 'setdescription', right: 'setDescription', fields: { description: 'mine' }, value: { 'set description': 1 } },
  { path: 'resync', right: 'resync', fields: { otp1: otpAt(7), otp2: otpAt(8) }, value: { 'resync Token': true } },
]
describe('each call about a token', () => {
  it.each(CALLS)('$path needs its right, and is audited', async ({ path, right, fields, value }) => {
    await mailToken(h, 'alice', 'MINE')
    await h.client.execute("UPDATE tokens SET fail_count = 3 WHERE serial = 'MINE'")
    const alice = await logIn(h)
    const before = await rowOf(h, 'MINE')
    await policy(h, `!${right}, enrollEMAIL`)

    const refused = await alice.call(path, { serial: 'MINE', ...fields })
    expect(refused.json.result).toEqual({
      status: false,
      error: { code: 410, message: 'ERR410: The policy settings do not allow you to issue this request!' },
    })
    expect(await rowOf(h, 'MINE')).toEqual(before)
    const who = { action: `userservice/${path}`, user: 'alice', realm: 'corp', serial: 'MINE' }
    expect(await newestAudit(h)).toMatchObject({ ...who, success: 0, detail: 'self_right_missing' })

    await policy(h, right)
    const done = await alice.call(path, { serial: 'MINE', ...fields })
    expect(done.json).toMatchObject({ result: { status: true, value }, id: 1 })
    expect(await newestAudit(h)).toMatchObject({ ...who, success: 1, type: 'email', detail: '' })
    expect(await rowOf(h, 'MINE')).not.toEqual(before)
  })

  it.each(CALLS)('$path is POST only, and misses its parameters by name', async ({ path, fields }) => {
    await policy(h, ALL_RIGHTS)
    const alice = await logIn(h)

    expect((await alice.get(path, { serial: 'MINE' })).status).toBe(405)
    for (const [missing, message] of [
      [{ ...fields }, "ERR905: Missing parameter: 'serial'"],
      ...Object.keys(fields).map(
        (name) => [{ serial: 'MINE', ...fields, [name]: null }, `ERR905: Missing parameter: '${name}'`] as const,
      ),
    ] as const) {
      const given = Object.fromEntries(Object.entries(missing).filter(([, value]) => value !== null)) as Fields // no null is left
      expect((await alice.call(path, given)).json.result?.error).toEqual({ code: 905, message })
    }
  })

  /** Whose token it is that Alice of realm corp asks for. */
  const foreign: readonly (readonly [string, (serial: string) => Promise<unknown>])[] = [
    ['another user', (serial) => mailToken(h, 'bob', serial)],
    ['the user of the same name and id in another realm', (serial) => mailToken(h, 'alice', serial, { realm: 'lab' })],
    ['nobody', (serial) => spare(h, serial, { realm: 'corp' })],
  ]
  const attacks = CALLS.flatMap((call) => foreign.map(([whose, make]) => [call.path, whose, call, make] as const))
  it.each(attacks)('%s refuses a token of %s as if there was none', async (path, _, { fields }, make) => {
    await policy(h, ALL_RIGHTS)
    const alice = await logIn(h)
    await make('THEIRS')
    await h.client.execute("UPDATE tokens SET fail_count = 3 WHERE serial = 'THEIRS'")
    const before = await rowOf(h, 'THEIRS')

    const [refused, unknown] = [
      await alice.call(path, { serial: 'THEIRS', ...fields }),
      await alice.call(path, { serial: 'NONE', ...fields }),
    ]

    expect(refused.json.result?.error).toEqual({ code: 1102, message: "ERR1102: no token with serial 'THEIRS'" })
    expect(unknown.json.result?.error).toEqual({ code: 1102, message: "ERR1102: no token with serial 'NONE'" })
    expect(await rowOf(h, 'THEIRS')).toEqual(before)
  })

  it.each(['(nobody)', '*', 'MINE*', 'MINE,OTHER'])('means no token by the serial %s', async (serial) => {
    await policy(h, ALL_RIGHTS)
    await mailToken(h, 'alice', 'MINE')
    const alice = await logIn(h)

    expect(codeOf(await alice.call('delete', { serial }))).toBe(1102)
    expect(await rowOf(h, 'MINE')).toBeDefined()
  })

  it('is no longer open to whom the token was taken from', async () => {
    await policy(h, ALL_RIGHTS)
    await mailToken(h, 'alice', 'MINE')
    const alice = await logIn(h)
    await h.admin('/admin/assign', { serial: 'MINE', user: 'bob', realm: 'corp' })

    expect(codeOf(await alice.call('disable', { serial: 'MINE' }))).toBe(1102)
  })

  it('enabling counts as one token more in the realm', async () => {
    await policy(h, ALL_RIGHTS)
    await policy(h, 'tokencount=1', { name: 'count', scope: 'enrollment' })
    await mailToken(h, 'alice', 'MINE')
    const alice = await logIn(h)
    await alice.call('disable', { serial: 'MINE' })
    await mailToken(h, 'bob', 'BOBS')

    expect(codeOf(await alice.call('enable', { serial: 'MINE' }))).toBe(410)
    await h.admin('/admin/disable', { serial: 'BOBS' })
    expect(codeOf(await alice.call('enable', { serial: 'MINE' }))).toBe('done')
  })

  it('what is given back can be taken again, and its old challenge answered by nobody', async () => {
    await policy(h, ALL_RIGHTS)
    await mailToken(h, 'alice', 'MINE')
    const alice = await logIn(h)
    const { otp, transactionId } = await h.trigger('alice@corp', 'pin-')
    await alice.call('unassign', { serial: 'MINE' })

    const answer = { transactionid: transactionId, pass: otp }
    expect((await h.post('/validate/check_t', answer)).json.result?.value).toEqual({ value: false, failcount: 0 })
    expect(codeOf(await alice.call('assign', { serial: 'MINE' }))).toBe('done')
    expect((await h.check({ user: 'alice@corp', state: transactionId, pass: otp })).json.result?.value).toBe(false)
  })
})

describe('lists', () => {
  it('the tokens of the user, active ones where asked for', async () => {
    await mailToken(h, 'alice', 'ONE')
    await mailToken(h, 'alice', 'TWO')
    await mailToken(h, 'bob', 'BOBS')
    await h.admin('/admin/disable', { serial: 'TWO' })
    const alice = await logIn(h)
    const serials = async (fields: Fields = {}) =>
      listed(await alice.get('usertokenlist', fields)).map((token) => token['LinOtp.TokenSerialnumber'])

    expect([await serials(), await serials({ active: 'true' }), await serials({ active: 'false' })]).toEqual([
      ['ONE', 'TWO'],
      ['ONE'],
      ['ONE', 'TWO'],
    ])
    const { text } = await alice.get('usertokenlist')
    expect(text).not.toMatch(/User\.|secret|pin/i)
  })

  it('the history of the user alone, without who administered', async () => {
    await policy(h, 'history')
    await mailToken(h, 'alice', 'MINE', { email_address: 'alice@token.test' })
    await mailToken(h, 'alice', 'ELSEWHERE', { realm: 'lab' })
    const alice = await logIn(h)
    await logIn(h, 'bob')
    await h.check({ user: 'alice@corp', pass: 'wrong' })
    const cells = async (fields: Fields) => {
      const { json } = await alice.get('history', { sortorder: 'desc', ...fields })
      const { rows, total } = json as unknown as { rows: { cell: string[] }[]; total: number } // a grid
      return { total, cells: rows.map(({ cell }) => cell.slice(1)) }
    }

    const found = await cells({ rp: '3' })
    expect(found.cells).toEqual([
      ['validate/check', '0', 'MINE', 'email', '', 'wrong otp pin -1'],
      ['userservice/login', '1', '', '', '', ''],
      ['admin/init', '1', 'MINE', 'email', '', expect.anything()],
    ])
    expect(
      (await cells({ query: 'admin%', qtype: 'action' })).cells.every(([action]) => action?.startsWith('admin')),
    ).toBe(true)
    expect((await cells({ query: 'ELSEWHERE', qtype: 'serial' })).total).toBe(0)
    // What is not shown cannot be asked for: all of them are found.
    expect((await cells({ query: 'nobody', qtype: 'administrator' })).total).toBeGreaterThan(2)
    expect((await alice.get('history', { user: 'bob', or: 'true' })).text).not.toContain('bob')
  })

  it('what policy lets the user do', async () => {
    await policy(h, 'enrollEMAIL, setOTPPIN, edit_sms=0, otp_pin_minlength=4, footer_text=Hello')
    await policy(h, 'maxtoken=3, maxtokenSMS=1', { name: 'limits', scope: 'enrollment' })
    const alice = await logIn(h)

    const { json } = await alice.get('context')

    expect(json).toMatchObject({
      result: { status: true, value: true },
      id: 1,
      detail: {
        actions: ['enrollEMAIL', 'setOTPPIN'],
        user: { username: 'alice', realm: 'corp', resolver: 'staff.txt' },
      },
    })
    const { settings } = json.detail ?? {}
    expect(settings).toMatchObject({
      ...{ edit_sms: 0, otp_pin_minlength: 4, footer_text: 'Hello', imprint_url: null, default_realm: 'corp' },
      token_limits: { all_token: 3, token_types: [{ token_type: 'sms', max_token: 1 }] },
    })
    expect(settings).not.toHaveProperty('edit_email')
  })

  it.each([
    ['False', ['corp']],
    ['True', ['home', 'corp', 'lab']],
  ])('realms to choose from before login, where realmbox is %s', async (value, realms) => {
    await h.admin('/system/setConfig', { 'selfservice.realmbox': value })

    const { json } = await h.post('/userservice/pre_context')

    expect(Object.keys(json.detail?.realms ?? {})).toEqual(realms)
    expect(json.detail?.settings).toMatchObject({ realm_box: value === 'True', mfa_login: false })
  })
})

describe('resync', () => {
  it.each<[string, Fields, boolean]>([
    ['two in a row', { otp1: otpAt(20), otp2: otpAt(21) }, true],
    ['two that are not in a row', { otp1: otpAt(20), otp2: otpAt(22) }, false],
    ['the same twice', { otp1: otpAt(20), otp2: otpAt(20) }, false],
    ['two behind the window', { otp1: otpAt(1500), otp2: otpAt(1501) }, false],
  ])('takes %s', async (_, otps, value) => {
    await policy(h, 'resync')
    await mailToken(h, 'alice', 'MINE')
    const alice = await logIn(h)

    expect((await alice.call('resync', { serial: 'MINE', ...otps })).json.result?.value).toEqual({
      'resync Token': value,
    })
    expect(await rowOf(h, 'MINE')).toMatchObject({ counter: value ? 22 : 0 })
    expect(await newestAudit(h)).toMatchObject({ success: value ? 1 : 0, user: 'alice', serial: 'MINE' })
  })
})
