/** Tokens for parts of the product, roll-out tokens, and serials with a wildcard (contract 2.0, 2.2, 2.7, 3.2, 6.6). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness({}, undefined)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
})
afterAll(() => h.close())
beforeEach(async () => {
  for (const user of ['ada', 'bob', 'eve']) await h.admin('/admin/remove', { user })
})

const tokenOf = async (serial: string) => (await h.store.findTokens({ serials: [serial] }))[0]
const triggered = async (fields: Fields): Promise<unknown> =>
  (await h.check({ user: 'ada', pass: 'pin-', ...fields })).json.detail?.linotp_tokenserial

describe('a scope', () => {
  it.each([
    ['{"path": ["userservice"]}', 'rollout token', false],
    ['{"path": ["validate"]}', 'rollout token', true],
    ['{"path": ["validate", "userservice"]}', 'rollout token', true],
    ['{"path": ["elsewhere"]}', '', false],
    ['{"path": []}', '', true],
  ])('%s names the token %j; it may log in here: %s', async (scope, description, mayLogIn) => {
    await enroll(h, 'ada', 'SC1', { scope })

    const token = await tokenOf('SC1')
    expect([token?.info.scope, token?.description]).toEqual([JSON.parse(scope), description])
    expect(await triggered({})).toBe(mayLogIn ? 'SC1' : undefined)
    expect(await h.failCount('SC1')).toBe(0)
  })

  it('is told in audit, and shown as JSON in TokenInfo', async () => {
    await enroll(h, 'ada', 'SC2', { rollout: '1' })

    await h.check({ user: 'ada', pass: 'pin-' })

    const { rows } = await h.client.execute('SELECT action_detail FROM audit ORDER BY number DESC LIMIT 1')
    expect(rows[0]?.action_detail).toBe('token_out_of_scope')
    const { value } = (await h.admin('/admin/show', { serial: 'SC2' })).json.result ?? {}
    const [shown] = (value as { data: readonly Record<string, string>[] }).data // shape tested in admin.test
    expect(JSON.parse(shown?.['LinOtp.TokenInfo'] ?? '')).toMatchObject({ scope: { path: ['userservice'] } })
  })

  it('stays when the token gets a new secret without one, and keeps its description', async () => {
    await enroll(h, 'ada', 'SC3', { rollout: '', description: 'mine' })
    await enroll(h, 'ada', 'SC3')

    const token = await tokenOf('SC3')
    expect([token?.info.scope, token?.description]).toEqual([{ path: ['userservice'] }, 'mine'])
  })

  it.each(['x', '[]', '{"path": "validate"}', '{"path": [""]}', '{"path": [null]}', '{"paths": []}'])(
    '%s is refused',
    async (scope) => {
      const reply = await h.admin('/admin/init', { type: 'email', user: 'ada', email_address: 'a@mail.test', scope })

      expect(reply.json.result?.error?.message).toBe('scope must be JSON like {"path": ["userservice"]}')
    },
  )
})

describe('purge_rollout_token', () => {
  const logIn = async (user = 'ada'): Promise<unknown> => {
    const { otp } = await h.trigger(user, 'pin-')
    return (await h.check({ user, pass: `pin-${otp}` })).json.result?.value
  }
  const policy = (user: string) =>
    h.admin('/system/setPolicy', {
      name: 'purge',
      scope: 'enrollment',
      action: 'purge_rollout_token',
      realm: 'home',
      user,
    })

  it('removes them when their owner logs in with a better one, and says so in the audit', async () => {
    await policy('*')
    await enroll(h, 'ada', 'PU1', { rollout: '1' })
    await enroll(h, 'ada', 'PU2')
    await enroll(h, 'bob', 'PU3', { rollout: '1' })

    expect(await logIn()).toBe(true)

    const left = (await h.store.findTokens({ serialPatterns: ['PU*'] })).map(({ serial }) => serial)
    expect(left).toEqual(['PU2', 'PU3'])
    const { rows } = await h.client.execute(
      'SELECT serial, user, action_detail FROM audit ORDER BY number DESC LIMIT 1',
    )
    expect({ ...rows[0] }).toEqual({ serial: 'PU1', user: 'ada', action_detail: 'rollout_tokens_removed' })
  })

  it('removes none where policy does not say so, nor when the roll-out token itself logs in', async () => {
    await policy('bob')
    await enroll(h, 'ada', 'PU4', { rollout: '1' })
    await enroll(h, 'ada', 'PU5')
    await enroll(h, 'bob', 'PU6', { scope: '{"path": ["validate"]}' })
    await enroll(h, 'bob', 'PU7', { rollout: '1' })

    expect([await logIn(), await logIn('bob')]).toEqual([true, true])

    expect(await h.store.findTokens({ serialPatterns: ['PU*'] })).toHaveLength(4)
    await h.admin('/system/delPolicy', { name: 'purge' })
  })
})

describe('a serial with a wildcard', () => {
  it("means some of the user's own tokens, never somebody else's", async () => {
    await enroll(h, 'ada', 'WI1')
    await enroll(h, 'ada', 'XX1')
    await enroll(h, 'bob', 'WI2')

    expect(await triggered({ serial: 'WI*' })).toBe('WI1')
    expect(await triggered({ serial: '*X1' })).toBe('XX1')
    expect(await triggered({ serial: 'WI2*' })).toBeUndefined()
    expect(await triggered({ serial: 'wi1' })).toBeUndefined()
    expect((await h.check({ user: 'ada', serial: '*', pass: 'pin-' })).json.detail?.challenges).toMatchObject({
      ...{ WI1: {}, XX1: {} },
    })
  })

  it('means nothing without a user', async () => {
    await enroll(h, 'ada', 'WI1')

    expect((await h.check({ serial: 'WI*', pass: 'pin-' })).json.detail).toBeUndefined()
    expect((await h.post('/validate/check_s', { serial: 'WI*', pass: 'pin-' })).json.detail).toBeUndefined()
  })
})

describe('check_s without pass', () => {
  it('triggers a token whose PIN is empty, and no other', async () => {
    await enroll(h, 'ada', 'EM1', { pin: '' })
    await enroll(h, 'bob', 'EM2')

    const [empty, full] = [
      await h.post('/validate/check_s', { serial: 'EM1' }),
      await h.post('/validate/check_s', { serial: 'EM2' }),
    ]

    expect(empty.json).toMatchObject({ result: { value: false }, detail: { linotp_tokenserial: 'EM1' } })
    expect(full.json).toMatchObject({ result: { status: false, value: false } })
    expect(full.json.detail).toBeUndefined()
    expect(await h.failCount('EM2')).toBe(0)
  })
})
