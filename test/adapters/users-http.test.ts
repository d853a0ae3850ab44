/** httpresolver over a real server: what it asks, what it makes of replies, and what it does not follow or believe. */
import { afterEach, describe, expect, it } from 'vitest'
import { resolver } from '../../src/adapters/users/http.ts'
import type { Directory } from '../../src/ports/users.ts'
import { type Answer, type Heard, type HttpServer, startFaultyServer, startHttpServer } from '../support/http-server.ts'
import { mailEdges, NODE } from '../support/mail.ts'
import { peopleConfig } from '../support/people.ts'

const edges = mailEdges(NODE)
const servers: { readonly close: () => Promise<void> }[] = []
afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.close()))
})

async function open(
  answer: (heard: Heard) => Answer,
  over: Readonly<Record<string, string>> = {},
): Promise<{ readonly directory: Directory; readonly server: HttpServer }> {
  const server = await startHttpServer(answer)
  servers.push(server)
  const config = { ...peopleConfig(server.url), ...over }
  const read = await resolver.read(
    Object.fromEntries(Object.entries(config).map(([key, value]) => [key, value.replace('HERE', server.url)])),
    edges,
  )
  if (!read.ok) throw new Error(JSON.stringify(read.error))
  return { directory: resolver.create(read.value.config, edges), server }
}
const soon = () => AbortSignal.timeout(2000)
const found = (...users: readonly object[]): Answer => ({ status: 200, body: { data: { users } } })
const ZOE = { id: 7, account: { login: 'zoe' }, mail: [null, '', 'zoe@x.test'], mobile: { home: '1' } }

describe('a question', () => {
  it.each<readonly [string, string]>([
    ['zoe', 'zoe'],
    ['a b&c=d/e?f#g%h', 'a b&c=d/e?f#g%h'],
    ['ü', 'ü'],
    ['{login}', '{login}'],
    ['\ud800', '\ufffd'],
  ])('has the login %j as one value', async (login, heard) => {
    const { directory, server } = await open(() => found())

    await directory.findByLogin(login, soon())

    expect(server.heard.map(({ path, query }) => [path, [...query]])).toEqual([['/users', [['login', heard]]]])
    expect(server.heard[0]?.headers.get('x-api-key')).toBe('people-secret')
  })

  it.each(['.', '..', ''])('about the user id %j is not asked: it would be another path', async (userId) => {
    const { directory, server } = await open(() => found(ZOE))

    expect(await directory.findById(userId, soon())).toEqual({ ok: true, value: null })
    expect(server.heard).toEqual([])
  })

  it('has a user id with slashes as one step of the path', async () => {
    const { directory, server } = await open(() => ({ status: 404 }))

    await directory.findById('../admin/1', soon())

    expect(server.heard.map(({ path }) => path)).toEqual(['/users/..%2Fadmin%2F1'])
  })

  it('carries user and password', async () => {
    const { directory, server } = await open(() => found(), { USERNAME: 'otpost', PASSWORD: 'pä' })

    await directory.findByLogin('zoe', soon())

    expect(server.heard[0]?.headers.get('authorization')).toBe(`Basic ${Buffer.from('otpost:pä').toString('base64')}`)
  })
})

describe('a reply', () => {
  it('is mapped: numbers are text, of a list the first that is not empty, what is missing is empty', async () => {
    const { directory } = await open(() => found(ZOE))

    expect(await directory.findByLogin('ZOE', soon())).toEqual({
      ok: true,
      value: [
        {
          userId: '7',
          login: 'zoe',
          attributes: { userid: '7', username: 'zoe', email: 'zoe@x.test', mobile: '' },
        },
      ],
    })
  })

  it.each<readonly [string, Answer]>([
    ['404', { status: 404, body: 'no' }],
    ['204', { status: 204 }],
    ['an empty list', found()],
    ['no list at all', { status: 200, body: { data: {} } }],
    ['somebody else', found({ ...ZOE, account: { login: 'zoe2' } })],
    ['what the reply inherits', { status: 200, body: { data: { users: null } } }],
  ])('of %s is nobody', async (_, answer) => {
    const { directory } = await open(() => answer)

    expect(await directory.findByLogin('zoe', soon())).toEqual({ ok: true, value: [] })
    expect(await directory.findById('70', soon())).toEqual({ ok: true, value: null })
  })

  it.each<readonly [string, Answer, string]>([
    ['500', { status: 500, body: 'secret' }, 'http_500'],
    ['401', { status: 401 }, 'http_401'],
    ['no JSON', { status: 200, body: '<html>' }, 'reply_unreadable'],
    ['more than is read', { status: 200, body: `"${'x'.repeat(1_000_000)}"` }, 'reply_unreadable'],
    ['users without the mapped id', found({ name: 'zoe' }), 'MAP finds no userid or no username in the reply'],
    ['a redirect', { status: 307, headers: { location: '/users' } }, 'http_307'],
  ])('of %s is a failure', async (_, answer, reason) => {
    const { directory, server } = await open(() => answer)

    expect(await directory.findByLogin('zoe', soon())).toEqual({
      ok: false,
      error: { code: 'directory_unavailable', reason },
    })
    expect(server.heard).toHaveLength(1)
  })

  it.each(['resets the connection', 'talks garbage', 'never ends'] as const)('that %s is a failure', async (fault) => {
    const server = await startFaultyServer(fault)
    servers.push(server)
    const read = await resolver.read({ ...peopleConfig(`http://127.0.0.1:${server.port}`), TIMEOUT: '1' }, edges)
    const directory = read.ok ? resolver.create(read.value.config, edges) : null

    expect(await directory?.findByLogin('zoe', soon())).toMatchObject({ ok: false })
  })
})

describe('a list', () => {
  const people = ['ann', 'ada', 'bob'].map((login) => ({ id: login, account: { login }, mail: `${login}@x.test` }))

  it('is filtered here as well, and cut', async () => {
    const url = 'HERE/users?login={username}&mail={email}&limit={limit}'
    const { directory, server } = await open(() => found(...people), { LIST_URL: url })
    const logins = async (filter: Readonly<Record<string, string>>, limit = 10) => {
      const listed = await directory.list(filter, limit, soon())
      return listed.ok ? listed.value.map(({ login }) => login) : listed.error.reason
    }

    expect([await logins({ username: 'a*' }), await logins({ email: 'BOB@*' }), await logins({}, 2)]).toEqual([
      ['ann', 'ada'],
      ['bob'],
      ['ann', 'ada'],
    ])
    expect([...(server.heard[0]?.query ?? [])]).toEqual([
      ['login', 'a*'],
      ['mail', ''],
      ['limit', '10'],
    ])
  })

  it('is refused where there is no URL for it', async () => {
    const { directory } = await open(() => found(...people), { LIST_URL: '' })

    expect(await directory.list({}, 10, soon())).toMatchObject({ error: { reason: 'LIST_URL is not configured' } })
  })
})

describe('a password', () => {
  const user = { userId: '7', login: 'zoe', attributes: {} }

  it('is posted as it is, and right by the status', async () => {
    const { directory, server } = await open(({ body }) => ({ status: body.includes('right') ? 204 : 403 }), {
      CHECK_BODY: '{"id": "{userid}", "login": "{login}", "password": "{password}"}',
    })

    const right = await directory.passwordMatches(user, 'right {login} "', soon())
    const wrong = await directory.passwordMatches(user, 'wrong', soon())
    const empty = await directory.passwordMatches(user, '', soon())
    const nobody = await directory.passwordMatches(null, 'right', soon())

    expect([right, wrong, empty, nobody].map((answer) => answer.ok && answer.value)).toEqual([
      true,
      false,
      false,
      false,
    ])
    expect(JSON.parse(server.heard[0]?.body ?? '')).toEqual({ id: '7', login: 'zoe', password: 'right {login} "' })
    expect(server.heard).toHaveLength(3)
  })

  it('is right by what the reply says, and posted as a form', async () => {
    const { directory, server } = await open(
      ({ body }) => ({ status: 200, body: { answer: { state: new URLSearchParams(body).get('password') } } }),
      { CHECK_FORMAT: 'form', CHECK_PATH: 'answer.state', CHECK_VALUE: 'OK' },
    )

    const answers = [
      await directory.passwordMatches(user, 'OK', soon()),
      await directory.passwordMatches(user, 'ok', soon()),
    ]

    expect(answers.map((answer) => answer.ok && answer.value)).toEqual([true, false])
    expect(server.heard[0]?.headers.get('content-type')).toContain('application/x-www-form-urlencoded')
  })

  it.each([500, 429, 302])('is not judged by a status of %i', async (status) => {
    const { directory } = await open(() => ({ status }))

    expect(await directory.passwordMatches(user, 'x', soon())).toMatchObject({ error: { reason: `http_${status}` } })
  })

  it('fits nobody where there is no URL to check it', async () => {
    const { directory, server } = await open(() => ({ status: 200 }), { CHECK_URL: '' })

    expect(await directory.passwordMatches(user, 'x', soon())).toEqual({ ok: true, value: false })
    expect(server.heard).toEqual([])
  })
})

describe('a configuration', () => {
  it('is the sample', async () => {
    expect(await resolver.read(resolver.sample, edges)).toMatchObject({ ok: true, value: { warnings: [] } })
  })

  it.each<readonly [Readonly<Record<string, unknown>>, string, RegExp]>([
    [{ USER_URL: '' }, 'USER_URL', /^is required$/],
    [{ USER_URL: 'http://people.example.org/{login}' }, 'USER_URL', /^must be an https URL/],
    [{ USER_URL: 'https://u:p@people.example.org/{login}' }, 'USER_URL', /^must be an https URL/],
    [{ USER_URL: 'https://people.example.org/' }, 'USER_URL', /^must hold \{login\}$/],
    [{ USER_URL: 'https://people.example.org/{login}/{userid}' }, 'USER_URL', /^must not hold \{userid\}/],
    [{ ID_URL: 'https://people.example.org/' }, 'ID_URL', /^must hold \{userid\}$/],
    [{ LIST_URL: 'https://people.example.org/{nothing}' }, 'LIST_URL', /^must not hold \{nothing\}/],
    [{ HEADERS: 'x' }, 'HEADERS', /^must be an object of texts/],
    [{ HEADERS: '{"a b": "x"}' }, 'HEADERS', /^must be names and values of HTTP headers/],
    [{ MAP: '{"userid": "id"}' }, 'MAP.username', /^is required$/],
    [{ MAP: '{"userid": "id", "username": "a..b"}' }, 'MAP.username', /^must be names with dots between/],
    [{ USERS_PATH: 'a b' }, 'USERS_PATH', /^must be names with dots between/],
    [{ CHECK_BODY: '{"login": "{login}"}' }, 'CHECK_BODY', /^must hold \{password\}$/],
    [{ CHECK_STATUS: '20' }, 'CHECK_STATUS', /^must be HTTP statuses/],
    [{ TIMEOUT: '61' }, 'TIMEOUT', /^must be a whole number of seconds from 1 to 60/],
  ])('is refused: %j', async (over, key, rule) => {
    expect(await resolver.read({ ...resolver.sample, ...over }, edges)).toEqual({
      ok: false,
      error: { key, rule: expect.stringMatching(rule) },
    })
  })

  it('with keys that nobody knows is kept, with a warning', async () => {
    expect(await resolver.read({ ...resolver.sample, NONSENSE: '1', TIMEOUT: 3 }, edges)).toMatchObject({
      value: { warnings: ['NONSENSE'] },
    })
  })
})
