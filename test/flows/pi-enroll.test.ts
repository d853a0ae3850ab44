/** /token/init on privacyIDEA's wire: names of fields both ways, and addresses that are the user's. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { type Fields, PASSWD } from '../support/harness.ts'
import { startPi } from '../support/privacyidea.ts'

const world = await startPi()
const { h, gateway, pi, token, list } = world
afterAll(world.close)
beforeEach(async () => {
  for (const user of ['ada', 'bob', 'eve']) await h.admin('/admin/remove', { user })
  await h.admin('/admin/remove', { serial: 'N1' })
})

const init = (fields: Fields) => pi.post('/token/init', fields, { token })

describe('init', () => {
  it.each<readonly [string, Fields, RegExp, Fields]>([
    ['email', { email: 'ada@mail.test' }, /^PIEM\d{4}[0-9A-F]{4}$/, { email: 'ada@mail.test', hashlib: 'sha1' }],
    ['sms', { phone: '+49 170 99' }, /^PISM\d{4}[0-9A-F]{4}$/, { phone: '+49 170 99', hashlib: 'sha1' }],
    ['EMail', { email: 'ada@mail.test', hashlib: 'sha256' }, /^PIEM/, { email: 'ada@mail.test', hashlib: 'sha256' }],
    [
      'email',
      {
        ...{ email: 'a@mail.test', validity_period_start: '2026-12-31T23:30-0100' },
        validity_period_end: '2030-06-01T00:00+02:00',
      },
      /^PIEM/,
      {
        ...{ email: 'a@mail.test', hashlib: 'sha1', validity_period_start: '2027-01-01T00:30+0000' },
        validity_period_end: '2030-05-31T22:00+0000',
      },
    ],
  ])('%s %o', async (type, fields, serial, info) => {
    const { value, detail } = await init({ type, user: 'ada', realm: 'home', genkey: '1', pin: 'pin-', ...fields })
    const { tokens } = await list('?user=ada')

    expect([value, detail.serial, detail.rollout_state]).toEqual([true, expect.stringMatching(serial), 'enrolled'])
    expect(tokens).toEqual([expect.objectContaining({ serial: detail.serial, tokentype: type.toLowerCase(), info })])
  })

  it('takes a serial, a length of the OTP and a description, and the token logs in on both wires', async () => {
    await init({
      type: 'email',
      user: 'ada',
      email: 'ada@mail.test',
      serial: 'MINE',
      otplen: '8',
      description: 'at work',
      pin: 'p',
    })
    const { otp, transaction } = await pi.trigger('ada', 'p')
    const here = await pi.check({ user: 'ada', pass: otp, transaction_id: transaction })
    await pi.check({ user: 'ada', pass: 'p' })
    const there = await h.check({ user: 'ada', pass: `p${h.catcher.mails().at(-1)?.text.trim()}` })
    const { tokens } = await list('?serial=MINE')

    expect([otp.length, here.value, here.detail.otplen, there.json.result?.value]).toEqual([8, true, 8, true])
    expect(tokens).toEqual([
      {
        ...{ id: expect.any(Number), serial: 'MINE', tokentype: 'email', description: 'at work', otplen: 8 },
        ...{ active: true, revoked: false, locked: false, rollout_state: 'enrolled', failcount: 0, maxfail: 10 },
        ...{ count: expect.any(Number), count_window: 10, sync_window: 1000, tokengroup: [], realms: ['home'] },
        ...{ username: 'ada', user_id: '1001', user_realm: 'home', resolver: 'people', user_editable: false },
        info: { email: 'ada@mail.test', hashlib: 'sha1' },
      },
    ])
  })

  it.each<readonly [string, Fields, number, number, string]>([
    ['no address', { type: 'email', user: 'ada' }, 400, 905, "'email'"],
    ['an address that is none', { type: 'email', user: 'ada', email: 'x' }, 400, 905, 'email must be'],
    ['no number', { type: 'sms', user: 'ada' }, 400, 905, "'phone'"],
    ['the address of nobody', { type: 'email', dynamic_email: '1' }, 400, 905, "'user'"],
    ['another type', { type: 'hotp', user: 'ada', genkey: '1' }, 400, 301, 'hotp'],
    ['no type', { user: 'ada' }, 400, 301, 'hotp'],
    ['an unknown user', { type: 'email', user: 'nobody', email: 'a@b.test' }, 400, 904, 'nobody'],
    [
      'a broken date',
      { ...{ type: 'email', user: 'ada', email: 'a@b.test' }, validity_period_end: '2027-02-30T00:00' },
      400,
      905,
      'validity_period_end',
    ],
    [
      'two secrets',
      { ...{ type: 'email', user: 'ada', email: 'a@b.test' }, genkey: '1', otpkey: 'ab'.repeat(20) },
      400,
      905,
      'otpkey',
    ],
  ])('refuses %s and stores nothing', async (_, fields, status, code, text) => {
    const { error, ...reply } = await init(fields)

    expect([reply.status, error]).toEqual([status, { code, message: expect.stringContaining(text) }])
    expect((await list('?user=ada')).count).toBe(0)
  })

  it('keeps to the number of tokens that policy allows', async () => {
    await h.admin('/system/setPolicy', {
      name: 'one',
      scope: 'enrollment',
      action: 'maxtoken=1',
      realm: '*',
      user: '*',
    })
    const replies = [
      await init({ type: 'email', user: 'ada', email: 'a@b.test' }),
      await init({ type: 'sms', user: 'ada', phone: '1' }),
    ]
    await h.admin('/system/delPolicy', { name: 'one' })

    expect(replies.map(({ status, error }) => [status, error?.code])).toEqual([
      [200, undefined],
      [403, 303],
    ])
  })
})

describe('a dynamic address', () => {
  const setUsers = (text: string) =>
    h.admin('/system/setResolver', {
      ...{ name: 'people', previous_name: 'people', type: 'passwdresolver', fileName: 'people.txt' },
      'passwdresolver.content': text,
    })

  it('is that of the user at the time of sending, of each kind of token by its own flag', async () => {
    await init({ type: 'email', user: 'ada', dynamic_email: 'true', pin: 'p' })
    await init({ type: 'sms', user: 'ada', dynamic_phone: '1', pin: 'p' })
    await setUsers(PASSWD.replace('ada@example.org', 'ada@new.test').replace('1111111', '3333333'))
    await pi.check({ user: 'ada', pass: 'p' })
    const { tokens } = await list('?user=ada')
    await setUsers(PASSWD)

    expect(h.catcher.mails().at(-1)?.to).toEqual(expect.arrayContaining(['ada@new.test']))
    expect(gateway.requests.at(-1)?.form.to ?? gateway.requests.at(-1)?.query.to).toContain('3333333')
    expect(tokens.map(({ info }) => info)).toEqual([
      { dynamic_email: '1', hashlib: 'sha1' },
      expect.objectContaining({ dynamic_phone: '1', hashlib: 'sha1' }),
    ])
  })

  it('is replaced by a fixed one when the token is made anew, and the other way round', async () => {
    await init({ type: 'email', user: 'ada', serial: 'D1', dynamic_email: '1', pin: 'p' })
    await init({ type: 'email', user: 'ada', serial: 'D1', email: 'fixed@b.test', pin: 'p' })
    await pi.check({ user: 'ada', pass: 'p' })
    const fixed = h.catcher.mails().at(-1)?.to
    await init({ type: 'email', user: 'ada', serial: 'D1', dynamic_email: '1', pin: 'p' })
    await pi.check({ user: 'ada', pass: 'p' })

    expect([fixed, h.catcher.mails().at(-1)?.to].map(String)).toEqual(['fixed@b.test', 'ada@example.org'])
  })

  it('that the user does not have sends nothing', async () => {
    await init({ type: 'email', user: 'eve', dynamic_email: '1', pin: 'p' })

    expect((await pi.check({ user: 'eve', pass: 'p' })).authentication).toBe('REJECT')
  })
})
