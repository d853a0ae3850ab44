import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { enroll, type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness

beforeAll(async () => {
  // The users have passwords here: "alice-pw" and "bob-pw", as `openssl passwd -1` and `-6` write them.
  h = await startHarness()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  await h.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', 'passwdresolver.content': STAFF })
  await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'staff' })
  await h.admin('/system/setRealm', { realm: 'branch', resolvers: 'staff' })
  await enroll(h, 'alice', 'MAIL', { realm: 'corp', email_address: 'alice@token.test' })
})
afterAll(() => h.close())
afterEach(async () => {
  const { value } = (await h.admin('/system/getPolicy', { display_inactive: '1' })).json.result ?? {}
  await h.admin('/system/delPolicy', { name: Object.keys(value ?? {}).join(','), enforce: 'true' })
})

const STAFF = [
  'alice:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1001:100:Alice Anders,room,+49 170 1111111,+49 30 111,alice@corp.test',
  'bob:$1$dNsm4O.P$EZ1YBLiFoQNnGCNQaeJ7Q/:1002:100:Bob Berg,room,+49 170 2222222,,bob@corp.test',
].join('\n')

async function policy(action: string, more: Fields = {}): Promise<Reply> {
  const fields = {
    name: `p${Math.random().toString(36).slice(2)}`,
    scope: 'authentication',
    realm: '*',
    user: '*',
    client: '*',
    action,
    ...more,
  }
  const reply = await h.admin('/system/setPolicy', fields)
  expect(reply.json.result, reply.text).toMatchObject({ status: true })
  return reply
}
const check = (fields: Fields): Promise<Reply> => h.check({ realm: 'corp', user: 'alice', ...fields })
const lastMail = () => h.catcher.mails().at(-1)

describe('scope authentication', () => {
  it('no pattern is tried on a login longer than any, which may take a time that grows with its square', async () => {
    await policy('otppin=1', { user: '*-*-*-x' })

    await check({ user: '-'.repeat(60_000), pass: 'pin-' })

    const { rows } = await h.client.execute('SELECT user, action_detail FROM audit ORDER BY number DESC LIMIT 1')
    expect(rows[0]).toMatchObject({ user: expect.stringMatching(/^-{254}…$/), action_detail: 'user_unknown' })
  })

  it('emailtext and emailsubject make the mail', async () => {
    await policy("emailtext='Hello ${givenname}, <otp> for <serial>', emailsubject=Code for ${username}")

    await check({ pass: 'pin-' })

    expect(lastMail()?.subject).toBe('Code for alice')
    expect(lastMail()?.text).toMatch(/^Hello Alice, \d{6} for MAIL\s*$/)
  })

  it('dynamic_email_address sends to the address that the user has now', async () => {
    await policy('dynamic_email_address', { name: 'dynamic' })
    await check({ pass: 'pin-' })
    expect(lastMail()?.to).toEqual(['alice@corp.test'])

    await h.admin('/system/delPolicy', { name: 'dynamic' })
    await policy('dynamic_email_address', { realm: 'branch' })
    await check({ pass: 'pin-' })
    expect(lastMail()?.to).toEqual(['alice@token.test'])
  })

  it('email_provider names the providers to try, in order; one that does not exist sends nothing', async () => {
    const config = JSON.stringify({
      SMTP_SERVER: '127.0.0.1',
      SMTP_PORT: h.catcher.port,
      EMAIL_FROM: 'second@corp.test',
    })
    const second = { name: 'second one', type: 'email', class: 'SMTPEmailProvider', timeout: '120', config }
    await h.admin('/system/setProvider', second)
    const down = JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: 9, TIMEOUT: 1 })
    await h.admin('/system/setProvider', { ...second, name: 'down', config: down })

    await policy('email_provider=second one', { name: 'choice' })
    await check({ pass: 'pin-' })
    expect(lastMail()?.from).toBe('second@corp.test')

    await policy('email_provider=down catcher', { name: 'choice' })
    expect((await check({ pass: 'pin-' })).json.detail).toBeDefined()
    expect(lastMail()?.from).toBe('otp@example.org')
    const refused = await h.admin('/system/delProvider', { type: 'email', name: 'down' })
    expect(refused.json).toMatchObject({
      result: { value: false },
      detail: { message: expect.stringContaining('[choice]') },
    })

    const warned = await policy('email_provider=nosuch', { name: 'choice' })
    expect(warned.headers.get('otpost-warning')).toContain('nosuch')
    expect((await check({ pass: 'pin-' })).json.detail).toBeUndefined()
  })

  it('max_attempts ends a challenge after so many answers', async () => {
    await policy('max_attempts=1')
    const { otp, transactionId } = await h.trigger('alice@corp', 'pin-')
    await check({ state: transactionId, pass: 'x' })

    expect((await check({ state: transactionId, pass: otp })).json.result?.value).toBe(false)
    await h.admin('/admin/reset', { serial: 'MAIL' })
  })

  it.each<readonly [string, string, string]>([
    ['1', 'alice-pw', 'alice-pw'],
    ['password', 'alice-pw', 'alice-pw'],
    ['2', '', ''],
    ['only_otp', '', ''],
  ])('otppin=%s takes "%s" for the PIN', async (value, trigger, before) => {
    await policy(`otppin=${value}`)

    expect((await check({ pass: 'pin-' })).json.detail).toBeUndefined()
    const { otp } = await h.trigger('alice@corp', trigger)
    expect(otp).toMatch(/^\d{6}$/)
    expect((await check({ pass: `${before}${otp}` })).json.result?.value).toBe(true)
    await h.admin('/admin/reset', { serial: 'MAIL' })
  })

  it('otppin=3 lets anything trigger, even PIN and OTP; only the transaction answers', async () => {
    await policy('otppin=3')
    const { otp, transactionId } = await h.trigger('alice@corp', 'anything')

    expect((await check({ pass: `pin-${otp}` })).json.detail?.message).toBe('e-mail sent successfully')
    expect((await check({ pass: otp, state: transactionId })).json.result?.value).toBe(true)
  })

  it('passthru and passOnNoToken let users in who have no token, and nobody else', async () => {
    const bob = (pass: string) => h.check({ user: 'bob', realm: 'corp', pass })
    expect((await bob('bob-pw')).json.result?.value).toBe(false)

    await policy('passthru', { name: 'door' })
    expect((await bob('bob-pw')).json.result?.value).toBe(true)
    expect((await bob('wrong')).json.result?.value).toBe(false)
    expect((await check({ pass: 'alice-pw' })).json.result?.value).toBe(false)

    await policy('passOnNoToken', { name: 'door', user: 'bob' })
    expect((await bob('wrong')).json.result?.value).toBe(true)
    expect((await h.check({ user: 'nobody', realm: 'corp', pass: 'x' })).json.result?.value).toBe(false)
    await h.admin('/admin/reset', { serial: 'MAIL' })
  })

  it('challenge_response is taken and changes nothing', async () => {
    await policy('challenge_response=nosuch')

    expect((await check({ pass: 'pin-' })).json.detail?.message).toBe('e-mail sent successfully')
  })

  it('passes over policies for other clients, times, users and realms', async () => {
    await policy('emailtext=CLIENT <otp>', { client: '10.0.0.0/8' })
    await policy('emailtext=TIME <otp>', { time: '* * * * * 1999' })
    await policy('emailtext=USER <otp>', { user: 'bob' })
    await policy('emailtext=REALM <otp>', { realm: 'branch' })
    await policy('emailtext=OFF <otp>', { active: 'False' })
    await policy('emailtext=MINE <otp>', { client: '192.0.2.0/24', user: 'al*' })

    await check({ pass: 'pin-' })

    expect(lastMail()?.text).toMatch(/^MINE /)
  })
})

describe('scope authorization', () => {
  const authorization = (action: string, more: Fields = {}) => policy(action, { scope: 'authorization', ...more })

  it('detail_on_success tells user and token', async () => {
    await authorization('detail_on_success')
    const { otp } = await h.trigger('alice@corp', 'pin-')

    expect((await check({ pass: `pin-${otp}` })).json.detail).toEqual({
      realm: 'corp',
      user: {
        username: 'alice',
        userid: '1001',
        description: expect.any(String),
        email: 'alice@corp.test',
        givenname: 'Alice',
        surname: 'Anders',
        phone: '+49 30 111',
        mobile: '+49 170 1111111',
      },
      is_linotp_admin: false,
      tokentype: 'email',
      serial: 'MAIL',
    })
  })

  it.each<readonly [string, Fields, string]>([
    ['an unknown user', { user: 'nobody' }, 'User not found'],
    ['no token', { user: 'bob' }, 'User has no tokens assigned'],
    ['a wrong PIN', { pass: 'wrong' }, 'wrong otp pin -1'],
    ['a challenge', { pass: 'pin-' }, 'challenge created'],
  ])('detail_on_fail tells %s', async (_, fields, error) => {
    await authorization('detail_on_fail')

    expect((await check({ pass: 'x', ...fields })).json.detail?.error).toBe(error)
    await h.admin('/admin/reset', { serial: 'MAIL' })
  })

  it('authorize shuts everybody out for whom no policy matches', async () => {
    await authorization('authorize', { client: '10.0.0.0/8', name: 'gate' })
    expect((await check({ pass: 'pin-' })).json.detail).toBeUndefined()

    await authorization('authorize', { client: '192.0.2.7', name: 'gate' })
    expect((await check({ pass: 'pin-' })).json.detail).toBeDefined()
  })

  it.each([
    ['tokentype=sms', false],
    ['tokentype=sms email', true],
    ['tokentype=*', true],
    ['serial=^MA', true],
    ['serial=^SM', false],
  ])('%s decides after the OTP was spent: %s', async (action, allowed) => {
    await authorization(action)
    const { otp, transactionId } = await h.trigger('alice@corp', 'pin-')

    expect((await check({ pass: otp, state: transactionId })).json.result?.value).toBe(allowed)
    expect((await check({ pass: otp, state: transactionId })).json.result?.value).toBe(false)
    await h.admin('/admin/reset', { serial: 'MAIL' })
  })

  it('setrealm looks for the user in another realm; one that does not exist shuts out', async () => {
    await authorization('setrealm=corp', { realm: 'home', name: 'move' })
    expect((await h.check({ user: 'alice', realm: 'home', pass: 'pin-' })).json.detail).toBeDefined()

    await authorization('setrealm=nowhere', { realm: 'corp', name: 'move' })
    expect((await check({ pass: 'pin-' })).json.detail).toBeUndefined()
  })
})

describe('administration of policies', () => {
  it.each<readonly [string, Fields, number, RegExp]>([
    ['an unknown action', { action: 'nosuch' }, -311, /unsupported policy action 'nosuch'/],
    ['an action of another scope', { action: 'edit_email=0' }, -311, /unsupported policy action/],
    ['a value of the wrong type', { action: 'dynamic_email_address=maybe' }, -311, /not of the expected type 'bool'/],
    ['a value that is not allowed', { action: 'otppin=7' }, -311, /not in supported values/],
    ['an open quote', { action: "emailtext='x" }, -311, /not closed/],
    ['a client that is none', { client: 'localhost' }, -311, /client .*localhost/],
    ['a time that is none', { time: '99 * * * * *' }, -311, /time .*99/],
    ['a user that is no pattern', { user: 'a(' }, -311, /user .*regular expression/],
    ['a serial that is no pattern', { scope: 'authorization', action: 'serial=(' }, -311, /regular expression/],
    ['a name with a dash', { name: 'a-b' }, -311, /a-zA-Z0-9_/],
    ['an empty name', { name: '' }, -311, /must not be empty/],
    ['no realm', { realm: '' }, -311, /realm must not be empty/],
    ['the last right to write', { scope: 'system', action: 'read', user: 'admin' }, -311, /potential lockout/],
  ])('refuses %s and stores nothing', async (_, fields, code, message) => {
    const base = { name: 'bad', scope: 'authentication', action: 'passthru', realm: '*', user: '*', client: '*' }

    const reply = await h.admin('/system/setPolicy', { ...base, ...fields })

    expect(reply.json.result?.error).toEqual({ code, message: expect.stringMatching(message) })
    expect((await h.admin('/system/getPolicy', {})).json.result?.value).toEqual({})
  })

  it('warns of a realm that does not exist and of a condition that matches no login', async () => {
    const reply = await policy('passthru', { realm: 'nowhere', user: 'alice@corp' })

    expect(decodeURI(reply.headers.get('otpost-warning') ?? '')).toMatch(
      /no realm 'nowhere'.*'alice@corp' matches no login/,
    )
  })

  it('exports what imports the same', async () => {
    await policy("emailtext='a, b <otp>'", { name: 'one', time: '* 9 * * * *' })
    await policy('passthru, autosms', { name: 'two', user: 'bob', active: 'False' })
    const before = await h.admin('/system/getPolicy', { display_inactive: '1' })
    const file = await h.admin('/system/getPolicy', { display_inactive: '1', export: 'true' })
    await h.admin('/system/delPolicy', { name: 'one,two' })

    const form = new FormData()
    form.set('file', new File([file.text], 'policy.cfg'))
    const imported = await h.request('/system/importPolicy', { method: 'POST', body: form }, 'operator')

    expect(imported.headers.get('content-type')).toBe('text/xml')
    expect(imported.text).toContain('<value>2</value>')
    expect((await h.admin('/system/getPolicy', { display_inactive: '1' })).json).toEqual(before.json)
  })

  it.each([
    ['autosms', true],
    ['!autosms', false],
    ['autosms=false', false],
    ['autosms=true', true],
  ])('checkPolicy says of %s that it is allowed: %s', async (action, allowed) => {
    await policy(action, { name: 'switch' })

    const question = { user: 'alice', realm: 'corp', scope: 'authentication', action: 'autosms', client: '192.0.2.7' }
    const { value } = (await h.admin('/system/checkPolicy', question)).json.result ?? {}

    expect(value).toMatchObject({ allowed, policy: { switch: { action } } })
  })

  it('checkPolicy shows the policies that speak, the one that decides first', async () => {
    await policy('emailtext=b', { name: 'b' })
    await policy('emailtext=a', { name: 'a' })
    await policy('emailtext=c', { name: 'c', user: 'bob' })
    const question = { user: 'alice', realm: 'corp', scope: 'authentication', action: 'emailtext', client: '192.0.2.7' }

    const { value } = (await h.admin('/system/checkPolicy', question)).json.result ?? {}

    expect(value).toMatchObject({ allowed: true })
    expect(Object.keys((value as { policy: object }).policy)).toEqual(['a', 'b']) // as the contract has it
  })
})
