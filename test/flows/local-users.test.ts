/** Users of otpost's own resolvers: one by one, and imported from CSV. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enroll, type Fields, type Harness, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setResolver', { name: 'own', type: 'localresolver' })
  await h.admin('/system/setRealm', { realm: 'own', resolvers: 'own' })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
})
afterAll(() => h.close())
beforeEach(async () => {
  await h.client.batch(
    ['DELETE FROM users WHERE resolver = ?', 'DELETE FROM tokens WHERE resolver = ?'].map((sql) => ({
      sql,
      args: ['own'],
    })),
  )
})

const add = (fields: Fields) => h.admin('/otpost/users', { resolver: 'own', ...fields })
const change = (login: string, fields: Fields) => h.admin(`/otpost/users/own/${encodeURIComponent(login)}`, fields)
const remove = (login: string) =>
  h.request(`/otpost/users/own/${encodeURIComponent(login)}`, { method: 'DELETE' }, 'operator')
const error = ({ json }: Awaited<ReturnType<typeof add>>) => json.result?.error?.message
type Listed = readonly Record<string, string>[]
const users = async () => (await h.admin('/admin/userlist', { realm: 'own' })).json.result?.value as Listed

describe('one user', () => {
  it('is added, logs in, is renamed with the token, and leaves the token behind', async () => {
    const added = await add({
      username: 'ann',
      email: 'ann@x.test',
      givenname: 'Ann',
      language: 'de',
      password: 'secret',
    })
    await enroll(h, 'ann', 'ANN', { realm: 'own' })
    const before = await h.trigger('ann@own', 'pin-')
    await change('ann', { username: 'anna', surname: 'Berg' })
    const after = await h.trigger('anna@own', 'pin-')
    const removed = await remove('anna')
    const shown = await h.admin('/admin/show', { serial: 'ANN' })

    expect(added.json.result?.value).toEqual({ userid: expect.stringMatching(/^[0-9a-f]{16}$/) })
    expect([before, after].map(({ reply }) => reply.json.detail?.linotp_tokenserial)).toEqual(['ANN', 'ANN'])
    expect(removed.json.result?.value).toEqual({ tokens: 1 })
    expect(shown.json.result?.value).toMatchObject({ data: [{ 'User.username': '/:no user info:/' }] })
    expect((await h.trigger('anna@own', 'pin-')).reply.json.detail).toBeUndefined()
  })

  it('has a password that is set, changed and taken away', async () => {
    const everybody = { realm: 'own', user: '*', client: '*', active: 'True' }
    await h.admin('/system/setPolicy', { name: 'p', scope: 'authentication', action: 'passthru', ...everybody })
    const isRight = async (pass: string) => (await h.check({ user: 'ann@own', pass })).json.result?.value
    await add({ username: 'ann', password: 'first' })

    const first = [await isRight('first'), await isRight('*')]
    await change('ann', { password: 'second' })
    const second = [await isRight('first'), await isRight('second')]
    await change('ann', { password_hash: '$1$dNsm4O.P$EZ1YBLiFoQNnGCNQaeJ7Q/' })
    const hashed = await isRight('second')
    await change('ann', { password: '' })
    const none = [await isRight(''), await isRight('second')]

    await h.admin('/system/delPolicy', { name: 'p' })
    expect([first, second, hashed, none]).toEqual([[true, false], [false, true], false, [false, false]])
  })

  it('keeps its password from everybody', async () => {
    await add({ username: 'ann', password: 'hunter2-secret' })
    await h.admin('/system/setRealm', { realm: 'own', resolvers: 'own' })

    const { rows } = await h.client.execute('SELECT * FROM audit')
    const { rows: stored } = await h.client.execute("SELECT password_hash FROM users WHERE resolver = 'own'")
    expect(JSON.stringify([rows, stored, await users(), h.log])).not.toContain('hunter2-secret')
    expect(stored[0]?.password_hash).toMatch(/^\$scrypt\$ln=14,r=8,p=5\$/)
    expect(JSON.stringify(await users())).not.toContain('$scrypt$')
  })

  it.each<readonly [Fields, string]>([
    [{ username: '' }, 'username must be 1 to 255 characters on one line, without blanks around'],
    [{ username: ' ann' }, 'username must be 1 to 255 characters on one line, without blanks around'],
    [{ username: 'ann', email: 'ann' }, 'email must be one e-mail address'],
    [{ username: 'ann', mobile: 'x' }, 'mobile must be a telephone number: digits, blanks and + ( ) / . -'],
    [{ username: 'ann', userid: 'a b' }, 'userid must be 1 to 64 characters without blanks'],
    [{ username: 'ann', language: 'german!' }, 'language must be a language tag like de or en-GB'],
    [{ username: 'ann', givenname: 'A\nB' }, 'givenname must be one line of at most 1024 characters'],
    [
      { username: 'ann', password_hash: 'x' },
      'password_hash must be a hash: $scrypt$, $6$, $5$, $2a$, $2b$, $2y$ or $1$',
    ],
    [{ username: 'ann', password: 'a', password_hash: 'b' }, 'password must not be given beside password_hash'],
    [{ username: 'ann', attributes: '[1]' }, 'attributes must be a JSON object of texts'],
    [
      { username: 'ann', attributes: '{"password1": "x"}' },
      'password1 must be a name of letters, digits, _ and -, and none of a password',
    ],
    [
      { username: 'ann', resolver: 'people' },
      'resolver must be a localresolver: users of a passwdresolver are not edited here',
    ],
    [{ username: 'ann', resolver: 'none' }, "there is no resolver 'none'"],
  ])('is refused with field and rule: %j', async (fields, message) => {
    expect(error(await add(fields))).toBe(message)
    expect(await users()).toEqual([])
  })

  it('is refused where the login or the id is taken, and is not there where it is not', async () => {
    await add({ username: 'ann', userid: '1' })
    await add({ username: 'bea', userid: '2' })

    expect(error(await add({ username: 'ann' }))).toBe("username 'ann' exists already")
    expect(error(await add({ username: 'cleo', userid: '1' }))).toBe("userid '1' exists already")
    expect(error(await change('ann', { username: 'bea' }))).toBe("username 'bea' exists already")
    expect(error(await change('nobody', { email: '' }))).toMatch(/^ERR1112: /)
    expect(error(await change('ann', {}))).toBe("ERR905: Missing parameter: 'username'")
    expect(error(await change('ann', { userid: '3' }))).toBe('userid must stay: tokens are tied to it')
    expect(error(await remove('nobody'))).toMatch(/^ERR1112: /)
  })

  it('has other attributes, for policies and templates', async () => {
    await add({ username: 'ann', attributes: '{"department": "physics"}' })

    expect(await users()).toEqual([expect.objectContaining({ username: 'ann', department: 'physics' })])
  })
})

describe('an import', () => {
  const take = async (content: string, fields: Fields = {}) =>
    h.admin('/otpost/users/import', { resolver: 'own', content, ...fields })
  const report = async (...args: Parameters<typeof take>) => (await take(...args)).json.result?.value
  const names = async () => (await users()).map(({ username }) => username)

  it('adds, changes and leaves users, and says how many', async () => {
    await add({ username: 'ann', email: 'ann@x.test', phone: '1' })
    await add({ username: 'bea', email: 'bea@x.test' })
    const text = 'username;email\nann;new@x.test\nbea;bea@x.test\ncleo;\n'

    const dry = await report(text, { dry_run: 'true' })
    const before = await names()
    const done = await report(text)

    const counts = { rows: 3, added: 1, changed: 1, unchanged: 1, removed: 0, refused: [], refused_rows: 0 }
    expect([dry, before]).toEqual([{ stored: false, dry_run: true, ...counts }, ['ann', 'bea']])
    expect(done).toEqual({ stored: true, dry_run: false, ...counts })
    expect(await users()).toEqual([
      expect.objectContaining({ username: 'ann', email: 'new@x.test', phone: '1' }),
      expect.objectContaining({ username: 'bea', email: 'bea@x.test' }),
      expect.objectContaining({ username: 'cleo', email: '', mobile: '' }),
    ])
  })

  it('stores nothing where a row is refused, and names line, field and rule of each', async () => {
    await add({ username: 'ann', userid: '1' })
    const text = [
      'userid,username,email,password,password_hash',
      ',bea,bea,,',
      '1,bea,,,',
      ',bea,,,',
      '9,ann,,,',
      ',dora,d@x.test,a,b',
      ',eve,e@x.test',
    ].join('\n')

    const done = await report(text)
    const partly = await report(`${text}\n,fay,,,`, { skip_refused: 'true' })

    const refused = [
      { line: 2, field: 'email', rule: 'must be one e-mail address' },
      { line: 3, field: 'username', rule: 'must not be repeated: line 2 has it' },
      { line: 4, field: 'username', rule: 'must not be repeated: line 3 has it' },
      { line: 5, field: 'userid', rule: 'must be 1, under which this user is known' },
      { line: 6, field: 'password_hash', rule: expect.stringContaining('must be a hash') },
      { line: 6, field: 'password', rule: 'must not be given beside password_hash' },
      { line: 7, field: '', rule: 'must have 5 cells like the header, and has 3' },
    ]
    expect(done).toMatchObject({ stored: false, rows: 6, refused, refused_rows: 6 })
    expect(partly).toMatchObject({ stored: true, rows: 7, added: 1, refused_rows: 6 })
    expect(await names()).toEqual(['ann', 'fay'])
  })

  it('refuses a second row for a user, be it named by the id in one and by the login in the other', async () => {
    await add({ username: 'ann', userid: '1' })

    const [byId, byLogin] = [
      await report('userid,username,password\n1,anna,one\n,ann,two\n'),
      await report('userid,username,password\n,ann,two\n1,anna,one\n'),
    ]

    const refused = [{ line: 3, field: 'userid', rule: 'must be another user than that of line 2' }]
    expect([byId, byLogin]).toEqual(times(2, () => expect.objectContaining({ stored: false, refused })))
    expect(await names()).toEqual(['ann'])
  })

  it('renames by the user id, and removes who is not in it where it is told to replace', async () => {
    await add({ username: 'ann', userid: '1' })
    await add({ username: 'bea', userid: '2' })
    await enroll(h, 'ann', 'ANN', { realm: 'own' })

    const done = await report('userid,username\n1,anna\n', { replace: 'true' })

    expect(done).toMatchObject({ stored: true, changed: 1, removed: 1 })
    expect(await names()).toEqual(['anna'])
    expect((await h.trigger('anna@own', 'pin-')).reply.json.detail).toMatchObject({ linotp_tokenserial: 'ANN' })
  })

  it('takes passwords in clear of a few, hashes of any number, and columns by other names', async () => {
    const hash = '$1$dNsm4O.P$EZ1YBLiFoQNnGCNQaeJ7Q/'
    const columns = JSON.stringify({ Kennung: 'username', Geheim: 'password', Raum: '' })
    const many = `username,password\n${Array.from({ length: 101 }, (_, n) => `u${n},p`).join('\n')}`

    const done = await report(`Kennung,Geheim,cryptpass,Raum\nann,clear-password,,1\nbea,,${hash},2\n`, { columns })

    expect(done).toMatchObject({ stored: true, added: 2 })
    const { rows } = await h.client.execute("SELECT password_hash FROM users WHERE resolver = 'own' ORDER BY login")
    expect(rows.map((row) => String(row.password_hash).slice(0, 8))).toEqual(['$scrypt$', hash.slice(0, 8)])
    expect(error(await take(many))).toMatch(/^password must be given in at most 100 rows/)
    expect(await report(many, { dry_run: 'true' })).toMatchObject({ added: 101 })
  })

  it('is planned again when users change meanwhile, and leaves no half of one', async () => {
    const outcomes = await Promise.all(times(10, (n) => take(`username,userid\na${n},${n}a\nb${n},${n}b\n`)))

    const stored = outcomes.flatMap(({ json }, n) => (json.result?.status ? [n] : []))
    const others = outcomes.filter(({ json }) => !json.result?.status)
    expect(stored.length).toBeGreaterThan(0)
    expect((await names()).toSorted()).toEqual(stored.flatMap((n) => [`a${n}`, `b${n}`]).toSorted())
    expect(others.map(error)).toEqual(others.map(() => 'resolver must not be changed by a request at the same time'))
  })

  it('takes rows that were read elsewhere, with their lines', async () => {
    const body = JSON.stringify({ resolver: 'own', rows: [{ line: 7, fields: { username: 'ann', email: 'x' } }] })
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body }

    const { json } = await h.request('/otpost/users/import', init, 'operator')

    expect(json.result?.value).toMatchObject({ refused: [{ line: 7, field: 'email' }] })
  })

  it.each<readonly [Fields, RegExp]>([
    [{}, /Missing parameter: 'content'/],
    [{ content: 'email\nx' }, /^content line 1 username must be one of the columns/],
    [{ content: 'username\n"x' }, /^content line \d must end the quotation marks/],
    [{ content: 'username\nx', columns: '1' }, /^columns must be a JSON object of texts/],
    [{ content: 'username\nx', replace: 'true', skip_refused: 'true' }, /^skip_refused must not be given with replace/],
    [{ content: 'username\nx', resolver: 'people' }, /^resolver must be a localresolver/],
    [{ rows: '{"line": 1}' }, /^rows must be/],
  ])('is refused: %j', async (fields, message) => {
    expect(error(await h.admin('/otpost/users/import', { resolver: 'own', ...fields }))).toMatch(message)
  })
})
