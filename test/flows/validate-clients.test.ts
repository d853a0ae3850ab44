/** Who may ask at /validate by the address, on every path of both dialects, and how soon a change counts elsewhere. */
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { validateClients } from '../../src/core/setting-keys.ts'
import { addAdministrator } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { type Ask, asker, bearer, isRefused, makeKey, PATHS, PEER, READING } from '../support/askers.ts'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

const PROXY = '198.51.100.1'
const FIELDS = { user: 'ada', serial: 'OWN', pass: 'pin-', transactionid: '12345678901234567' }
let h: Harness
let ask: Ask
const keys = { good: '', admin: '' }
beforeAll(async () => {
  h = await startHarness({ OTPOST_TRUSTED_PROXIES: PROXY, OTPOST_PI_OVERRIDE_CLIENT: PEER })
  ask = asker(h.app)
  await addAdministrator(h, 'ada')
  await enroll(h, 'ada', 'OWN', { pin: 'pin-' })
  await h.admin('/admin/set', { serial: 'OWN', MaxFailCount: '1000000' })
  for (const [name, scope] of Object.entries({ good: 'validate', admin: 'admin' }))
    keys[name as keyof typeof keys] = (await makeKey(h, { scope })).token // the names of `keys`
})
afterAll(() => h.close())
afterEach(async () => {
  for (const key of ['validate_clients', 'validate_api_key']) await h.admin('/system/delConfig', { key })
})

const { newest } = auditReader(() => h)
const set = async (config: Fields) => (await h.admin('/system/setConfig', config)).json.result

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
    [PROXY, PROXY, { 'x-forwarded-for': '203.0.113.5:4711' }, false],
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

  it('reads a list once, however many ask: anybody may, and it may be long', async () => {
    await set({ validate_clients: PEER })
    await ask('/validate/check', { fields: FIELDS })
    const read = vi.spyOn(validateClients, 'read')
    onTestFinished(() => read.mockRestore())

    for (const peer of [PEER, '203.0.113.9'])
      for (const path of ['/validate/check', '/validate/ok', '/pi/validate/check'])
        await ask(path, { peer, fields: FIELDS })

    expect(read).not.toHaveBeenCalled()
  })

  it('holds for triggerchallenge as well', async () => {
    await set({ validate_clients: '203.0.113.5' })
    const headers = bearer(keys.admin)

    const heard = await ask('/pi/validate/triggerchallenge', { headers, fields: { user: 'ada' } })

    expect(heard).toMatchObject({ status: 403, text: expect.stringContaining('"code":303') })
  })

  it('a right key does not help a foreign address, nor a right address who has no key', async () => {
    await set({ validate_clients: '203.0.113.5', validate_api_key: 'True' })
    const headers = bearer(keys.good)
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
    '10/8',
    '0.0.0.0/0 -010.0.0.0/8',
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
    const headers = bearer(keys.admin)
    const trigger = () => other('/pi/validate/triggerchallenge', { headers, fields: { user: 'ada' } })
    expect((await trigger()).status).toBe(200)
    await set({ validate_clients: '203.0.113.5' })

    expect((await trigger()).status).toBe(403)
  })

  it('that another address may ask, where nothing is read but the key', async () => {
    await set({ validate_api_key: 'True' })
    const other = asker(anotherNode(h, {}).app)
    const headers = bearer(keys.good)
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
