/** Users of a directory in /validate and in administration, over a real HTTP service; and what happens when it is down. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { anotherNode } from '../support/another-node.ts'
import { enroll, type Harness, startHarness, times } from '../support/harness.ts'
import { PEOPLE, type People, peopleConfig, startPeople, usePeople } from '../support/people.ts'
import { logIn, openBrowser, otpAt, SECRET } from '../support/self.ts'

let h: Harness
let people: People
beforeAll(async () => {
  h = await startHarness()
  people = await startPeople()
  await usePeople(h, people.url, 'away')
  await usePeople(h, people.url, 'mixed', ['people'])
  await h.admin('/system/setConfig', { resolver_timeout: '1', EmailBlockingTimeout: '0' })
  await enroll(h, 'zoe', 'ZOE', { realm: 'away' })
})
afterAll(async () => {
  await h.close()
  await people.close()
})
afterEach(async () => {
  people.answer = null
  people.people = PEOPLE
  for (const name of ['p', 'q']) await h.admin('/system/delPolicy', { name })
})

const policy = (action: string, over: Record<string, string> = {}) =>
  h.admin('/system/setPolicy', {
    ...{ name: 'p', scope: 'authentication', action, realm: 'away', user: '*', client: '*', active: 'True' },
    ...over,
  })
/** The first request after a change asks twice: by the settings that it knew, and by those that there are. */
const readSettings = () => h.check({ user: 'nobody', pass: '' })
const lastAudit = async () => {
  const { rows } = await h.client.execute('SELECT user, realm, action_detail, info FROM audit ORDER BY number DESC')
  return rows[0] ?? {}
}
const challenged = { result: { status: true, value: false }, detail: { linotp_tokenserial: 'ZOE' } }

describe('a user of a directory', () => {
  it('gets a mail by the PIN and is let in by its OTP, once', async () => {
    const { otp, transactionId, reply } = await h.trigger('zoe@away', 'pin-')
    const answers = await Promise.all(
      times(5, () => h.check({ user: 'zoe@away', pass: otp, transactionid: transactionId })),
    )

    expect(reply.json).toMatchObject(challenged)
    expect(answers.filter(({ json }) => json.result?.value === true)).toHaveLength(1)
  })

  it('is the owner of a token that is named by its serial or its transaction', async () => {
    await policy('detail_on_success', { scope: 'authorization', user: 'zoe' })
    const { otp, transactionId } = await h.trigger('zoe@away', 'pin-')

    const { json } = await h.check({ serial: 'ZOE', pass: otp, transactionid: transactionId })

    expect(json.result?.value).toBe(true)
    expect(json.detail).toMatchObject({ serial: 'ZOE' })
  })

  it('is named where a token is found by its OTP', async () => {
    await enroll(h, 'yan', 'YAN', { realm: 'away', otpkey: SECRET })

    const { json } = await h.admin('/admin/getSerialByOtp', { otp: otpAt(1) })

    expect(json.result?.value).toMatchObject({ serial: 'YAN', user_login: 'yan', user_resolver: 'away' })
    expect(await lastAudit()).toMatchObject({ user: 'yan', realm: 'away' })
    await h.admin('/admin/remove', { serial: 'YAN' })
  })

  it('has the address of the directory where policy says so: the first of a list that is not empty', async () => {
    await policy('dynamic_email_address')

    await h.trigger('zoe@away', 'pin-')

    expect(h.catcher.mails().at(-1)?.to).toEqual(['zoe@mail.test'])
  })

  it('gives the password of the directory for a PIN', async () => {
    await policy('otppin=1')

    const [right, wrong, empty, other] = [
      await h.check({ user: 'zoe@away', pass: 'zoe-password' }),
      await h.check({ user: 'zoe@away', pass: 'pin-' }),
      await h.check({ user: 'zoe@away', pass: '' }),
      await h.check({ user: 'zoe@away', pass: 'yan-password' }),
    ]

    expect(right.json).toMatchObject(challenged)
    expect([wrong, empty, other].map(({ json }) => json.detail)).toEqual([undefined, undefined, undefined])
  })

  it('is asked for no second password after the right one, and for none beside a transaction', async () => {
    await policy('otppin=1')
    const asked = () => people.heard.filter(({ path }) => path === '/check').length

    const before = asked()
    const { otp, transactionId } = await h.trigger('zoe@away', 'zoe-password')
    const between = asked()
    await h.check({ user: 'zoe@away', pass: otp, transactionid: transactionId })

    expect([between - before, asked() - between]).toEqual([1, 0])
  })

  it('is let in by passthru, and enrolled by the password', async () => {
    await policy('passthru')
    const through = await h.check({ user: 'yan@away', pass: 'yan-password' })
    const refused = await h.check({ user: 'yan@away', pass: 'zoe-password' })
    await h.admin('/system/delPolicy', { name: 'p' })
    await policy('autoenrollment=email', { scope: 'enrollment' })
    const enrolled = await h.check({ user: 'yan@away', pass: 'yan-password' })

    expect([through.json.result?.value, refused.json.result?.value]).toEqual([true, false])
    expect(enrolled.json.detail).toMatchObject({ linotp_tokentype: 'email' })
    expect(h.catcher.mails().at(-1)?.to).toEqual(['yan@mail.test'])
    await h.admin('/admin/remove', { user: 'yan', realm: 'away' })
  })

  it.each(['ZOE', 'Zoe'])('is meant by %s as well where the directory says so', async (user) => {
    people.answer = ({ path }) =>
      path === '/users' ? { status: 200, body: { data: { users: [{ id: 'u1', account: { login: 'zoe' } }] } } } : null

    expect((await h.check({ user, realm: 'away', pass: 'pin-' })).json).toMatchObject(challenged)
  })

  it('is nobody where the directory has two of the name', async () => {
    people.people = [...PEOPLE, { id: 'u9', login: 'zoe' }]

    const { json } = await h.check({ user: 'zoe@away', pass: 'pin-' })

    expect(json).not.toHaveProperty('detail')
    expect(await lastAudit()).toMatchObject({ action_detail: 'user_ambiguous' })
  })

  it('is found in any resolver of the realm, and only in the one that is named', async () => {
    await enroll(h, 'bob', 'BOB')
    await enroll(h, 'zoe', 'MIXED', { realm: 'mixed' })
    const serial = async (fields: Record<string, string>) =>
      (await h.check({ realm: 'mixed', pass: 'pin-', ...fields })).json.detail?.linotp_tokenserial

    expect([await serial({ user: 'bob' }), await serial({ user: 'zoe' })]).toEqual(['BOB', 'MIXED'])
    expect([await serial({ user: 'bob', resConf: 'mixed' }), await serial({ user: 'zoe', resConf: 'people' })]).toEqual(
      [undefined, undefined],
    )
  })
})

describe('a list of tokens', () => {
  const shown = async (user: string) => {
    const { json } = await h.admin('/admin/show', { user })
    const value = json.result?.value as { data: readonly Record<string, unknown>[] } | undefined
    return value?.data.map((token) => token['LinOtp.TokenSerialnumber'])
  }

  it('takes no owner in a directory for gone', async () => {
    expect(await shown('/:no user info:/')).toEqual([])
  })

  it('finds owners in a directory by a pattern, and by * without asking for them', async () => {
    const found = [await shown('zo*'), await shown('ya*')]
    people.people = times(5001, (n) => ({ id: `z${n}`, login: `zo${n}` }))
    const many = await h.admin('/admin/show', { user: 'zo*' })
    people.answer = () => ({ status: 503 })
    const any = await shown('*')
    const { json } = await h.admin('/admin/show', { user: 'zo*' })

    expect(found).toEqual([expect.arrayContaining(['ZOE']), []])
    expect(many.json.result?.error?.message).toBe('user must find at most 5000 users of directories')
    expect(any).toContain('ZOE')
    expect(json.result?.error?.message).toBe("resolver 'away' could not be asked: http_503")
  })
})

describe('a directory that is down', () => {
  const DOWN: readonly (readonly [string, NonNullable<People['answer']>, RegExp])[] = [
    ['answers 500', () => ({ status: 500, body: 'people-secret' }), /^away: http_500$/],
    ['answers no JSON', () => ({ status: 200, body: '<html>' }), /^away: reply_unreadable$/],
    ['says nothing', () => new Promise(() => {}), /^away: deadline$/],
    ['redirects', () => ({ status: 302, headers: { location: '/users' } }), /^away: http_302$/],
    ['answers something else', () => ({ status: 200, body: { data: { users: [{ x: 1 }] } } }), /^away: MAP finds no/],
  ]

  it.each(DOWN)(
    'that %s gives the answer to an unknown user, with the reason in the audit',
    async (_, answer, info) => {
      const unknown = await h.check({ user: 'nobody@away', pass: 'pin-' })
      people.answer = answer
      await h.admin('/system/setConfig', { PassOnUserNotFound: 'True' })

      const reply = await h.check({ user: 'zoe@away', pass: 'pin-' })

      await h.admin('/system/setConfig', { PassOnUserNotFound: 'False' })
      const { rows } = await h.client.execute(
        "SELECT * FROM audit WHERE action = 'validate/check' ORDER BY number DESC",
      )
      expect(reply.text).toBe(unknown.text)
      expect(rows[0]).toMatchObject({ user: 'zoe', realm: 'away', action_detail: 'resolver_unavailable' })
      expect(rows[0]?.info).toMatch(info)
      expect(h.log.join()).not.toContain('people-secret')
    },
  )

  it('is waited for once, be it that the password would be asked for as well', async () => {
    await policy('otppin=1')
    await readSettings()
    people.answer = () => new Promise(() => {})
    const before = people.heard.length

    await h.check({ user: 'zoe@away', pass: 'zoe-password' })
    await h.post('/validate/check_status', { user: 'zoe@away', pass: 'zoe-password', transactionid: '1' })

    expect(people.heard.slice(before).map(({ path }) => path)).toEqual(['/users', '/users'])
  })

  it('stops nobody of another resolver or realm', async () => {
    people.answer = () => ({ status: 503 })

    const [mixed, other] = [await h.trigger('bob@mixed', 'pin-'), await h.trigger('bob', 'pin-')]
    const status = await h.post('/validate/check_status', {
      ...{ user: 'bob@mixed', pass: 'pin-', transactionid: mixed.transactionId },
    })

    expect(status.json.result?.value).toBe(true)
    expect([mixed, other].map(({ reply }) => reply.json.detail?.linotp_tokenserial)).toEqual(['BOB', 'BOB'])
  })

  it('lets nobody of the same name in another resolver in without a token, and gives him none unasked', async () => {
    await h.admin('/system/setResolver', { name: 'old', type: 'localresolver' })
    await h.admin('/otpost/users', { resolver: 'old', userid: 'u1', username: 'zoe', password: 'old-password' })
    await h.admin('/system/setRealm', { realm: 'moved', resolvers: 'away,old' })
    await policy('passthru, passOnNoToken', { realm: 'moved' })
    const values = async (pass: string) => (await h.check({ user: 'zoe', realm: 'moved', pass })).json.result?.value
    const up = [await values('x'), await values('old-password')]
    people.answer = () => ({ status: 503 })

    const down = [await values('x'), await values('old-password')]
    const audit = await lastAudit()
    const token = { type: 'email', user: 'zoe', realm: 'moved', email_address: 'z@x.test', serial: 'OLD' }
    const enrolled = await h.admin('/admin/init', token)
    const named = await h.admin('/admin/init', { ...token, resConf: 'old' })

    expect([up, down]).toEqual(times(2, () => [false, false]))
    expect(audit).toMatchObject({ action_detail: 'resolver_unavailable', info: 'away: http_503' })
    expect(enrolled.json.result?.error?.message).toBe("resolver 'away' could not be asked: http_503")
    expect(named.json.result?.value).toBe(true)
    await h.admin('/admin/remove', { serial: 'OLD' })
    await h.admin('/system/delRealm', { realm: 'moved' })
  })

  it('counts no failure where the password could not be asked for', async () => {
    await policy('otppin=1')
    people.answer = ({ path }) => (path === '/check' ? { status: 503 } : null)
    const before = await h.failCount('ZOE')

    const reply = await h.check({ user: 'zoe@away', pass: 'zoe-password' })

    expect(reply.json.result?.value).toBe(false)
    expect(await lastAudit()).toMatchObject({ action_detail: 'resolver_unavailable', info: 'away: http_503' })
    expect(await h.failCount('ZOE')).toBe(before)
  })

  it('lets its user do nothing in self-service, with the reason in the audit, and go on after it', async () => {
    const browser = await logIn(h, 'zoe', { realm: 'away', password: 'zoe-password' })
    people.answer = () => ({ status: 503 })
    const down = await browser.call('usertokenlist')
    const audit = await lastAudit()
    people.answer = null

    const up = await browser.call('usertokenlist')

    expect([down.status, up.status]).toEqual([401, 200])
    expect(audit).toMatchObject({ user: 'zoe', realm: 'away', action_detail: 'resolver_unavailable' })
  })

  it('counts no wrong passwords of self-service while nobody can be asked', async () => {
    const logIn = () => openBrowser(h).call('login', { login: 'zoe', realm: 'away', password: 'zoe-password' })
    people.answer = () => ({ status: 503 })
    for (let n = 0; n < 12; n++) await logIn()
    const down = await lastAudit()
    people.answer = null

    const { json } = await logIn()

    expect(down).toMatchObject({ action_detail: 'resolver_unavailable' })
    expect(json.result?.value).toBe(true)
  })

  it('gives a clean no where a token is named: the policies for its owner are not known', async () => {
    people.answer = () => ({ status: 503 })

    const { json } = await h.check({ serial: 'ZOE', pass: 'pin-' })

    expect(json.detail).toBeUndefined()
    expect(await lastAudit()).toMatchObject({ action_detail: 'resolver_unavailable' })
  })

  it('lets no administrator pass by what policy says of its users', async () => {
    await h.admin('/admin/init', { type: 'sms', user: 'zoe', realm: 'away', serial: 'SMS', phone: '+49 170 1' })
    await policy('allowed_destinations=+1*', { user: 'somebody-else' })
    await policy('allowed_destinations=+49*', { user: 'zoe', name: 'q' })
    const change = () => h.admin('/admin/set', { serial: 'SMS', phone: '+1 900 1234567' })
    const up = await change()
    await enroll(h, 'bob', 'COPY')
    people.answer = () => ({ status: 503 })

    const down = [await change(), await h.admin('/admin/copyTokenUser', { from: 'ZOE', to: 'COPY' })]

    await h.admin('/admin/remove', { serial: 'COPY' })
    await h.admin('/admin/remove', { serial: 'SMS' })
    expect(up.json.result?.status).toBe(false)
    expect(down.map(({ json }) => json.result?.error?.message)).toEqual(
      times(2, () => "resolver 'away' could not be asked: http_503"),
    )
  })

  it('is what an administrator reads', async () => {
    people.answer = () => ({ status: 503 })
    const init = await h.admin('/admin/init', { type: 'email', user: 'zoe', realm: 'away', email_address: 'z@x.test' })
    const list = await h.admin('/admin/userlist', { realm: 'away' })
    const mixed = await h.admin('/admin/userlist', { realm: 'mixed' })
    const show = await h.admin('/admin/show', { serial: 'ZOE' })
    const owner = await h.admin('/admin/getTokenOwner', { serial: 'ZOE' })
    const tokens = await h.admin('/admin/show', { user: 'zoe', realm: 'away' })
    const lost = await h.admin('/admin/losttoken', { serial: 'ZOE', type: 'email' })

    const message = "resolver 'away' could not be asked: http_503"
    const refused = [init, list, owner, tokens, lost].map(({ json }) => json.result?.error?.message)
    expect(refused).toEqual(times(5, () => message))
    expect(mixed.json.result?.value).toHaveLength(3)
    expect(decodeURI(mixed.headers.get('otpost-warning') ?? '')).toBe('users are missing of mixed (http_503)')
    expect(show.json.result?.value).toMatchObject({ data: [{ 'User.username': '/:no user info:/' }] })
  })
})

describe('work', () => {
  it('is the same for a user that exists and for one that does not', async () => {
    await policy('otppin=1')
    await readSettings()
    const requests = async (user: string) => {
      const before = people.heard.length
      await h.check({ user: `${user}@away`, pass: 'a-wrong-password' })
      return people.heard.slice(before).map(({ method, path }) => `${method} ${path}`)
    }

    const [known, tokenless, unknown] = [await requests('zoe'), await requests('yan'), await requests('nobody')]

    expect(known).toEqual(['GET /users', 'POST /check', 'POST /check'])
    expect([tokenless, unknown]).toEqual([known, known])
  })
})

describe('what is kept of a directory', () => {
  const lookups = async (act: () => Promise<unknown>) => {
    const before = people.heard.length
    await act()
    return people.heard.length - before
  }
  const ask = (user = 'zoe') => h.check({ user: `${user}@away`, pass: 'pin-' })

  it('is nothing unless a setting says so', async () => {
    await readSettings()

    expect(await lookups(async () => [await ask(), await ask()])).toBe(2)
  })

  it('is a user for the time that is set, nobody for a tenth of it, and nothing of a failure', async () => {
    await h.admin('/system/setConfig', {
      'resolver_lookup_cache.enabled': 'True',
      'resolver_lookup_cache.expiration': '100 s',
    })
    await readSettings()
    const first = await lookups(async () => [await ask(), await ask()])
    const none = await lookups(async () => [await ask('nobody'), await ask('nobody')])
    h.pass(11)
    const noneLater = await lookups(() => ask('nobody'))
    const later = await lookups(() => ask())
    h.pass(90)
    people.answer = () => ({ status: 503 })
    const expired = await lookups(async () => [await ask(), await ask()])

    await h.admin('/system/delConfig', { key: 'resolver_lookup_cache.enabled' })
    expect([first, none, noneLater, later, expired]).toEqual([1, 1, 1, 0, 2])
  })

  it('goes when the resolver is saved, on every node', async () => {
    await h.admin('/system/setConfig', { 'resolver_lookup_cache.enabled': 'True' })
    const second = anotherNode(h, {})
    const askSecond = () => second.post('/validate/check', { user: 'yan@away', pass: 'x' })
    await askSecond()
    const known = await lookups(askSecond)

    await h.admin('/system/setResolver', {
      ...{ name: 'away', type: 'httpresolver', previous_name: 'away' },
      ...peopleConfig(people.url),
      HEADERS: '{"X-Api-Key": "another"}',
    })
    const after = await lookups(askSecond)
    const heard = people.heard.at(-1)

    await h.admin('/system/delConfig', { key: 'resolver_lookup_cache.enabled' })
    expect([known, after]).toEqual([0, 1])
    expect(heard?.headers.get('x-api-key')).toBe('another')
  })
})
