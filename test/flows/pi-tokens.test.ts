/** /token, /system, /realm and /user on privacyIDEA's wire: what is listed, and what is changed. */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import { enrollSms } from '../support/gateway.ts'
import { enroll, type Fields } from '../support/harness.ts'
import { startPi } from '../support/privacyidea.ts'

const world = await startPi()
const { h, pi, token, list } = world
afterAll(world.close)
beforeEach(async () => {
  for (const user of ['ada', 'bob', 'eve']) await h.admin('/admin/remove', { user })
  await h.admin('/admin/remove', { serial: 'N1' })
})

const post = (path: string, fields: Fields = {}) => pi.post(path, fields, { token })
const serialsOf = async (query: string) => (await list(query)).tokens.map(({ serial }) => serial)

describe('the list', () => {
  beforeEach(async () => {
    await enroll(h, 'ada', 'A1', { description: 'at work' })
    await enrollSms(h, 'ada', 'A2')
    await enroll(h, 'bob', 'B1')
    await h.admin('/admin/disable', { serial: 'B1' })
    await h.admin('/admin/init', { type: 'email', serial: 'N1', email_address: 'n@b.test' })
  })

  it.each([
    ['', ['A1', 'A2', 'B1', 'N1']],
    ['?user=ada', ['A1', 'A2']],
    ['?user=ada&realm=home&type=sms', ['A2']],
    ['?user=nobody', []],
    ['?serial=A*', ['A1', 'A2']],
    ['?serial=B1', ['B1']],
    ['?type=EMAIL', ['A1', 'B1', 'N1']],
    ['?type_list=sms,email', ['A1', 'A2', 'B1', 'N1']],
    ['?active=false', ['B1']],
    ['?active=1&type=email', ['A1', 'N1']],
    ['?assigned=false', ['N1']],
    ['?assigned=true&sortby=serial&sortdir=desc', ['B1', 'A2', 'A1']],
    ['?description=*work*', ['A1']],
    ['?tokenrealm=home', ['A1', 'A2', 'B1']],
    ['?resolver=people', ['A1', 'A2', 'B1']],
    ['?userid=1002', ['B1']],
    ['?infokey=email&infovalue=n@b.test', ['N1']],
    ['?rollout_state=verify', []],
    [`?description=${'*a'.repeat(40)}`, []],
    ['?sortby=constructor&type=sms', ['A2']],
    ['?pagesize=3&page=2', ['N1']],
  ])('%s', async (query, serials) => expect(await serialsOf(query)).toEqual(serials))

  it('tells which page it is', async () => {
    const { tokens: _, ...first } = await list('?pagesize=3')
    const { tokens: __, ...second } = await list('?pagesize=3&page=2')

    expect([first, second]).toEqual([
      { count: 4, current: 1, prev: null, next: 2 },
      { count: 4, current: 2, prev: 1, next: null },
    ])
  })
})

describe('a token', () => {
  beforeEach(() => enroll(h, 'ada', 'A1'))

  it('is disabled, enabled and reset, by path and by parameter', async () => {
    await pi.check({ user: 'ada', pass: 'nope' })
    const values = [
      ...[
        await post('/token/disable/A1'),
        await post('/token/enable', { serial: 'A1' }),
        await post('/token/disable', { user: 'ada' }),
      ],
      ...[await post('/token/enable', { user: 'ada', realm: 'home' }), await post('/token/reset/A1')],
    ].map(({ value }) => value)

    expect(values).toEqual([1, 1, 1, 1, 1])
    expect((await list('?serial=A1')).tokens).toMatchObject([{ active: true, failcount: 0 }])
  })

  it('is set', async () => {
    const { value } = await post('/token/set/A1', {
      ...{ max_failcount: '3', count_window: '12', sync_window: '99', description: 'new', hashlib: 'sha512' },
      ...{ count_auth_max: '5', count_auth_success_max: '4', validity_period_end: '2030-01-01T00:00+0100' },
    })
    const described = await post('/token/description/A1', { description: 'newer' })

    expect([value, described.value]).toEqual([8, 1])
    expect((await list('?serial=A1')).tokens).toMatchObject([
      {
        ...{ maxfail: 3, count_window: 12, sync_window: 99, description: 'newer' },
        info: {
          hashlib: 'sha512',
          count_auth_max: '5',
          count_auth_success_max: '4',
          validity_period_end: '2029-12-31T23:00+0000',
        },
      },
    ])
  })

  it('gets another PIN', async () => {
    await post('/token/setpin/A1', { otppin: 'other' })

    const replies = [await pi.check({ user: 'ada', pass: 'pin-' }), await pi.check({ user: 'ada', pass: 'other' })]

    expect(replies.map(({ authentication }) => authentication)).toEqual(['REJECT', 'CHALLENGE'])
  })

  it('is given to a user, with a PIN, and taken back', async () => {
    await h.admin('/admin/init', { type: 'email', serial: 'N1', email_address: 'n@b.test' })

    const assigned = await post('/token/assign', { serial: 'N1', user: 'bob', realm: 'home', pin: 'own' })
    const challenge = await pi.check({ user: 'bob', pass: 'own' })
    const unassigned = await post('/token/unassign/N1')
    const { tokens } = await list('?serial=N1')
    const missing = [await post('/token/assign', { serial: 'N1' }), await post('/token/unassign', { serial: 'NONE' })]

    expect([assigned.value, challenge.authentication, unassigned.value]).toEqual([true, 'CHALLENGE', 1])
    expect(tokens).toMatchObject([{ username: '', user_id: '' }])
    expect(missing.map(({ status, error }) => [status, error?.code])).toEqual([
      [400, 905],
      [404, 601],
    ])
  })

  it('is deleted', async () => {
    const first = await pi.send('DELETE', '/token/A1', undefined, { token })
    const second = await pi.send('DELETE', '/token/A1', undefined, { token })

    expect([first.value, second.status, second.error?.code]).toEqual([1, 404, 601])
  })

  it.each<readonly [string, string, Fields, number, number]>([
    ['that is not there', '/token/enable/NONE', {}, 404, 601],
    ['that nobody names', '/token/enable', {}, 400, 905],
    ['without a PIN', '/token/setpin/A1', {}, 400, 905],
    ['set to nothing', '/token/set/A1', {}, 400, 905],
    ['set to nonsense', '/token/set/A1', { max_failcount: 'x' }, 400, 905],
    ['of a user that nobody knows', '/token/enable', { user: 'nobody' }, 400, 904],
  ])('%s is an error', async (_, path, fields, status, code) => {
    const reply = await post(path, fields)

    expect([reply.status, reply.error?.code]).toEqual([status, code])
  })

  it('shows its challenges, and no OTP', async () => {
    const { otp, transaction } = await pi.trigger('ada', 'pin-')
    await pi.check({ user: 'ada', pass: otp === '000000' ? '1' : '000000', transaction_id: transaction })

    const all = await pi.get('/token/challenges/', { token })
    const own = await pi.get(`/token/challenges/A1?transaction_id=${transaction}`, { token })
    const others = await pi.get('/token/challenges/?transaction_id=1', { token })

    expect(own.value).toMatchObject({
      ...{ count: 1, current: 1, prev: null, next: null },
      challenges: [
        {
          ...{ serial: 'A1', transaction_id: transaction, otp_received: true, received_count: 1, otp_valid: false },
          ...{ data: '', challenge: expect.any(String) },
        },
      ],
    })
    expect([(all.value as { count: number }).count >= 1, (others.value as { count: number }).count]).toEqual([true, 0])
    expect(all.text).not.toContain(otp)
  })
})

describe('what clients read', () => {
  it('realms, with the default one', async () => {
    const { value } = await pi.get('/realm/', { token })

    expect(value).toEqual({
      home: { default: true, resolver: [{ name: 'people', type: 'passwdresolver', priority: '' }] },
    })
  })

  it.each([
    ['?username=a*', ['ada']],
    ['?realm=home&email=BOB@example.org', ['bob']],
    ['?surname=*', ['ada', 'bob', 'eve']],
    ['', ['ada', 'bob', 'eve']],
    ['?username=nobody', []],
  ])('users %s', async (query, names) => {
    const { value } = await pi.get(`/user/${query}`, { token })

    expect((value as { username: string }[]).map(({ username }) => username)).toEqual(names)
  })

  it('an entry of the system, or that there is none', async () => {
    const known = await pi.get('/system/DefaultOtpLen', { token })
    const unknown = [await pi.get('/system/nothing', { token }), await pi.get('/system/constructor', { token })]

    expect([known, ...unknown].map(({ value }) => value)).toEqual(['6', null, null])
  })
})
