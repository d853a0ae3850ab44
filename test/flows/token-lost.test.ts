/** Lost tokens (contract 7.3). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enroll, type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness() // Friday, 15 January 2027, 08:00 UTC
})
afterAll(() => h.close())

const lose = (fields: Fields): Promise<Reply> => h.admin('/admin/losttoken', fields)
const tokenOf = async (serial: string) => (await h.store.findTokens({ serials: [serial] }))[0]
const policy = (action: string): Promise<Reply> =>
  h.admin('/system/setPolicy', { name: 'lost', scope: 'enrollment', action, realm: 'home', user: '*' })

describe('losttoken', () => {
  it("replaces a lost token by one that mails to the user's address, with the same PIN, for ten days", async () => {
    await enroll(h, 'ada', 'L1')
    const { otp: stale, transactionId } = await h.trigger('ada', 'pin-')

    const reply = await lose({ serial: 'L1', type: 'email' })

    expect(reply.json.result?.value).toEqual({
      ...{ serial: 'lostL1', init: true, user: 1, pin: 1, valid_to: 'xxxx', password: 'Please check your emails' },
      ...{ end_date: '25/01/27 23:59', token_typ: 'email', disable: 1 },
    })
    expect((await tokenOf('L1'))?.active).toBe(false)
    expect((await h.check({ user: 'ada', pass: stale, transactionid: transactionId })).json.result?.value).toBe(false)
    const { otp } = await h.trigger('ada', 'pin-')
    expect(h.catcher.mails().at(-1)?.to).toEqual(['ada@example.org'])
    expect((await h.check({ user: 'ada', pass: `pin-${otp}` })).json.result?.value).toBe(true)
    const [row] = (await h.client.execute("SELECT serial, user, info FROM audit WHERE action = 'admin/losttoken'")).rows
    expect({ ...row }).toEqual({ serial: 'L1 lostL1', user: 'ada', info: 'until 25/01/27 23:59' })
  })

  it('works until the last minute of the last day, and no longer', async () => {
    h.pass(10 * 86_400 + 15 * 3600 + 59 * 60 + 1)

    expect((await h.check({ user: 'ada', pass: 'pin-' })).json.detail).toBeUndefined()
  })

  it('takes a number for a token that gets its OTPs by SMS, and the time of the policy', async () => {
    await enroll(h, 'bob', 'L2')
    await policy('lostTokenValid=12h')

    const reply = await lose({ serial: 'L2', type: 'SMS', mobile: '+49 151 7777777' })

    expect(reply.json.result?.value).toMatchObject({
      ...{ serial: 'lostL2', token_typ: 'sms', password: 'Please check your phone', end_date: '26/01/27 11:59' },
    })
    expect((await tokenOf('lostL2'))?.info).toMatchObject({ phone: '+49 151 7777777' })
    await policy('lostTokenValid=3')
    await enroll(h, 'bob', 'L3')
    expect((await lose({ serial: 'L3', type: 'sms' })).json.result?.value).toMatchObject({ end_date: '28/01/27 23:59' })
    expect((await tokenOf('lostL3'))?.info.phone).toBe('+49 170 2222222')
    await h.admin('/system/delPolicy', { name: 'lost' })
  })

  it('makes one replacement, however many ask at once', async () => {
    await enroll(h, 'bob', 'L4')

    const replies = await Promise.all(times(20, () => lose({ serial: 'L4', type: 'email' })))

    expect(replies.filter(({ json }) => json.result?.status === true)).toHaveLength(1)
    expect(await h.store.findTokens({ serialPatterns: ['lostL4*'] })).toHaveLength(1)
  })

  it.each<[string, Fields, number, RegExp]>([
    ['no serial', { type: 'email' }, 905, /'serial'/],
    ['an unknown token', { serial: 'NOSUCH', type: 'email' }, 1102, /NOSUCH/],
    ['a token that nobody owns', { serial: 'LF', type: 'email' }, -311, /^serial must be a token that somebody owns$/],
    ['a password', { serial: 'LE', type: 'password' }, -311, /^type must be email or sms: there are no tokens that/],
    ['no type', { serial: 'LE' }, -311, /^type must be email or sms/],
    ['a user without a number', { serial: 'LE', type: 'sms' }, -311, /^mobile must be given: the user has none$/],
    ['an address that is none', { serial: 'LE', type: 'email', email: 'x' }, -311, /^email must be/],
    [
      'one that is replaced',
      { serial: 'L4', type: 'email' },
      -311,
      /^serial must not be replaced already: lostL4 exists$/,
    ],
  ])('refuses %s and leaves everything as it is', async (_, fields, code, message) => {
    await enroll(h, 'eve', 'LE')
    await h.admin('/admin/init', { type: 'email', serial: 'LF', email_address: 'free@mail.test' })
    const before = await h.store.findTokens({})

    const reply = await lose(fields)

    expect(reply.json.result?.error?.code).toBe(code)
    expect(reply.json.result?.error?.message).toMatch(message)
    expect(await h.store.findTokens({})).toEqual(before)
  })

  it('keeps to the destinations that policy allows', async () => {
    await h.admin('/system/setPolicy', {
      ...{ name: 'inside', scope: 'authentication', action: 'allowed_destinations=*@example.org', realm: 'home' },
      user: '*',
    })

    const refused = await lose({ serial: 'LE', type: 'email', email: 'eve@elsewhere.test' })

    expect(refused.json.result?.error?.message).toMatch(/^email_address must be a destination that policy allows/)
    await h.admin('/system/delPolicy', { name: 'inside' })
  })

  it('warns of no policy about its time, and says of those about passwords why they do nothing', async () => {
    h.log.length = 0
    await policy('lostTokenValid=10 days')
    expect(h.log).toEqual([])
    await policy('lostTokenPWLen=8')
    expect(h.log.join()).toContain('never by a password')
    expect((await policy('lostTokenValid=soon')).json.result?.status).toBe(false)
    await h.admin('/system/delPolicy', { name: 'lost' })
  })
})
