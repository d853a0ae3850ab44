/** Who may ask at /validate by an API key, on every path of both dialects, and what is said to the others. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { callsOf, pathOf } from '../../scripts/openapi/operation.ts'
import { piValidate } from '../../scripts/openapi/privacyidea.ts'
import { validate } from '../../scripts/openapi/validate.ts'
import { prometheus } from '../../src/adapters/metrics/prometheus.ts'
import { addAdministrator } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { type Ask, asker, bearer, isRefused, isYes, makeKey, PATHS, PEER } from '../support/askers.ts'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, NODE, startHarness } from '../support/harness.ts'

const { metrics, page } = prometheus('node')
let h: Harness
let ask: Ask
/** By what is wrong with it; `good` is right. */
const keys: Record<string, string> = {}
beforeAll(async () => {
  h = await startHarness({}, NODE, { metrics, metricsPage: page })
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

  it('each row of the audit names the key that let its client in, and none that nobody has looked at', async () => {
    const key = (await makeKey(h, { scope: 'validate' })).token
    const heard = async (fields: Fields) => {
      await ask('/validate/check', { headers: bearer(key), fields })
      return (await newest()) as { readonly success: boolean; readonly info: string }
    }
    const login = async () => {
      const wrong = await heard({ user: 'ada', pass: 'wrong' })
      const sent = await heard({ user: 'ada', pass: 'pin-' })
      const right = await heard({ user: 'ada', pass: `pin-${h.catcher.mails().at(-1)?.text.trim()}` })
      const { success, info } = right
      expect(success).toBe(true)
      return [wrong.info, sent.info, info]
    }

    expect(await login()).toEqual(['', '', ''])
    await set({ validate_api_key: 'True' })
    const id = key.split('_')[1]
    expect(await login()).toEqual(Array(3).fill(`API key ${id}`))
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

it('all paths that there are have been tried', () => {
  const declared = [validate, piValidate].flatMap(callsOf).map((call) => pathOf(call).replace('{id}', '123'))

  expect(new Set(declared)).toEqual(new Set(PATHS))
})
