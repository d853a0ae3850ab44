/** Many tokens from CSV (docs/tokens.md). */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enroll, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
})
afterAll(() => h.close())
beforeEach(async () => {
  const all = await h.store.findTokens({})
  for (const { serial } of all) await h.admin('/admin/remove', { serial })
})

type Line = { line?: number; outcome?: string; serial?: string; field?: string; rule?: string; summary?: object }

async function run(csv: string, query = ''): Promise<readonly Line[]> {
  const init = { method: 'POST', headers: { 'content-type': 'text/csv' }, body: csv }
  const { text, status, headers } = await h.request(`/otpost/tokens/import${query}`, init, 'operator')
  expect([status, headers.get('content-type')]).toEqual([200, 'application/x-ndjson; charset=utf-8'])
  expect(text.endsWith('\n')).toBe(true)
  return text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
}
const refusals = (lines: readonly Line[]) =>
  lines.filter(({ outcome }) => outcome === 'refused').map(({ line, field, rule }) => [line, field, rule])
const summary = (lines: readonly Line[]) => lines.at(-1)?.summary

const FILE = [
  'type,user,realm,email,phone,serial,pin,description,secret,digits,hash,enabled',
  'email,ada,home,ada@mail.test,,IM1,pin-,"Ada, at home",3132333435363738393031323334353637383930,8,sha256,',
  ',bob,,,+49 170 2222222,IM2,,,,,,false',
  ',eve,,eve@mail.test,,,1234,,,,,',
  ',,home,free@mail.test,,IM4,,,,,,',
].join('\n')

describe('an import', () => {
  it('makes a token of each row, which works, and tells of each', async () => {
    const lines = await run(FILE)

    expect(lines).toEqual([
      { line: 2, outcome: 'imported', serial: 'IM1' },
      { line: 3, outcome: 'imported', serial: 'IM2' },
      { line: 4, outcome: 'imported', serial: expect.stringMatching(/^LSEM\d{4}[0-9A-F]{4}$/) },
      { line: 5, outcome: 'imported', serial: 'IM4' },
      { summary: { imported: 4, importable: 0, refused: 0, dryRun: false } },
    ])
    const [im1, im2, im3, im4] = await h.store.findTokens({})
    expect(im1).toMatchObject({
      ...{ type: 'email', digits: 8, hash: 'sha256', description: 'Ada, at home', realms: ['home'], active: true },
      ...{ user: { login: 'ada' }, info: { email_address: 'ada@mail.test', hashlib: 'sha256' } },
    })
    expect(im2).toMatchObject({
      type: 'sms',
      active: false,
      user: { login: 'bob' },
      info: { phone: '+49 170 2222222' },
    })
    expect(im3?.user?.login).toBe('eve')
    expect(im4).toMatchObject({ owner: null, realms: ['home'] })
    const { otp } = await h.trigger('eve', '1234')
    expect((await h.check({ user: 'eve', pass: `1234${otp}` })).json.result?.value).toBe(true)
  })

  it('has a line in the audit for each token, one for the file and one for its end, without a PIN', async () => {
    const before = (await h.store.newestAudit())?.number ?? 0

    await run(FILE)

    const { rows } = await h.client.execute({
      sql: 'SELECT action, success, serial, user, administrator, info FROM audit WHERE number > ?',
      args: [before],
    })
    expect(rows.map((row) => ({ ...row }))).toEqual([
      expect.objectContaining({
        action: 'otpost/tokens/import',
        success: 1,
        administrator: 'operator',
        info: '4 rows',
      }),
      ...[
        { serial: 'IM1', user: 'ada' },
        { serial: 'IM2', user: 'bob' },
        { user: 'eve' },
        { serial: 'IM4', user: '' },
      ].map((one) => expect.objectContaining({ ...one, action: 'otpost/tokens/import', success: 1 })),
      expect.objectContaining({ info: '4 imported, 0 refused' }),
    ])
    expect(JSON.stringify(rows)).not.toMatch(/pin-|1234/)
  })

  it('doubles nothing when the same file comes again, be it several times at once', async () => {
    const reports = await Promise.all([run(FILE), run(FILE), run(FILE)])
    const again = await run(FILE)

    expect(await h.store.findTokens({})).toHaveLength(4)
    expect(reports.flat().filter(({ outcome }) => outcome === 'imported')).toHaveLength(4)
    const taken = 'must not be that of a token that exists'
    expect(refusals(again)).toEqual([
      [2, 'serial', taken],
      [3, 'serial', taken],
      [4, 'user', expect.stringMatching(/^must not own a token of this type and address already/)],
      [5, 'serial', taken],
    ])
    expect(summary(again)).toEqual({ imported: 0, importable: 0, refused: 4, dryRun: false })
  })

  it('changes nothing in a dry run, and says what would be', async () => {
    await enroll(h, 'ada', 'IM1')

    const lines = await run(FILE, '?dry_run=true')

    expect(lines.slice(0, -1).map(({ line, outcome, serial }) => [line, outcome, serial])).toEqual([
      [2, 'refused', undefined],
      [3, 'importable', 'IM2'],
      [4, 'importable', null],
      [5, 'importable', 'IM4'],
    ])
    expect(summary(lines)).toEqual({ imported: 0, importable: 3, refused: 1, dryRun: true })
    expect((await h.store.findTokens({})).map(({ serial }) => serial)).toEqual(['IM1'])
  })

  it('names field and rule of each row that it refuses, imports the others, and repeats no value', async () => {
    const header = 'type,user,realm,email,phone,serial,pin,description,secret,digits,hash,enabled'
    const rows = [
      ['hotp,ada,,a@mail.test,,R2,,,,,,', 'type', 'must be email or sms'],
      [',nosuch,,a@mail.test,,R3,,,,,,', 'user', 'must be a user of the realm'],
      [',ada,elsewhere,a@mail.test,,R4,,,,,,', 'user', 'must be a user of the realm'],
      [',,elsewhere,a@mail.test,,R5,,,,,,', 'realm', 'must be a realm'],
      [',ada,,not-an-address,,R6,,,,,,', 'email', /^must be/],
      [',ada,,,abc,R7,,,,,,', 'phone', /^must be/],
      ['sms,ada,,a@mail.test,,R8,,,,,,', 'phone', 'must be given'],
      [',ada,,a@mail.test,+49170222222,R9,,,,,,', 'type', /^must be given where a row has both/],
      [',ada,,a@mail.test,,"R 10",,,,,,', 'serial', /^must be 1 to 40 characters/],
      [`,ada,,a@mail.test,,R11,${'x'.repeat(257)},,,,,`, 'pin', 'must have at most 256 characters'],
      [`,ada,,a@mail.test,,R12,,${'x'.repeat(81)},,,,`, 'description', 'must have at most 80 characters'],
      [',ada,,a@mail.test,,R13,,,xyz,,,', 'secret', 'must be hexadecimal digits'],
      [',ada,,a@mail.test,,R14,,,,11,,', 'digits', /^must be/],
      [',ada,,a@mail.test,,R15,,,,,md5,', 'hash', 'must be sha1, sha256 or sha512'],
      [',ada,,a@mail.test,,R16,,,,,,maybe', 'enabled', 'must be true or false'],
      [',,home,a@mail.test,,,,,,,,', 'serial', 'must be given for a token that nobody owns'],
      [',ada,,a@mail.test', 'line', 'must have 12 values, as the header has; it has 4'],
    ] as const

    const lines = await run([header, ...rows.map(([row]) => row), ',ada,,good@mail.test,,GOOD,,,,,,'].join('\n'))

    expect(refusals(lines).toSorted((a, b) => Number(a[0]) - Number(b[0]))).toEqual(
      rows.map(([, field, rule], n) => [n + 2, field, typeof rule === 'string' ? rule : expect.stringMatching(rule)]),
    )
    expect((await h.store.findTokens({})).map(({ serial }) => serial)).toEqual(['GOOD'])
    expect(JSON.stringify(lines)).not.toMatch(/not-an-address|xxxx|xyz/)
  })

  it('keeps limits and destinations of policies, row by row', async () => {
    const policy = { scope: 'enrollment', realm: 'home', user: '*' }
    await h.admin('/system/setPolicy', { ...policy, name: 'max', action: 'maxtoken=1' })
    const inside = { name: 'inside', scope: 'authentication', action: 'allowed_destinations=*@mail.test' }
    await h.admin('/system/setPolicy', { ...policy, ...inside })

    const lines = await run('user,email,serial\nada,a@mail.test,P1\nada,b@mail.test,P2\nbob,b@elsewhere.test,P3\n')

    expect(refusals(lines)).toEqual([
      [3, 'user', 'must have room for one more token (policies maxtoken…)'],
      [4, 'email', 'must be a destination that policy allows (allowed_destinations)'],
    ])
    for (const name of ['max', 'inside']) await h.admin('/system/delPolicy', { name })
  })

  it('takes the file as a form field too, and lumps that are longer than one transaction', async () => {
    const rows = Array.from({ length: 600 }, (_, n) => `BULK${n},bulk${n}@mail.test`)

    const { text } = await h.admin('/otpost/tokens/import', { csv: ['serial,email', ...rows].join('\n') })

    const lines = text
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines.slice(0, -1).map(({ line }) => line)).toEqual(rows.map((_, n) => n + 2))
    expect(lines.at(-1).summary).toMatchObject({ imported: 600, refused: 0 })
    expect(await h.store.findTokens({ serialPatterns: ['BULK*'] })).toHaveLength(600)
    await h.client.execute("DELETE FROM tokens WHERE serial LIKE 'BULK%'")
  })

  it.each([
    ['no file', {}, /^ERR905: .*'csv'/],
    ['unknown columns', { csv: 'name\nada\n' }, /^csv must begin with a line of column names; 'name' is none of/],
  ])('refuses %s before it begins', async (_, fields, message) => {
    const reply = await h.admin('/otpost/tokens/import', fields)

    expect(reply.json.result?.error?.message).toMatch(message)
  })

  it('needs a login, and is a POST', async () => {
    expect((await h.post('/otpost/tokens/import', { csv: FILE })).status).toBe(401)
    expect((await h.request('/otpost/tokens/import', {}, 'operator')).status).toBe(405)
  })

  it('leaves an audit that verifies', async () => {
    await run(FILE)

    const { text } = await h.request('/otpost/audit/verify', {}, 'operator')

    expect(text).toContain('"verdict":"intact"')
  })
})
