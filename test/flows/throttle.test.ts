/** A lock that ends by itself, and a token that is not asked for a while, as settings. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setConfig', {
    ...{ EmailBlockingTimeout: '0', EmailChallengeValidityTime: '86400' },
    DefaultMaxFailCount: '5',
  })
})
afterAll(() => h.close())
beforeEach(() => enroll(h, 'ada', 'ADA', { pin: 'pin-' }))
afterEach(async () => {
  for (const key of ['failcounter_clear_timeout', 'fail_delay']) await h.admin('/system/delConfig', { key })
  await h.admin('/admin/remove', { serial: 'ADA' })
})

const { newest } = auditReader(() => h)
const set = (fields: Fields): Promise<Reply> => h.admin('/system/setConfig', fields)
const bare = ({ status, json }: Reply) => ({ status, ...json })
const check = (pass: string, more: Fields = {}) => h.check({ user: 'ada', pass, ...more })
const fail = async (n: number) => {
  for (let i = 0; i < n; i++) await check(`wrong-${i}`)
}
const isIn = ({ json }: Reply): boolean => json.result?.value === true
const failCount = (): Promise<number> => h.failCount('ADA')

describe('failcounter_clear_timeout', () => {
  it('lets a locked token in again after so many minutes, with its open challenge', async () => {
    await set({ failcounter_clear_timeout: '1' })
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    await fail(5)
    h.pass(59)
    const early = await check(otp, { transactionid: transactionId })
    const detail = (await newest({})).detail
    h.pass(1)
    const late = await check(otp, { transactionid: transactionId })

    expect([isIn(early), detail, isIn(late), await failCount()]).toEqual([false, 'token_locked', true, 0])
  })

  it('counts from the failure that locked it, not from those that came after', async () => {
    await set({ failcounter_clear_timeout: '1' })
    await fail(5)
    h.pass(30)
    await fail(20)
    h.pass(30)

    expect((await check('pin-')).json.detail).toBeDefined()
  })

  it('locks it again after as many failures as before', async () => {
    await set({ failcounter_clear_timeout: '1' })
    await fail(5)
    h.pass(60)
    await Promise.all(times(4, (n) => check(`wrong-${n}`)))
    const { reply } = await h.trigger('ada', 'pin-')
    await fail(1)

    expect(reply.json.detail).toBeDefined()
    expect(await failCount()).toBe(5)
    expect((await check('pin-')).json.detail).toBeUndefined()
  })

  it('tells the count that begins anew to whoever may hear it', async () => {
    await set({ failcounter_clear_timeout: '1' })
    const { transactionId } = await h.trigger('ada', 'pin-')
    await fail(5)
    h.pass(60)

    const { json } = await h.post('/validate/check_t', { transactionid: transactionId, pass: '000000' })

    expect(json.result?.value).toEqual({ value: false, failcount: 1 })
  })

  it('is not there unless it is set: locked is locked', async () => {
    await fail(5)
    h.pass(86_400)

    expect((await check('pin-')).json.detail).toBeUndefined()
    expect((await newest({})).detail).toBe('token_locked')
  })

  it('leaves a token alone that may not fail at all', async () => {
    await set({ failcounter_clear_timeout: '1' })
    await h.admin('/admin/set', { serial: 'ADA', MaxFailCount: '0' })
    await fail(1)
    h.pass(86_400)

    expect((await check('pin-')).json.detail).toBeUndefined()
  })
})

describe('fail_delay', () => {
  it('makes a token wait after its third failure, twice as long after the fourth, and counts no try meanwhile', async () => {
    await set({ fail_delay: '30' })
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const right = () => check(otp, { transactionid: transactionId })
    await fail(3)
    const early = [await right(), await check('pin-'), await check('wrong-')]
    const row = await newest({})
    const counted = await failCount()
    h.pass(30)
    await fail(1)
    h.pass(59)
    const again = await right()
    h.pass(1)

    expect([...early.map(isIn), isIn(again), isIn(await right())]).toEqual([false, false, false, false, true])
    expect(row).toMatchObject({ detail: 'token_waiting', success: false, serial: 'ADA' })
    expect([counted, await failCount()]).toEqual([3, 0])
  })

  it('is told nobody: right and wrong, PIN and OTP are answered alike, and like an unknown user', async () => {
    await set({ fail_delay: '30' })
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    await fail(3)

    const replies = [
      await check(otp, { transactionid: transactionId }),
      await check('000000', { transactionid: transactionId }),
      await check('pin-'),
      await check('wrong-'),
      await h.check({ user: 'nobody-at-all', pass: 'wrong-' }),
    ].map(bare)

    expect(replies).toEqual(replies.map(() => replies[4]))
    expect(h.log.join('\n')).not.toContain('"error"')
  })

  it('forgets with a success and with a reset', async () => {
    await set({ fail_delay: '30' })
    await fail(3)
    h.pass(30)
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const yes = isIn(await check(otp, { transactionid: transactionId }))
    await fail(2)
    const afterTwo = (await check('pin-')).json.detail
    await fail(1)
    await h.admin('/admin/reset', { serial: 'ADA' })

    expect([yes, afterTwo !== undefined, (await check('pin-')).json.detail !== undefined]).toEqual([true, true, true])
  })

  it('holds against fifty guesses at once: what is judged together is counted together', async () => {
    await set({ fail_delay: '30' })
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    await Promise.all(times(50, (n) => check(String(n).padStart(6, '0'), { transactionid: transactionId })))

    expect(isIn(await check(otp, { transactionid: transactionId }))).toBe(false)
    expect(await failCount()).toBeGreaterThanOrEqual(3)
  })

  it('sends no message that nobody could answer', async () => {
    await set({ fail_delay: '30' })
    await fail(3)
    const mails = h.catcher.mails().length

    const { json } = await h.post('/validate/check_s', { serial: 'ADA', pass: 'pin-' })

    expect([json.detail, h.catcher.mails().length - mails]).toEqual([undefined, 0])
  })
})

it.each([
  ['failcounter_clear_timeout', '-1'],
  ['failcounter_clear_timeout', 'soon'],
  ['failcounter_clear_timeout', '525601'],
  ['fail_delay', '3601'],
  ['fail_delay', '1.5'],
])('%s refuses %s, naming itself and the rule', async (key, value) => {
  const { json } = await set({ [key]: value })

  expect(json.result?.error?.message).toContain(key)
  expect(json.result?.error?.message).toContain('whole number')
})
