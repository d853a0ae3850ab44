/** Who may ask at /validate: addresses and API keys, on every path of both dialects, and what is said to the others. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { prometheus } from '../../src/adapters/metrics/prometheus.ts'
import { addAdministrator } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import {
  type Ask,
  asker,
  bearer,
  type Heard,
  isYes,
  LINOTP_PATHS,
  makeKey,
  PATHS,
  PEER,
  PI_PATHS,
  READING,
} from '../support/askers.ts'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, NODE, startHarness } from '../support/harness.ts'

const PROXY = '198.51.100.1'
const { metrics, page } = prometheus('node')
let h: Harness
let ask: Ask
/** By what is wrong with it; `good` is right. */
const keys: Record<string, string> = {}
beforeAll(async () => {
  const variables = { OTPOST_TRUSTED_PROXIES: PROXY, OTPOST_PI_OVERRIDE_CLIENT: PEER }
  h = await startHarness(variables, NODE, { metrics, metricsPage: page })
  ask = asker(h.app)
  await addAdministrator(h, 'ada')
  await enroll(h, 'ada', 'OWN', { pin: 'pin-' })
  await h.admin('/admin/set', { serial: 'OWN', MaxFailCount: '1000000' })
  const [good, revoked] = [await makeKey(h, { scope: 'validate' }), await makeKey(h, { scope: 'validate' })]
  Object.assign(keys, {
    good: good.token,
    revoked: revoked.token,
    expired: (await makeKey(h, { scope: 'validate', expires: '1m' })).token,
    unbound: (await makeKey(h, {})).token,
    admin: (await makeKey(h, { scope: 'admin, system, audit' })).token,
    unknown: `otpost_000000000000_${'0'.repeat(64)}`,
    guessed: `otpost_${good.id}_${'0'.repeat(64)}`,
    text: 'no key at all',
  })
  await h.request(`/otpost/api-tokens/${revoked.id}`, { method: 'DELETE' }, 'operator')
  h.pass(60)
})
afterAll(() => h.close())
afterEach(async () => {
  for (const key of ['validate_clients', 'validate_api_key', 'EmailBlockingTimeout'])
    await h.admin('/system/delConfig', { key })
})

const { newest } = auditReader(() => h)
const set = async (config: Fields) => (await h.admin('/system/setConfig', config)).json.result
const rows = async () => Number((await h.client.execute('SELECT COUNT(*) AS n FROM audit')).rows[0]?.n)
const basic = (password: string, user = 'radius') => ({
  authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
})
const FIELDS = { user: 'ada', serial: 'OWN', pass: 'pin-', transactionid: '12345678901234567' }

/** What a client that looks at the body alone must hear. */
const NO: Readonly<Record<string, RegExp>> = {
  '/validate/simplecheck': /^:-\($/,
  '/validate/radiuscheck': /^$/,
  '/pi/validate/radiuscheck': /^$/,
  '/validate/check_s': /"status": false,\s*"value": false/,
}
function isRefused(path: string, heard: Heard, [status, code]: readonly [number, number]): void {
  const no =
    PI_PATHS.includes(path) && !path.endsWith('radiuscheck')
      ? new RegExp(`"status":false,"error":\\{"code":${code},`)
      : (NO[path] ?? /"status": true,\s*"value": false/)
  expect(heard, path).toMatchObject({ status, text: expect.stringMatching(no) })
  expect(isYes(heard), path).toBe(false)
  expect(heard.headers.get('www-authenticate') !== null, path).toBe(status === 401)
}

describe('without either setting', () => {
  it.each(PATHS)('everybody may ask at %s, whatever key comes along', async (path) => {
    for (const headers of [{}, bearer(keys.text ?? ''), bearer(keys.expired ?? '')])
      expect([200, 204, 400]).toContain((await ask(path, { headers })).status)
  })

  it('nobody pays a round trip for it, and constant answers cost none at all', async () => {
    let trips = 0
    const batch: Harness['batch'] = (statements, mode) => {
      trips += 1
      return h.batch(statements, mode)
    }
    const { app } = anotherNode(h, { batch })
    const tripsOf = async (path: string, headers: Fields, fields: Fields = { user: 'ada', pass: 'wrong' }) => {
      trips = 0
      await asker(app)(path, { headers, fields })
      return trips
    }
    await tripsOf('/validate/check', {}) // the first one reads schema and settings
    await tripsOf('/validate/check', {})
    const key = bearer(keys.good ?? '')
    const all = async (headers: Fields) => [
      await tripsOf('/validate/check', headers),
      await tripsOf('/pi/validate/check', headers),
      await tripsOf('/validate/ok', headers),
      await tripsOf('/pi/validate/polltransaction/1', headers),
    ]

    expect([await all({}), await all(key)]).toEqual([
      [2, 2, 0, 0],
      [2, 2, 0, 0],
    ])
    await set({ validate_clients: '192.0.2.0/24' })
    await tripsOf('/validate/check', {})
    expect(await all({})).toEqual([2, 2, 0, 0])
    // A key is read with the version of the settings.
    await set({ validate_api_key: 'True' })
    await tripsOf('/validate/check', key)
    await tripsOf('/validate/check', key)
    expect(await all(key)).toEqual([3, 3, 1, 1])
  })
})

describe('with validate_api_key', () => {
  const REFUSED = [
    ['none', {}, 'api_key_missing', 4033],
    ['an empty header', { 'x-api-key': '', authorization: '' }, 'api_key_missing', 4033],
    ['text', () => bearer(keys.text ?? ''), 'api_key_wrong', 4031],
    ['an unknown one', () => bearer(keys.unknown ?? ''), 'api_key_wrong', 4031],
    ['a guessed secret', () => ({ 'x-api-key': keys.guessed ?? '' }), 'api_key_wrong', 4031],
    ['a revoked one', () => bearer(keys.revoked ?? ''), 'api_key_wrong', 4031],
    ['an expired one', () => basic(keys.expired ?? ''), 'api_key_wrong', 4031],
    ['Basic that is none', { authorization: 'Basic !!' }, 'api_key_wrong', 4031],
    ['the key as user of Basic', () => basic('', keys.good), 'api_key_wrong', 4031],
    ['a token of an administrator', () => bearer(keys.admin ?? ''), 'api_key_right_missing', 4031],
    ['a token that is bound to nothing', () => bearer(keys.unbound ?? ''), 'api_key_right_missing', 4031],
  ] as const

  it.each(REFUSED)('%s is refused on every path, with the reason in the audit', async (_, given, reason, code) => {
    await set({ validate_api_key: 'True' })
    const headers = typeof given === 'function' ? given() : given
    const [failures, mails] = [await h.failCount('OWN'), h.catcher.mails().length]

    for (const path of PATHS) {
      isRefused(path, await ask(path, { headers, fields: FIELDS }), [401, code])
      expect(await newest(), path).toMatchObject({
        ...{ success: false, detail: reason, user: '', client: PEER, action: path.slice(1) },
      })
    }

    expect([await h.failCount('OWN'), h.catcher.mails().length]).toEqual([failures, mails])
  })

  it('a refusal leaves one row in the audit and one line in the log, and no key in either', async () => {
    await set({ validate_api_key: 'True' })
    const [before, lines] = [await rows(), h.log.length]

    await ask('/validate/check', { headers: bearer(keys.guessed ?? ''), fields: FIELDS })

    expect(await rows()).toBe(before + 1)
    expect(await newest()).toMatchObject({ info: expect.stringMatching(/^API key [0-9a-f]{12}$/) })
    expect(h.log.slice(lines)).toEqual([expect.stringContaining('"reason":"api_key_wrong"')])
    const { rows: audit } = await h.client.execute('SELECT * FROM audit')
    for (const key of Object.values(keys))
      for (const secret of [key, key.slice(-64)]) {
        expect(h.log.join('\n')).not.toContain(secret)
        expect(JSON.stringify(audit)).not.toContain(secret)
      }
  })

  const FORMS: readonly (readonly [string, (key: string) => Fields])[] = [
    ['Authorization: Bearer', bearer],
    ['authorization: bearer, in small letters', (key) => ({ authorization: `bearer  ${key}` })],
    ['X-API-Key', (key) => ({ 'x-api-key': key })],
    ['X-API-Key beside the password for a proxy', (key) => ({ 'x-api-key': key, ...basic('for-the-proxy') })],
    ['Authorization: Basic', (key) => basic(key)],
    ['Authorization: Basic without a user', (key) => basic(key, '')],
    ['Authorization alone', (key) => ({ authorization: key })],
    ['PI-Authorization', (key) => ({ 'pi-authorization': key })],
  ]
  it.each(FORMS)('a key in %s is taken on every path', async (_, form) => {
    await set({ validate_api_key: 'True' })

    for (const path of PATHS)
      expect([200, 204, 400], path).toContain((await ask(path, { headers: form(keys.good ?? '') })).status)
  })

  it('a login goes as ever, and the use of the key is noted', async () => {
    await set({ validate_api_key: 'True', EmailBlockingTimeout: '0' })
    const headers = basic(keys.good ?? '')

    await ask('/validate/check', { headers, fields: { user: 'ada', pass: 'pin-' } })
    const otp = h.catcher.mails().at(-1)?.text.trim() ?? ''

    expect(isYes(await ask('/pi/validate/check', { headers, fields: { user: 'ada', pass: `pin-${otp}` } }))).toBe(true)
    expect(await h.store.listApiTokens()).toContainEqual(
      expect.objectContaining({ id: keys.good?.split('_')[1], lastUsedAt: expect.any(Number) }),
    )
  })

  it('refuses before the body is read', async () => {
    await set({ validate_api_key: 'True' })
    let pulled = 0
    const pull = () => {
      pulled += 1
    }
    const body = new ReadableStream({ pull }, { highWaterMark: 0 })
    const init = { method: 'POST', body, duplex: 'half' } as RequestInit // `duplex` is not in every list of types

    const reply = await h.app.fetch(new Request('http://otpost.test/validate/check', init), {
      peer: PEER,
      secure: false,
    })

    expect([reply.status, pulled]).toEqual([401, 0])
  })

  it('triggerchallenge takes the administrator’s token, as ever, and a key is none', async () => {
    await set({ validate_api_key: 'True', EmailBlockingTimeout: '0' })
    const trigger = (token: string) =>
      ask('/pi/validate/triggerchallenge', { headers: { authorization: token }, fields: { user: 'ada' } })
    const both = await makeKey(h, { scope: 'validate admin/triggerchallenge', realm: 'home' })

    expect((await trigger(keys.admin ?? '')).text).toContain('"value":1')
    expect((await trigger(both.token)).text).toContain('"value":1')
    expect((await trigger(keys.good ?? '')).status).toBe(401)
    expect((await ask('/pi/validate/check', { headers: bearer(both.token) })).status).toBe(400)
  })

  it('counts refusals by reason', async () => {
    await set({ validate_api_key: 'True', validate_clients: PEER })
    await ask('/validate/check')
    await ask('/validate/check', { peer: '203.0.113.9' })

    const { text } = await h.request('/metrics', {}, 'operator')
    expect(text).toMatch(/otpost_checks_total\{verdict="rejected",reason="api_key_missing"\} [1-9]/)
    expect(text).toMatch(/otpost_checks_total\{verdict="rejected",reason="client_not_allowed"\} [1-9]/)
    expect(text).toMatch(/otpost_requests_total\{route="\/validate\/check",method="POST",status="403"\} [1-9]/)
  })
})

describe('a key for /validate', () => {
  it.each([
    ['GET', '/admin/show'],
    ['GET', '/admin/logout'],
    ['POST', '/admin/init'],
    ['GET', '/system/getConfig'],
    ['POST', '/system/setConfig'],
    ['GET', '/audit/search'],
    ['GET', '/api/v2/tokens'],
    ['GET', '/otpost/api-tokens'],
    ['POST', '/otpost/api-tokens'],
    ['GET', '/metrics'],
    ['GET', '/pi/token/'],
    ['POST', '/pi/token/init'],
    ['GET', '/pi/system/'],
    ['GET', '/pi/auth/rights'],
    ['POST', '/pi/validate/triggerchallenge'],
  ])('permits nothing administrative: %s %s', async (method, path) => {
    const { status } = await h.request(path, { method, headers: bearer(keys.good ?? '') })

    expect(status).toBe(401)
  })
})

describe('with validate_clients', () => {
  const CASES: readonly (readonly [string, string, Fields, boolean])[] = [
    [PEER, PEER, {}, true],
    ['192.0.2.0/24', PEER, {}, true],
    ['10.0.0.0/8 , 192.0.2.0/29', PEER, {}, true],
    ['192.0.2.0/30', PEER, {}, false],
    ['2001:db8::/32', PEER, {}, false],
    ['2001:db8::/32', '2001:db8:7::1', {}, true],
    ['2001:db8::/32', '2001:DB8:7:0:0:0:0:1', {}, true],
    ['2001:db8::/32', '2001:db9::1', {}, false],
    ['192.0.2.0/24', '::ffff:192.0.2.9', {}, true],
    ['192.0.2.0/24 -192.0.2.7', PEER, {}, false],
    ['192.0.2.0/24\n- 192.0.2.8', PEER, {}, true],
    ['0.0.0.0/0,!192.0.2.0/28', PEER, {}, false],
    ['127.0.0.1', '', {}, false],
    // The proxy is believed, others are not; the client writes what it likes into the header.
    ['203.0.113.5', PROXY, { 'x-forwarded-for': '203.0.113.5' }, true],
    ['203.0.113.5', PROXY, { 'x-forwarded-for': '203.0.113.5, 203.0.113.6' }, false],
    ['203.0.113.5', PROXY, { 'x-forwarded-for': '203.0.113.6, 203.0.113.5' }, true],
    ['203.0.113.5', PEER, { 'x-forwarded-for': '203.0.113.5' }, false],
    [PROXY, PROXY, { 'x-forwarded-for': '203.0.113.5' }, false],
  ]
  it.each(CASES)('%j: from %s with %j, on every path', async (list, peer, headers, may) => {
    expect(await set({ validate_clients: list })).toMatchObject({ status: true })

    for (const path of PATHS) {
      // Whom a RADIUS server speaks for is not who asks.
      const heard = await ask(path, { peer, headers, fields: { ...FIELDS, client: '203.0.113.5' } })
      if (may) expect([200, 204, 400], path).toContain(heard.status)
      else {
        isRefused(path, heard, [403, 303])
        expect(await newest(), path).toMatchObject({ success: false, detail: 'client_not_allowed' })
      }
    }
  })

  it('holds for triggerchallenge as well', async () => {
    await set({ validate_clients: '203.0.113.5' })
    const headers = bearer(keys.admin ?? '')

    const heard = await ask('/pi/validate/triggerchallenge', { headers, fields: { user: 'ada' } })

    expect(heard).toMatchObject({ status: 403, text: expect.stringContaining('"code":303') })
  })

  it('a right key does not help a foreign address, nor a right address who has no key', async () => {
    await set({ validate_clients: '203.0.113.5', validate_api_key: 'True' })
    const headers = bearer(keys.good ?? '')
    const peer = '203.0.113.5'

    const statuses = [await ask('/validate/ok', { headers }), await ask('/validate/ok', { peer })].map(
      (one) => one.status,
    )
    expect([...statuses, (await ask('/validate/ok', { headers, peer })).status]).toEqual([403, 401, 200])
  })

  it.each([
    'localhost',
    '192.0.2.7.',
    '10.1',
    '192.0.2.0/33',
    '2001:db8::/129',
    '10.0.0.0-10.0.0.9',
    '*',
    '* -192.0.2.7',
    '-192.0.2.7',
    '-',
  ])('%j is refused with the rule', async (list) => {
    const result = await set({ validate_clients: list })

    expect(result).toMatchObject({ status: false })
    expect(result?.error?.message).toMatch(/validate_clients must be empty, or addresses and networks/)
  })

  it.each(['', ' ', ' , '])('%j lets everybody in', async (list) => {
    expect(await set({ validate_clients: list })).toMatchObject({ status: true })
    expect((await ask('/validate/ok', { peer: '203.0.113.5' })).status).toBe(200)
  })

  it.each([
    ['validate_clients', '10.0.0.0/99', 403],
    ['validate_api_key', 'perhaps', 401],
  ])('%s that was stored as %j elsewhere shuts the door', async (key, value, status) => {
    const moved = "UPDATE meta SET value = value + 1 WHERE key = 'version'"
    await h.client.execute({
      sql: "INSERT INTO config (key, value, type, description) VALUES (?, ?, '', '')",
      args: [key, value],
    })
    await h.client.execute(moved)

    expect((await ask('/validate/check')).status).toBe(status)
  })
})

describe('a change is in force for the next request on another node', () => {
  const CHANGES: readonly (readonly [string, Fields, number])[] = [
    ['that keys are wanted', { validate_api_key: 'True' }, 401],
    ['that others may ask', { validate_clients: '203.0.113.5' }, 403],
  ]
  it.each(CHANGES)('%s', async (_, change, status) => {
    for (const path of READING) {
      const other = asker(anotherNode(h, {}).app)
      expect([200, 204, 400], path).toContain((await other(path, { fields: FIELDS })).status)
      await set(change)
      const [failures, mails] = [await h.failCount('OWN'), h.catcher.mails().length]

      isRefused(path, await other(path, { fields: FIELDS }), [status, status === 401 ? 4033 : 303])

      expect([await h.failCount('OWN'), h.catcher.mails().length], path).toEqual([failures, mails])
      for (const key of Object.keys(change)) await h.admin('/system/delConfig', { key })
      expect([200, 204, 400], path).toContain((await other(path, { fields: FIELDS })).status)
    }
  })

  it('that another address may not trigger', async () => {
    const other = asker(anotherNode(h, {}).app)
    const headers = bearer(keys.admin ?? '')
    const trigger = () => other('/pi/validate/triggerchallenge', { headers, fields: { user: 'ada' } })
    expect((await trigger()).status).toBe(200)
    await set({ validate_clients: '203.0.113.5' })

    expect((await trigger()).status).toBe(403)
  })

  it('that another address may ask, where nothing is read but the key', async () => {
    await set({ validate_api_key: 'True' })
    const other = asker(anotherNode(h, {}).app)
    const headers = bearer(keys.good ?? '')
    for (const path of PATHS.filter((one) => !READING.includes(one))) {
      expect([200, 400], path).toContain((await other(path, { headers })).status)
      await set({ validate_clients: '203.0.113.5' })

      expect((await other(path, { headers })).status, path).toBe(403)
      await h.admin('/system/delConfig', { key: 'validate_clients' })
    }
  })

  it('that a key was revoked', async () => {
    await set({ validate_api_key: 'True' })
    const { id, token } = await makeKey(h, { scope: 'validate' })
    const other = asker(anotherNode(h, {}).app)
    expect((await other('/validate/ok', { headers: bearer(token) })).status).toBe(200)

    await h.request(`/otpost/api-tokens/${id}`, { method: 'DELETE' }, 'operator')

    expect((await other('/validate/ok', { headers: bearer(token) })).status).toBe(401)
  })
})

it('tries every path that there is', () => {
  expect(LINOTP_PATHS.length + PI_PATHS.length).toBe(16)
})
