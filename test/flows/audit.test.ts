/** What stands in a row of the audit, and that each request has one. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditReader, type Line } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: 'admin-pass-4711' })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await enroll(h, 'ada', 'EM01')
})
afterAll(() => h.close())

const { fetchText, exported, grid, newest, shown } = auditReader(() => h)

describe('a row', () => {
  it('has what contract 9 lists, and its MAC is right', async () => {
    const { transactionId } = await h.trigger('ada', 'pin-')
    expect(transactionId).not.toBe('')

    expect(await shown()).toMatchObject({
      ...{ sig_check: 'OK', missing_line: '', action: 'validate/check', success: '0', serial: 'EM01' },
      ...{
        token_type: 'email',
        user: 'ada',
        realm: 'home',
        administrator: "''",
        detail: 'challenge created',
        info: '',
      },
      ...{ client: '192.0.2.7', log_level: 'INFO', clearance_level: '0' },
    })
  })

  it('keeps the codes that LinOTP has other words for', async () => {
    await h.check({ user: 'ada', pass: 'wrong' })
    const row = await newest()

    expect(row).toMatchObject({ detail: expect.stringMatching(/^\w+$/), intact: true, server: 'node' })
    expect((await grid({ number: String(row.number) })).cells[0]?.[11]).toBe('wrong otp pin -1')
  })

  it('names the owner when a transaction or a serial logs in', async () => {
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    await h.post('/validate/check_t', { transactionid: transactionId, pass: otp })

    expect(await shown()).toMatchObject({
      ...{ action: 'validate/check_t', success: '1', user: 'ada', realm: 'home' },
      detail: "user 'ada'@'home' successfully authenticated.",
    })
  })

  it('of a message that was not sent has no serial, and the reason; a search by serial passes it over', async () => {
    const down = { SMTP_SERVER: '127.0.0.1', SMTP_PORT: 9 }
    const provider = { name: 'down', type: 'email', class: 'SMTPEmailProvider', timeout: '9' }
    await h.admin('/system/setProvider', { ...provider, config: JSON.stringify(down), default: 'true' })
    await h.check({ user: 'ada', pass: 'pin-' })
    const row = await shown()
    await h.admin('/system/setDefaultProvider', { type: 'email', name: 'catcher' })

    expect(row).toMatchObject({ serial: '', token_type: '', user: 'ada', detail: 'Not forwarded (no servers)' })
    expect(row.info).toBe('down: connection_refused')
    const numbers = (await grid({ serial: 'EM01', rp: '1000' })).cells.map(([number]) => number)
    expect(numbers.length).toBeGreaterThan(0)
    expect(numbers).not.toContain(Number(row.number))
    expect(await newest({ action: 'validate/check' })).toMatchObject({
      serial: 'EM01',
      deliveries: [{ serial: 'EM01', provider: 'down', status: 'unavailable', reason: 'connection_refused' }],
    })
  })

  it('of a login has the realm of the administrators', async () => {
    await h.post('/admin/login', { username: 'admin', password: 'wrong' })
    expect(await shown()).toMatchObject({ success: '0', user: 'admin', realm: 'linotp_admins', administrator: "''" })

    await h.post('/admin/login', { username: 'admin', password: 'admin-pass-4711' })
    expect(await shown()).toMatchObject({
      ...{ success: '1', user: 'admin', administrator: "'admin@linotp_admins (LinOTP_local_admins)'" },
    })
  })

  it('of a refusal tells LinOTP nothing, and otpost why', async () => {
    await h.admin('/admin/init', { type: 'email', user: 'bob' })

    expect(await newest()).toMatchObject({ detail: 'parameter_missing', user: 'bob', realm: 'home', success: false })
    expect((await grid({ action: 'admin/init', success: '0', rp: '1', sortorder: 'desc' })).cells[0]).toMatchObject({
      ...{ 5: '0', 8: 'bob', 9: 'home', 11: 'tokennum = 1', 12: '' },
    })
  })

  it.each<readonly [string, Fields, string]>([
    ['a password by type', { key: 'k', value: 'geheim-1', type: 'password' }, 'k=***, '],
    ['a password by its name', { 'ldap.bindPassword': 'geheim-2' }, 'ldap.bindPassword=***, '],
    ['an API key by its name', { my_api_key: 'geheim-3' }, 'my_api_key=***, '],
    [
      'the configuration of a provider',
      { EmailProviderConfig: '{"SMTP_SERVER":"mail.test","SMTP_PASSWORD":"geheim-4"}' },
      'EmailProviderConfig=***, ',
    ],
    ['an address', { contact: 'write to ops@mail.test' }, 'contact=write to op***@mail.test, '],
    ['a number', { hotline: '+49 151 1234567' }, 'hotline=***67, '],
    ['no setting of the product', { PassOnUserNotFound: 'false' }, 'PassOnUserNotFound=false, '],
  ])('hides %s', async (_, fields, info) => {
    await h.admin('/system/setConfig', fields)

    expect((await newest()).info).toBe(info)
  })
})

describe('one row per request', () => {
  const rowsOf = async (ask: () => Promise<unknown>): Promise<readonly Line[]> => {
    const before = Number((await newest()).number)
    await ask()
    return (await exported({ action: '*' })).filter(
      ({ number, action }) => Number(number) > before && action !== 'otpost/audit/export',
    )
  }

  it.each<readonly [string, () => Promise<unknown>, string, boolean]>([
    ['a check', () => h.check({ user: 'ada', pass: 'x' }), 'validate/check', false],
    ['a check that lacks everything', () => h.post('/validate/check_t'), 'validate/check_t', false],
    ['a status that lacks everything', () => h.post('/validate/check_status'), 'validate/check_status', false],
    [
      'a body that cannot be read',
      () => fetchText('/admin/init', { method: 'POST', body: '{', headers: { 'content-type': 'application/json' } }),
      'admin/init',
      false,
    ],
    ['a read without a flow', () => h.request('/otpost/admins', {}, 'operator'), 'otpost/admins', true],
    ['definitions', () => h.admin('/system/getPolicyDef'), 'system/getPolicyDef', true],
    [
      'nothing to delete',
      () => h.admin('/system/delProvider', { type: 'email', name: 'nobody' }),
      'system/delProvider',
      false,
    ],
    ['a realm that is not there', () => h.admin('/system/delRealm', { realm: 'nowhere' }), 'system/delRealm', false],
    ['nobody who is logged in', () => h.post('/audit/search'), 'audit/search', false],
    ['a search', () => grid({ rp: '1' }), 'audit/search', true],
    ['a list of entries', () => h.request('/api/v2/auditlog/', {}, 'operator'), 'api/v2/auditlog/', true],
  ])('is written for %s', async (_, ask, action, success) => {
    expect(await rowsOf(ask)).toMatchObject([{ action, success }])
  })

  it.each<readonly [string, () => Promise<unknown>]>([
    ['a page that is not there', () => h.admin('/admin/nothing')],
    ['the wrong method', () => h.request('/admin/init', {}, 'operator')],
    ['a constant answer', () => h.post('/validate/ok')],
    ['the health check', () => h.request('/healthcheck/status')],
  ])('is not written for %s', async (_, ask) => {
    expect(await rowsOf(ask)).toEqual([])
  })

  it('has gapless numbers under fifty requests at once, each with its own request id', async () => {
    const rows = await rowsOf(() =>
      Promise.all(
        times(50, (n) =>
          n % 2 ? h.check({ user: 'ada', pass: `wrong ${n}` }) : h.admin('/system/setConfig', { [`k${n}`]: 'v' }),
        ),
      ),
    )

    const numbers = rows.map(({ number }) => Number(number))
    expect(numbers).toHaveLength(50)
    expect(numbers).toEqual(times(50, (n) => (numbers[0] ?? 0) + n))
    expect(new Set(rows.map(({ requestId }) => requestId)).size).toBe(50)
    expect(rows.every(({ intact }) => intact)).toBe(true)
  })
})
