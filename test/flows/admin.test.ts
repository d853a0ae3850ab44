import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enroll, type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: 'correct horse' })
})
afterAll(() => h.close())

type Login = { readonly cookie: string; readonly csrf: string; readonly reply: Reply }

async function login(harness: Harness, password = 'correct horse', username = 'admin'): Promise<Login> {
  const reply = await harness.post('/admin/login', { username, password })
  const cookies = reply.headers.getSetCookie()
  const value = (name: string): string => cookies.find((c) => c.startsWith(`${name}=`))?.split(/[=;]/)[1] ?? ''
  return { reply, cookie: `access_token_cookie=${value('access_token_cookie')}`, csrf: value('csrf_access_token') }
}

const show = (harness: Harness, headers: Fields): Promise<Reply> =>
  harness.request('/admin/show', { method: 'POST', headers })

const REFUSED = { result: { status: false, error: { code: -311, message: 'Not authenticated' } }, id: 1 }

describe('login', () => {
  it('gives a session cookie for the browser and a CSRF token to repeat', async () => {
    const { reply } = await login(h)

    expect(reply.json).toMatchObject({
      result: { status: true, value: true },
      id: 1,
      detail: { message: 'Login successful for admin' },
    })
    const [session = '', csrf = ''] = reply.headers.getSetCookie()
    expect(session).toMatch(
      /^access_token_cookie=[\w-]+\.[\w-]+\.[\w-]+; Max-Age=1800; Path=\/; HttpOnly; SameSite=Strict$/,
    )
    expect(csrf).toMatch(/^csrf_access_token=\w+; Max-Age=1800; Path=\/; SameSite=Strict$/)
  })

  it.each([
    ['a wrong password', { username: 'admin', password: 'wrong' }],
    ['an unknown name', { username: 'nobody', password: 'correct horse' }],
    ['nothing', {}],
  ])('refuses %s with 401 and the same words', async (_, fields) => {
    const reply = await h.post('/admin/login', fields)

    expect(reply.status).toBe(401)
    expect(reply.json).toMatchObject({
      result: { status: true, value: false },
      id: 1,
      detail: { message: 'Bad username or password' },
    })
  })

  it('hashes for a few of many that come at once, and lets one in afterwards', async () => {
    const [replies, shown] = await Promise.all([
      Promise.all(Array.from({ length: 40 }, () => login(h, 'wrong'))),
      h.admin('/admin/show', {}),
    ])

    const statuses = replies.map(({ reply }) => reply.status)
    expect(statuses.filter((status) => status === 401)).toHaveLength(4)
    expect(statuses.filter((status) => status === 429)).toHaveLength(36)
    const busy = replies.find(({ reply }) => reply.status === 429)?.reply
    expect(busy?.headers.get('retry-after')).toBe('1')
    expect(busy?.json.detail?.message).toBe('Too many logins at once: try again in a moment')
    expect(shown.status).toBe(200)
    expect((await login(h)).reply.status).toBe(200)
  })

  it('reads no large body of a stranger', async () => {
    const password = 'x'.repeat(70_000)
    const { cookie, csrf } = await login(h)

    expect((await login(h, password)).reply.json.result?.error?.message).toBe(
      'request body must be at most 65536 bytes',
    )
    const body = { method: 'POST', body: new URLSearchParams({ description: password }) }
    expect((await h.request('/admin/show', body)).json.result?.status).toBe(false)
    const known = await h.request('/admin/show', { ...body, headers: { cookie, 'x-csrf-token': csrf } })
    expect(known.json.result?.status).toBe(true)
  })

  it('is POST only', async () => {
    expect((await h.request('/admin/login?username=admin&password=correct+horse')).status).toBe(405)
  })
})

describe('a session', () => {
  it('needs the CSRF token for everything but GET', async () => {
    const { cookie, csrf } = await login(h)

    expect((await show(h, { cookie, 'x-csrf-token': csrf })).status).toBe(200)
    expect((await h.request('/admin/show', { headers: { cookie } })).status).toBe(200)
    expect((await show(h, { cookie })).json).toMatchObject(REFUSED)
    expect((await show(h, { cookie, 'x-csrf-token': `${csrf}0` })).status).toBe(401)
    const inForm = { method: 'POST', headers: { cookie }, body: new URLSearchParams({ csrf_token: csrf }) }
    expect((await h.request('/admin/show', inForm)).status).toBe(200)
  })

  it('is not taken from the Authorization header, nor when it is forged or garbage', async () => {
    const { cookie, csrf } = await login(h)
    const token = cookie.split('=')[1] ?? ''
    const [head = '', body = '', mac = ''] = token.split('.')
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url')
    const other = Buffer.from(body, 'base64url').toString().replace('"admin"', '"root!"')

    const attempts: readonly Fields[] = [
      {},
      { authorization: `Bearer ${token}` },
      { authorization: `Bearer ${token}`, cookie, 'x-csrf-token': csrf },
      { authorization: 'Basic YWRtaW46Y29ycmVjdCBob3JzZQ==' },
      { cookie: 'access_token_cookie=garbage', 'x-csrf-token': csrf },
      { cookie: `access_token_cookie=${token.slice(0, -4)}AAAA`, 'x-csrf-token': csrf },
      { cookie: `access_token_cookie=${none}.${body}.`, 'x-csrf-token': csrf },
      { cookie: `access_token_cookie=${none}.${body}.${mac}`, 'x-csrf-token': csrf },
      {
        cookie: `access_token_cookie=${head}.${Buffer.from(other).toString('base64url')}.${mac}`,
        'x-csrf-token': csrf,
      },
    ]
    for (const headers of attempts) {
      const reply = await show(h, headers)
      expect([reply.status, reply.json.result]).toEqual([401, REFUSED.result])
    }
  })

  it('ends with logout for good', async () => {
    const { cookie, csrf } = await login(h)

    const out = await h.request('/admin/logout', { headers: { cookie } })

    expect(out.json.detail?.message).toBe('Logout successful for admin@linotp_admins (LinOTP_local_admins)')
    expect((await show(h, { cookie, 'x-csrf-token': csrf })).status).toBe(401)
  })

  it('ends with logout also when it would be made anew in passing', async () => {
    const { cookie } = await login(h)
    h.pass(1600)

    const out = await h.request('/admin/logout', { headers: { cookie } })

    expect(out.status).toBe(200)
    expect(out.headers.getSetCookie().map((text) => /=;.*Max-Age=0/.test(text))).toEqual([true, true])
  })

  it('ends after half an hour, and is made anew in passing shortly before', async () => {
    const { cookie, csrf } = await login(h)

    h.pass(1400)
    expect((await show(h, { cookie, 'x-csrf-token': csrf })).headers.getSetCookie()).toEqual([])
    h.pass(200)
    const renewed = await show(h, { cookie, 'x-csrf-token': csrf })
    expect(renewed.status).toBe(200)
    expect(renewed.headers.getSetCookie()).toHaveLength(2)
    h.pass(200)
    expect((await show(h, { cookie, 'x-csrf-token': csrf })).status).toBe(401)
  })

  it('ends when its administrator is removed', async () => {
    await h.admin('/otpost/admins', { username: 'temp', password: 'long enough' })
    const { cookie, csrf } = await login(h, 'long enough', 'temp')
    expect((await show(h, { cookie, 'x-csrf-token': csrf })).status).toBe(200)

    await h.request('/otpost/admins/temp', { method: 'DELETE' }, 'operator')

    expect((await show(h, { cookie, 'x-csrf-token': csrf })).status).toBe(401)
    await h.admin('/otpost/admins', { username: 'temp', password: 'long enough' })
    expect((await show(h, { cookie, 'x-csrf-token': csrf })).status).toBe(401)
    expect((await login(h, 'long enough', 'temp')).reply.status).toBe(200)
  })
})

describe('cookies are Secure', () => {
  const proxied = {
    method: 'POST',
    headers: { 'x-forwarded-proto': 'https' },
    body: new URLSearchParams({ username: 'admin', password: 'correct horse' }),
  }
  const secure = (reply: Reply): boolean => reply.headers.getSetCookie().every((cookie) => cookie.includes('; Secure'))

  it.each([
    ['when the public URL is https', { OTPOST_PUBLIC_URL: 'https://otp.example.org' }, true],
    ['when a trusted proxy says so', { OTPOST_TRUSTED_PROXIES: '192.0.2.0/24' }, true],
    ['not when somebody else says so', {}, false],
  ])('%s', async (_, variables, expected) => {
    const other = await startHarness({ OTPOST_ADMIN_PASSWORD: 'correct horse', ...variables })

    expect(secure(await other.request('/admin/login', proxied))).toBe(expected)
    await other.close()
  })
})

describe('API tokens', () => {
  it('stand for their administrator until they are revoked, and are not kept in clear', async () => {
    const made = await h.admin('/otpost/api-tokens', { username: 'admin', name: 'ci' })
    const { id = '', token = '' } = (made.json.result?.value ?? {}) as { id?: string; token?: string } // as the route documents

    const bearer = { authorization: `Bearer ${token}` }
    expect((await show(h, bearer)).status).toBe(200)
    expect((await show(h, { authorization: `Bearer ${token.slice(0, -1)}x` })).status).toBe(401)
    const rows = await h.client.execute('SELECT * FROM api_tokens')
    expect(JSON.stringify(rows.rows)).not.toContain(token.split('_')[2])

    await h.request(`/otpost/api-tokens/${id}`, { method: 'DELETE', headers: bearer })
    expect((await show(h, bearer)).status).toBe(401)
  })
})

describe('tokens', () => {
  it('are shown as LinOTP shows them, without secrets', async () => {
    await enroll(h, 'ada', 'SHOW1', { description: 'mail' })

    const reply = await h.admin('/admin/show', { serial: 'SHOW1' })

    expect(reply.json.result?.value).toEqual({
      data: [
        {
          'LinOtp.TokenId': expect.any(Number),
          'LinOtp.TokenDesc': 'mail',
          'LinOtp.TokenSerialnumber': 'SHOW1',
          'LinOtp.TokenType': 'email',
          'LinOtp.TokenInfo': '{\n"email_address": "ada@mail.test",\n"hashlib": "sha1"\n}',
          'LinOtp.IdResolver': 'people.txt',
          'LinOtp.IdResClass': 'useridresolver.PasswdIdResolver.IdResolver.people',
          'LinOtp.Userid': '1001',
          'LinOtp.OtpLen': 6,
          'LinOtp.MaxFail': 10,
          'LinOtp.Isactive': true,
          'LinOtp.FailCount': 0,
          'LinOtp.Count': 0,
          'LinOtp.CountWindow': 10,
          'LinOtp.SyncWindow': 1000,
          'LinOtp.CreationDate': expect.stringMatching(/ GMT$/),
          'LinOtp.LastAuthSuccess': '',
          'LinOtp.LastAuthMatch': '',
          'LinOtp.RealmNames': ['home'],
          'User.description': 'Ada Byron,room,+49 170 1111111,+49 30 111,ada@example.org',
          'User.userid': '1001',
          'User.username': 'ada',
        },
      ],
      resultset: { pages: 1, pagesize: 1, tokens: 1, page: 1 },
    })
  })

  it('get serials of their own, and are found by pattern, user and page', async () => {
    const made = await h.admin('/admin/init', { type: 'EMAIL', user: 'bob', email_address: 'bob@mail.test' })
    expect(made.json.detail?.serial).toMatch(/^LSEM\d{4}[0-9A-F]{4}$/)
    await enroll(h, 'bob', 'PAGE2')

    const serials = async (fields: Fields): Promise<readonly unknown[]> => {
      const { value } = (await h.admin('/admin/show', fields)).json.result ?? {}
      return (value as { data: readonly Record<string, unknown>[] }).data.map((t) => t['LinOtp.TokenSerialnumber']) // shape tested above
    }
    expect(await serials({ user: 'bob' })).toEqual([made.json.detail?.serial, 'PAGE2'])
    expect(await serials({ serial: 'PAGE*' })).toEqual(['PAGE2'])
    expect(await serials({ sortby: 'TokenSerialnumber', sortdir: 'desc', page: '1', pagesize: '2' })).toEqual([
      'SHOW1',
      'PAGE2',
    ])
    expect(await serials({ user: 'nobody' })).toEqual([])
  })

  it('count what was changed, and say when there was nothing', async () => {
    expect((await h.admin('/admin/disable', { serial: 'PAGE2' })).json.result?.value).toBe(1)
    expect((await h.admin('/admin/enable', { user: 'bob' })).json.result?.value).toBe(2)
    const none = await h.admin('/admin/reset', { serial: 'NOSUCH' })
    expect(none.json).toMatchObject({ result: { value: 0 }, detail: { message: 'No token with serial NOSUCH' } })
    expect((await h.admin('/admin/remove', {})).json.result?.value).toBe(0)
    expect(
      (await h.admin('/admin/set', { serial: 'PAGE2', pin: 'neu', MaxFailCount: '5' })).json.result?.value,
    ).toEqual({
      'set pin': 1,
      'set MaxFailCount': 1,
    })
    expect((await h.admin('/admin/remove', { user: 'bob' })).json.result?.value).toBe(2)
  })
})

describe('providers', () => {
  const config = { SMTP_SERVER: 'mail.test', SMTP_PORT: 2525, SMTP_USER: 'mailer', SMTP_PASSWORD: 'sEcret:pw' }
  const save = (name: string, values: object): Promise<Reply> =>
    h.admin('/system/setProvider', {
      name,
      type: 'email',
      class: 'SMTPEmailProvider',
      timeout: '120',
      config: JSON.stringify(values),
    })
  const shown = async (name: string): Promise<Record<string, unknown>> => {
    const { value } = (await h.admin('/system/getProvider', { type: 'email', name })).json.result ?? {}
    return JSON.parse((value as Record<string, { Config: string }>)[name]?.Config ?? '{}') // as the contract has it
  }

  it('show their secrets as ***, and take the mask back as the value before', async () => {
    await save('masked', config)
    expect(await shown('masked')).toEqual({ ...config, SMTP_PASSWORD: '***' })

    const kept = await save('masked', { ...config, SMTP_PASSWORD: '***', EMAIL_SUBJECT: 'new' })
    const moved = await save('masked', { ...config, SMTP_PASSWORD: '***', SMTP_SERVER: 'evil.test' })

    expect(kept.json.result?.value).toBe(true)
    expect(moved.json.result?.error?.message).toMatch(
      /^config.SMTP_PASSWORD must be given again, because SMTP_SERVER has changed/,
    )
    expect(await shown('masked')).toEqual({ ...config, SMTP_PASSWORD: '***', EMAIL_SUBJECT: 'new' })
  })

  it('keep the default from being deleted unless it is the last one', async () => {
    const refused = await h.admin('/system/delProvider', { type: 'email', name: 'catcher' })
    expect(refused.json).toMatchObject({
      result: { value: false },
      detail: { message: 'Default provider could not be deleted!' },
    })

    const unknown = await h.admin('/system/setDefaultProvider', { type: 'email', name: 'nosuch' })
    expect(unknown.json).toMatchObject({ result: { value: false }, detail: { message: "Unknown provider! 'nosuch'" } })
    await h.admin('/system/delProvider', { type: 'email', name: 'masked' })
  })

  it('are tested by a message that really travels', async () => {
    const sent = await h.admin('/system/testProvider', { type: 'email', name: 'catcher', to: 'ops@mail.test' })
    const bare = await h.admin('/system/testProvider', { type: 'email', name: 'catcher' })

    expect(sent.json.result?.value).toBe(true)
    expect(h.catcher.mails().at(-1)?.to).toEqual(['ops@mail.test'])
    expect(bare.json.result?.value).toBe(false)
  })
})

describe('the client address', () => {
  it.each([
    ['the peer, whatever a header says', {}, '198.51.100.9', '192.0.2.7'],
    [
      'the last address that is no trusted proxy',
      { OTPOST_TRUSTED_PROXIES: '192.0.2.7, 10.0.0.0/8' },
      '203.0.113.5, 198.51.100.9, 10.1.2.3',
      '198.51.100.9',
    ],
    ['an IPv6 address too', { OTPOST_TRUSTED_PROXIES: '192.0.2.7' }, '2001:DB8::0001', '2001:db8::1'],
    ['an address without its port', { OTPOST_TRUSTED_PROXIES: '192.0.2.7' }, '198.51.100.9:4711', '198.51.100.9'],
    [
      'an IPv6 address without its port',
      { OTPOST_TRUSTED_PROXIES: '192.0.2.7 10.0.0.0/8' },
      '198.51.100.9, [2001:db8::1]:443, 10.0.0.1:80',
      '2001:db8::1',
    ],
    ['the proxy when the header is nonsense', { OTPOST_TRUSTED_PROXIES: '192.0.2.7' }, 'nonsense', '192.0.2.7'],
  ])('is %s', async (_, variables, header, expected) => {
    const other = await startHarness(variables)
    await other.request('/validate/check?user=nobody', { headers: { 'x-forwarded-for': header } })

    const { rows } = await other.client.execute("SELECT client FROM audit WHERE action = 'validate/check'")
    expect(rows[0]?.client).toBe(expected)
    await other.close()
  })
})

describe('reads of single tokens', () => {
  it('tell the owner without a password hash, a free serial, and all tokens as CSV', async () => {
    await enroll(h, 'ada', 'READ1', { description: "Ada's; mail" })

    const owner = await h.admin('/admin/getTokenOwner', { serial: 'READ1' })
    const free = await h.admin('/admin/check_serial', { serial: 'READ2' })
    const taken = await h.admin('/admin/check_serial', { serial: 'READ1' })
    const csv = await h.admin('/admin/show', { serial: 'READ1', outform: 'csv' })

    expect(owner.json.result?.value).toMatchObject({ username: 'ada', email: 'ada@example.org' })
    expect(owner.text).not.toMatch(/cryptpass|password/i)
    expect(free.json.result?.value).toEqual({ unique: true, new_serial: 'READ2' })
    expect(taken.json.result?.value).toEqual({ unique: false, new_serial: 'READ1_01' })
    expect((await h.admin('/admin/getTokenOwner', { serial: 'NOSUCH' })).json.result?.error?.code).toBe(1102)
    expect(csv.headers.get('content-type')).toBe('application/force-download')
    expect(csv.text.split('\n')).toEqual([
      expect.stringMatching(/^'LinOtp.TokenId'; 'LinOtp.TokenDesc'; .*'User.username'; $/),
      expect.stringMatching(
        /'Ada''s; mail'; 'READ1'; 'email'; '\{ "email_address": "ada@mail.test", "hashlib": "sha1" \}'; .*'True'; .*'\['home'\]'; /,
      ),
      '',
    ])
  })
})
