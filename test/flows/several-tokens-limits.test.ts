/** One user with several tokens: who is asked at all, who pays for a wrong answer, and who is reset by a right one. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
})
beforeEach(async () => {
  await h.admin('/admin/remove', { user: 'ada' })
  await enroll(h, 'ada', 'EM1')
  await enroll(h, 'ada', 'EM2')
  await enrollSms(h, 'ada', 'SM1')
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const check = async (fields: Fields): Promise<unknown> => (await h.check({ user: 'ada', ...fields })).json.result?.value
/** The serials that a PIN opens challenges for, the transaction, and the newest OTP of the SMS token. */
async function trigger(pass = 'pin-') {
  const { json } = await h.check({ user: 'ada', pass })
  const { challenges, linotp_tokenserial: only, transactionid = '' } = json.detail ?? {}
  return {
    serials: challenges ? Object.keys(challenges).sort() : only ? [String(only)] : [],
    state: String(transactionid),
    sms: gateway.otp(),
  }
}
const failCounts = async () => Promise.all(['EM1', 'EM2', 'SM1'].map(h.failCount))
const info = async (serial: string) => (await h.store.findTokens({ serials: [serial] }))[0]?.info ?? {}
const set = (serial: string, fields: Fields) => h.admin('/admin/set', { serial, ...fields })
/** `dd/mm/yy HH:MM` in UTC, `minutes` from now, whole minutes of the clock. */
const minute = (minutes: number): string => {
  const [date = '', time = ''] = new Date((h.edges.clock() + minutes * 60) * 1000).toISOString().split('T')
  const [year = '', month, day] = date.split('-')
  return `${day}/${month}/${year.slice(2)} ${time.slice(0, 5)}`
}

describe('a token that may not be used', () => {
  it.each<readonly [string, () => Promise<unknown>, number]>([
    ['locked', () => set('EM2', { MaxFailCount: '0' }), 1], // goes on counting
    ['inactive', () => h.admin('/admin/disable', { serial: 'EM2' }), 0],
    ['expired', () => set('EM2', { validityPeriodEnd: minute(-1) }), 1],
    ['not yet valid', () => set('EM2', { validityPeriodStart: minute(1) }), 1],
    ['used up', () => set('EM2', { countAuthSuccessMax: '1', countAuthSuccess: '1' }), 1],
    ['of another realm', () => h.client.execute(`UPDATE tokens SET realms = '["away"]' WHERE serial = 'EM2'`), 0],
    ['unreadable', () => h.client.execute(`UPDATE tokens SET secret = 'nonsense' WHERE serial = 'EM2'`), 0],
  ])('since it is %s is left out, and disturbs no other', async (_, spoil, counts) => {
    await spoil()

    const { serials, state, sms } = await trigger()
    expect(serials).toEqual(['EM1', 'SM1'])
    expect(await failCounts()).toEqual([0, counts, 0])
    expect(await check({ pass: 'wrong', state })).toBe(false)
    expect(await failCounts()).toEqual([1, 2 * counts, 1])
    expect(await check({ pass: sms, state })).toBe(true)
    expect(await failCounts()).toEqual([0, 3 * counts, 0])
  })

  it('leaves the usual reply for one token where one is left', async () => {
    for (const serial of ['EM1', 'EM2']) await h.admin('/admin/disable', { serial })
    const { json } = await h.check({ user: 'ada', pass: 'pin-' })

    expect(json.detail).toMatchObject({ linotp_tokenserial: 'SM1', transactionid: expect.stringMatching(/^\d{17}$/) })
  })

  it('is a plain no where none is left', async () => {
    for (const serial of ['EM1', 'EM2', 'SM1']) await set(serial, { MaxFailCount: '0' })
    const { json } = await h.check({ user: 'ada', pass: 'pin-' })

    expect(json).toEqual({ ...json, result: { status: true, value: false }, id: 0 })
    expect(json).not.toHaveProperty('detail')
    expect(await failCounts()).toEqual([1, 1, 1])
  })

  it('after its challenge was opened can answer no more, and the others still can', async () => {
    const { state, sms } = await trigger()
    const mail = h.catcher.mails().at(-1)?.text ?? ''
    for (const serial of ['EM1', 'EM2']) await h.admin('/admin/disable', { serial })

    expect(await check({ pass: mail, state })).toBe(false)
    expect(await check({ pass: sms, state })).toBe(true)
  })
})

describe('the validity period', () => {
  it('begins at its minute and ends after its minute', async () => {
    await set('EM1', { validityPeriodStart: minute(1), validityPeriodEnd: minute(2) })
    const asked = async () => (await trigger()).serials.includes('EM1')

    const before = await asked()
    h.pass(60 - (h.edges.clock() % 60))
    const first = await asked()
    h.pass(60)
    const last = await asked()
    h.pass(1)
    const after = await asked()

    expect([before, first, last, after]).toEqual([false, true, true, false])
  })
})

describe('a wrong answer', () => {
  it.each<readonly [string, Fields, readonly number[]]>([
    ['without a transaction: all of the user', { pass: 'wrong' }, [1, 1, 1]],
    ['a transaction that does not exist: all', { pass: 'wrong', state: '12345678901234567' }, [1, 1, 1]],
    ['a serial: that token', { pass: 'wrong', serial: 'EM2' }, [0, 1, 0]],
    ['a token type: those tokens', { pass: 'wrong', token_type: 'email' }, [1, 1, 0]],
    ['nobody by that name: none', { pass: 'wrong', realm: 'nowhere' }, [0, 0, 0]],
  ])('is paid by those who were asked, with %s', async (_, fields, counts) => {
    expect(await check(fields)).toBe(false)
    expect(await failCounts()).toEqual(counts)
  })

  it('to check_t is paid by the tokens of the transaction', async () => {
    const { state } = await trigger()
    const { json } = await h.post('/validate/check_t', { state, pass: 'wrong' })
    await h.post('/validate/check_t', { state: `${state}.03`, pass: 'wrong' })

    expect(json.result?.value).toEqual({ value: false, failcount: 1 })
    expect(await failCounts()).toEqual([1, 1, 2])
  })

  it('to the PIN of one token costs the others nothing: it asks for a challenge', async () => {
    await set('EM2', { pin: 'other-' })

    expect((await trigger('other-')).serials).toEqual(['EM2'])
    expect(await failCounts()).toEqual([0, 0, 0])
  })
})

describe('a right answer', () => {
  it('resets all tokens that were asked, whoever it was', async () => {
    const { state, sms } = await trigger()
    await check({ pass: 'wrong' })
    expect(await check({ pass: sms, state })).toBe(true)

    expect(await failCounts()).toEqual([0, 0, 0])
  })

  it('for one serial resets that token alone', async () => {
    const { sms } = await trigger()
    await check({ pass: 'wrong' })
    expect(await check({ pass: `pin-${sms}`, serial: 'SM1' })).toBe(true)

    expect(await failCounts()).toEqual([1, 1, 0])
  })
})

describe('a limit on use', () => {
  it('countAuthMax counts each answer that was judged, right or wrong, for its own token', async () => {
    await set('SM1', { countAuthMax: '3' })
    const first = await trigger()
    await check({ pass: 'wrong', state: first.state })
    await check({ pass: first.sms, state: first.state })
    expect(await info('SM1')).toMatchObject({ count_auth: 2 })
    expect(await info('EM1')).not.toHaveProperty('count_auth') // no limit, no count

    const second = await trigger()
    await check({ pass: 'wrong', state: second.state })
    expect(await info('SM1')).toMatchObject({ count_auth: 3 })
    expect(await check({ pass: second.sms, state: second.state })).toBe(false)
    expect((await trigger()).serials).toEqual(['EM1', 'EM2'])
  })

  it('countAuthSuccessMax counts right answers of the token that gave them', async () => {
    for (const serial of ['EM1', 'SM1']) await set(serial, { countAuthSuccessMax: '2' })
    for (let n = 0; n < 2; n++) {
      const { state, sms } = await trigger()
      await check({ pass: 'wrong', state })
      expect(await check({ pass: sms, state })).toBe(true)
    }

    expect(await info('SM1')).toMatchObject({ count_auth_success: 2 })
    expect(await info('EM1')).not.toHaveProperty('count_auth_success')
    expect((await trigger()).serials).toEqual(['EM1', 'EM2'])
  })

  it('lets one of two answers through that come at the same time', async () => {
    await set('SM1', { countAuthSuccessMax: '1' })
    const [older, newer] = [await trigger(), await trigger()]

    const answers = await Promise.all([older, newer].map(({ state, sms }) => check({ pass: sms, state })))

    expect(answers.filter(Boolean)).toHaveLength(1)
  })

  it('of 0 is none', async () => {
    await set('SM1', { countAuthMax: '0', countAuthSuccessMax: '0', countAuth: '5' })

    expect((await trigger()).serials).toEqual(['EM1', 'EM2', 'SM1'])
  })
})
