/** Limits on sending and guessing that go beyond one token, as settings. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'

const KEYS = ['user', 'address', 'client'].map((name) => `send_limit_per_${name}`)
const ALL = [...KEYS, 'send_limit_total', 'fail_limit_per_client']

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', DefaultMaxFailCount: '1000' })
})
afterAll(() => h.close())
afterEach(async () => {
  for (const key of ALL) await h.admin('/system/delConfig', { key })
  for (const user of ['ada', 'bob']) await h.admin('/admin/remove', { user })
  await h.client.execute('DELETE FROM buckets')
})

const { newest } = auditReader(() => h)
const limit = (key: string, value: string): Promise<Reply> => h.admin('/system/setConfig', { [key]: value })
const bare = ({ status, json }: Reply) => ({ status, ...json })
const mails = (): number => h.catcher.mails().length
const check = (user: string, pass: string, more: Fields = {}) => h.check({ user, pass, ...more })
const checkFrom = async (peer: string, user: string, pass: string): Promise<boolean> => {
  const request = new Request('http://otpost.test/validate/check', {
    method: 'POST',
    body: new URLSearchParams({ user, pass }),
  })
  const reply = (await (await h.app.fetch(request, { peer, secure: false })).json()) as Reply['json']
  return reply.detail !== undefined || reply.result?.value === true
}

describe.each(['send_limit_per_user', 'send_limit_per_address', 'send_limit_per_client', 'send_limit_total'])(
  '%s',
  (key) => {
    it('sends so many messages; what comes then is answered like a wrong PIN, and the log names the limit', async () => {
      await enroll(h, 'ada', 'ONE', { pin: 'one-' })
      await enroll(h, 'ada', 'TWO', { pin: 'two-' })
      await limit(key, '2/10m')
      const before = mails()

      const replies = [await check('ada', 'one-'), await check('ada', 'two-'), await check('ada', 'one-')]

      expect(replies.map(({ json }) => json.detail !== undefined)).toEqual([true, true, false])
      expect(bare(replies[2] as Reply)).toEqual(bare(await check('ada', 'wrong')))
      expect(mails() - before).toBe(2)
      expect(await newest({ detail: 'send_limit_reached' })).toMatchObject({ user: 'ada', serial: 'ONE' })
      expect(h.log.filter((line) => line.includes('message_withheld')).at(-1)).toContain(`"limit":"${key}"`)
      h.pass(600)
      expect((await check('ada', 'one-')).json.detail).toBeDefined()
    })

    it('holds against fifty triggers at once', async () => {
      for (let n = 0; n < 10; n++) await enroll(h, 'ada', `MANY${n}`, { pin: `${n}-` })
      await limit(key, '3/10m')
      const before = mails()

      await Promise.all(times(50, (n) => check('ada', `${n % 10}-`)))

      expect(mails() - before).toBe(3)
    })
  },
)

describe('what is counted', () => {
  it('by user leaves other users alone', async () => {
    await enroll(h, 'ada', 'ONE', { pin: 'pin-' })
    await enroll(h, 'bob', 'TWO', { pin: 'pin-' })
    await limit('send_limit_per_user', '1/10m')

    const got = [await check('ada', 'pin-'), await check('ada', 'pin-'), await check('bob', 'pin-')]

    expect(got.map(({ json }) => json.detail !== undefined)).toEqual([true, false, true])
  })

  it('by address counts whoever it belongs to, in any spelling, and keeps it nowhere in clear', async () => {
    await enroll(h, 'ada', 'ONE', { pin: 'pin-', email_address: 'shared@mail.test' })
    await enroll(h, 'bob', 'TWO', { pin: 'pin-', email_address: 'Shared@mail.test' })
    await limit('send_limit_per_address', '1/10m')

    const got = [await check('ada', 'pin-'), await check('bob', 'pin-')]

    expect(got.map(({ json }) => json.detail !== undefined)).toEqual([true, false])
    expect(JSON.stringify((await h.client.execute('SELECT * FROM buckets')).rows)).not.toMatch(/shared/i)
  })

  it.each([
    ['one IPv4 address', '192.0.2.10', '192.0.2.11', '192.0.2.10'],
    ['a /64 of IPv6 addresses', '2001:db8:0:1::1', '2001:db8:0:2::1', '2001:db8:0:1:ffff::9'],
  ])('by client takes %s for one', async (_, first, other, again) => {
    await enroll(h, 'ada', 'ONE', { pin: 'pin-' })
    await limit('send_limit_per_client', '1/10m')

    const got: boolean[] = []
    for (const peer of [first, other, again]) got.push(await checkFrom(peer, 'ada', 'pin-'))

    expect(got).toEqual([true, true, false])
  })
})

describe('fail_limit_per_client', () => {
  it('lets a client that has guessed too often hear nothing but no, and no one else', async () => {
    await enroll(h, 'ada', 'ONE', { pin: 'pin-' })
    await limit('fail_limit_per_client', '5/10m')
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const failed = await h.failCount('ONE')
    for (let n = 0; n < 5; n++) await check('ada', 'wrong')

    const right = await check('ada', otp, { transactionid: transactionId })

    expect(bare(right)).toEqual(bare(await check('nobody', 'wrong')))
    expect(await newest({ detail: 'client_limit_reached' })).toMatchObject({ success: false, client: '192.0.2.7' })
    // What is not judged is no failure of the token.
    expect(await h.failCount('ONE')).toBe(failed + 5)
    expect(await checkFrom('192.0.2.99', 'ada', `pin-${otp}`)).toBe(true)
    h.pass(600)
    expect((await check('ada', 'pin-')).json.detail).toBeDefined()
  })

  it('judges no more than so many of two hundred wrong answers at once before none is right any more', async () => {
    await enroll(h, 'ada', 'ONE', { pin: 'pin-' })
    await limit('fail_limit_per_client', '5/10m')
    const { otp } = await h.trigger('ada', 'pin-')

    await Promise.all(times(200, () => check('ada', 'pin-000000')))

    expect((await check('ada', `pin-${otp}`)).json.result?.value).toBe(false)
  })

  it('holds for check_status, where a wrong PIN counts as well, though not for the token', async () => {
    await enroll(h, 'ada', 'ONE', { pin: 'pin-' })
    const { transactionId } = await h.trigger('ada', 'pin-')
    const shows = async (pass: string, transactionid = transactionId): Promise<unknown> =>
      (await h.post('/validate/check_status', { transactionid, pass })).json.result?.value
    await limit('fail_limit_per_client', '3/10m')

    const before = [await shows('pin-'), await shows('pin-', '12345678901234567'), await shows('pin-')]
    const wrong = [await shows('a'), await shows('b'), await shows('c')]
    const after = [await shows('pin-'), (await check('ada', 'pin-')).json.detail]

    expect([before, wrong, after]).toEqual([
      [true, false, true],
      [false, false, false],
      [false, undefined],
    ])
    expect(await newest({ action: 'validate/check_status' })).toMatchObject({ detail: 'client_limit_reached' })
    expect(await h.failCount('ONE')).toBe(0)
  })

  it('counts users that nobody knows as well', async () => {
    await enroll(h, 'ada', 'ONE', { pin: 'pin-' })
    await limit('fail_limit_per_client', '3/10m')

    for (let n = 0; n < 3; n++) await check(`stranger${n}`, 'x')

    expect((await check('ada', 'pin-')).json.detail).toBeUndefined()
  })
})

it.each(ALL)('%s refuses what is no rate', async (key) => {
  const { json } = await limit(key, '5 per hour')

  expect(json.result?.error?.message).toContain(`${key} must be empty or a rate like 5/10m`)
})
