/** FreeRADIUS with rlm_rest, by the files that docs/radius.md tells operators to copy. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { addAdministrator } from '../support/administrators.ts'
import { makeKey } from '../support/askers.ts'
import { enroll } from '../support/harness.ts'
import { ask, type Radius, startFreeradius } from './freeradius.ts'
import { type Served, serve } from './served.ts'

let h: Served
beforeAll(async () => {
  h = await serve()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', DefaultMaxFailCount: '1000' })
})
afterAll(() => h.close())

const otp = (): string => h.catcher.mails().at(-1)?.text.trim() ?? ''
const wrong = (right: string): string => (right === '000000' ? '000001' : '000000')

/** PINs that were others on the wire if somebody decoded once too often, or not at all. */
const PINS = [
  'pin-',
  'a b+c%d&ü',
  '100%41',
  '%25',
  '+',
  'größer=€',
  'back\\slash',
  '"quoted"',
  "it's",
  '$ENV{HOME}',
  '%{User-Name}',
  '🔑',
]

let made = 0
/** A user of their own for each test, so that no fail count matters to another one. */
async function userWith(pin: string): Promise<string> {
  const login = `user${++made}`
  const users = Array.from({ length: made }, (_, n) => `user${n + 1}:x:${2000 + n}:100:U,,,,u@example.org:/:/bin/sh`)
  await h.admin('/system/setResolver', {
    ...{ name: 'people', previous_name: 'people', type: 'passwdresolver', fileName: 'people.txt' },
    'passwdresolver.content': users.join('\n'),
  })
  await enroll(h, login, `R${made}`, { pin })
  return login
}

describe('challenge and response', () => {
  let radius: Radius
  beforeAll(async () => {
    radius = await startFreeradius('otpost', `${h.url}/pi`)
  })
  afterAll(() => radius?.stop())

  it.each(PINS)('accepts the OTP that the PIN %j asked for', async (pin) => {
    const user = await userWith(pin)

    const challenge = await ask(radius.port, { user, password: pin })
    const accepted = await ask(radius.port, { user, password: otp(), state: challenge.state })

    expect(challenge).toMatchObject({ code: 'Access-Challenge', message: 'Enter the OTP from the Email' })
    expect(Buffer.from(challenge.state.slice(2), 'hex').toString()).toMatch(/^\d{12,20}$/)
    expect(accepted).toEqual({ code: 'Access-Accept', message: '', state: '' })
  })

  it('reads a PIN in latin-1, as old clients send it', async () => {
    const user = await userWith('Grün')

    const challenge = await ask(radius.port, { user, password: Buffer.from('Grün', 'latin1') })

    expect(challenge.code).toBe('Access-Challenge')
  })

  it('accepts PIN and OTP in one pass, once', async () => {
    const user = await userWith('100%41')
    await ask(radius.port, { user, password: '100%41' })
    const password = `100%41${otp()}`

    const replies = [await ask(radius.port, { user, password }), await ask(radius.port, { user, password })]

    expect(replies.map(({ code }) => code)).toEqual(['Access-Accept', 'Access-Reject'])
  })

  it('refuses a wrong OTP, and the State is still good for the right one', async () => {
    const user = await userWith('pin-')
    const { state } = await ask(radius.port, { user, password: 'pin-' })

    const refused = await ask(radius.port, { user, password: wrong(otp()), state })
    const accepted = await ask(radius.port, { user, password: otp(), state })

    expect([refused, accepted.code]).toEqual([{ code: 'Access-Reject', message: '', state: '' }, 'Access-Accept'])
  })

  it('refuses an OTP that comes too late', async () => {
    const user = await userWith('pin-')
    const { state } = await ask(radius.port, { user, password: 'pin-' })
    h.pass(601)

    const late = await ask(radius.port, { user, password: otp(), state })

    expect(late.code).toBe('Access-Reject')
  })

  it.each([
    ['a wrong PIN', async () => ({ user: await userWith('pin-'), password: 'nope' })],
    ['an unknown user', async () => ({ user: 'nobody', password: 'pin-' })],
    ['a user with a % in the name', async () => ({ user: '100%', password: 'pin-' })],
    ['no password', async () => ({ user: await userWith('pin-'), password: '' })],
  ])('refuses %s without a word', async (_, request) => {
    expect(await ask(radius.port, await request())).toEqual({ code: 'Access-Reject', message: '', state: '' })
  })

  it.each(['0x00ff00ff', `0x${Buffer.from('&pass=pin-').toString('hex')}`])(
    'asks anew for an OTP where a State %s of somebody else stands beside the PIN',
    async (state) => {
      const user = await userWith('pin-')

      expect((await ask(radius.port, { user, password: 'pin-', state })).code).toBe('Access-Challenge')
    },
  )

  it('refuses the PIN beside the State of another transaction', async () => {
    const user = await userWith('pin-')
    const state = `0x${Buffer.from('12345678901234567').toString('hex')}`

    expect((await ask(radius.port, { user, password: 'pin-', state })).code).toBe('Access-Reject')
  })

  it('keeps PINs and OTPs out of the log of otpost', () => {
    const text = h.log.join('\n')

    for (const pin of PINS.filter((one) => one.length > 3)) expect(text).not.toContain(JSON.stringify(pin).slice(1, -1))
  })
})

describe('one question, one answer', () => {
  let radius: Radius
  beforeAll(async () => {
    radius = await startFreeradius('otpost-simple', `${h.url}/pi`)
  })
  afterAll(() => radius?.stop())

  it.each(PINS)('accepts PIN and OTP in one pass, with the PIN %j, once', async (pin) => {
    const user = await userWith(pin)

    const asked = await ask(radius.port, { user, password: pin })
    const password = `${pin}${otp()}`
    const replies = [
      await ask(radius.port, { user, password: `${pin}${wrong(otp())}` }),
      await ask(radius.port, { user, password }),
      await ask(radius.port, { user, password }),
    ]

    // There are no challenges here, and still the PIN alone sends the OTP.
    expect(asked.code).toBe('Access-Reject')
    expect(replies.map(({ code }) => code)).toEqual(['Access-Reject', 'Access-Accept', 'Access-Reject'])
  })
})

it.each(['otpost', 'otpost-simple'] as const)(
  '%s sends the API key that otpost wants, and is refused without',
  async (site) => {
    await addAdministrator(h, `of-${site}`)
    const { token } = await makeKey(h, { username: `of-${site}`, scope: 'validate', realm: 'home' })
    const user = await userWith('pin-')
    const [keyless, keyed] = [
      await startFreeradius(site, `${h.url}/pi`),
      await startFreeradius(site, `${h.url}/pi`, token),
    ]
    await ask(keyless.port, { user, password: 'pin-' })
    const password = `pin-${otp()}`
    await h.admin('/system/setConfig', { validate_api_key: 'True' })

    const replies = [await ask(keyless.port, { user, password }), await ask(keyed.port, { user, password })]

    await h.admin('/system/delConfig', { key: 'validate_api_key' })
    await Promise.all([keyless.stop(), keyed.stop()])
    expect(replies.map(({ code }) => code)).toEqual(['Access-Reject', 'Access-Accept'])
  },
)

it('is refused while otpost cannot be reached, and works again afterwards', async () => {
  const other = await serve()
  const radius = await startFreeradius('otpost', `${other.url}/pi`)
  await enroll(other, 'ada', 'EM1')
  await other.close()

  const reply = await ask(radius.port, { user: 'ada', password: 'pin-' })
  await radius.stop()

  expect(reply).toEqual({ code: 'Access-Reject', message: '', state: '' })
})
