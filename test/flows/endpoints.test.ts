/** The endpoints beside /validate/check: what each of them answers to the same events (contract 2.6 to 2.11). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

const NO = { status: true, value: false }
const YES = { status: true, value: true }
/** What LinOTP's check_s says when it raises: no error, but `status` is false. */
const RAISED = { status: false, value: false }
const UNKNOWN = '12345678901234567'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  await enroll(h, 'ada', 'EM1')
  await enrollSms(h, 'bob', 'SM1')
})
afterEach(() => h.admin('/admin/reset', { serial: 'EM1' }))
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const ask = (endpoint: string, fields: Fields = {}): Promise<Reply> => h.post(`/validate/${endpoint}`, fields)
/** What a client compares: no detail, no id but the usual one. */
const bare = (reply: Reply, result: object): void => {
  expect(reply.json).toEqual({ ...reply.json, result, id: 0 })
  expect(reply.json).not.toHaveProperty('detail')
}

describe('check_s', () => {
  it('triggers and accepts by serial, with a transaction id and in one pass', async () => {
    const triggered = await ask('check_s', { serial: 'EM1', pass: 'pin-' })
    const { transactionid = '' } = triggered.json.detail as Fields // the assertion below says so
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const accepted = await ask('check_s', { serial: 'EM1', pass: otp, transactionid })
    await ask('check_s', { serial: 'EM1', pass: 'pin-' })
    const inOnePass = await ask('check_s', { serial: 'EM1', pass: `pin-${h.catcher.mails().at(-1)?.text}` })

    expect(triggered.json).toMatchObject({ result: NO, id: 0, detail: { linotp_tokenserial: 'EM1' } })
    bare(accepted, YES)
    bare(inOnePass, YES)
  })

  it('takes a user in place of a serial when the user has one token', async () => {
    const reply = await ask('check_s', { user: 'ada', pass: 'pin-' })

    expect(reply.json).toMatchObject({ result: NO, detail: { linotp_tokenserial: 'EM1' } })
  })

  it.each<readonly [string, Fields, object]>([
    ['a wrong pass', { serial: 'EM1', pass: 'nope' }, NO],
    ['an unknown serial', { serial: 'NONE', pass: 'pin-' }, NO],
    ['no serial and no user', { pass: 'pin-' }, NO],
    ['no pass', { serial: 'EM1' }, RAISED],
    ['no pass for an unknown serial', { serial: 'NONE' }, RAISED],
    ['nothing at all', {}, RAISED],
    ['a user without a token', { user: 'eve', pass: 'pin-' }, RAISED],
    ['a user nobody knows', { user: 'nobody', pass: 'pin-' }, RAISED],
    ['a challenge without the policy that allows it', { serial: 'SM1', challenge: 'Your code <otp>' }, RAISED],
  ])('answers %s as LinOTP does', async (_, fields, result) => bare(await ask('check_s', fields), result))

  it('raises for a user with two tokens, and costs neither of them anything', async () => {
    await enroll(h, 'ada', 'EM2')

    bare(await ask('check_s', { user: 'ada', pass: 'nope' }), RAISED)

    expect(await h.failCount('EM1')).toBe(0)
    expect(await h.failCount('EM2')).toBe(0)
    await h.admin('/admin/remove', { serial: 'EM2' })
  })
})

describe('check_t', () => {
  it('tells whether the answer was right, the fail count and the token', async () => {
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const wrong = await ask('check_t', { transactionid: transactionId, pass: '000' })
    const right = await ask('check_t', { state: transactionId, pass: otp })
    const again = await ask('check_t', { transactionid: transactionId, pass: otp })

    const answer = (value: boolean, failcount: number) => ({
      result: { status: true, value: { value, failcount } },
      id: 1,
      detail: { value, failcount, token_type: 'email', serial: 'EM1' },
    })
    expect(wrong.json).toEqual({ ...wrong.json, ...answer(false, 1) })
    expect(right.json).toEqual({ ...right.json, ...answer(true, 0) })
    expect(again.json).toEqual({ ...again.json, ...answer(false, 1) })
  })

  it('accepts PIN and OTP for an SMS token, and not for an e-mail token', async () => {
    const email = await h.trigger('ada', 'pin-')
    const sms = await h.trigger('bob', 'pin-')

    const replies = [
      await ask('check_t', { transactionid: email.transactionId, pass: `pin-${email.otp}` }),
      await ask('check_t', { transactionid: sms.transactionId, pass: `pin-${gateway.otp()}` }),
    ]

    expect(replies.map((reply) => reply.json.detail?.value)).toEqual([false, true])
  })

  it.each([UNKNOWN, '1', ' ', `${UNKNOWN}.01`])(
    'names a transaction that does not exist: %j',
    async (transactionid) => {
      const reply = await ask('check_t', { transactionid, pass: '123456' })

      expect(reply.json).toMatchObject({ result: { status: true, value: { value: false, failcount: 0 } }, id: 1 })
      expect(reply.json.detail).toEqual({
        value: false,
        failure: `No challenge for transaction '${transactionid}' found`,
      })
    },
  )

  it('knows nothing of a transaction whose token was removed or is of another type', async () => {
    await enroll(h, 'eve', 'EM3')
    const { otp, transactionId } = await h.trigger('eve', 'pin-')
    const otherType = await ask('check_t', { transactionid: transactionId, pass: otp, token_type: 'sms' })
    await h.admin('/admin/remove', { serial: 'EM3' })
    const removed = await ask('check_t', { transactionid: transactionId, pass: otp })

    expect(otherType.json.detail).toHaveProperty('failure')
    expect(removed.json.detail).toHaveProperty('failure')
  })

  it.each<readonly [string, Fields]>([
    ['no pass', { transactionid: UNKNOWN }],
    ['no transaction', { pass: '123456' }],
    ['an empty transaction', { transactionid: '', pass: '123456' }],
    ['nothing at all', {}],
  ])('answers a bare no to %s', async (_, fields) => bare(await ask('check_t', fields), NO))
})

describe('check_status', () => {
  const status = async (fields: Fields) => (await ask('check_status', { pass: 'pin-', ...fields })).json

  it('shows a transaction to whoever knows the PIN, from its beginning to its end', async () => {
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const shown = (changes: object) => ({
      result: YES,
      id: 0,
      detail: {
        transactions: {
          [transactionId]: {
            ...{ received_count: 0, received_tan: false, valid_tan: false, status: 'open' },
            ...{ message: 'e-mail sent successfully', token: { serial: 'EM1', type: 'email' } },
            ...changes,
          },
        },
      },
    })
    const over = shown({ received_count: 2, received_tan: true, valid_tan: true, status: 'closed' })

    for (const fields of [
      { transactionid: transactionId },
      { state: transactionId, user: 'ada' },
      { state: transactionId, serial: 'EM1' },
    ])
      expect(await status(fields)).toMatchObject(shown({}))
    await ask('check', { user: 'ada', pass: '000', state: transactionId })
    expect(await status({ state: transactionId })).toMatchObject(shown({ received_count: 1, received_tan: true }))
    await ask('check', { user: 'ada', pass: otp, state: transactionId })
    expect(await status({ state: transactionId })).toMatchObject(over)
    // A wrong guess afterwards does not turn the success into a failure (contract 12.2 #27).
    await ask('check', { user: 'ada', pass: '000', state: transactionId })
    expect(await status({ state: transactionId })).toMatchObject(over)
  })

  it('shows nothing to others, and counts nothing', async () => {
    const { transactionId } = await h.trigger('ada', 'pin-')

    for (const fields of [
      { state: transactionId, pass: 'nope' },
      { state: transactionId, pass: '' },
      { state: transactionId, user: 'bob' },
      { state: transactionId, user: 'nobody' },
      { state: transactionId, user: 'ada', realm: 'nowhere' },
      { state: transactionId, serial: 'SM1' },
      { state: UNKNOWN },
      { state: transactionId.slice(0, 14) },
      { state: '' },
      {},
    ])
      bare(await ask('check_status', { pass: 'pin-', ...fields }), NO)
    bare(await ask('check_status', { state: transactionId }), NO)
    expect(await h.failCount('EM1')).toBe(0)
  })

  it('no longer shows a transaction that is over, or that nobody was sent', async () => {
    const { transactionId } = await h.trigger('ada', 'pin-')
    h.pass(119)
    expect((await status({ state: transactionId })).result).toEqual(YES)
    h.pass(1)
    expect((await status({ state: transactionId })).result).toEqual(NO)

    gateway.reply({ status: 503 })
    await ask('check', { user: 'bob', pass: 'pin-' })
    gateway.reply({})
    const lost = await h.client.execute("SELECT transaction_id FROM challenges WHERE delivery = 'undelivered'")
    expect(lost.rows).toHaveLength(1)
    expect((await status({ state: String(lost.rows[0]?.transaction_id) })).result).toEqual(NO)
  })
})
