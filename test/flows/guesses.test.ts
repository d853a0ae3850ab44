/** A guess that is a request at the same time, since no PIN is asked for, costs what every guess costs. */
import { afterAll, afterEach, beforeAll, expect, it, onTestFinished } from 'vitest'
import { auditReader } from '../support/audit-http.ts'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
})
afterEach(async () => {
  await h.admin('/system/delPolicy', { name: 'pinless' })
  await h.admin('/admin/remove', { serial: 'SM1' })
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const { newest } = auditReader(() => h)
const WAYS: readonly (readonly [string, string, Fields])[] = [
  ['otppin=3', 'check', { user: 'bob' }],
  ['trigger_sms', 'check_s', { serial: 'SM1', challenge: 'x' }],
]
async function prepare(action: string): Promise<void> {
  await enrollSms(h, 'bob', 'SM1', { pin: '' })
  await h.admin('/system/setPolicy', {
    ...{ name: 'pinless', scope: 'authentication', realm: '*', user: '*', client: '*', action },
  })
}

it.each(WAYS)(
  'under %s with %s: whoever guesses on gets no further than the lock',
  async (action, endpoint, fields) => {
    await prepare(action)
    const ask = (pass: string) => h.post(`/validate/${endpoint}`, { ...fields, pass })
    await ask('')
    const otp = gateway.otp()
    const wrong = otp === '000000' ? '000001' : '000000'

    const first = await ask(wrong)
    for (let n = 1; n < 10; n++) await ask(wrong)
    const right = await ask(otp)

    // The client is told what LinOTP tells it.
    expect(first.json.detail?.message).toBe('sms with otp already submitted')
    expect(right.json.result?.value).toBe(false)
    expect(await h.failCount('SM1')).toBe(11)
  },
)

it.each(WAYS)('under %s with %s: guesses use up the attempts of the challenge', async (action, endpoint, fields) => {
  await prepare(action)
  h.pass(600)
  await h.admin('/system/setConfig', { max_attempts: '2' })
  onTestFinished(async () => void (await h.admin('/system/delConfig', { key: 'max_attempts' })))
  const ask = (pass: string) => h.post(`/validate/${endpoint}`, { ...fields, pass })
  await ask('')
  const [otp, before] = [gateway.otp(), gateway.requests.length]

  for (let n = 0; n < 2; n++) await ask(otp === '000000' ? '000001' : '000000')

  // The guess that ends the challenge brings no new one about.
  expect(gateway.requests.length).toBe(before)
  expect((await ask(otp)).json.result?.value).toBe(false)
})

it.each(WAYS)(
  'under %s with %s: the guess that makes a token wait opens nothing, and the audit says so',
  async (...way) => {
    const [action, endpoint, fields] = way
    await prepare(action)
    h.pass(600)
    await h.admin('/system/setConfig', { fail_delay: '30' })
    onTestFinished(async () => void (await h.admin('/system/delConfig', { key: 'fail_delay' })))
    const details: unknown[] = []
    const ask = async (pass: string) => {
      await h.post(`/validate/${endpoint}`, { ...fields, pass })
      details.push((await newest({})).detail)
    }
    await ask('')
    const wrong = gateway.otp() === '000000' ? '000001' : '000000'

    for (let n = 0; n < 4; n++) await ask(wrong)

    expect(details).toEqual([
      'challenge_created',
      'challenge_pending',
      'challenge_pending',
      'challenge_lost',
      'token_waiting',
    ])
  },
)

it.each(WAYS)('under %s with %s: a guess counts for the client as well', async (action, endpoint, fields) => {
  await prepare(action)
  h.pass(600)
  await h.admin('/system/setConfig', { fail_limit_per_client: '3/10m' })
  onTestFinished(async () => void (await h.admin('/system/delConfig', { key: 'fail_limit_per_client' })))
  const ask = (pass: string) => h.post(`/validate/${endpoint}`, { ...fields, pass })
  await ask('')
  const otp = gateway.otp()

  for (let n = 0; n < 5; n++) await ask(otp === '000000' ? '000001' : '000000')

  expect((await ask(otp)).json.result?.value).toBe(false)
  expect(await h.failCount('SM1')).toBe(3)
})

it.each(WAYS)(
  'under %s with %s: what is no OTP, or answers nothing, counts nothing',
  async (action, endpoint, fields) => {
    await prepare(action)
    const ask = (pass: string) => h.post(`/validate/${endpoint}`, { ...fields, pass })

    for (const pass of ['123456', '', 'sesame', '12345']) await ask(pass)

    expect(await h.failCount('SM1')).toBe(0)
    expect((await ask(gateway.otp())).json.result?.value).toBe(true)
  },
)
