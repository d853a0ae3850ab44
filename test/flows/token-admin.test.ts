/** Calls of /admin that change tokens beyond enrolment (contract 7.1). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { hotp } from '../../src/core/hotp.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
})
afterAll(() => h.close())

const SECRET = '3132333435363738393031323334353637383930' // RFC 4226 appendix D
const otp = (counter: number, digits = 6): string =>
  hotp({ secret: Buffer.from(SECRET, 'hex'), counter, digits, hash: 'sha1' })

const free = async (serial: string, fields: Fields = {}): Promise<string> => {
  const given = { type: 'email', serial, email_address: 'free@mail.test', pin: 'pin-', ...fields }
  const reply = await h.admin('/admin/init', given)
  expect(reply.json.result?.value, reply.text).toBe(true)
  return serial
}
const tokenOf = async (serial: string) => {
  const [token] = await h.store.findTokens({ serials: [serial] })
  if (!token) throw new Error(`there is no token ${serial}`)
  return token
}
const lastAudit = async (): Promise<Readonly<Record<string, unknown>>> => {
  const { rows } = await h.client.execute(
    'SELECT action, success, serial, user, realm, administrator, action_detail, info FROM audit ORDER BY number DESC LIMIT 1',
  )
  return { ...rows[0] }
}
const message = ({ json }: Reply): string => json.result?.error?.message ?? ''

describe('assign', () => {
  it('gives free tokens to a user, who can log in with the new PIN; the number of tokens is the id', async () => {
    await free('AS1')
    await free('AS2', { realm: 'home' })

    const reply = await h.request(
      '/admin/assign',
      { method: 'POST', body: new URLSearchParams('serial[]=AS1&serial[]=AS2&user=eve&pin=new-') },
      'operator',
    )

    expect([reply.json.result?.value, reply.json.id]).toEqual([true, 2])
    const token = await tokenOf('AS1')
    expect([token.user?.login, token.realms, token.failCount]).toEqual(['eve', ['home'], 0])
    expect(await lastAudit()).toMatchObject({
      ...{ action: 'admin/assign', success: 1, serial: 'AS1 AS2', user: 'eve', realm: 'home' },
      administrator: 'operator',
    })
    expect((await h.check({ user: 'eve', pass: 'new-' })).json.detail?.message).toBe('Multiple challenges submitted.')
    await h.admin('/admin/remove', { user: 'eve' })
  })

  it('ends what was sent to the owner before, and keeps the PIN unless told', async () => {
    await enroll(h, 'ada', 'AS3')
    const { otp: sent, transactionId } = await h.trigger('ada', 'pin-')

    expect((await h.admin('/admin/assign', { serial: 'AS3', user: 'bob' })).json.result?.value).toBe(true)

    const answer = await h.post('/validate/check_t', { transactionid: transactionId, pass: sent })
    expect(answer.json.result?.value).toMatchObject({ value: false })
    expect((await h.check({ user: 'bob', pass: 'pin-' })).json.detail?.linotp_tokenserial).toBe('AS3')
    await h.admin('/admin/remove', { serial: 'AS3' })
  })

  it('is won by one of twenty at a time, and the others hear why', async () => {
    await free('AS4')

    const replies = await Promise.all(
      times(20, (n) => h.admin('/admin/assign', { serial: 'AS4', user: n % 2 === 0 ? 'ada' : 'bob' })),
    )

    const won = replies.filter(({ json }) => json.result?.value === true)
    const lost = replies.filter(({ json }) => json.result?.status === false)
    expect(won.length).toBeGreaterThan(0)
    expect(won.length + lost.length).toBe(20)
    for (const reply of lost) expect(message(reply)).toBe('serial must not be changed by a request at the same time')
    expect((await tokenOf('AS4')).revision).toBe(1 + won.length)
    await h.admin('/admin/remove', { serial: 'AS4' })
  })

  it('keeps within maxtoken, whether the tokens come one by one or together', async () => {
    const policy = { name: 'max', scope: 'enrollment', action: 'maxtoken=1', realm: 'home', user: '*' }
    await h.admin('/system/setPolicy', policy)
    await free('AS5')
    await free('AS6')

    const together = await h.request(
      '/admin/assign',
      { method: 'POST', body: new URLSearchParams('serial[]=AS5&serial[]=AS6&user=eve') },
      'operator',
    )
    const first = await h.admin('/admin/assign', { serial: 'AS5', user: 'eve' })
    const again = await h.admin('/admin/assign', { serial: 'AS5', user: 'eve' })
    const second = await h.admin('/admin/assign', { serial: 'AS6', user: 'eve' })
    const copied = await h.admin('/admin/copyTokenUser', { from: 'AS5', to: 'AS6' })
    const init = { type: 'email', email_address: 'eve@mail.test', user: 'eve' }
    const renewed = await h.admin('/admin/init', { ...init, serial: 'AS6' })
    const own = await h.admin('/admin/init', { ...init, serial: 'AS5' })

    expect([together, second, copied, renewed].map(({ json }) => json.result?.error?.code)).toEqual([
      411, 411, 411, 411,
    ])
    expect([first, again, own].map(({ json }) => json.result?.value)).toEqual([true, true, true])
    await h.admin('/system/delPolicy', { name: 'max' })
    for (const serial of ['AS5', 'AS6']) await h.admin('/admin/remove', { serial })
  })
})

describe('unassign', () => {
  it('leaves PIN and realms, and nobody can log in', async () => {
    await enroll(h, 'ada', 'UN1')
    const { sealedPin } = await tokenOf('UN1')

    const reply = await h.admin('/admin/unassign', { serial: 'UN1' })

    expect([reply.json.result?.value, reply.json.id]).toEqual([true, 1])
    const token = await tokenOf('UN1')
    expect([token.owner, token.realms, token.sealedPin]).toEqual([null, ['home'], sealedPin])
    expect(await lastAudit()).toMatchObject({ action: 'admin/unassign', success: 1, serial: 'UN1', user: 'ada' })
    expect((await h.check({ user: 'ada', pass: 'pin-' })).json.result?.value).toBe(false)
  })
})

describe('resync', () => {
  it('finds two OTPs in a row, moves the counter behind them, once, and forgives failures', async () => {
    await enroll(h, 'ada', 'RE1', { otpkey: SECRET })
    await h.client.execute("UPDATE tokens SET fail_count = 3 WHERE serial = 'RE1'")
    const resync = async (a: string, b: string) =>
      (await h.admin('/admin/resync', { serial: 'RE1', otp1: a, otp2: b })).json.result?.value

    expect(await resync(otp(700), otp(702))).toBe(false)
    expect(await lastAudit()).toMatchObject({ action: 'admin/resync', success: 0, action_detail: 'otp_wrong' })
    expect(await resync(otp(1000), otp(1001))).toBe(false)
    expect(await resync(otp(700), otp(701))).toBe(true)
    expect(await resync(otp(700), otp(701))).toBe(false)
    expect([(await tokenOf('RE1')).counter, await h.failCount('RE1')]).toEqual([702, 0])
  })

  it('keeps failures where DefaultResetFailCount says so', async () => {
    await h.admin('/system/setConfig', { DefaultResetFailCount: 'False' })
    await h.client.execute("UPDATE tokens SET fail_count = 3 WHERE serial = 'RE1'")

    await h.admin('/admin/resync', { serial: 'RE1', otp1: otp(710), otp2: otp(711) })

    expect([(await tokenOf('RE1')).counter, await h.failCount('RE1')]).toEqual([712, 3])
    await h.admin('/system/delConfig', { key: 'DefaultResetFailCount' })
    await h.admin('/admin/remove', { serial: 'RE1' })
  })
})

describe('getSerialByOtp', () => {
  it('finds the token of an OTP once, by type, realm and owner', async () => {
    await enroll(h, 'ada', 'OT1', { otpkey: SECRET })
    const find = async (fields: Fields) => (await h.admin('/admin/getSerialByOtp', fields)).json.result?.value

    const nothing = { success: true, serial: '', user_login: '', user_resolver: '' }
    for (const fields of [{ assigned: '0' }, { type: 'sms' }, { realm: 'elsewhere' }])
      expect(await find({ otp: otp(3), ...fields })).toEqual(nothing)
    const found = await find({ otp: otp(3), assigned: '1', type: 'EMAIL', realm: 'Home' })
    expect(found).toEqual({ success: true, serial: 'OT1', user_login: 'ada', user_resolver: 'people' })
    expect(await find({ otp: otp(3) })).toEqual(nothing)
    expect(await find({ otp: otp(20) })).toEqual(nothing)
  })

  it('refuses an OTP that several tokens have', async () => {
    await free('OT2', { otpkey: SECRET })

    const reply = await h.admin('/admin/getSerialByOtp', { otp: otp(5) })

    expect(reply.json.result?.error).toMatchObject({ code: 1200, message: expect.stringContaining('OT1, OT2') })
    for (const serial of ['OT1', 'OT2']) await h.admin('/admin/remove', { serial })
  })
})

describe('setValidity', () => {
  const set = (fields: string) =>
    h.request('/admin/setValidity', { method: 'POST', body: new URLSearchParams(fields) }, 'operator')

  it('limits tokens in time and number, and lifts the limits again', async () => {
    await enroll(h, 'ada', 'VA1')
    await enroll(h, 'bob', 'VA2')

    const limits = 'validityPeriodStart=1800000000&VALIDITYPERIODEND=1800086400&countAuthMax=5&countAuthSuccessMax=2'
    const reply = await set(`tokens[]=VA1&tokens[]=VA2&${limits}`)

    expect(reply.json.result?.value).toEqual(['VA1', 'VA2'])
    expect((await tokenOf('VA2')).info).toMatchObject({
      ...{ validity_period_start: '15/01/27 08:00', validity_period_end: '16/01/27 08:00' },
      ...{ count_auth_max: 5, count_auth_success_max: 2 },
    })
    await set('tokens[]=VA2&validityPeriodStart=unlimited&validityPeriodEnd=unlimited&countAuthMax=unlimited')
    const { email_address: _, hashlib: __, ...left } = (await tokenOf('VA2')).info
    expect(left).toEqual({ count_auth_success_max: 2 })
  })

  it('bounds logins by them', async () => {
    await set('tokens[]=VA1&validityPeriodEnd=1700000000')

    expect((await h.check({ user: 'ada', pass: 'pin-' })).json.detail).toBeUndefined()

    for (const serial of ['VA1', 'VA2']) await h.admin('/admin/remove', { serial })
  })
})

describe('tokenrealm', () => {
  it('puts a token into realms that there are, or into none', async () => {
    await enroll(h, 'ada', 'TR1')
    const into = async (realms: string) => [
      (await h.admin('/admin/tokenrealm', { serial: 'TR1', realms })).json.result?.value,
      (await tokenOf('TR1')).realms,
    ]

    expect(await into('')).toEqual([1, []])
    expect(await into('nowhere, HOME,home')).toEqual([1, ['home']])
    expect(await lastAudit()).toMatchObject({ action: 'admin/tokenrealm', serial: 'TR1', realm: 'home' })
    await h.admin('/admin/remove', { serial: 'TR1' })
  })
})

describe('copyTokenPin and copyTokenUser', () => {
  it('make two tokens alike, whose seals still fit their places', async () => {
    await enroll(h, 'ada', 'CP1', { pin: 'ada-' })
    await free('CP2', { pin: 'other-' })

    expect((await h.admin('/admin/copyTokenPin', { from: 'CP1', to: 'CP2' })).json.result?.value).toBe(true)
    expect((await h.admin('/admin/copyTokenUser', { from: 'CP1', to: 'CP2' })).json.result?.value).toBe(true)
    await h.admin('/admin/remove', { serial: 'CP1' })

    expect((await tokenOf('CP2')).user?.login).toBe('ada')
    const { otp: sent } = await h.trigger('ada', 'ada-')
    expect((await h.check({ user: 'ada', pass: `ada-${sent}` })).json.result?.value).toBe(true)
    await h.admin('/admin/remove', { serial: 'CP2' })
  })
})

describe('checkstatus', () => {
  it('shows the open challenges of a token, a user or a transaction, and closed ones when told', async () => {
    await enroll(h, 'ada', 'CS1')
    const { otp: sent, transactionId } = await h.trigger('ada', 'pin-')
    const status = async (fields: Fields) => {
      const { value } = (await h.admin('/admin/checkstatus', fields)).json.result ?? {}
      return (value as { values: Record<string, { challenges: object; tokeninfo: object }> }).values // tested below
    }

    const { CS1 } = await status({ serial: 'CS1' })
    expect(CS1?.challenges).toEqual({
      [transactionId]: {
        ...{ id: expect.any(Number), transid: transactionId, challenge: 'e-mail sent successfully' },
        ...{ tokenserial: 'CS1', data: { counter_value: '1' }, received_count: 0, received_tan: false },
        ...{ timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/), valid_tan: false },
        session: { status: 'open' },
      },
    })
    expect(CS1?.tokeninfo).toMatchObject({ 'LinOtp.TokenSerialnumber': 'CS1', 'User.username': 'ada' })
    for (const fields of [{ user: 'ada' }, { transactionid: transactionId }, { state: transactionId, user: 'ada' }])
      expect(Object.keys(await status(fields))).toEqual(['CS1'])
    expect(await status({ transactionid: transactionId, user: 'bob' })).toEqual({})

    await h.check({ user: 'ada', pass: `pin-${sent}` })
    expect(await status({ serial: 'CS1', open: 'true' })).toEqual({})
    expect((await status({ serial: 'CS1', open: 'false' })).CS1?.challenges).toMatchObject({
      [transactionId]: { valid_tan: true, session: { status: 'closed' } },
    })
    await h.admin('/admin/remove', { serial: 'CS1' })
  })
})

describe('what cannot be done is refused, named, audited, and changes nothing', () => {
  beforeAll(async () => {
    await enroll(h, 'ada', 'NO1')
    await free('NO2')
  })

  it.each<[string, Fields, number, RegExp]>([
    ['assign', { user: 'ada' }, 905, /'serial'/],
    ['assign', { serial: 'NO2' }, 905, /'user'/],
    ['assign', { serial: 'NO2', user: 'nosuch' }, 1112, /nosuch/],
    ['assign', { serial: 'NOSUCH', user: 'ada' }, 1102, /NOSUCH/],
    ['assign', { serial: '(nobody)', user: 'ada' }, 1102, /nobody/],
    ['assign', { serial: 'NO2', user: 'ada', pin: 'x'.repeat(257) }, -311, /^pin must have at most 256 characters$/],
    ['unassign', { serial: 'NOSUCH' }, 1102, /NOSUCH/],
    ['setPin', { serial: 'NO1' }, 905, /'userpin'/],
    ['setPin', { serial: 'NO1', userpin: '1' }, -311, /^userpin is a PIN of mOTP tokens, NO1 is of type email/],
    ['setPin', { serial: 'NOSUCH', userpin: '1' }, 1102, /NOSUCH/],
    ['resync', { serial: 'NO1', otp1: '1' }, 905, /'otp2'/],
    ['resync', { serial: 'NOSUCH', otp1: '1', otp2: '2' }, 1102, /NOSUCH/],
    ['setValidity', { countAuthMax: '1' }, 905, /'tokens'/],
    ['setValidity', { tokens: 'NO1' }, 77, /validityPeriodEnd/],
    ['setValidity', { tokens: 'NO1', countAuthMax: '-1' }, -311, /^countAuthMax must be unlimited, or a whole number/],
    [
      'setValidity',
      { tokens: 'NO1', validityPeriodEnd: '9999999999' },
      -311,
      /^validityPeriodEnd must be unlimited, or/,
    ],
    ['setValidity', { tokens: 'NO1', validityPeriodEnd: '31/12/30 10:00' }, -311, /^validityPeriodEnd must be/],
    ['setValidity', { 'tokens[]': 'NOSUCH', countAuthMax: '1' }, 1102, /NOSUCH/],
    ['tokenrealm', { serial: 'NO1' }, 905, /'realms'/],
    ['tokenrealm', { serial: 'NOSUCH', realms: 'home' }, 1102, /NOSUCH/],
    ['copyTokenPin', { from: 'NO1' }, 905, /'to'/],
    ['copyTokenPin', { from: 'NOSUCH', to: 'NO1' }, -311, /^from must be the serial of a token$/],
    ['copyTokenPin', { from: 'NO1', to: 'NOSUCH' }, -311, /^to must be the serial of a token$/],
    ['copyTokenUser', { from: 'NO1', to: 'NO1' }, -311, /^to must be another token than from$/],
    ['copyTokenUser', { from: 'NO2', to: 'NO1' }, -311, /^from must be a token that somebody owns$/],
    ['checkstatus', {}, 77, /transactionid/],
    ['getSerialByOtp', {}, 905, /'otp'/],
    ['set', { serial: 'NO1', timeStep: '30' }, -311, /^timeStep is a setting of totp tokens/],
  ])('%s %j', async (call, fields, code, text) => {
    const before = await h.store.findTokens({})

    const reply = await h.admin(`/admin/${call}`, fields)

    expect([reply.status, reply.json.result?.error?.code]).toEqual([200, code])
    expect(message(reply)).toMatch(text)
    expect(await lastAudit()).toMatchObject({ action: `admin/${call}`, success: 0 })
    expect(await h.store.findTokens({})).toEqual(before)
  })

  it.each(['assign', 'unassign', 'setPin', 'resync', 'setValidity', 'tokenrealm', 'copyTokenPin', 'copyTokenUser'])(
    '%s by GET',
    async (call) => {
      expect((await h.request(`/admin/${call}?serial=NO1`, {}, 'operator')).status).toBe(405)
    },
  )
})
