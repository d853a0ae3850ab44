/** The token that stands in where there is none: administration does not meet it. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enroll, type Harness, startHarness } from '../support/harness.ts'

const SERIAL = '(nobody)'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await enroll(h, 'ada', 'EM1')
})
afterAll(() => h.close())

const rowOf = async (serial: string) =>
  (await h.client.execute({ sql: 'SELECT * FROM tokens WHERE serial = ?', args: [serial] })).rows[0]

describe('the token of nobody', () => {
  it('is as long as the token of a user, so that it takes as long to read', async () => {
    const [real, nobodys] = [await rowOf('EM1'), await rowOf(SERIAL)]

    expect(String(nobodys?.secret)).toHaveLength(String(real?.secret).length)
    expect(String(nobodys?.pin)).toHaveLength(String(real?.pin).length)
  })

  it('leaves the first number to the first real token', async () => {
    expect((await rowOf('EM1'))?.id).toBe(1)
  })

  it.each([{}, { serial: '*' }, { serial: '(*' }, { serial: SERIAL }, { user: '*' }, { tokenrealm: '*' }])(
    'is not shown by %j',
    async (fields) => {
      const { json, text } = await h.admin('/admin/show', fields)

      expect(json.result?.status).toBe(true)
      expect(text).not.toContain('nobody')
    },
  )

  it.each([
    ['/admin/init', { type: 'email', email_address: 'x@example.org', pin: 'p' }],
    ['/admin/init', { type: 'email', user: 'ada', email_address: 'x@example.org' }],
    ['/admin/set', { pin: 'new' }],
    ['/admin/set', { MaxFailCount: '5' }],
    ['/admin/enable', {}],
    ['/admin/disable', {}],
    ['/admin/reset', {}],
    ['/admin/remove', {}],
    ['/admin/getTokenOwner', {}],
    ['/admin/assign', { user: 'ada' }],
    ['/admin/unassign', {}],
    ['/validate/check', { pass: 'p' }],
    ['/validate/check_s', { pass: 'p' }],
  ])('cannot be used by its serial: %s %j', async (path, fields) => {
    const row: Readonly<Record<string, unknown>> = { ...(await rowOf(SERIAL)) }
    const { fail_count: _count, last_failed_at: _time, ...before } = row

    const { text } = await h.admin(path, { serial: SERIAL, ...fields })

    expect(text).not.toMatch(/"value": (true|[1-9])/)
    expect(await rowOf(SERIAL)).toMatchObject(before)
  })

  it('counts the failures that nobody else does, and a real token those of its own', async () => {
    const failures = async () => [Number((await rowOf(SERIAL))?.fail_count), await h.failCount('EM1')]
    const [before = 0, own = 0] = await failures()

    for (const user of ['zoe', 'eve', 'ada']) await h.check({ user, pass: 'wrong' })

    expect(await failures()).toEqual([before + 2, own + 1])
  })
})
