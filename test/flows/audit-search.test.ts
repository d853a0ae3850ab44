/** Searching the audit: the grid, CSV, version 2. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { auditReader, type Cell, query } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: 'admin-pass-4711' })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await enroll(h, 'ada', 'EM01')
  // Something of everything that is searched for below.
  const { otp, transactionId } = await h.trigger('ada', 'pin-')
  await h.check({ user: 'ada', pass: otp, transactionid: transactionId })
  for (const pass of ['wrong', 'also wrong']) await h.check({ user: 'ada', pass })
  await h.admin('/system/setConfig', { key: 'k', value: 'geheim', type: 'password' })
  for (const password of ['wrong', 'admin-pass-4711']) await h.post('/admin/login', { username: 'admin', password })
})
afterAll(() => h.close())

const { fetchText, grid, newest } = auditReader(() => h)

describe('/audit/search', () => {
  const numbersOf = async (fields: Fields) => (await grid(fields)).cells.map(([number]) => Number(number))

  it('pages through all rows in either order, at the same cost, with the total', async () => {
    const { total } = await grid({ rp: '1' })

    expect(await numbersOf({ rp: '3', page: '2' })).toEqual([4, 5, 6])
    expect(await numbersOf({ rp: '3', page: '2', sortname: 'number', sortorder: 'desc' })).toEqual([
      ...[total - 1, total - 2, total - 3],
    ])
    expect(await numbersOf({ rp: '10', page: '9999' })).toEqual([])
    expect((await grid({})).cells).toHaveLength(15)
  })

  it.each<readonly [Fields, (cell: Cell) => boolean]>([
    [{ user: 'ada' }, (cell) => cell[8] === 'ada'],
    [{ user: 'AD_' }, (cell) => cell[8] === 'ada'],
    [{ action: 'system/set%' }, (cell) => String(cell[4]).startsWith('system/set')],
    [{ action_detail: 'wrong otp%' }, (cell) => cell[11] === 'wrong otp pin -1'],
    [{ action_detail: "user '%successfully%" }, (cell) => cell[5] === '1'],
    [{ administrator: "'admin@%" }, (cell) => String(cell[10]).startsWith("'admin@")],
    [{ administrator: 'operator' }, (cell) => cell[10] === "'operator'"],
    [{ success: '1', serial: 'EM__' }, (cell) => cell[5] === '1' && cell[6] === 'EM01'],
    [{ success: '1', serial: 'EM01', or: 'true' }, (cell) => cell[5] === '1' || cell[6] === 'EM01'],
    [{ query: 'validate/%', qtype: 'action' }, (cell) => String(cell[4]).startsWith('validate/')],
    [{ query: 'user=ada;success=1', qtype: 'extsearch' }, (cell) => cell[8] === 'ada' && cell[5] === '1'],
    [{ date: '2027-01-1%' }, () => true],
    [{ log_level: 'INFO', clearance_level: '0', client: '192.0.2._' }, () => true],
    [{ info: 'k=***, ' }, (cell) => cell[12] === 'k=***, '],
  ])('finds by %j', async (fields, holds) => {
    const { cells, total } = await grid({ ...fields, rp: '1000' })

    expect(cells.length).toBeGreaterThan(0)
    expect(cells.length).toBe(total)
    expect(cells.every(holds)).toBe(true)
  })

  it('counts and pages what a filter leaves', async () => {
    const all = await numbersOf({ user: 'ada', rp: '1000' })

    expect(await numbersOf({ user: 'ada', rp: '2', page: '2' })).toEqual(all.slice(2, 4))
    expect(await numbersOf({ user: 'ada', rp: '2', page: '2', sortorder: 'desc' })).toEqual(
      all.toReversed().slice(2, 4),
    )
    expect((await grid({ user: 'ada', rp: '2' })).total).toBe(all.length)
    expect(await grid({ user: 'nobody at all' })).toMatchObject({ total: 0, cells: [] })
  })

  it('sorts by any column, the earlier row first among equals', async () => {
    const { cells } = await grid({ sortname: 'action', rp: '1000' })
    const sorted = cells.toSorted((a, b) =>
      a[4] === b[4] ? Number(a[0]) - Number(b[0]) : String(a[4]) < String(b[4]) ? -1 : 1,
    )

    expect(cells).toEqual(sorted)
    expect(await numbersOf({ sortname: 'action', rp: '2', page: '3' })).toEqual(sorted.slice(4, 6).map(([n]) => n))
  })

  it.each<readonly [Fields, string]>([
    [{ sortname: 'password' }, 'sortname must be one of'],
    [{ rp: '10001' }, 'rp must be at most 10000'],
    [{ outform: 'csv', delimiter: 'x' }, 'delimiter must be one of'],
  ])('refuses %j', async (fields, message) => {
    const reply = await h.request(`/audit/search?${query(fields)}`, {}, 'operator')

    expect(reply.json.result?.error?.message).toContain(message)
  })

  it.each(['/audit/search', '/api/v2/auditlog', '/api/v2/auditlog/', '/otpost/audit/export', '/otpost/audit/verify'])(
    '%s is for administrators',
    async (path) => {
      expect((await fetchText(path, {}, null)).status).toBe(401)
    },
  )

  it('shows a row that was altered as FAIL', async () => {
    await h.check({ user: 'ada', pass: 'x' })
    const { number } = await newest()
    await h.client.execute(`UPDATE audit SET user = 'eve' WHERE number = ${number}`)

    expect((await grid({ number: String(number) })).cells[0]?.[2]).toBe('FAIL')
    await h.client.execute(`UPDATE audit SET user = 'ada' WHERE number = ${number}`)
  })
})

describe('CSV', () => {
  it('is quoted, with the separator and the header that were asked for, and ends with an empty line', async () => {
    const { text, type } = await fetchText(
      `/audit/search?${query({ outform: 'csv', rp: '1', delimiter: ';', headers: 'true' })}`,
    )
    const [head = '', first = '', ...rest] = text.split('\n')

    expect(type).toBe('text/csv; charset=utf-8')
    expect(head.split('; ').slice(0, 3)).toEqual(['"number"', '"date"', '"sig_check"'])
    expect(first).toMatch(/^1; "[\dT:.+-]+"; "OK"; ""; "system\/setResolver"; "1"; .*; "INFO"; 0$/)
    expect(rest).toEqual(['', ''])
  })

  it('streams everything when no page is asked for', async () => {
    const { total } = await grid({ rp: '1' })
    const { text } = await fetchText('/audit/search?outform=csv')

    // The searches themselves have been added.
    expect(text.split('\n').filter(Boolean)).toHaveLength(total + 1)
  })

  it('gives the page that is asked for, of fifteen rows, when nothing says how many', async () => {
    const { text } = await fetchText('/audit/search?outform=csv&page=2')

    const numbers = text
      .split('\n')
      .filter(Boolean)
      .map((row) => Number(row.split(',')[0]))
    expect(numbers).toEqual(Array.from({ length: 15 }, (_, n) => 16 + n))
  })

  it.each([
    ['=HYPERLINK("http://evil.test","x")', `"'=HYPERLINK(""http://evil.test"",""x"")"`],
    ['+1+1', `"'+1+1"`],
    ['-2', `"'-2"`],
    ['@SUM(A1)', `"'@SUM(A1)"`],
    ['\tx', `"'\tx"`],
    ['x,=HYPERLINK(1)', `"x,'=HYPERLINK(1)"`],
    ['x; @SUM(A1)', `"x; '@SUM(A1)"`],
    [' =1', `"' =1"`],
    ['a "quoted", text; with both', '"a ""quoted"", text; with both"'],
    ['two\nlines', '"two\nlines"'],
  ])('cannot be made to compute or to break by the user %j', async (user, cell) => {
    await h.check({ user, pass: 'x' })
    const { number } = await newest({ action: 'validate/check' })

    const { text } = await fetchText(`/audit/search?${query({ outform: 'csv', number: String(number), rp: '1' })}`)

    expect(text).toContain(`, ${cell}, `)
  })
})

describe('/api/v2/auditlog', () => {
  type Entry = Readonly<Record<string, unknown>>
  const entries = async (fields: Fields = {}, path = '/api/v2/auditlog/') => {
    const reply = await h.request(`${path}?${query(fields)}`, {}, 'operator')
    // The reply of this endpoint; what is not there fails the expectation.
    return {
      reply,
      value: reply.json.result?.value as {
        pageRecords: readonly Entry[]
        totalRecords: number
        totalPages: number
        pageSize: number
        page: number
      },
    }
  }

  it('gives entries in the envelope, the newest first, empty texts as null', async () => {
    await h.check({ user: 'nobody', pass: 'x' })

    const { value } = await entries({ pageSize: '1' })

    expect(value).toMatchObject({ page: 0, pageSize: 1, totalPages: value.totalRecords })
    expect(value.pageRecords).toEqual([
      {
        ...{ id: expect.any(Number), timestamp: expect.stringMatching(/^2027-.*\+00:00$/), serial: null },
        ...{
          action: 'validate/check',
          actionDetail: 'User not found',
          success: false,
          tokenType: null,
          user: 'nobody',
        },
        ...{ realm: 'home', administrator: null, info: null, linotpServer: 'node', client: '192.0.2.7' },
        ...{ logLevel: 'INFO', clearanceLevel: 0, signatureCheck: true },
      },
    ])
  })

  it('has administrators by their full name', async () => {
    const { value } = await entries({ action: 'admin/login', success: 'true' })

    expect(value.pageRecords[0]?.administrator).toBe('admin@linotp_admins (LinOTP_local_admins)')
  })

  it('filters with asterisks, pages from 0, and gives all with a page size of 0', async () => {
    const filter = { action: 'validate/*', success: 'false', sortOrder: 'asc' }
    const all = (await entries({ ...filter, pageSize: '0' }, '/api/v2/auditlog')).value
    const part = (await entries({ ...filter, pageSize: '3', page: '1' })).value

    expect(all.pageRecords.length).toBe(all.totalRecords)
    expect([part.pageRecords, part.totalPages]).toEqual([all.pageRecords.slice(3, 6), Math.ceil(all.totalRecords / 3)])
    expect(
      all.pageRecords.every(({ success, action }) => success === false && String(action).startsWith('validate/')),
    ).toBe(true)
  })

  it('answers to GET alone, and refuses a column that is not there', async () => {
    expect((await h.admin('/api/v2/auditlog/')).status).toBe(405)
    expect((await entries({ sortBy: 'mac' })).reply.json.result?.error?.code).toBe(-311)
  })
})
