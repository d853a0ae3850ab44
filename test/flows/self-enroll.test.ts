/** How users come to a token: they enrol one, or take one that nobody owns (contract 10.3). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Fields, type Harness, startHarness, times } from '../support/harness.ts'
import {
  type Browser,
  clearUp,
  codeOf,
  logIn,
  mailToken,
  newestAudit,
  otpAt,
  policy,
  rowOf,
  SECRET,
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

const ADDRESS = { type: 'email', email_address: 'alice@home.test' }

describe('enrolment', () => {
  const enrol = (browser: Browser, fields: Fields = {}) => browser.call('enroll', { ...ADDRESS, ...fields })
  const message = async (reply: ReturnType<typeof enrol>) => (await reply).json.result?.error?.message

  it('makes a token whose secret nobody is told, nor may choose', async () => {
    await policy(h, 'enrollEMAIL')
    const alice = await logIn(h)

    const reply = await enrol(alice, { description: 'at home', genkey: '1' })
    const chosen = await enrol(alice, { otpkey: SECRET, serial: 'CHOSEN' })

    expect(reply.json.detail).toEqual({ serial: expect.stringMatching(/^LSEM/) })
    expect(chosen.json.result?.error).toEqual({
      code: -311,
      message: 'otpkey must not be given: the secret is made here',
    })
    expect(await rowOf(h, 'CHOSEN')).toBeUndefined()
    expect(await rowOf(h, String(reply.json.detail?.serial))).toMatchObject({
      user_id: '1001',
      resolver: 'staff',
      description: 'at home',
    })
  })

  it.each([
    ['of another user', 'bob'],
    ['of the user', 'alice'],
  ])('never takes the serial of a token %s', async (_, owner) => {
    await policy(h, 'enrollEMAIL, enrollSMS')
    await mailToken(h, owner, 'TAKEN')
    const before = await rowOf(h, 'TAKEN')
    const alice = await logIn(h)

    expect(await message(enrol(alice, { serial: 'TAKEN' }))).toBe('serial must not be taken')
    expect(await message(enrol(alice, { serial: 'TAKEN', type: 'sms', phone: '1' }))).toBe('serial must not be taken')
    expect(await rowOf(h, 'TAKEN')).toEqual(before)
  })

  it.each<[string, Fields]>([
    ['another user', { user: 'bob', realm: 'corp' }],
    ['another realm', { user: 'alice', realm: 'lab' }],
  ])('is for oneself, whatever it says of %s', async (_, fields) => {
    await policy(h, 'enrollEMAIL', { realm: 'corp' })
    const alice = await logIn(h)

    const { json } = await enrol(alice, { ...fields, resConf: 'guests', serial: 'OWN' })

    expect(json.result?.status).toBe(true)
    expect(await rowOf(h, 'OWN')).toMatchObject({ user_id: '1001', resolver: 'staff', realms: '["corp"]' })
  })

  it('leaves it to administrators where a token may be used', async () => {
    await policy(h, 'enrollEMAIL')
    const alice = await logIn(h)

    await enrol(alice, { serial: 'OWN', rollout: '1', scope: '{"path":["validate"]}' })

    expect(JSON.parse(String((await rowOf(h, 'OWN'))?.info))).toEqual({
      ...{ email_address: 'alice@home.test', hashlib: 'sha1' },
    })
  })

  it('is for users of the realms that policy names', async () => {
    await policy(h, 'enrollEMAIL', { realm: 'lab' })

    expect(codeOf(await enrol(await logIn(h)))).toBe(410)
    expect(codeOf(await enrol(await logIn(h, 'alice', { realm: 'lab' })))).toBe('done')
  })

  it('misses a type in the words of LinOTP', async () => {
    const alice = await logIn(h)

    expect((await alice.call('enroll')).json.result?.error).toEqual({
      code: 905,
      message: "ERR905: Missing parameter: ''type''",
    })
  })

  it.each([1, 3])('makes %i of fifty tokens where so many are allowed', async (most) => {
    await policy(h, 'enrollEMAIL')
    await policy(h, `maxtoken=${most}`, { name: 'limit', scope: 'enrollment' })
    const alice = await logIn(h)

    const codes = (await Promise.all(times(50, () => enrol(alice)))).map(codeOf)

    expect(codes.filter((code) => code === 'done')).toHaveLength(most)
    expect(codes.filter((code) => code === 411)).toHaveLength(50 - most)
    const { rows } = await h.client.execute("SELECT 1 FROM tokens WHERE user_id = '1001'")
    expect(rows).toHaveLength(most)
  })

  it.each<[string, string, Fields, string | undefined]>([
    ['alice', 'edit_email=0', { email_address: ' alice@corp.test ' }, undefined],
    ['alice', 'edit_email=0', { email_address: 'ALICE@corp.test' }, 'User is not allowed to set email address'],
    ['alice', 'edit_email=0', { email_address: '' }, 'User is not allowed to set email address'],
    ['frank', 'edit_email=0', { email_address: '' }, 'User is not allowed to set email address'],
    ['alice', 'edit_sms=0', { email_address: 'else@home.test' }, undefined],
    ['alice', 'edit_sms=0', { type: 'sms', phone: '+49 170 1111111' }, undefined],
    ['alice', 'edit_sms=0', { type: 'sms', phone: '+49 30 111' }, 'User is not allowed to set phone number'],
    // Who has no mobile may take the other number.
    ['bob', 'edit_sms=0', { type: 'sms', phone: '+49 30 222' }, undefined],
    ['frank', 'edit_sms=0', { type: 'sms', phone: '' }, 'User is not allowed to set phone number'],
    ['alice', 'edit_email=1', { email_address: 'else@home.test' }, undefined],
  ])('lets %s with %s take %o', async (user, rule, fields, expected) => {
    await policy(h, `enrollEMAIL, enrollSMS, ${rule}`)

    expect(await message(enrol(await logIn(h, user), fields))).toBe(expected)
  })

  it('keeps the rules for PINs, and setpin keeps them too', async () => {
    await policy(h, 'enrollEMAIL, setOTPPIN, otp_pin_minlength=4, otp_pin_maxlength=6, otp_pin_contents=-cn')
    const alice = await logIn(h)
    const pins: readonly (readonly [string, string | undefined])[] = [
      ['a1b', 'Error: The PIN must have at least 4 characters.'],
      ['a1b2c3d', 'Error: The PIN must have at most 6 characters.'],
      ['abcd', 'Error: The PIN must hold a letter and a digit.'],
      ['ab1!', 'Error: The PIN must hold nothing but a letter or a digit, as often as you like.'],
      ['ab12', undefined],
    ]

    for (const [pin, expected] of pins) expect([pin, await message(enrol(alice, { pin }))]).toEqual([pin, expected])
    await mailToken(h, 'alice', 'MINE')
    for (const [userpin, expected] of pins)
      expect([userpin, await message(alice.call('setpin', { serial: 'MINE', userpin }))]).toEqual([userpin, expected])
    expect((await h.trigger('alice@corp', 'ab12')).otp).toMatch(/^\d{6}$/)
    const { rows } = await h.client.execute(
      "SELECT 1 FROM audit WHERE info LIKE '%ab12%' OR action_detail LIKE '%ab12%'",
    )
    expect([rows, h.log.filter((line) => line.includes('ab12'))]).toEqual([[], []])
  })
})

describe('taking a token that nobody owns', () => {
  it('gives it to the user and the realms of the user', async () => {
    await policy(h, 'assign, setOTPPIN')
    await spare(h, 'SPARE')
    const alice = await logIn(h)

    const { json } = await alice.call('assign', { serial: 'SPARE', pin: 'new', description: 'from the pool' })

    expect(json).toMatchObject({ result: { status: true, value: { 'assign token': true } }, id: 1 })
    expect(await rowOf(h, 'SPARE')).toMatchObject({
      user_id: '1001',
      resolver: 'staff',
      realms: '["corp"]',
      description: 'from the pool',
    })
    expect(await newestAudit(h)).toMatchObject({
      action: 'userservice/assign',
      success: 1,
      user: 'alice',
      serial: 'SPARE',
      type: 'email',
    })
    expect((await h.trigger('alice@corp', 'new')).otp).toMatch(/^\d{6}$/)
  })

  it.each<[string, () => Promise<unknown>, Fields, string]>([
    ['somebody owns', () => mailToken(h, 'bob', 'SPARE'), {}, 'The token is already assigned to another user.'],
    [
      'lies in another realm',
      () => spare(h, 'SPARE', { realm: 'lab' }),
      {},
      'The token you want to assign is not contained in your realm!',
    ],
    ['there is not', async () => null, {}, "ERR1102: no token with serial 'SPARE'"],
    [
      'would get a description that is too long',
      () => spare(h, 'SPARE'),
      { description: 'x'.repeat(81) },
      'description must have at most 80 characters',
    ],
    [
      'would get a PIN without the right to it',
      () => spare(h, 'SPARE'),
      { pin: '1' },
      'ERR410: Enrolling Token by user alice failed because they send pin when it was not allowed by policy setOTPPIN',
    ],
  ])('refuses one that %s', async (_, make, fields, message) => {
    await policy(h, 'assign')
    await make()
    const before = await rowOf(h, 'SPARE')
    const alice = await logIn(h)

    const { json } = await alice.call('assign', { serial: 'SPARE', ...fields })

    expect(json.result?.error?.message).toBe(message)
    expect(await rowOf(h, 'SPARE')).toEqual(before)
  })

  it('needs the right to it, keeps the limits, and one of fifty gets it', async () => {
    await spare(h, 'SPARE')
    const alice = await logIn(h)
    expect(codeOf(await alice.call('assign', { serial: 'SPARE' }))).toBe(410)
    await policy(h, 'assign')
    await policy(h, 'maxtokenEMAIL=0', { name: 'limit', scope: 'enrollment', user: 'alice' })
    expect(codeOf(await alice.call('assign', { serial: 'SPARE' }))).toBe(412)
    const [bob, frank] = [await logIn(h, 'bob'), await logIn(h, 'frank')]

    const replies = await Promise.all(times(50, (n) => (n % 2 ? bob : frank).call('assign', { serial: 'SPARE' })))

    expect(replies.map(codeOf).filter((code) => code === 'done')).toHaveLength(1)
  })

  it('finds it by an OTP, once', async () => {
    await spare(h, 'SPARE', { realm: 'corp' })
    // With the same secret: would they be looked at, the OTP would be of several.
    await spare(h, 'OTHERS', { realm: 'lab' })
    await mailToken(h, 'bob', 'BOBS')
    const alice = await logIn(h)
    const find = (otp: string) => alice.get('getSerialByOtp', { otp })
    expect(codeOf(await find(otpAt(2)))).toBe(410)
    await policy(h, 'getserial')

    expect((await find(otpAt(2))).json).toMatchObject({ result: { value: { serial: 'SPARE' } }, id: 1 })
    expect(await newestAudit(h)).toMatchObject({
      action: 'userservice/getSerialByOtp',
      success: 1,
      user: 'alice',
      serial: 'SPARE',
    })
    expect((await find(otpAt(2))).json.result?.value).toEqual({ serial: '' })
    expect(codeOf(await find(''))).toBe('done')
    expect(codeOf(await alice.get('getSerialByOtp'))).toBe(905)
  })
})
