/** Verifying a token in self-service, and tokens that log in only then (contract 10.3). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Fields, type Harness, startHarness, times } from '../support/harness.ts'
import {
  type Browser,
  clearUp,
  codeOf,
  listed,
  logIn,
  mailedOtp,
  mailToken,
  newestAudit,
  policy,
  setUpUsers,
} from '../support/self.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await setUpUsers(h)
})
afterAll(() => h.close())
afterEach(() => clearUp(h))

const ADDRESS = { type: 'email', email_address: 'alice@home.test' }

describe('verify', () => {
  const verify = (browser: Browser, fields: Fields) => browser.call('verify', fields)
  const begun = async () => {
    await policy(h, 'verify, enrollEMAIL')
    const alice = await logIn(h)
    const { json } = await alice.call('enroll', ADDRESS)
    const serial = String(json.detail?.serial)
    const triggered = await verify(alice, { serial })
    return { alice, serial, triggered, transactionid: String(triggered.json.detail?.transactionId), otp: mailedOtp(h) }
  }

  it('sends, tells how it stands, and is answered', async () => {
    const { alice, serial, triggered, transactionid, otp } = await begun()

    expect(triggered.json).toMatchObject({ result: { status: true, value: false }, id: 1 })
    expect(triggered.json.detail).toEqual({
      ...{ message: 'e-mail sent successfully', replyMode: ['offline'], transactionId: transactionid },
    })
    const open = {
      received_count: 0,
      received_tan: false,
      valid_tan: false,
      status: 'open',
      accept: false,
      reject: false,
    }
    expect((await alice.get('verify', { transactionid })).json).toMatchObject({
      result: { value: false },
      detail: open,
    })
    expect((await verify(alice, { serial, transactionid, otp: '000000' })).json.result?.value).toBe(false)
    expect(await h.failCount(serial)).toBe(1)
    const answered = await verify(alice, { serial, transactionid, otp })
    expect([answered.json.result?.value, answered.json.detail]).toEqual([true, undefined])
    expect((await verify(alice, { serial, transactionid, otp })).json.result?.value).toBe(false)
    expect((await alice.get('verify', { transactionid })).json).toMatchObject({
      result: { value: true },
      detail: { received_count: 2, valid_tan: true, status: 'closed' },
    })
  })

  it('accepts one of fifty equal answers', async () => {
    const { alice, serial, transactionid, otp } = await begun()

    const replies = await Promise.all(times(50, () => verify(alice, { serial, transactionid, otp })))

    expect(replies.filter(({ json }) => json.result?.value === true)).toHaveLength(1)
  })

  it('locks the token by wrong answers, as /validate does', async () => {
    const { alice, serial, transactionid, otp } = await begun()
    for (let n = 0; n < 10; n++) await verify(alice, { serial, transactionid, otp: '000000' })

    expect(await h.failCount(serial)).toBe(10)
    expect((await verify(alice, { serial, transactionid, otp })).json.result?.value).toBe(false)
    expect(await newestAudit(h)).toMatchObject({
      action: 'userservice/verify',
      success: 0,
      serial,
      detail: 'token_locked',
    })
    expect((await verify(alice, { serial })).json.result?.error).toEqual({
      code: -311,
      message: `no message could be sent for token '${serial}'`,
    })
  })

  it('sends nothing twice within the blocking time', async () => {
    const { alice, serial } = await begun()
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '60' })
    const again = await verify(alice, { serial })
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })

    expect(again.json.result?.error).toEqual({ code: -311, message: 'e-mail with otp already submitted' })
  })

  it.each<[string, (own: Awaited<ReturnType<typeof begun>>) => Fields, number]>([
    ['nothing', () => ({}), 905],
    ['an unknown transaction', () => ({ transactionid: '11111111111111111' }), -311],
    ['an unknown transaction and an OTP', ({ serial, otp }) => ({ serial, transactionid: '1', otp }), -311],
    [
      'a transaction of another of the tokens',
      ({ transactionid, otp }) => ({ serial: 'SECOND', transactionid, otp }),
      -311,
    ],
    ['an unknown token', () => ({ serial: 'NONE' }), 1102],
    ['any token', () => ({ serial: '*' }), 1102],
    ['an unknown token and an OTP', () => ({ serial: 'NONE', otp: '1' }), 1102],
  ])('refuses %s', async (_, fields, code) => {
    const own = await begun()
    await mailToken(h, 'alice', 'SECOND')

    expect(codeOf(await verify(own.alice, fields(own)))).toBe(code)
  })

  it('refuses an expired transaction', async () => {
    const { alice, serial, transactionid, otp } = await begun()
    h.pass(120)

    expect(codeOf(await verify(alice, { serial, transactionid, otp }))).toBe(-311)
  })

  it('has no part in the token of somebody else', async () => {
    const { alice } = await begun()
    await mailToken(h, 'bob', 'BOBS')
    await mailToken(h, 'alice', 'OTHERS', { realm: 'lab' })
    const mails = h.catcher.mails().length

    for (const serial of ['BOBS', 'OTHERS']) {
      expect(codeOf(await verify(alice, { serial }))).toBe(1102)
      expect(codeOf(await verify(alice, { serial, otp: '1' }))).toBe(1102)
      expect([h.catcher.mails().length, await h.failCount(serial)]).toEqual([mails, 0])
    }
    for (const [user, serial] of [
      ['bob@corp', 'BOBS'],
      ['alice@lab', 'OTHERS'],
    ] as const) {
      const { otp, transactionId: transactionid } = await h.trigger(user, 'pin-')
      const failure = { code: -311, message: `No challenge for transaction '${transactionid}' found` }
      for (const fields of [{ transactionid }, { transactionid, otp }, { transactionid, otp, serial }])
        expect((await verify(alice, fields)).json.result?.error).toEqual(failure)
      expect((await h.check({ user, state: transactionid, pass: otp })).json.result?.value).toBe(true)
    }
  })

  it('needs the right to it', async () => {
    await mailToken(h, 'alice', 'MINE')
    const mails = h.catcher.mails().length

    expect(codeOf(await verify(await logIn(h), { serial: 'MINE' }))).toBe(410)
    expect(h.catcher.mails()).toHaveLength(mails)
  })
})

describe('require_verification', () => {
  const logsInWith = async (serial: string) =>
    (await h.check({ user: 'alice@corp', serial, pass: '' })).json.detail?.message === 'e-mail sent successfully'
  const stateOf = async (browser: Browser) =>
    listed(await browser.call('usertokenlist')).map(({ Enrollment }) => Enrollment)
  const enrolled = async (value: string) => {
    await h.admin('/system/setConfig', { require_verification: value })
    await policy(h, 'enrollEMAIL, verify')
    const alice = await logIn(h)
    const { json } = await alice.call('enroll', ADDRESS)
    await h.admin('/system/delConfig', { key: 'require_verification' })
    return { alice, serial: String(json.detail?.serial) }
  }

  it('keeps a token from logging in until its user has answered a message', async () => {
    const { alice, serial } = await enrolled('True')

    expect([await logsInWith(serial), await h.failCount(serial)]).toEqual([false, 0])
    expect(await stateOf(alice)).toEqual([{ status: 'not completed', detail: 'not verified' }])
    const { json } = await alice.call('verify', { serial })
    const [otp, transactionid] = [mailedOtp(h), String(json.detail?.transactionId)]
    // What was sent for the verification logs nobody in before it, either.
    expect((await h.check({ user: 'alice@corp', state: transactionid, pass: otp })).json.result?.value).toBe(false)
    expect((await alice.call('verify', { serial, transactionid, otp: '000000' })).json.result?.value).toBe(false)
    expect(await logsInWith(serial)).toBe(false)
    expect((await alice.call('verify', { serial, transactionid, otp })).json.result?.value).toBe(true)

    expect([await logsInWith(serial), await stateOf(alice)]).toEqual([true, [{ status: 'completed' }]])
  })

  it('is no second factor, and no hindrance to verifying it', async () => {
    const { serial } = await enrolled('True')
    await policy(h, 'mfa_login, mfa_passOnNoToken', { name: 'mfa' })

    const alice = await logIn(h)
    await alice.call('verify', { serial })
    await alice.call('verify', { serial, otp: mailedOtp(h) })

    expect((await alice.call('context')).status).toBe(200)
  })

  it('is off by default, and an administrator who enrols the token anew vouches for it', async () => {
    const [free, bound] = [await enrolled('False'), await enrolled('True')]

    expect([await logsInWith(free.serial), await logsInWith(bound.serial)]).toEqual([true, false])
    await h.admin('/admin/init', {
      type: 'email',
      serial: bound.serial,
      email_address: 'a@corp.test',
      user: 'alice@corp',
    })
    expect(await logsInWith(bound.serial)).toBe(true)
  })
})
