/** Logging in to self-service, sessions, and what does not get in (contract 10.1, 10.2). */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { anotherNode } from '../support/another-node.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'
import {
  ALL_RIGHTS,
  type Browser,
  clearUp,
  logIn,
  mailedOtp,
  openBrowser,
  PASSWORD,
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

const CALLS = [
  ...['context', 'userinfo', 'usertokenlist', 'verify', 'history', 'getSerialByOtp'],
  ...['enroll', 'assign', 'unassign', 'enable', 'disable', 'delete', 'reset', 'resync', 'setpin', 'setdescription'],
]
const HALFWAY = ['userinfo', 'usertokenlist']
const NO_SESSION = { status: false, error: { code: -311, message: 'No valid session' } }

const login = (fields: Fields) => openBrowser(h).call('login', { password: PASSWORD, ...fields })
const answerTo = async (reply: Promise<Reply>) => (await reply).json.result?.value
const mailToken = (fields: Fields = {}) =>
  enroll(h, 'alice', 'MAIL', { realm: 'corp', email_address: 'alice@token.test', ...fields })
/** The newest rows of the audit, oldest first. */
const audit = async (n: number) => {
  const { rows } = await h.client.execute(
    `SELECT * FROM (SELECT number, action, success, user, realm, action_detail AS detail, serial FROM audit ORDER BY number DESC LIMIT ${n}) ORDER BY number`,
  )
  return rows.map(({ action, success, user, realm, detail, serial }) => ({
    action,
    success,
    user,
    realm,
    detail,
    serial,
  }))
}

describe('login by password', () => {
  it('gives a session that scripts may read, since they must repeat it', async () => {
    const reply = await login({ login: 'alice' })

    expect(reply.json).toMatchObject({ result: { status: true, value: true }, id: 0 })
    expect(reply.json.detail).toBeUndefined()
    expect(reply.headers.getSetCookie()).toEqual([
      expect.stringMatching(/^user_selfservice=[0-9a-f]{64}; Max-Age=3600; Path=\/; SameSite=Strict$/),
    ])
    expect(await audit(1)).toEqual([
      { action: 'userservice/login', success: 1, user: 'alice', realm: 'corp', detail: '', serial: '' },
    ])
  })

  it('gives a cookie that is Secure over TLS', async () => {
    const body = new URLSearchParams({ login: 'alice', password: PASSWORD })
    const request = new Request('https://otpost.test/userservice/login', { method: 'POST', body })

    const { headers } = await h.app.fetch(request, { peer: '192.0.2.7', secure: true })

    expect(headers.get('set-cookie')).toMatch(
      /^user_selfservice=\w{64}; Max-Age=3600; Path=\/; Secure; SameSite=Strict$/,
    )
  })

  it.each<[string, Fields, boolean, string]>([
    ['the name under its other parameter', { username: 'alice' }, true, ''],
    ['a realm', { login: 'alice', realm: 'lab' }, true, ''],
    ['the realm in the login', { login: 'carol@lab' }, true, ''],
    ['a wrong password', { login: 'alice', password: 'wrong' }, false, 'password_wrong'],
    ['an empty password', { login: 'alice', password: '' }, false, 'password_wrong'],
    ['somebody of another realm', { login: 'carol' }, false, 'user_unknown'],
    ['an unknown realm', { login: 'alice', realm: 'none' }, false, 'realm_unknown'],
    ['an empty login', { login: '' }, false, 'user_missing'],
    ['no login', {}, false, 'user_missing'],
  ])('takes %s', async (_, fields, value, detail) => {
    const reply = await login(fields)

    expect(reply.json).toMatchObject({ result: { status: true, value }, id: 0 })
    expect(reply.json.detail).toBeUndefined()
    expect(reply.headers.getSetCookie()).toHaveLength(value ? 1 : 0)
    expect(await audit(1)).toMatchObject([{ success: value ? 1 : 0, detail }])
  })

  it('hears nothing but no once a client has guessed too often', async () => {
    await h.admin('/system/setConfig', { fail_limit_per_client: '2/10m' })

    const values: unknown[] = []
    for (const password of ['wrong', 'wrong', PASSWORD])
      values.push(await answerTo(login({ login: 'alice', password })))
    const [last] = await audit(1)
    h.pass(1200)
    values.push(await answerTo(login({ login: 'alice' })))
    await h.admin('/system/delConfig', { key: 'fail_limit_per_client' })

    expect(values).toEqual([false, false, false, true])
    expect(last).toMatchObject({ detail: 'client_limit_reached' })
  })

  it('compares ten wrong passwords of one user from one network, however the name is written', async () => {
    const from = (peer: string) => (fields: Fields) =>
      openBrowser(h, peer).call('login', { password: PASSWORD, ...fields })
    const [near, far] = [from('198.51.100.1'), from('203.0.113.1')]
    const spellings = [{ login: 'bob' }, { login: 'bob@corp' }, { login: 'bob', realm: 'corp' }]
    for (let n = 0; n < 10; n++) await near({ ...spellings[n % 3], password: 'wrong' })

    const right = await answerTo(near({ login: 'bob' }))
    const [refused] = await audit(1)
    const elsewhere = await answerTo(far({ login: 'bob' }))
    const somebody = await answerTo(near({ login: 'alice' }))
    h.pass(901)
    const later = await answerTo(near({ login: 'bob' }))

    expect([right, elsewhere, somebody, later]).toEqual([false, true, true, true])
    expect(refused).toMatchObject({ user: 'bob', detail: 'too_many_failures' })
  })

  it('counts a user from everywhere, save where they have logged in before', async () => {
    await h.admin('/system/setConfig', { selfservice_login_attempts_name: '3' })
    const from = (n: number) => (password: string) =>
      openBrowser(h, `198.51.100.${n}`).call('login', { login: 'frank', password })
    await from(9)(PASSWORD)
    for (const n of [1, 2, 3]) await from(n)('wrong')

    const values = [await answerTo(from(4)(PASSWORD)), await answerTo(from(9)(PASSWORD))]
    await h.admin('/system/delConfig', { key: 'selfservice_login_attempts_name' })
    h.pass(901)

    expect(values).toEqual([false, true])
  })

  it('takes JSON, and GET', async () => {
    const body = JSON.stringify({ username: 'alice', password: PASSWORD })
    const headers = { 'content-type': 'application/json' }

    expect(await answerTo(h.request('/userservice/login', { method: 'POST', body, headers }))).toBe(true)
    expect(await answerTo(h.request(`/userservice/login?login=alice&password=${PASSWORD}`))).toBe(true)
    expect((await h.request('/userservice/login', { method: 'PUT' })).status).toBe(405)
  })

  it('computes a few of many that come at once, and lets one in afterwards', async () => {
    const replies = await Promise.all(times(40, () => login({ login: 'alice' })))

    const statuses = replies.map(({ status }) => status)
    expect([statuses.filter((s) => s === 200).length, statuses.filter((s) => s === 429).length]).toEqual([4, 36])
    expect(replies.find(({ status }) => status === 429)?.headers.get('retry-after')).toBe('1')
    expect(await answerTo(login({ login: 'alice' }))).toBe(true)
  })

  it('is not led into another realm by a policy that does so for checks', async () => {
    await policy(h, 'setrealm=lab', { scope: 'authorization' })
    const alice = await logIn(h)

    expect((await alice.call('userinfo')).json.result?.value).toMatchObject({ email: 'alice@corp.test', realm: 'corp' })
  })

  it('auth takes OTP and password in base32', async () => {
    const base32 = (password: string) => openBrowser(h).call('auth', { login: 'alice', password })

    const reply = await base32(':MFWGSY3FFVYHO===')
    expect(reply.json).toMatchObject({ result: { status: true, value: true }, id: 0 })
    const [, session = ''] = /userauthcookie=([0-9a-f]{64})/.exec(reply.headers.get('set-cookie') ?? '') ?? []
    const info = await openBrowser(h).send('userinfo', { session }, { cookie: `userauthcookie=${session}` })
    expect(info.json.result?.value).toMatchObject({ username: 'alice' })
    for (const wrong of [PASSWORD, `:${PASSWORD}`, ':MFWGSY3F', ':', 'a:b:c', '', ':7Y======'])
      expect([wrong, await answerTo(base32(wrong))]).toEqual([wrong, false])
  })
})

describe('a session', () => {
  it('holds on every node, and is nowhere in the database as the client has it', async () => {
    const alice = await logIn(h)
    const second = anotherNode(h, {})
    const cookie = `user_selfservice=${alice.session()}`

    const init = { method: 'POST', headers: { cookie, 'x-forwarded-for': '192.0.2.7' } }
    const there = await second.request(`/userservice/userinfo?session=${alice.session()}`, init)

    // It is another client's address there, and a session is bound to it.
    expect(there.status).toBe(401)
    await h.client.execute("UPDATE user_sessions SET client = '192.0.2.8'")
    expect(
      (await second.request(`/userservice/userinfo?session=${alice.session()}`, init)).json.result?.value,
    ).toMatchObject({ username: 'alice' })
    const { rows } = await h.client.execute({
      sql: 'SELECT 1 FROM user_sessions WHERE instr(id, ?)',
      args: [alice.session()],
    })
    expect(rows).toEqual([])
  })

  it('leaves neither password nor OTP nor itself in the database, the log or the audit', async () => {
    await policy(h, 'mfa_login')
    await mailToken()
    const alice = openBrowser(h)
    const texts: string[] = [PASSWORD]
    for (const step of [{ login: 'alice', password: PASSWORD }, { serial: 'MAIL' }, { otp: '' }]) {
      const otp = mailedOtp(h)
      await alice.call('login', 'otp' in step ? { otp } : step)
      texts.push(alice.session(), ...('otp' in step ? [otp] : []))
    }

    const dump = await Promise.all(
      ['user_sessions', 'audit', 'tokens', 'challenges', 'deliveries'].map((table) =>
        h.client.execute(`SELECT * FROM ${table}`),
      ),
    )
    const kept = JSON.stringify([dump.map(({ rows }) => rows), h.log])
    expect(texts.filter((text) => new RegExp(`(?<![0-9a-f])${text}(?![0-9a-f])`).test(kept))).toEqual([])
    expect(texts.every((text) => text.length >= 6)).toBe(true)
  })

  it('lasts as long as the setting says', async () => {
    await h.admin('/system/setConfig', { 'selfservice.auth_expiry': '10 minutes' })
    const alice = await logIn(h)
    await h.admin('/system/delConfig', { key: 'selfservice.auth_expiry' })

    h.pass(599)
    expect((await alice.call('userinfo')).status).toBe(200)
    h.pass(1)
    expect((await alice.call('userinfo')).json.result).toEqual(NO_SESSION)
  })

  it.each(['30', '8d', '1 fortnight', ''])('cannot be set to last %s', async (value) => {
    const reply = await h.admin('/system/setConfig', { key: 'selfservice.auth_expiry', value })

    expect(reply.json.result?.error?.message).toContain('selfservice.auth_expiry must be a time from 1m to 7d')
  })

  it('ends for good with logout, which needs no repeated parameter', async () => {
    const alice = await logIn(h)
    const session = alice.session()

    const reply = await alice.send('logout', {}, { method: 'GET' })

    expect(reply.json).toMatchObject({ result: { status: true, value: true }, id: 0 })
    expect(await audit(1)).toMatchObject([{ action: 'userservice/logout', success: 1, user: 'alice', realm: 'corp' }])
    expect((await alice.send('userinfo', { session }, { cookie: `user_selfservice=${session}` })).status).toBe(401)
    expect((await openBrowser(h).call('logout')).json.result?.value).toBe(true)
  })

  it('ends with its user, also when somebody else gets the name', async () => {
    const passwd = (id: string) => `dave:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:${id}:100:Dave,,,,`
    const save = (id: string) =>
      h.admin('/system/setResolver', {
        ...{ name: 'temps', type: 'passwdresolver', previous_name: 'temps', 'passwdresolver.content': passwd(id) },
      })
    await h.admin('/system/setResolver', {
      name: 'temps',
      type: 'passwdresolver',
      'passwdresolver.content': passwd('1'),
    })
    await h.admin('/system/setRealm', { realm: 'temps', resolvers: 'temps' })
    const dave = await logIn(h, 'dave', { realm: 'temps' })

    expect((await dave.call('userinfo')).status).toBe(200)
    await save('2')
    expect((await dave.call('userinfo')).json.result).toEqual(NO_SESSION)
  })

  type Attack = (alice: Browser, bob: Browser) => readonly [Fields, { cookie?: string; peer?: string }]
  const cookieOf = (browser: Browser) => ({ cookie: `user_selfservice=${browser.session()}` })
  const attacks: readonly (readonly [string, Attack])[] = [
    ['no cookie', (alice) => [{ session: alice.session() }, { cookie: '' }]],
    ['no parameter', (alice) => [{}, cookieOf(alice)]],
    ['neither', () => [{}, { cookie: '' }]],
    ['both empty', () => [{ session: '' }, { cookie: 'user_selfservice=' }]],
    ["somebody else's parameter", (alice, bob) => [{ session: bob.session() }, cookieOf(alice)]],
    ["somebody else's cookie", (alice, bob) => [{ session: alice.session() }, cookieOf(bob)]],
    ['a cookie by another name', (alice) => [{ session: alice.session() }, { cookie: `session=${alice.session()}` }]],
    [
      'both in capitals',
      ({ session }) => [
        { session: session().toUpperCase() },
        { cookie: `user_selfservice=${session().toUpperCase()}` },
      ],
    ],
    [
      'both shortened',
      ({ session }) => [{ session: session().slice(1) }, { cookie: `user_selfservice=${session().slice(1)}` }],
    ],
    ['another address', (alice) => [{ session: alice.session() }, { ...cookieOf(alice), peer: '192.0.2.99' }]],
    ['a made-up one', () => [{ session: 'a'.repeat(64) }, { cookie: `user_selfservice=${'a'.repeat(64)}` }]],
  ]
  it.each(attacks)('is none with %s', async (_, attack) => {
    await policy(h, ALL_RIGHTS)
    const [alice, bob] = [await logIn(h), await logIn(h, 'bob')]
    const [fields, request] = attack(alice, bob)
    // All rights would be there.
    await policy(h, 'enrollEMAIL')

    for (const call of CALLS) {
      const reply = await openBrowser(h).send(
        call,
        { ...fields, type: 'email', email_address: 'eve@evil.test' },
        request,
      )
      expect([call, reply.status, reply.json.result]).toEqual([call, 401, NO_SESSION])
    }
    expect((await h.client.execute("SELECT 1 FROM tokens WHERE serial <> '(nobody)'")).rows).toEqual([])
    expect(await audit(1)).toMatchObject([{ success: 0, detail: '' }])
  })

  it('that is refused says so on a page where httperror asks for one', async () => {
    const reply = await h.post('/userservice/context', { httperror: '' })

    expect([reply.status, reply.headers.get('content-type')]).toEqual([401, 'text/html; charset=UTF-8'])
  })
})

describe('the second factor', () => {
  /** Up to the mail. */
  const begin = async (fields: Fields = {}) => {
    const alice = openBrowser(h)
    const first = await alice.call('login', { login: 'alice', password: PASSWORD })
    const triggered = await alice.call('login', { serial: 'MAIL', ...fields })
    return { alice, first, triggered, otp: mailedOtp(h) }
  }

  it('is asked for where policy says so, and answered once', async () => {
    await policy(h, 'mfa_login')
    await mailToken()

    const { alice, first, triggered, otp } = await begin()

    expect(first.json).toMatchObject({
      result: { status: true, value: false },
      detail: {
        message: 'credential verified - additional authentication parameter required',
        tokenList: [{ 'LinOtp.TokenSerialnumber': 'MAIL', Enrollment: { status: 'completed' } }],
      },
    })
    const { transactionId } = triggered.json.detail ?? {}
    expect(triggered.json.detail).toEqual({
      ...{ message: 'e-mail sent successfully', replyMode: ['offline'], transactionId, state: transactionId },
      ...{ linotp_tokenserial: 'MAIL', linotp_tokentype: 'email', linotp_tokendescription: '' },
    })
    const polled = await alice.get('login', { transactionid: String(transactionId) })
    expect(polled.json).toMatchObject({
      result: { value: false },
      detail: { status: 'open', valid_tan: false, received_count: 0, accept: false, reject: false },
    })
    const answered = await alice.call('login', { otp })
    expect([answered.json.result?.value, answered.json.detail]).toEqual([true, undefined])
    expect((await alice.call('context')).status).toBe(200)
    expect((await audit(4)).map(({ detail, success }) => [detail, success])).toEqual([
      ['credentials_verified', 0],
      ['challenge_created', 0],
      ['challenge_pending', 0],
      ['', 1],
    ])
  })

  it('gives another text with each step, and the old ones are worth nothing', async () => {
    await policy(h, 'mfa_login')
    await mailToken()
    const alice = openBrowser(h)
    const texts: string[] = []
    const step = async (fields: Fields) => {
      await alice.call('login', fields)
      texts.push(alice.session())
    }

    await step({ login: 'alice', password: PASSWORD })
    await step({ serial: 'MAIL' })
    await step({ otp: mailedOtp(h) })

    expect(new Set(texts).size).toBe(3)
    for (const session of texts.slice(0, 2))
      expect((await alice.send('userinfo', { session }, { cookie: `user_selfservice=${session}` })).status).toBe(401)
  })

  it.each(CALLS)('keeps %s closed until it was answered', async (call) => {
    await policy(h, ALL_RIGHTS)
    await policy(h, 'mfa_login', { name: 'mfa' })
    await mailToken()
    const { alice } = await begin()

    const reply = await alice.call(call, { serial: 'MAIL', type: 'email', email_address: 'eve@evil.test' })

    expect([call, reply.status]).toEqual([call, HALFWAY.includes(call) ? 200 : 401])
  })

  it('is wrong as often as the token takes it, and as in /validate', async () => {
    await policy(h, 'mfa_login')
    await mailToken()
    await h.admin('/admin/set', { serial: 'MAIL', MaxFailCount: '3' })
    const { alice, otp } = await begin()

    for (let n = 0; n < 3; n++) expect(await answerTo(alice.call('login', { otp: '000000' }))).toBe(false)

    expect(await h.failCount('MAIL')).toBe(3)
    expect(await answerTo(alice.call('login', { otp }))).toBe(false)
    expect((await audit(1))[0]).toMatchObject({ action: 'userservice/login', success: 0, detail: 'token_locked' })
  })

  it('is accepted once of fifty equal answers, which open one session', async () => {
    await policy(h, 'mfa_login')
    await mailToken()
    const { alice, otp } = await begin()
    const { rows: before } = await h.client.execute('SELECT COUNT(*) AS n FROM user_sessions')

    const fields = { session: alice.session(), otp }
    const values = await Promise.all(times(50, () => answerTo(alice.send('login', fields, {}))))

    expect(values.filter((value) => value === true)).toHaveLength(1)
    expect((await h.client.execute('SELECT COUNT(*) AS n FROM user_sessions')).rows).toEqual(before)
  })

  it("cannot be another user's token, nor be asked of one", async () => {
    await policy(h, 'mfa_login')
    await mailToken()
    await enroll(h, 'bob', 'BOBS', { realm: 'corp' })
    const mails = h.catcher.mails().length
    const { alice, triggered } = await begin({ serial: 'BOBS' })

    expect([triggered.json.result?.value, triggered.json.detail]).toEqual([false, undefined])
    expect(h.catcher.mails()).toHaveLength(mails)
    const { otp, transactionId } = await h.trigger('bob@corp', 'pin-')
    expect(await answerTo(alice.call('login', { otp }))).toBe(false)
    expect(await answerTo(alice.call('login', { otp, transactionid: transactionId }))).toBe(false)
    expect(await answerTo(openBrowser(h).call('login', { login: 'alice', password: PASSWORD, otp }))).toBe(false)
  })

  it('may be given at once, where it was sent before', async () => {
    await policy(h, 'mfa_login, mfa_3_fields')
    await mailToken()
    await begin()
    const at = (otp: string) => openBrowser(h).call('login', { login: 'alice', password: PASSWORD, otp })
    const otp = mailedOtp(h)

    expect(await answerTo(openBrowser(h).call('login', { login: 'alice', password: 'wrong', otp }))).toBe(false)
    expect(await h.failCount('MAIL')).toBe(0)
    expect([await answerTo(at('000000')), await h.failCount('MAIL')]).toEqual([false, 1])
    expect([await answerTo(at(otp)), await answerTo(at(otp))]).toEqual([true, false])
  })

  it.each<[string, string, boolean]>([
    ['nobody has a token', '', false],
    ['policy lets people without a token in', 'mfa_passOnNoToken', true],
  ])('where %s', async (_, more, value) => {
    await policy(h, ['mfa_login', more].filter(Boolean).join(', '))
    // These are for checks, and no second factor.
    await policy(h, 'passOnNoToken, passthru', { name: 'pass', scope: 'authentication' })
    await h.admin('/system/setConfig', { PassOnUserNoToken: 'True' })

    const alice = openBrowser(h)
    const first = await alice.call('login', { login: 'alice', password: PASSWORD })
    const steps = [
      await answerTo(alice.call('login', { serial: '' })),
      await answerTo(alice.call('login', { otp: '1' })),
    ]
    await h.admin('/system/delConfig', { key: 'PassOnUserNoToken' })

    expect([first.json.result?.value, first.json.detail?.tokenList]).toEqual([value, value ? undefined : []])
    expect(steps).toEqual([false, false])
    expect((await alice.call('context')).status).toBe(value ? 200 : 401)
  })

  it('is still asked of somebody whose only token is disabled', async () => {
    await policy(h, 'mfa_login, mfa_passOnNoToken')
    await mailToken()
    await h.admin('/admin/disable', { serial: 'MAIL' })

    expect(await answerTo(login({ login: 'alice' }))).toBe(false)
  })

  it('asks all tokens where none is named', async () => {
    await policy(h, 'mfa_login')
    await mailToken()
    await enroll(h, 'alice', 'SECOND', { realm: 'corp' })
    const alice = openBrowser(h)
    await alice.call('login', { login: 'alice', password: PASSWORD })

    const { json } = await alice.call('login')

    expect(json.detail).toMatchObject({
      message: 'Multiple challenges submitted.',
      challenges: { MAIL: { linotp_tokenserial: 'MAIL' }, SECOND: { linotp_tokenserial: 'SECOND' } },
    })
    expect(await answerTo(alice.call('login', { otp: mailedOtp(h) }))).toBe(true)
  })
})
