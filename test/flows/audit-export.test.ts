/** Export and verification of the audit over HTTP. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditReader, type Line, linesOf, query } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: 'admin-pass-4711' })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await enroll(h, 'ada', 'EM01')
  const down = { SMTP_SERVER: '127.0.0.1', SMTP_PORT: 9 }
  const provider = { name: 'down', type: 'email', class: 'SMTPEmailProvider', timeout: '9' }
  await h.admin('/system/setProvider', { ...provider, config: JSON.stringify(down), default: 'true' })
  for (let n = 0; n < 3; n++) await h.check({ user: 'ada', pass: 'pin-' })
})
afterAll(() => h.close())

const { fetchText, exported, newest } = auditReader(() => h)

describe('/otpost/audit/export', () => {
  it('streams JSON Lines in either order, from and to a time, up to a limit', async () => {
    const start = h.edges.clock()
    h.pass(5000)
    await h.check({ user: 'ada', pass: 'later' })

    const late = await exported({ since: String(start + 4000) })
    const early = await exported({ until: new Date((start + 4000) * 1000).toISOString() })

    expect(late[0]).toMatchObject({ action: 'validate/check', user: 'ada' })
    expect(early.map(({ number }) => number)).toEqual(times(early.length, (n) => n + 1))
    expect(Number(early.at(-1)?.number) + 1).toBe(late[0]?.number)
    expect((await exported({ limit: '3', order: 'desc', user: 'ad*a' })).map(({ user }) => user)).toEqual([
      'ada',
      'ada',
      'ada',
    ])
  })

  it('streams CSV with a head, every cell of which is safe in a spreadsheet', async () => {
    await h.check({ user: '=HYPERLINK("http://evil.test"),+A1', pass: 'x' })

    const { text, type } = await fetchText(`/otpost/audit/export?${query({ format: 'csv', action: 'validate/*' })}`)

    const [head = '', ...rows] = text.split('\r\n')
    expect([type, rows.pop()]).toEqual(['text/csv; charset=utf-8', ''])
    const names = head.split(',').map((name) => name.slice(1, -1))
    expect(names).toEqual(Object.keys((await exported({ limit: '1' }))[0] ?? {}))
    expect(rows).toHaveLength((await exported({ action: 'validate/*' })).length)
    expect(rows.find((row) => row.includes('challenge_created'))).toContain('"EM01 down unavailable ')
    expect(rows.at(-1)).toContain(`"'=HYPERLINK(""http://evil.test""),'+A1"`)
  })

  it.each<readonly [Fields, string]>([
    [{ usr: 'ada' }, 'usr is no filter'],
    [{ since: 'yesterday' }, 'since must be'],
    [{ order: 'up' }, 'order must be'],
    [{ limit: 'all' }, 'limit must be'],
    [{ format: 'xml' }, 'format must be'],
  ])('refuses %j, lest everything be exported by a slip of the pen', async (fields, message) => {
    const { text } = await fetchText(`/otpost/audit/export?${query(fields)}`)

    expect(text).toContain(message)
  })
})

describe('/otpost/audit/verify', () => {
  const verdict = async (fields: Fields = {}): Promise<readonly Line[]> =>
    linesOf((await fetchText(`/otpost/audit/verify?${query(fields)}`)).text)

  it('streams its progress, the verdict last, and writes it down', async () => {
    const lines = await verdict()

    expect(lines[0]).toEqual({ verified: expect.any(Number), of: expect.any(Number) })
    expect(lines.at(-1)).toMatchObject({ verdict: 'intact', findings: [] })
    expect(await newest({ action: 'otpost/audit/verify' })).toMatchObject({ success: true, info: 'intact' })
  })

  it('finds a message that was not sent and made one that was', async () => {
    await h.client.execute("UPDATE deliveries SET status = 'accepted' WHERE id = 2")

    const last = (await verdict()).at(-1)
    await h.client.execute("UPDATE deliveries SET status = 'unavailable' WHERE id = 2")

    expect(last).toMatchObject({ verdict: 'broken', findings: [{ kind: 'delivery_altered', first: 2, last: 2 }] })
    expect(await newest({ action: 'otpost/audit/verify' })).toMatchObject({ success: false })
  })

  it('refuses an anchor that is none', async () => {
    expect((await fetchText('/otpost/audit/verify?anchor=nonsense')).text).toContain('anchor must be one that')
  })
})
