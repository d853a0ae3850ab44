/** ldapresolver and a real OpenLDAP server: who is found, who is let in, and that nothing typed changes the question. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Directory, DirectoryUser } from '../../src/ports/users.ts'
import { ACCOUNT, BASE, ENTRIES, NUMBERED, PEOPLE } from './entries.ts'
import { directory, got, soon, USERINFO } from './resolver.ts'
import { type Slapd, startSlapd } from './slapd.ts'

let slapd: Slapd
let users: Directory
const uri = () => `ldap://127.0.0.1:${slapd.port}`
const find = async (login: string, from = users) => got(await from.findByLogin(login, soon()))
const one = async (login: string, from = users): Promise<DirectoryUser> => {
  const [user, ...others] = await find(login, from)
  if (!user || others.length > 0) throw new Error(`not exactly one ${login}`)
  return user
}
const list = async (filter: Readonly<Record<string, string>>, limit = 5000, from = users) =>
  got(await from.list(filter, limit, soon()))
const lets = async (user: DirectoryUser | null, password: string, from = users) =>
  got(await from.passwordMatches(user, password, soon()))

beforeAll(async () => {
  slapd = await startSlapd(ENTRIES, { sizeLimit: 'unlimited' })
  users = await directory({ LDAPURI: uri() })
})
afterAll(async () => {
  await users?.close()
  await slapd?.close()
})

describe('a login', () => {
  it('is found with its attributes', async () => {
    expect(await one('ada')).toEqual({
      userId: expect.stringMatching(/^[\da-f-]{36}$/),
      login: 'ada',
      attributes: {
        username: 'ada',
        userid: expect.stringMatching(/^[\da-f-]{36}$/),
        description: '',
        email: 'ada@example.org',
        mobile: '+49 151 1',
        phone: '+49 30 1',
        givenname: 'Ada',
        surname: 'Lovelace',
      },
    })
  })

  it('is compared as the directory compares', async () => expect((await one('ADA')).login).toBe('ada'))

  it('may have umlauts', async () => {
    expect(await one('jürgen')).toMatchObject({
      login: 'jürgen',
      attributes: { surname: 'Müller-Lüdenscheidt', email: 'jürgen@bücher.example' },
    })
  })

  it.each(['a*b', '(x)', 'back\\slash, and=more'])('may be %s, which means itself', async (login) => {
    const user = await one(login)

    expect(user.login).toBe(login)
    expect(await lets(user, `password of ${login}`)).toBe(true)
  })

  it.each([
    ...[
      '*',
      'a*',
      '*)(uid=*',
      'ada)(|(uid=*',
      'ada)(&)',
      '(uid=ada)',
      'ada))(|(cn=*',
      '\\61da',
      '\\2a',
      'ada\0',
      '\0',
      '',
    ],
    ...['ada)(objectClass=*))(&(uid=x', '*)(userPassword=*', 'ada,ou=people', `uid=ada,${PEOPLE}`, '\ud800', '%s', '%'],
  ])('that is %j finds nobody', async (login) => expect(await find(login)).toEqual([]))

  it('that two have finds both', async () => expect(await find('twin')).toHaveLength(2))

  it('of a thousand finds the one', async () => {
    const logins = Array.from({ length: 50 }, (_, n) => `user${String(n * 20).padStart(4, '0')}`)

    const found = await Promise.all(logins.map((login) => one(login)))

    expect(found.map(({ login }) => login)).toEqual(logins)
  })

  it('is filtered by nested filters', async () => {
    const nested = await directory({
      LDAPURI: uri(),
      LDAPFILTER:
        '(& (objectClass=inetOrgPerson) (| (uid=%s) (mail=%s) (&(sAMAccountName=%s)(employeeType=st*ff))) (!(employeeType=retired)) )',
    })

    expect((await one('countess@example.org', nested)).login).toBe('ada')
    expect((await one('alovelace', nested)).login).toBe('ada')
    expect(await find('left', nested)).toEqual([])
    expect(await nested.findById((await one('left')).userId, soon())).toEqual({ ok: true, value: null })
    await nested.close()
  })

  it('is filtered by a matching rule', async () => {
    const ruled = await directory({ LDAPURI: uri(), LDAPFILTER: '(&(uid:caseExactMatch:=%s)(ou:dn:=people))' })

    expect(await find('ADA', ruled)).toEqual([])
    expect((await one('twin', ruled)).login).toBe('twin')
    expect((await find('twin', ruled)).map(({ userId }) => userId)).toHaveLength(1)
    await ruled.close()
  })
})

describe('a user id', () => {
  it.each([
    ['DN', `uid=ada,${PEOPLE}`],
    ['entryUUID', expect.stringMatching(/^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/)],
    ['objectGUID', '04030201-0605-0807-090a-0b0c0d0e0fff'],
    ['objectguid', '04030201-0605-0807-090a-0b0c0d0e0fff'],
    ['uid', 'ada'],
  ])('may be %s', async (UIDTYPE, userId) => {
    const typed = await directory({ LDAPURI: uri(), UIDTYPE })

    const user = await one('ada', typed)

    expect(user.userId).toEqual(userId)
    expect(user.attributes.userid).toEqual(userId)
    expect(await typed.findById(user.userId, soon())).toEqual({ ok: true, value: user })
    expect(await lets(user, 'password of ada', typed)).toBe(true)
    expect(await lets(user, 'wrong', typed)).toBe(false)
    expect(await lets(null, 'password of ada', typed)).toBe(false)
    expect(await list({ userid: user.userId }, 9, typed)).toEqual([user])
    await typed.close()
  })

  it('of objectGUID is found in braces, in capitals and as the bytes are stored', async () => {
    const typed = await directory({ LDAPURI: uri(), UIDTYPE: 'objectGUID' })

    for (const id of ['{04030201-0605-0807-090A-0B0C0D0E0FFF}', '0102030405060708090a0b0c0d0e0fff']) {
      expect(got(await typed.findById(id, soon()))?.login).toBe('ada')
    }
    await typed.close()
  })

  it('that is a DN is found below the base alone, in whatever way the base is written', async () => {
    const LDAPBASE = String.raw`OU = p\65ople,  DC=example, dc=\6frg`
    const typed = await directory({ LDAPURI: uri(), UIDTYPE: 'DN', LDAPBASE })
    const outside = [`uid=twin,ou=elsewhere,${BASE}`, BASE, `uid=twin,ou=elsewhere\\,${PEOPLE}`]

    expect((await one('twin', typed)).userId).toBe(`uid=twin,${PEOPLE}`)
    expect(got(await typed.findById(`UID=twin, ${PEOPLE}`, soon()))?.login).toBe('twin')
    expect(await Promise.all(outside.map(async (id) => got(await typed.findById(id, soon()))))).toEqual([
      null,
      null,
      null,
    ])
    expect(await list({ userid: `uid=twin,ou=elsewhere,${BASE}` }, 9, typed)).toEqual([])
    await typed.close()
  })

  it.each([
    ['DN', `uid=nobody,${PEOPLE}`],
    ['DN', 'nonsense'],
    ['DN', '*'],
    ['entryUUID', '*'],
    ['entryUUID', '1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed'],
    ['entryUUID', 'ada)(uid=*'],
    ['objectGUID', '*'],
    ['objectGUID', '04030201'],
    ['uid', 'a*'],
    ['uid', ''],
  ])('of %s that is %j is nobody', async (UIDTYPE, id) => {
    const typed = await directory({ LDAPURI: uri(), UIDTYPE })

    expect(await typed.findById(id, soon())).toEqual({ ok: true, value: null })
    expect(await lets({ userId: id, login: 'x', attributes: {} }, 'password of ada', typed)).toBe(false)
    await typed.close()
  })
})

describe('a password', () => {
  it('is right or wrong', async () => {
    const user = await one('user0500')

    expect(await lets(user, 'password of user0500')).toBe(true)
    expect(await lets(user, 'password of user0501')).toBe(false)
    expect(await lets(user, 'Password of user0500')).toBe(false)
  })

  it('may have umlauts and signs beyond the first plane', async () => {
    const user = await one('jürgen')

    expect(await lets(user, 'Paßwörter €𝄞')).toBe(true)
    expect(await lets(user, 'Passwoerter €𝄞')).toBe(false)
    expect(await lets(user, Buffer.from('Paßwörter €𝄞').toString('latin1'))).toBe(false)
  })

  it.each(['ada', 'nopassword'])('that is empty is wrong for %s, though a server consents to it', async (login) => {
    expect(await lets(await one(login), '')).toBe(false)
  })

  it('is wrong for who has none', async () => expect(await lets(await one('nopassword'), 'x')).toBe(false))

  it('is wrong for nobody', async () => expect(await lets(null, 'password of ada')).toBe(false))

  it('leaves the account as which searches are made, also with fifty at once', async () => {
    const names = Array.from({ length: 50 }, (_, n) => `user${String(n).padStart(4, '0')}`)

    const outcomes = await Promise.all(
      names.map(async (name, n) => lets(await one(name), n % 2 ? `password of ${name}` : 'wrong')),
    )

    expect(outcomes).toEqual(names.map((_, n) => n % 2 === 1))
    expect((await one('ada')).attributes.email).toBe('ada@example.org')
  })
})

describe('the list', () => {
  it('has everybody, page by page, and follows no referral', async () => {
    const all = await list({})

    expect(all.filter(({ login }) => login.startsWith('user'))).toHaveLength(NUMBERED)
    expect(new Set(all.map(({ userId }) => userId)).size).toBe(NUMBERED + 9)
  })

  it('has at most as many as asked for, and as SIZELIMIT says', async () => {
    const few = await directory({ LDAPURI: uri(), SIZELIMIT: 7 })

    expect(await list({}, 10)).toHaveLength(10)
    expect(await list({}, 700)).toHaveLength(700)
    expect(await list({}, 700, few)).toHaveLength(7)
    expect(await list({}, 0)).toEqual([])
    await few.close()
  })

  it.each([
    [{ username: 'user00*' }, 100],
    [{ username: 'USER0000' }, 1],
    [{ username: '*0*0*' }, 271],
    [{ username: '*' }, NUMBERED + 9],
    [{ username: 'user00*', email: '*9@example.org' }, 10],
    [{ surname: 'Müller*' }, 1],
    [{ surname: '*-lüd*' }, 1],
    [{ mobile: '' }, NUMBERED + 8],
    [{ description: '' }, NUMBERED + 9],
    [{ description: '*' }, NUMBERED + 9],
    [{ description: 'x' }, 0],
    [{ username: '(x)' }, 1],
    [{ username: '*)(uid=*' }, 0],
    [{ username: 'back\\*' }, 1],
    [{ userid: '*' }, NUMBERED + 9],
    [{ userid: 'nonsense*' }, 0],
    [{ userid: '' }, 0],
    [{ nonsense: 'a*' }, 0],
    [{ __proto__: 'x', constructor: 'x' }, 0],
  ])('by %j has %d', async (filter, count) => expect(await list(filter)).toHaveLength(count))

  it('by a part of a DN is compared here', async () => {
    const typed = await directory({ LDAPURI: uri(), UIDTYPE: 'DN' })

    expect(await list({ userid: `uid=user001*,${PEOPLE}` }, 5, typed)).toHaveLength(5)
    expect(await list({ userid: `*,ou=elsewhere,${BASE}` }, 5, typed)).toHaveLength(1)
    await typed.close()
  })

  it('is what the server gives where its own limit is lower', async () => {
    const stingy = await startSlapd(ENTRIES, { sizeLimit: '20' })
    const limited = await directory({ LDAPURI: `ldap://127.0.0.1:${stingy.port}` })

    expect(await list({}, 5000, limited)).toHaveLength(20)
    expect(await list({}, 100, limited)).toHaveLength(20)
    expect(await list({}, 15, limited)).toHaveLength(15)
    await limited.close()
    await stingy.close()
  })
})

describe('attributes', () => {
  it('that are pictures are empty, and names are found in any case', async () => {
    const mapped = await directory({
      LDAPURI: uri(),
      USERINFO: { ...USERINFO, email: 'MAIL', description: 'jpegPhoto', department: 'employeetype', who: 'dn' },
    })

    expect((await one('ada', mapped)).attributes).toMatchObject({
      email: 'ada@example.org',
      description: '',
      department: 'staff',
    })
    await mapped.close()
  })
})

describe('the account', () => {
  it.each([
    [{ BINDPW: 'wrong' }, 'bind_refused'],
    [{ BINDDN: `cn=nobody,${BASE}` }, 'bind_refused'],
    [{ BINDDN: 'user@example.org' }, 'dn_invalid'],
    [{ LDAPBASE: 'dc=example,dc=net' }, 'base_unknown'],
    [{ BINDDN: `uid=ada,${PEOPLE}`, BINDPW: 'password of ada' }, 'base_unknown'],
    [{ BINDDN: '', BINDPW: '' }, 'base_unknown'],
  ])('%j makes searches fail with %s', async (keys, reason) => {
    const broken = await directory({ LDAPURI: uri(), ...ACCOUNT, ...keys })

    const failure = { ok: false, error: { code: 'directory_unavailable', reason } }
    expect(await broken.findByLogin('ada', soon())).toEqual(failure)
    expect(await broken.list({}, 10, soon())).toEqual(failure)
    await broken.close()
  })
})
