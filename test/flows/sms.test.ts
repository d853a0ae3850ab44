/** The SMS token from enrolment to the answer: counters, ways to answer, blocking, validity, phones, transaction ids. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, startHarness, times } from '../support/harness.ts'
import { RFC4226 } from '../support/rfc4226.ts'

const SEED = Buffer.from(RFC4226.secret).toString('hex')
const otpAt = (counter: number): string => RFC4226.vectors[counter]?.otp ?? 'none'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
})
beforeEach(async () => {
  gateway.reply({})
  await h.admin('/system/setConfig', { SMSBlockingTimeout: '0' })
  await h.admin('/admin/remove', { serial: 'SM1' })
  await enrollSms(h, 'bob', 'SM1', { otpkey: SEED })
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const check = async (fields: Fields): Promise<unknown> => (await h.check({ user: 'bob', ...fields })).json.result?.value
/** An OTP that was just sent, and its transaction. */
async function trigger(): Promise<{ readonly otp: string; readonly state: string }> {
  const { json } = await h.check({ user: 'bob', pass: 'pin-' })
  return { otp: gateway.otp(), state: String(json.detail?.transactionid) }
}
const token = async () => (await h.store.findTokens({ serials: ['SM1'] }))[0]

describe('the token', () => {
  it('answers its PIN with a challenge in LinOTP words and sends the OTP to its phone', async () => {
    const { json } = await h.check({ user: 'bob', pass: 'pin-' })

    expect(json).toEqual({
      ...json,
      result: { status: true, value: false },
      id: 0,
      detail: {
        ...{ transactionid: expect.stringMatching(/^\d{17}$/), state: json.detail?.transactionid },
        ...{ message: 'sms submitted', linotp_tokenserial: 'SM1', linotp_tokentype: 'sms' },
        linotp_tokendescription: '',
      },
    })
    expect(gateway.requests.at(-1)?.form).toEqual({ to: '+49 170 1234567', text: otpAt(1) })
  })

  it('sends the OTP of the next counter, moves by one per challenge, and by one more when it was right', async () => {
    const first = await trigger()
    const second = await trigger()
    const before = (await token())?.counter
    expect(await check({ pass: second.otp, state: second.state })).toBe(true)
    const after = (await token())?.counter
    const third = await trigger()

    expect([first.otp, second.otp, third.otp]).toEqual([otpAt(1), otpAt(2), otpAt(4)])
    expect([before, after]).toEqual([2, 3])
  })

  it('writes into TokenInfo until when the OTP is good', async () => {
    expect((await token())?.info).not.toHaveProperty('until')
    await h.admin('/system/setConfig', { SMSProviderTimeout: '77' })
    await trigger()
    await h.admin('/system/delConfig', { key: 'SMSProviderTimeout' })

    expect((await token())?.info.until).toBe(h.edges.clock() + 77)
    const shown = await h.admin('/admin/show', { serial: 'SM1' })
    expect(shown.text).toContain(`\\"until\\": ${h.edges.clock() + 77}`)
  })
})

describe('an answer', () => {
  it.each<readonly [string, (otp: string, state: string) => Fields]>([
    ['the OTP with its transaction', (pass, state) => ({ pass, state })],
    ['PIN and OTP with its transaction', (otp, transactionid) => ({ pass: `pin-${otp}`, transactionid })],
    ['PIN and OTP in one pass', (otp) => ({ pass: `pin-${otp}` })],
  ])('is %s, once', async (_, answer) => {
    const { otp, state } = await trigger()

    expect(await check(answer(otp, state))).toBe(true)
    expect(await check(answer(otp, state))).toBe(false)
    expect(await check({ pass: otp, state })).toBe(false)
    expect(await check({ pass: `pin-${otp}` })).toBe(false)
  })

  it.each<readonly [string, (otp: string, state: string) => Fields]>([
    ['the OTP alone', (otp) => ({ pass: otp })],
    ['a wrong PIN and the OTP', (otp) => ({ pass: `nip-${otp}` })],
    ['a wrong PIN and the OTP with its transaction', (otp, state) => ({ pass: `nip-${otp}`, state })],
    ['the OTP before the PIN', (otp, state) => ({ pass: `${otp}pin-`, state })],
    ['the OTP with an empty transaction', (otp) => ({ pass: otp, state: '' })],
    ['PIN and OTP with an empty transaction', (otp) => ({ pass: `pin-${otp}`, state: '' })],
    ['the OTP with a made-up transaction', (otp) => ({ pass: otp, state: '12345678901234567' })],
    ['PIN and OTP with a made-up transaction', (otp) => ({ pass: `pin-${otp}`, transactionid: 'x' })],
    ['the OTP with half its transaction', (otp, state) => ({ pass: otp, state: state.slice(0, 14) })],
    ['the OTP with more than its transaction', (otp, state) => ({ pass: otp, state: `${state}.01` })],
    ['the next OTP, which nobody was sent', (_, state) => ({ pass: otpAt(2), state })],
    ['PIN and the next OTP', () => ({ pass: `pin-${otpAt(2)}` })],
    ['nothing', (_, state) => ({ pass: '', state })],
  ])('is not %s, which counts, and the right one is still good', async (_, answer) => {
    const { otp, state } = await trigger()

    expect(await check(answer(otp, state))).toBe(false)
    expect(await h.failCount('SM1')).toBe(1)
    expect(await check({ pass: otp, state })).toBe(true)
    expect(await h.failCount('SM1')).toBe(0)
  })

  it('without any challenge is wrong, whatever counter it is of', async () => {
    for (const pass of [`pin-${otpAt(0)}`, `pin-${otpAt(1)}`]) expect(await check({ pass })).toBe(false)
    expect(await check({ pass: otpAt(1), state: '' })).toBe(false)
  })

  it('belongs to its own transaction: the OTP of the second is wrong for the first, and spends nothing', async () => {
    const [first, second] = [await trigger(), await trigger()]

    expect(await check({ pass: second.otp, state: first.state })).toBe(false)
    expect(await check({ pass: second.otp, state: second.state })).toBe(true)
    expect(await check({ pass: first.otp, state: first.state })).toBe(false) // older ones end with it
  })

  it('to the older challenge leaves the newer one open', async () => {
    const [first, second] = [await trigger(), await trigger()]

    expect(await check({ pass: `pin-${first.otp}` })).toBe(true)
    expect(await check({ pass: second.otp, state: second.state })).toBe(true)
  })

  it('after enrolling the token anew is wrong', async () => {
    const { otp, state } = await trigger()
    await enrollSms(h, 'bob', 'SM1', { otpkey: SEED })

    expect(await check({ pass: otp, state })).toBe(false)
  })
})

describe('blocking', () => {
  const sent = () => gateway.requests.length

  it('sends no second SMS within SMSBlockingTimeout and names the transaction of the first', async () => {
    await h.admin('/system/setConfig', { SMSBlockingTimeout: '30' })
    const { state } = await trigger()
    const before = sent()
    h.pass(29)
    const blocked = await h.check({ user: 'bob', pass: 'pin-' })
    h.pass(1)
    const free = await h.check({ user: 'bob', pass: 'pin-' })

    expect(blocked.json.detail).toMatchObject({
      ...{ transactionid: state, state, message: 'sms with otp already submitted' },
      info: 'challenge already submitted',
    })
    expect(free.json.detail).toMatchObject({ message: 'sms submitted' })
    expect(sent()).toBe(before + 1)
  })

  it('lasts 60 seconds where nothing is set', async () => {
    await h.admin('/system/delConfig', { key: 'SMSBlockingTimeout' })
    await trigger()
    h.pass(59)
    const blocked = await h.check({ user: 'bob', pass: 'pin-' })
    h.pass(1)
    const free = await h.check({ user: 'bob', pass: 'pin-' })

    expect([blocked, free].map(({ json }) => json.detail?.message)).toEqual([
      'sms with otp already submitted',
      'sms submitted',
    ])
  })

  it('goes on after a wrong answer, and ends with a right one and with an SMS that was lost', async () => {
    await h.admin('/system/setConfig', { SMSBlockingTimeout: '30' })
    const { otp, state } = await trigger()
    await check({ pass: '000000', state })
    const wrong = await h.check({ user: 'bob', pass: 'pin-' })
    await check({ pass: otp, state })
    gateway.reply({ status: 500 })
    const lost = await h.check({ user: 'bob', pass: 'pin-' })
    gateway.reply({})
    const again = await h.check({ user: 'bob', pass: 'pin-' })

    expect(wrong.json.detail?.message).toBe('sms with otp already submitted')
    expect(lost.json).not.toHaveProperty('detail')
    expect(again.json.detail?.message).toBe('sms submitted')
  })

  it('sends one SMS for fifty equal triggers', async () => {
    await h.admin('/system/setConfig', { SMSBlockingTimeout: '30' })
    const before = sent()

    const answers = await Promise.all(times(50, () => h.check({ user: 'bob', pass: 'pin-' })))

    expect(sent()).toBe(before + 1)
    expect(new Set(answers.map(({ json }) => json.detail?.transactionid)).size).toBe(1)
  })
})

describe('validity', () => {
  const KEYS = ['DefaultChallengeValidityTime', 'SmsChallengeValidityTime', 'SMSChallengeValidityTime']
  const ALL = [...KEYS, 'smsChallengeValidityTime', 'SMSProviderTimeout']
  const paths: Readonly<Record<string, (otp: string, state: string) => Promise<unknown>>> = {
    'the OTP with its transaction': (otp, state) => check({ pass: otp, state }),
    'PIN and OTP with its transaction': (otp, state) => check({ pass: `pin-${otp}`, state }),
    'PIN and OTP': (otp) => check({ pass: `pin-${otp}` }),
    check_t: async (otp, state) => (await h.post('/validate/check_t', { pass: otp, state })).json.detail?.value,
    check_s: async (otp) =>
      (await h.post('/validate/check_s', { serial: 'SM1', pass: `pin-${otp}` })).json.result?.value,
  }

  it.each<readonly [Fields, number]>([
    [{}, 120],
    [{ DefaultChallengeValidityTime: '90' }, 90],
    [{ SmsChallengeValidityTime: '200' }, 200],
    [{ SmsChallengeValidityTime: '400' }, 300], // SMSProviderTimeout, where nothing is set
    [{ SmsChallengeValidityTime: '200', SMSProviderTimeout: '50' }, 50],
    [{ SmsChallengeValidityTime: '40', SMSProviderTimeout: '50' }, 40],
    [{ SmsChallengeValidityTime: '40', SMSChallengeValidityTime: '60' }, 60], // later spellings win
    [{ SMSChallengeValidityTime: '60', smsChallengeValidityTime: '70' }, 70],
    [{ SmsChallengeValidityTime: '400', SMSProviderTimeout: '0' }, 400], // 0: no bound
  ])('with %j is %i seconds, on every path', async (settings, seconds) => {
    for (const key of ALL) await h.admin('/system/delConfig', { key })
    if (Object.keys(settings).length > 0) await h.admin('/system/setConfig', settings)

    const late = await trigger()
    h.pass(seconds)
    for (const [name, answer] of Object.entries(paths))
      expect(await answer(late.otp, late.state), `${name}, too late`).toBe(false)
    for (const [name, answer] of Object.entries(paths)) {
      const timely = await trigger()
      h.pass(seconds - 1)
      expect(await answer(timely.otp, timely.state), `${name}, in time`).toBe(true)
    }
    for (const key of ALL) await h.admin('/system/delConfig', { key })
  })
})

describe('a phone', () => {
  it('is changed with admin/set, and the next SMS goes there', async () => {
    const set = await h.admin('/admin/set', { serial: 'SM1', phone: ' +49 151 999 ' })
    await trigger()

    expect(set.json.result?.value).toEqual({ 'set phone': 1 })
    expect(gateway.requests.at(-1)?.form.to).toBe('+49 151 999')
  })

  it.each(['123', '+49 1', '(0170) 444-4444', '0170/444.44'])('may be %s', async (phone) => {
    await enrollSms(h, 'bob', 'SM1', { phone })

    expect((await token())?.info.phone).toBe(phone)
  })

  it.each(['', ' ', 'abc', '+', '0170 444x', '1'.repeat(33), '123\n456', 'a@b.test', '+49 1; +49 2'])(
    'must not be %j',
    async (phone) => {
      const set = await h.admin('/admin/set', { serial: 'SM1', phone })
      const init = await h.admin('/admin/init', { type: 'sms', user: 'bob', serial: 'SM2', phone })

      for (const { json } of [set, init])
        expect(json.result?.error).toEqual({
          code: -311,
          message: 'phone must be one phone number, like +49 170 1234567',
        })
      expect((await token())?.info.phone).toBe('+49 170 1234567')
    },
  )

  it('must be there, and is no setting of e-mail tokens', async () => {
    await enroll(h, 'ada', 'EM1')
    const init = await h.admin('/admin/init', { type: 'sms', user: 'bob', serial: 'SM2' })
    const set = await h.admin('/admin/set', { serial: 'EM1', phone: '123' })

    expect(init.json.result?.error).toEqual({ code: 905, message: "ERR905: Missing parameter: 'phone'" })
    expect(set.json.result?.error?.message).toMatch(/^phone is a setting of sms tokens/)
  })
})

it.each([12, 13, 14, 15, 16, 17])(
  'a transaction id of TransactionIdLength %i leads to its challenge',
  async (length) => {
    await h.admin('/system/setConfig', { TransactionIdLength: String(length) })
    const { otp, state } = await trigger()
    await h.admin('/system/delConfig', { key: 'TransactionIdLength' })

    expect(state).toMatch(new RegExp(`^\\d{${length}}$`))
    expect(await check({ pass: otp, state: state.slice(0, -1) })).toBe(false)
    expect(await check({ pass: otp, state })).toBe(true)
  },
)

describe('sms.sendByPin', () => {
  it('sends nothing when it is False, and sends when it is True', async () => {
    await h.admin('/system/setConfig', { 'sms.sendByPin': 'False' })
    const before = gateway.requests.length
    const refused = await h.check({ user: 'bob', pass: 'pin-' })
    expect([refused.json.detail, gateway.requests.length]).toEqual([undefined, before])

    await h.admin('/system/setConfig', { 'sms.sendByPin': 'True' })
    expect((await h.check({ user: 'bob', pass: 'pin-' })).json.detail?.message).toBe('sms submitted')
    await h.admin('/system/delConfig', { key: 'sms.sendByPin' })
  })
})
