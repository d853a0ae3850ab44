/** The State of a challenge on its way through a foreign client: PAM, RADIUS, HTTP and back. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { enroll } from '../support/harness.ts'
import { type Radius, startFreeradius } from './freeradius.ts'
import { installPam, type Pam } from './pam.ts'
import { type Served, serve } from './served.ts'

let h: Served
let radius: Radius
let pam: Pam
beforeAll(async () => {
  h = await serve()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  radius = await startFreeradius('otpost', `${h.url}/pi`)
  pam = installPam(radius.port)
})
afterAll(async () => {
  pam?.remove()
  await radius?.stop()
  await h.close()
})

const otp = (): string => h.catcher.mails().at(-1)?.text.trim() ?? ''
let made = 0
const withPin = (pin: string) => enroll(h, 'ada', `P${++made}`, { pin })
const withoutTokens = () => h.admin('/admin/remove', { user: 'ada' })

it.each(['pin-', 'Grüße', '100%41', '%25', 'a b+c%d&ü', 'back\\slash', '"\\"'])(
  'lets in who gives the PIN %j and then the OTP from the mail',
  async (pin) => {
    await withPin(pin)

    const login = await pam.logIn('ada', (_, count) => (count === 1 ? pin : otp()))
    await withoutTokens()

    expect(login).toEqual({
      accepted: true,
      prompts: ['PIN:', expect.stringContaining('Enter the OTP from the Email')],
    })
  },
)

it('lets in who gives PIN and OTP at once', async () => {
  await withPin('pin-')
  await h.check({ user: 'ada', pass: 'pin-' })

  const login = await pam.logIn('ada', () => `pin-${otp()}`)
  await withoutTokens()

  expect(login).toEqual({ accepted: true, prompts: ['PIN:'] })
})

it('keeps out who gives a wrong PIN, without a second prompt', async () => {
  await withPin('pin-')

  const login = await pam.logIn('ada', () => 'nope')
  await withoutTokens()

  expect(login).toEqual({ accepted: false, prompts: ['PIN:'] })
})

it('keeps out who gives a wrong OTP', async () => {
  const serial = await withPin('pin-')

  const login = await pam.logIn('ada', (_, count) => (count === 1 ? 'pin-' : otp() === '000000' ? '000001' : '000000'))
  const failures = await h.failCount(serial)
  await withoutTokens()

  expect([login.accepted, login.prompts.length, failures]).toEqual([false, 2, 1])
})

it('keeps out who gives the OTP too late', async () => {
  await withPin('pin-')

  const login = await pam.logIn('ada', (_, count) => {
    if (count === 1) return 'pin-'
    h.pass(601)
    return otp()
  })
  await withoutTokens()

  expect([login.accepted, login.prompts.length]).toEqual([false, 2])
})
