/** `send_limit` and `allowed_destinations`: how many messages, and where to. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditReader } from '../support/audit-http.ts'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'

let h: Harness
let gateway: Gateway

beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
})
afterAll(async () => {
  await gateway.close()
  await h.close()
})
afterEach(async () => {
  await h.admin('/system/delPolicy', { name: 'rule,other' })
  for (const user of ['ada', 'bob']) await h.admin('/admin/remove', { user })
})

const { newest } = auditReader(() => h)
const policy = (action: string, more: Fields = {}): Promise<Reply> =>
  h.admin('/system/setPolicy', {
    name: 'rule',
    scope: 'authentication',
    realm: '*',
    user: '*',
    client: '*',
    action,
    ...more,
  })
const check = (fields: Fields = {}): Promise<Reply> => h.check({ user: 'ada', pass: 'pin-', ...fields })
const refusal = async (): Promise<unknown> => bare(await check({ pass: 'wrong' }))
/** A reply without the version of the server. */
const bare = ({ status, json }: Reply) => ({ status, ...json })
const mails = (): number => h.catcher.mails().length
const challenges = async (): Promise<number> =>
  Number((await h.client.execute('SELECT COUNT(*) AS n FROM challenges')).rows[0]?.n)
const withheld = (): readonly string[] => h.log.filter((line) => line.includes('message_withheld'))

describe('send_limit', () => {
  it('sends so many and no more; the answer is that to a wrong PIN, the reason stands in audit and log', async () => {
    await policy('send_limit=2/10m')
    await enroll(h, 'ada', 'MAIL')
    const before = mails()
    await check()
    await check()
    const open = await challenges()

    const third = await check()

    expect(bare(third)).toEqual(await refusal())
    expect([mails() - before, (await challenges()) - open]).toEqual([2, 0])
    const row = await newest({ detail: 'send_limit_reached' })
    expect(row).toMatchObject({ user: 'ada', serial: 'MAIL', success: false, action: 'validate/check' })
    expect(withheld().at(-1)).toContain('"reason":"send_limit_reached"')
  })

  it('sends again when the window has passed, and the earlier challenge can still be answered', async () => {
    await policy('send_limit=1/10m 3/1d')
    await enroll(h, 'ada', 'MAIL')
    const { otp } = await h.trigger('ada', 'pin-')
    await check()

    expect((await check({ pass: `pin-${otp}` })).json.result?.value).toBe(true)
    h.pass(600)
    expect((await check()).json.detail?.message).toBe('e-mail sent successfully')
    h.pass(600)
    expect((await check()).json.detail?.message).toBe('e-mail sent successfully')
    h.pass(600)
    expect((await check()).json.detail).toBeUndefined()
  })

  it('holds when fifty trigger at once', async () => {
    await policy('send_limit=5/10m')
    await enroll(h, 'ada', 'MAIL')
    const before = mails()

    const replies = await Promise.all(times(50, () => check()))

    expect(mails() - before).toBe(5)
    expect(replies.filter(({ json }) => json.detail !== undefined)).toHaveLength(5)
  })

  it('counts per token, and goes on counting when the token gets a new secret', async () => {
    await policy('send_limit=1/10m')
    await enroll(h, 'ada', 'MAIL')
    await enrollSms(h, 'bob', 'PHONE')
    await check()
    expect((await check({ user: 'bob' })).json.detail?.message).toBe('sms submitted')

    await enroll(h, 'ada', 'MAIL')

    expect((await check()).json.detail).toBeUndefined()
  })

  it('counts the message that autosms sends', async () => {
    await policy('send_limit=2/10m, autosms')
    await enrollSms(h, 'ada', 'PHONE')
    const before = gateway.requests.length

    for (let n = 0; n < 3; n++) {
      await check({ pass: 'pin-' })
      await check({ pass: `pin-${gateway.otp()}` })
    }

    expect(gateway.requests.length - before).toBe(2)
  })

  it('sends to the other token of a user, and says so in rows of their own', async () => {
    await policy('send_limit=1/10m')
    await enroll(h, 'ada', 'MAIL')
    await check()
    await enrollSms(h, 'ada', 'PHONE')

    const reply = await check()

    expect(reply.json.detail?.challenges).toEqual({ PHONE: expect.anything() })
    expect(await newest({ detail: 'send_limit_reached' })).toMatchObject({ serial: 'MAIL', user: 'ada' })
    expect(await newest({ detail: 'challenge_created' })).toMatchObject({ user: 'ada' })
  })
})

describe('allowed_destinations', () => {
  it.each([
    ['*@mail.test', 'e-mail sent successfully'],
    ['*@other.test +49*', undefined],
    ['*@*.mail.test', undefined],
  ])('%s: the mail to ada@mail.test gets %s', async (written, message) => {
    await enroll(h, 'ada', 'MAIL')
    await policy(`allowed_destinations=${written}`)
    const before = mails()

    const reply = await check()

    expect(reply.json.detail?.message).toBe(message)
    expect(mails() - before).toBe(message ? 1 : 0)
  })

  it('answers as to a wrong PIN and opens nothing; audit and log have the reason and the masked address', async () => {
    await enroll(h, 'ada', 'MAIL')
    await policy('allowed_destinations=*@example.org')
    const open = await challenges()

    const reply = await check()

    expect(bare(reply)).toEqual(await refusal())
    expect(await challenges()).toBe(open)
    const row = await newest({ detail: 'destination_not_allowed' })
    expect(row).toMatchObject({ user: 'ada', serial: 'MAIL', info: 'ad***@mail.test', action: 'validate/check' })
    expect(withheld().at(-1)).toContain('"reason":"destination_not_allowed","to":"ad***@mail.test"')
    expect([...h.log, JSON.stringify(row)].join()).not.toContain('ada@mail.test')
  })

  it('looks at the address that the message would go to, be it the present one of the user', async () => {
    await enroll(h, 'ada', 'MAIL')
    await policy('allowed_destinations=*@example.org, dynamic_email_address')

    await check()

    expect(h.catcher.mails().at(-1)?.to).toEqual(['ada@example.org'])
  })

  it('compares numbers without what stands between digits', async () => {
    await enrollSms(h, 'ada', 'PHONE', { phone: '0049 (170) 1234567' })

    await policy('allowed_destinations=+49170*')
    expect((await check()).json.detail?.message).toBe('sms submitted')

    await policy('allowed_destinations=+43* +1*')
    expect((await check()).json.detail).toBeUndefined()
  })

  it('sends to the token of a user that may be sent to, under one transaction of its own', async () => {
    await enroll(h, 'ada', 'MAIL')
    await enrollSms(h, 'ada', 'PHONE')
    await policy('allowed_destinations=+49*')

    const { detail } = (await check()).json

    expect(detail).toMatchObject({ message: 'sms submitted', linotp_tokenserial: 'PHONE' })
    expect(await newest({ detail: 'destination_not_allowed' })).toMatchObject({ serial: 'MAIL' })
    expect(await newest({ detail: 'challenge_created' })).toMatchObject({ serial: 'PHONE' })
  })

  it('refuses an address outside when a token is enrolled or changed, and names the field', async () => {
    await enrollSms(h, 'ada', 'PHONE')
    await policy('allowed_destinations=*@example.org +49*')
    const init = (fields: Fields) => h.admin('/admin/init', { user: 'bob', pin: 'x', ...fields })
    const told = (reply: Reply) => reply.json.result?.error?.message ?? 'done'

    const replies = [
      await init({ type: 'email', email_address: 'bob@evil-example.org' }),
      await init({ type: 'sms', phone: '+43 1' }),
      await h.admin('/admin/set', { serial: 'PHONE', phone: '+43 1' }),
      await init({ type: 'email', email_address: 'bob@example.org' }),
      await h.admin('/admin/set', { serial: 'PHONE', phone: '0049 1' }),
    ]

    const refused = (field: string) => expect.stringMatching(`${field} must be a destination .*allowed_destinations`)
    expect(replies.map(told)).toEqual([refused('email_address'), refused('phone'), refused('phone'), 'done', 'done'])
  })

  it('is that of the owner where a token gets another secret, whoever is named beside it', async () => {
    await enrollSms(h, 'bob', 'KEPT')
    await policy('allowed_destinations=+43*', { user: 'ada', name: 'other' })
    await policy('allowed_destinations=+49*', { user: 'bob' })
    const again = (fields: Fields) => h.admin('/admin/init', { type: 'sms', serial: 'KEPT', ...fields })

    const outside = [await again({ phone: '+43 1', user: 'bob' }), await again({ phone: '+43 1' })]
    const inside = await again({ phone: '+49 170 9' })

    const rule = 'phone must be a destination that policy allows (allowed_destinations)'
    expect(outside.map(({ json }) => json.result?.error?.message)).toEqual([rule, rule])
    expect(inside.json.result?.value).toBe(true)
    expect(await newest({ serial: 'KEPT' })).toMatchObject({ action: 'admin/init', user: 'bob', realm: 'home' })
  })

  it('enrols at login for an address that may be sent to, else nobody', async () => {
    const staff = 'cleo:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1:1:Cleo C,room,+43 1,,cleo@corp.test'
    await h.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', 'passwdresolver.content': staff })
    await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'staff' })
    await policy('autoenrollment=sms email', { name: 'other', scope: 'enrollment' })
    const login = () => h.check({ user: 'cleo', realm: 'corp', pass: 'alice-pw' })

    await policy('allowed_destinations=*@example.org')
    expect((await login()).json.detail).toBeUndefined()

    await policy('allowed_destinations=*@corp.test')
    expect((await login()).json.detail?.message).toBe('e-mail sent successfully')
  })
})

describe('saving', () => {
  it.each([
    ['send_limit=5', 'not a rate like 5/10m'],
    ['send_limit', 'not a rate like 5/10m'],
    ['allowed_destinations=*', 'neither like'],
    ['allowed_destinations', 'not a list of destinations'],
  ])('refuses %s', async (action, message) => {
    expect((await policy(action)).json.result?.error?.message).toContain(message)
  })
})
