/**
 * privacyIDEA's wire, walked at random: whatever is asked in whatever order, each reply keeps what clients take for
 * granted (contract 0, traps 2, 4 and 6; G.4). The rules themselves stand in test/support/privacyidea.ts.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Harness, startHarness, times } from '../support/harness.ts'
import { PASSWORD, type PiClient, type PiReply, piClient } from '../support/privacyidea.ts'

let h: Harness
let gateway: Gateway
let pi: PiClient
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: PASSWORD })
  gateway = await startGateway()
  await useGateway(h, gateway)
  pi = piClient(h)
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

/** Numbers below `n`, the same ones for the same seed (a linear congruence, Numerical Recipes). */
function dice(seed: number): (n: number) => number {
  let state = seed
  return (n) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 2 ** 32) * n)
  }
}

it.each([1, 2])('walk %i', async (seed) => {
  const roll = dice(seed)
  const pick = <T>(items: readonly T[]): T => items[roll(items.length)] as T // no list here is empty
  // One that outlasts the walk.
  const made = await h.admin('/otpost/api-tokens', { username: 'admin', name: 'walk' })
  const { token } = (made.json.result?.value ?? {}) as { token: string } // the envelope
  for (const user of ['ada', 'bob', 'eve']) await h.admin('/admin/remove', { user })
  await enroll(h, 'ada', 'EM1')
  await enroll(h, 'bob', 'EM2')
  await enrollSms(h, 'bob', 'SM2')
  await enroll(h, 'eve', 'EM3', { pin: '' })

  const users = ['ada', 'bob', 'eve', 'nobody', 'ada@home', 'ada@nowhere', '']
  const serials = ['EM1', 'EM2', 'SM2', 'EM3', 'NONE']
  const ids = ['', '12345678901234567', 'no id', '1.01']
  const passes = ['pin-', '', 'nope', '000000', 'pin-000000']
  const seen = new Set<string>()
  const who = (): Record<string, string> =>
    pick([{ user: pick(users) }, { serial: pick(serials) }, { user: pick(users), serial: pick(serials) }])
  const otp = () => pick([h.catcher.mails().at(-1)?.text.trim() ?? '', gateway.otp()])
  const answer = (): Record<string, string> => ({
    ...{ ...who(), pass: pick([...passes, otp(), otp(), otp(), `pin-${otp()}`]) },
    ...pick([{}, { state: pick(ids) }, { transaction_id: pick(ids) }, { transactionid: pick(ids) }]),
    ...pick([{}, {}, { type: pick(['email', 'sms', 'hotp']) }, { exception: '1' }, { nonce: 'n' }]),
  })
  const logIn = async () => {
    await h.admin('/admin/enable', { user: 'ada' })
    await h.admin('/admin/reset', { user: 'ada' })
    const { transaction } = await pi.trigger('ada', 'pin-')
    const sent =
      h.catcher
        .mails()
        .findLast(({ to }) => String(to) === 'ada@mail.test')
        ?.text.trim() ?? ''
    return pi.check({ user: 'ada', pass: sent, state: transaction })
  }
  const steps: readonly (() => Promise<PiReply | undefined>)[] = [
    ...times(6, () => () => pi.check(answer())),
    ...times(2, () => () => pi.check({ user: pick(['ada', 'bob']), pass: 'pin-' })),
    ...times(2, () => logIn),
    () => pi.post('/validate/samlcheck', answer()),
    () => pi.post('/validate/triggerchallenge', who(), { token }),
    () => pi.get(`/validate/polltransaction/${pick(['1', '12345678901234567'])}`),
    () => pi.post(`/token/${pick(['enable', 'enable', 'disable', 'reset'])}`, who(), { token }),
    () => pi.get(`/token/?${new URLSearchParams(who())}`, { token }),
    () => pi.get('/token/challenges/', { token }),
    async () => void h.pass(pick([1, 30, 130, 700])),
    async () => void gateway.reply(pick([{}, {}, { status: 500 }])),
    async () => {
      await h.admin('/system/setConfig', {
        EmailBlockingTimeout: pick(['0', '60']),
        SMSBlockingTimeout: pick(['0', '60']),
      })
      return undefined
    },
  ]
  for (const _ of times(120, () => 0)) {
    const reply = await pick(steps)()
    if (!reply) continue
    const id = reply.detail.transaction_id
    if (typeof id === 'string') ids.push(id, id, id)
    seen.add(String(reply.authentication ?? reply.error?.code ?? 'admin'))
  }
  gateway.reply({})

  // A walk that saw nothing but noes would show nothing.
  expect([...seen]).toEqual(expect.arrayContaining(['CHALLENGE', 'ACCEPT', 'REJECT', '904', 'admin']))
  expect(h.log.filter((line) => line.includes('request_failed'))).toEqual([])
})
