import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await h.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', 'passwdresolver.content': STAFF })
  await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'staff' })
})
afterAll(() => h.close())
afterEach(async () => {
  const { value } = (await h.admin('/system/getPolicy', { display_inactive: '1' })).json.result ?? {}
  await h.admin('/system/delPolicy', { name: Object.keys(value ?? {}).join(',') })
  for (const user of ['alice', 'carl']) await h.admin('/admin/remove', { user, realm: 'corp' })
})

/** The password of alice is "alice-pw"; carl has the same and no address. */
const STAFF = [
  'alice:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1001:100:Alice Anders,room,+49 170 1111111,,alice@corp.test',
  'carl:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1003:100:Carl Cole,room,,,',
].join('\n')

const policy = (action: string, more: Fields = {}): Promise<Reply> =>
  h.admin('/system/setPolicy', { name: 'rule', scope: 'enrollment', realm: '*', action, ...more })
const init = (fields: Fields = {}): Promise<Reply> =>
  h.admin('/admin/init', { type: 'email', user: 'alice', realm: 'corp', email_address: 'a@mail.test', ...fields })
const codes = (replies: readonly Reply[]): readonly unknown[] =>
  replies.map((reply) => reply.json.result?.error?.code ?? 'done')

describe('numbers of tokens', () => {
  it.each<readonly [string, number]>([
    ['maxtoken=1', 411],
    ['maxtokenEMAIL=1', 412],
    ['tokencount=1', 410],
  ])('%s refuses the second token with %i', async (action, code) => {
    await policy(action)

    expect(codes([await init(), await init()])).toEqual(['done', code])
  })

  it('maxtokenSMS leaves e-mail tokens alone, and limits of other realms leave all alone', async () => {
    await policy('maxtokenSMS=0, maxtoken=5')
    expect(codes([await init(), await init({ type: 'sms', phone: '+49 1' })])).toEqual(['done', 412])

    await policy('maxtoken=0', { realm: 'home' })
    expect(codes([await init()])).toEqual(['done'])
  })

  it('tokencount counts active tokens only', async () => {
    await policy('tokencount=1')
    const first = await init()
    await h.admin('/admin/disable', { serial: String(first.json.detail?.serial) })

    expect(codes([await init(), await init()])).toEqual(['done', 410])
  })

  it('hold when fifty enrol at once', async () => {
    await policy('maxtoken=3')

    const replies = await Promise.all(times(50, () => init()))

    expect(codes(replies).filter((code) => code === 'done')).toHaveLength(3)
  })
})

describe('otp_pin_random', () => {
  it('puts a random PIN in the place of the given one', async () => {
    await policy('otp_pin_random=12, otp_pin_random_content=n')
    await init({ pin: 'mine' })

    expect((await h.check({ user: 'alice', realm: 'corp', pass: 'mine' })).json.detail).toBeUndefined()
    expect((await h.check({ user: 'alice', realm: 'corp', pass: '' })).json.detail).toBeUndefined()
  })
})

describe('autoenrollment', () => {
  const login = (fields: Fields = {}) => h.check({ user: 'alice', realm: 'corp', pass: 'alice-pw', ...fields })
  const tokens = async (user = 'alice') =>
    h.store.findTokens({ owners: [{ userId: user === 'alice' ? '1001' : '1003', resolver: 'staff' }] })

  it('enrols a user who gives the right password, whose password is the PIN from then on', async () => {
    await policy('autoenrollment=email')

    const reply = await login()

    expect(reply.json.detail?.message).toBe('e-mail sent successfully')
    expect(h.catcher.mails().at(-1)?.to).toEqual(['alice@corp.test'])
    const otp = h.catcher.mails().at(-1)?.text.trim()
    expect((await login({ pass: `alice-pw${otp}` })).json.result?.value).toBe(true)
    expect((await tokens()).map((token) => token.description)).toEqual(['auto enrolled for alice@corp'])
  })

  it.each([
    ['otp_pin_random=8', 'enrollment'],
    ['otppin=2', 'authentication'],
    ['otppin=3', 'authentication'],
    ['otppin=1', 'authentication'],
  ])('opens the first challenge under %s too', async (action, scope) => {
    await policy('autoenrollment=email')
    await policy(action, { name: 'pin', scope, user: '*', client: '*' })

    expect((await login()).json.detail?.message).toBe('e-mail sent successfully')
    expect(await tokens()).toMatchObject([{ failCount: 0 }])
  })

  it('makes the password the PIN where others get a random one', async () => {
    await policy('autoenrollment=email, otp_pin_random=8')
    await login()

    expect((await login()).json.detail?.message).toBe('e-mail sent successfully')
  })

  it.each<readonly [string, Fields, string]>([
    ['a wrong password', { pass: 'wrong' }, 'email'],
    ['no address', { user: 'carl' }, 'email sms'],
    ['an unknown user', { user: 'nobody' }, '*'],
  ])('enrols nobody for %s', async (_, fields, types) => {
    await policy(`autoenrollment=${types}`)

    expect((await login(fields)).json.detail).toBeUndefined()
    expect([...(await tokens()), ...(await tokens('carl'))]).toEqual([])
  })

  it('enrols nobody who has a token that is not asked', async () => {
    await policy('autoenrollment=email')
    await login()
    const rows = async () => (await h.client.execute('SELECT COUNT(*) AS n FROM audit')).rows[0]?.n
    const before = Number(await rows())

    expect((await login({ token_type: 'sms' })).json.detail).toBeUndefined()
    expect(Number(await rows()) - before).toBe(1)
    expect(await tokens()).toHaveLength(1)
  })

  it('takes the token back when its first message cannot be sent', async () => {
    await policy('autoenrollment=sms') // there is no SMS provider

    expect((await login()).json.detail).toBeUndefined()
    expect(await tokens()).toEqual([])
  })

  it('makes one token of fifty equal logins', async () => {
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '120' })
    await policy('autoenrollment=email')
    const mails = h.catcher.mails().length

    const replies = await Promise.all(times(50, () => login()))

    expect(await tokens()).toHaveLength(1)
    expect(h.catcher.mails().length - mails).toBe(1)
    expect(replies.every((reply) => reply.json.detail !== undefined)).toBe(true)
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  })
})
