/** privacyIDEA's wire: challenges, guesses and floods (contract G.10 to G.13, G.18, G.19). The rules are LinOTP's. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Harness, startHarness, times } from '../support/harness.ts'
import { PASSWORD, type PiClient, type PiReply, piClient } from '../support/privacyidea.ts'

let h: Harness
let gateway: Gateway
let pi: PiClient
let token: string
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: PASSWORD })
  gateway = await startGateway()
  await useGateway(h, gateway)
  pi = piClient(h)
  token = await pi.auth()
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})
beforeEach(async () => {
  await h.admin('/admin/remove', { user: 'ada' })
  await h.admin('/admin/remove', { user: 'bob' })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  await enroll(h, 'ada', 'EM1')
})

const mails = () => h.catcher.mails().length
const wrong = (otp: string) => (otp === '000000' ? '000001' : '000000')
const verdicts = (replies: readonly PiReply[]) => replies.map(({ authentication }) => authentication)
/** What a client can tell replies apart by. */
const told = ({ status, root }: PiReply) => {
  const { threadid: _, ...detail } = root.detail as Record<string, unknown>
  return { status, ...root, detail, time: 0 }
}

describe('G.10 equal triggers', () => {
  it('within the blocking time send one message, and both lead to its transaction', async () => {
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '60' })
    const before = mails()

    const [first, second, third] = [
      await pi.check({ user: 'ada', pass: 'pin-' }),
      await pi.check({ user: 'ada', pass: 'pin-' }),
      await pi.post('/validate/triggerchallenge', { user: 'ada' }, { token }),
    ]
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const answer = await pi.check({ user: 'ada', pass: otp, state: String(third.detail.transaction_id) })

    expect(mails() - before).toBe(1)
    expect([second.detail.transaction_id, third.detail.transaction_id]).toEqual(
      times(2, () => first.detail.transaction_id),
    )
    expect([first.detail.message, second.detail.message]).toEqual([
      'Enter the OTP from the Email',
      'Enter the OTP from the Email (it was already sent)',
    ])
    expect(answer.value).toBe(true)
  })

  it('of twenty at once on both wires one sends, and all lead to its transaction', async () => {
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '60' })
    const before = mails()
    const fields = { user: 'ada', pass: 'pin-' }

    const ids = await Promise.all(
      times(20, async (n) =>
        n % 2 ? (await pi.check(fields)).detail.transaction_id : (await h.check(fields)).json.detail?.transactionid,
      ),
    )

    expect([mails() - before, ids.length, new Set(ids).size]).toEqual([1, 20, 1])
  })

  it('a part of a transaction that is asked again alone shows its whole, in digits', async () => {
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '60', SMSBlockingTimeout: '60' })
    await enrollSms(h, 'ada', 'SM1')
    const both = await pi.check({ user: 'ada', pass: 'pin-' })
    const one = await pi.check({ serial: 'SM1', pass: 'pin-' })
    const narrowed = await pi.check({ user: 'ada', type: 'email', pass: 'pin-' })

    const answer = await pi.check({
      user: 'ada',
      pass: gateway.otp(),
      transaction_id: String(one.detail.transaction_id),
    })

    expect([one, narrowed].map(({ detail }) => detail.transaction_id)).toEqual(
      times(2, () => both.detail.transaction_id),
    )
    expect(narrowed.detail.multi_challenge).toHaveLength(1)
    expect([answer.value, answer.detail.serial]).toEqual([true, 'SM1'])
  })
})

describe('G.11 expiry and replay', () => {
  it('refuses an OTP after its time, by the transaction and as PIN and OTP', async () => {
    const { otp, transaction } = await pi.trigger('ada', 'pin-')
    h.pass(601)

    const replies = [
      await pi.check({ user: 'ada', pass: otp, transaction_id: transaction }),
      await pi.check({ user: 'ada', pass: `pin-${otp}` }),
    ]

    expect(verdicts(replies)).toEqual(['REJECT', 'REJECT'])
  })

  it('refuses an OTP the second time, whichever way and wire it comes', async () => {
    const { otp, transaction } = await pi.trigger('ada', 'pin-')

    const replies = [
      await pi.check({ user: 'ada', pass: `pin-${otp}` }),
      await pi.check({ user: 'ada', pass: `pin-${otp}` }),
      await pi.check({ user: 'ada', pass: otp, transaction_id: transaction }),
    ]
    const other = await h.check({ user: 'ada', pass: otp, transactionid: transaction })

    expect(verdicts(replies)).toEqual(['ACCEPT', 'REJECT', 'REJECT'])
    expect(replies[0]?.detail).toMatchObject({ message: 'matching 1 tokens', serial: 'EM1', type: 'email', otplen: 6 })
    expect(other.json.result?.value).toBe(false)
  })

  it('repeats a yes to who asks again under the same Idempotency-Key, and to nobody else', async () => {
    const { otp, transaction } = await pi.trigger('ada', 'pin-')
    const answer = (headers: Record<string, string>) =>
      pi.check({ user: 'ada', pass: otp, transaction_id: transaction }, { headers })

    const replies = [
      await answer({ 'idempotency-key': 'one' }),
      await answer({ 'idempotency-key': 'one' }),
      await answer({ 'idempotency-key': 'other' }),
      await answer({}),
    ]

    expect(verdicts(replies)).toEqual(['ACCEPT', 'ACCEPT', 'REJECT', 'REJECT'])
  })

  it('repeats a challenge with the words of the first', async () => {
    const ask = () => pi.check({ user: 'ada', pass: 'pin-' }, { headers: { 'idempotency-key': 'trigger' } })
    const [before, first, second] = [mails(), await ask(), await ask()]

    expect([mails() - before, told(second)]).toEqual([1, told(first)])
  })

  it('accepts one of thirty equal answers', async () => {
    const { otp, transaction } = await pi.trigger('ada', 'pin-')

    const replies = await Promise.all(
      times(30, () => pi.check({ user: 'ada', pass: otp, transaction_id: transaction })),
    )

    expect(verdicts(replies).filter((verdict) => verdict === 'ACCEPT')).toHaveLength(1)
  })
})

describe('G.12 guesses', () => {
  it('two hundred at once are no more than the token takes, and the right OTP is no longer accepted', async () => {
    const { otp, transaction } = await pi.trigger('ada', 'pin-')
    const guesses = times(200, (n) => String(n).padStart(6, '0')).filter((guess) => guess !== otp)
    await Promise.all(guesses.map((pass) => pi.check({ user: 'ada', pass, transaction_id: transaction })))

    const right = await pi.check({ user: 'ada', pass: otp, transaction_id: transaction })

    expect(right.authentication).toBe('REJECT')
  })

  it('count by the rule of the other wire: a wrong answer costs every token that was asked', async () => {
    await enrollSms(h, 'ada', 'SM1')
    const { transaction } = await pi.trigger('ada', 'pin-')
    await pi.check({ user: 'ada', pass: wrong(gateway.otp()), transaction_id: transaction })
    await pi.check({ user: 'ada', pass: 'nope' })
    const counted = [await h.failCount('EM1'), await h.failCount('SM1')]
    await pi.check({ user: 'ada', pass: gateway.otp(), transaction_id: transaction })

    expect(counted).toEqual([2, 2])
    expect([await h.failCount('EM1'), await h.failCount('SM1')]).toEqual([0, 0])
  })
})

describe('G.13 a locked token', () => {
  it('says the same to a right OTP, a wrong one, the PIN and a wrong PIN, as to a user without tokens', async () => {
    const { otp, transaction } = await pi.trigger('ada', 'pin-')
    for (const _ of times(10, () => 0)) await pi.check({ user: 'ada', pass: 'nope' })

    const replies = [
      await pi.check({ user: 'ada', pass: otp, transaction_id: transaction }),
      await pi.check({ user: 'ada', pass: wrong(otp), transaction_id: transaction }),
      await pi.check({ user: 'ada', pass: `pin-${otp}` }),
      await pi.check({ user: 'ada', pass: 'pin-' }),
      await pi.check({ user: 'ada', pass: 'nope' }),
      await pi.check({ user: 'bob', pass: 'pin-' }),
    ]

    expect(replies[0]?.detail.message).toBe('Authentication failed.')
    for (const reply of replies) expect(told(reply)).toEqual(told(replies[0] as PiReply)) // there are six
  })

  it('tells why where policy says so', async () => {
    const policy = { scope: 'authorization', action: 'detail_on_fail, detail_on_success', realm: '*', user: '*' }
    await h.admin('/system/setPolicy', { name: 'tell', ...policy })
    const { otp, transaction } = await pi.trigger('ada', 'pin-')
    const accepted = await pi.check({ user: 'ada', pass: otp, transaction_id: transaction })
    const replies = [await pi.check({ user: 'ada', pass: 'nope' }), await pi.check({ user: 'bob', pass: 'nope' })]
    await h.admin('/system/delPolicy', { name: 'tell' })

    expect(replies.map(({ detail }) => detail.message)).toEqual(['wrong otp pin', 'The user has no tokens assigned'])
    expect(accepted.detail).toMatchObject({
      ...{ 'user-resolver': 'people', 'user-realm': 'home' },
      user: { username: 'ada', email: 'ada@example.org', givenname: 'Ada', surname: 'Byron' },
    })
  })
})

describe('G.18 a flood', () => {
  it('is a few messages, and its end looks like any other no', async () => {
    const policy = { scope: 'authentication', action: 'send_limit=3/10m', realm: '*', user: '*' }
    await h.admin('/system/setPolicy', { name: 'few', ...policy })
    const before = mails()

    const replies: PiReply[] = []
    for (const _ of times(100, () => 0)) replies.push(await pi.check({ user: 'ada', pass: 'pin-' }))
    const triggered = await pi.post('/validate/triggerchallenge', { user: 'ada' }, { token })
    const refused = await pi.check({ user: 'ada', pass: 'nope' })
    await h.admin('/system/delPolicy', { name: 'few' })

    expect(mails() - before).toBe(3)
    expect(verdicts(replies)).toEqual([...times(3, () => 'CHALLENGE'), ...times(97, () => 'REJECT')])
    expect(told(replies.at(-1) as PiReply)).toEqual(told(refused)) // there are a hundred
    expect(triggered.root).toMatchObject({
      result: { value: 0, authentication: 'REJECT' },
      detail: { messages: [], transaction_ids: [], multi_challenge: [] },
    })
  })
})

describe('G.19 an unknown state', () => {
  it.each(['12345678901234567', 'of another product', '\u0000\u00ff'])(
    '%j beside the right PIN is a no',
    async (state) => {
      const reply = await pi.check({ user: 'ada', pass: 'pin-', state })

      expect([reply.status, reply.authentication, await h.failCount('EM1')]).toEqual([200, 'REJECT', 1])
    },
  )

  it('an empty one is none', async () => {
    const replies = [
      await pi.check({ user: 'ada', pass: 'pin-', state: '' }),
      await pi.check({ user: 'ada', pass: 'pin-', transaction_id: '' }),
    ]

    expect(verdicts(replies)).toEqual(['CHALLENGE', 'CHALLENGE'])
  })
})
