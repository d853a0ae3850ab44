/** Administration of resolvers: what is refused when it is saved, and what is shown of secrets. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Fields, type Harness, NODE, startHarness } from '../support/harness.ts'
import { type People, peopleConfig, startPeople } from '../support/people.ts'

let h: Harness
let people: People
beforeAll(async () => {
  h = await startHarness()
  people = await startPeople()
})
afterAll(async () => {
  await h.close()
  await people.close()
})

const set = (fields: Fields) => h.admin('/system/setResolver', { name: 'away', type: 'httpresolver', ...fields })
const message = async (reply: ReturnType<typeof set>) => (await reply).json.result?.error?.message
const shown = async (resolver = 'away') => (await h.admin('/system/getResolver', { resolver })).json.result?.value
const test = async (fields: Fields = {}) =>
  (await h.admin('/admin/testresolver', { name: 'away', ...fields })).json.result?.value

describe('a directory', () => {
  const config = () => ({ ...peopleConfig(people.url), USERNAME: 'otpost', PASSWORD: 'hunter2-secret' })

  it('is saved once, changed under its name, and shown with masks', async () => {
    const first = await set(config())
    const again = await message(set(config()))
    const changed = await set({ ...config(), previous_name: 'away', TIMEOUT: '3', NONSENSE: '1' })

    expect(first.json.result?.value).toBe(true)
    expect(again).toBe("resolver 'away' exists already; previous_name=away changes it")
    expect(decodeURI(changed.headers.get('otpost-warning') ?? '')).toMatch(/NONSENSE/)
    expect(await shown()).toEqual({
      ...{ type: 'httpresolver', resolver: 'away', admin: false, immutable: false },
      spec: 'useridresolver.HTTPIdResolver.IdResolver.away',
      data: expect.objectContaining({
        PASSWORD: '***',
        HEADERS: '{"X-Api-Key":"***"}',
        TIMEOUT: '3',
        USERNAME: 'otpost',
      }),
    })
  })

  it('keeps its secrets from every reply, row and line', async () => {
    const listed = await h.admin('/system/getResolvers')
    const { rows: stored } = await h.client.execute('SELECT * FROM resolvers')
    const { rows: audit } = await h.client.execute('SELECT * FROM audit')

    expect(JSON.stringify([listed.text, stored, audit, h.log])).not.toMatch(/hunter2-secret|people-secret/)
  })

  it('keeps a secret that is masked or left out, for the same servers and under the same name only', async () => {
    const asked = () => {
      const { headers } = people.heard.at(-1) ?? { headers: new Headers() }
      return [headers.get('x-api-key'), headers.get('authorization')]
    }
    const masked = { ...config(), previous_name: 'away', PASSWORD: '***', HEADERS: '{"X-Api-Key": "***"}' }
    const { PASSWORD: _, ...withoutPassword } = masked

    await set(masked)
    await test()
    const first = asked()
    await set(withoutPassword)
    await test()
    const second = asked()

    const secrets = ['people-secret', `Basic ${btoa('otpost:hunter2-secret')}`]
    expect([first, second]).toEqual([secrets, secrets])
    expect(await message(set({ ...masked, USERNAME: 'eve' }))).toMatch(
      /must be given again, because USERNAME has changed$/,
    )
    for (const key of ['USER_URL', 'ID_URL', 'LIST_URL', 'CHECK_URL'])
      expect(await message(set({ ...withoutPassword, [key]: 'https://evil.test/{login}{userid}' }))).toMatch(
        /must be given again, because \w+_URL has changed$/,
      )
  })

  it('keeps the password of LDAP for connections that are as safe as before only', async () => {
    const ldap = {
      ...{ name: 'ldap', type: 'ldapresolver', LDAPURI: 'ldaps://127.0.0.1:1', LDAPBASE: 'dc=x', BINDDN: 'cn=a,dc=x' },
      ...{
        LOGINNAMEATTRIBUTE: 'uid',
        LDAPSEARCHFILTER: '(uid=*)',
        LDAPFILTER: '(uid=%s)',
        USERINFO: '{"email":"mail"}',
      },
    }
    await h.admin('/system/setResolver', { ...ldap, BINDPW: 'hunter2-secret' })
    const again = (fields: Fields) => h.admin('/system/setResolver', { ...ldap, previous_name: 'ldap', ...fields })

    expect(await message(again({ TIMEOUT: '9' }))).toBeUndefined()
    expect(await message(again({ only_trusted_certs: 'False' }))).toMatch(
      /^BINDPW must be given again, because only_trusted_certs has changed$/,
    )
    await h.admin('/system/delResolver', { resolver: 'ldap' })
  })

  it.each<readonly [Fields, string | RegExp]>([
    [{ USER_URL: '' }, "ERR905: Missing parameter: 'USER_URL'"],
    [{ MAP: '{"userid": "id"}' }, "ERR905: Missing parameter: 'MAP.username'"],
    [{ TIMEOUT: '0' }, 'TIMEOUT must be a whole number of seconds from 1 to 60'],
    [{ name: 'a b' }, 'name must be 1 to 64 letters, digits, _ or -'],
    [
      { name: 'other', HEADERS: '{"X-Api-Key": "***"}' },
      'HEADERS.X-Api-Key must be given: there is no value before it',
    ],
    [{ type: 'nosuchresolver', name: 'other' }, /^type must be passwdresolver, localresolver, .*httpresolver/],
    [{ type: 'passwdresolver', previous_name: 'away' }, 'type must be httpresolver: a resolver keeps its type'],
    [{ name: 'other', previous_name: 'other' }, "there is no resolver 'other'"],
    [{ name: 'other', previous_name: 'away' }, 'previous_name must be the same as name: a resolver keeps its name'],
  ])('is refused with key and rule, and stores nothing: %j', async (fields, expected) => {
    const before = await h.client.execute('SELECT * FROM resolvers')

    const refused = await message(set({ ...config(), ...fields }))

    expect(refused).toEqual(typeof expected === 'string' ? expected : expect.stringMatching(expected))
    expect((await h.client.execute('SELECT * FROM resolvers')).rows).toEqual(before.rows)
  })

  it('is tested, for anybody and for one, without secrets', async () => {
    expect(await test()).toMatchObject({ result: true, desc: 'answers, and has users' })
    expect(await test({ user: 'zoe' })).toMatchObject({ result: true, user: { email: 'zoe@mail.test' } })
    expect(await test({ user: 'nobody' })).toEqual({ result: false, desc: 'answers, and knows no such user' })
    people.people = [...people.people, { id: 'u9', login: 'zoe' }]
    expect(await test({ user: 'zoe' })).toMatchObject({ result: false, desc: expect.stringContaining('2 users') })
    people.answer = () => ({ status: 403, body: 'people-secret' })
    expect(await test()).toEqual({ result: false, desc: 'http_403' })
    people.answer = null
    expect(await message(h.admin('/admin/testresolver', { name: 'none' }))).toBe("there is no resolver 'none'")
    expect(await test({ name: 'people' })).toEqual({ result: true, desc: 'has 3 users' })
    expect(await test({ name: 'people', user: 'ada' })).toMatchObject({ result: true, desc: 'knows the user' })
  })

  it('is removed unless a realm uses it', async () => {
    await h.admin('/system/setRealm', { realm: 'away', resolvers: 'useridresolver.HTTPIdResolver.IdResolver.away' })
    const remove = () => h.admin('/system/delResolver', { resolver: 'away' })
    const used = await message(remove())
    await h.admin('/system/delRealm', { realm: 'away' })

    expect(used).toBe("resolver 'away' is used by realm away")
    expect((await remove()).json.result?.value).toBe(true)
    expect(await shown()).toEqual({ type: null, data: {}, resolver: 'away' })
  })
})

it('a local resolver keeps its users when it is saved again', async () => {
  await h.admin('/system/setResolver', { name: 'own', type: 'localresolver' })
  await h.admin('/otpost/users', { resolver: 'own', username: 'ann' })

  await h.admin('/system/setResolver', { name: 'own', type: 'localresolver', previous_name: 'own' })

  expect(await test({ name: 'own', user: 'ann' })).toMatchObject({ result: true })
})

it('a Worker refuses a passwd file, and takes its text', async () => {
  const worker = await startHarness({}, { ...NODE, runtime: 'workers', files: false }, { readFile: undefined as never })

  const file = await worker.admin('/system/setResolver', { name: 'f', type: 'passwdresolver', fileName: '/etc/passwd' })

  expect(file.json.result?.error?.message).toBe('fileName cannot be read on this runtime: send passwdresolver.content')
  await worker.close()
})
