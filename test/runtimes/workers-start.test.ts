/** What a Worker needs before it serves, what it says without it, and what it takes from the platform. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import entry from '../../src/runtimes/workers.ts'
import { COMPLETE, PASSWORD, post, startWorker, type TestWorker } from './workers-fixture.ts'

let worker: TestWorker | undefined
afterEach(async () => {
  await worker?.stop()
  worker = undefined
})

const { OTPOST_KEYS = '', ...WITHOUT_KEYS } = COMPLETE

describe('a Worker says why it is not ready', () => {
  it.each<[string, Readonly<Record<string, unknown>>, boolean, RegExp]>([
    ['without keys', WITHOUT_KEYS, true, /^OTPOST_KEYS is missing/],
    ['with a key that is none', { ...COMPLETE, OTPOST_KEYS: 'k1:short' }, true, /^OTPOST_KEYS: key 'k1'/],
    ['without a database', COMPLETE, false, /bind a D1 database as DB, or set OTPOST_DATABASE_URL/],
    ['with a file as database', { ...COMPLETE, OTPOST_DATABASE_URL: 'file:x.db' }, true, /^OTPOST_DATABASE_URL must/],
    [
      'with no address',
      { ...COMPLETE, OTPOST_DATABASE_URL: 'libsql:?x=1' },
      true,
      /^OTPOST_DATABASE_URL is not the addr/,
    ],
    ['with a setting that is wrong', { ...COMPLETE, OTPOST_SEND_DEADLINE: 0 }, true, /^OTPOST_SEND_DEADLINE must/],
    ['without migrations', COMPLETE, true, /^the database has schema none, .* run the migrations$/],
  ])('%s', async (_, variables, d1, reason) => {
    worker = await startWorker(variables, d1)

    const reply = await post(`${worker.url}/validate/check`, { user: 'ada', pass: '1234' })

    expect([reply.status, await reply.text()]).toEqual([503, '503 Service Unavailable\n'])
    expect(reply.headers.get('retry-after')).toBe('5')
    expect(worker.logged()).toMatchObject([
      { level: 'error', event: 'not_ready', reason: expect.stringMatching(reason) },
    ])
  })

  it('with a database of a later otpost', async () => {
    worker = await startWorker(COMPLETE)
    await worker.migrate()
    await (await worker.database()).batch([
      (await worker.database()).prepare("UPDATE meta SET value = 999 WHERE key = 'schema'"),
    ])

    const reply = await post(`${worker.url}/validate/check`)

    expect(reply.status).toBe(503)
    expect(worker.logged()).toMatchObject([{ event: 'not_ready', reason: expect.stringContaining('schema 999') }])
  })

  it('with a level of the log that there is not', async () => {
    worker = await startWorker({ ...COMPLETE, OTPOST_LOG_LEVEL: 'trace' })

    await post(`${worker.url}/validate/check`)

    expect(worker.logged()).toMatchObject([{ reason: 'OTPOST_LOG_LEVEL must be one of debug, info, warn, error' }])
  })

  it('when its cron trigger runs without keys', async () => {
    worker = await startWorker(WITHOUT_KEYS)

    await worker.runScheduled()

    expect(worker.logged()).toMatchObject([{ event: 'not_ready' }])
  })

  it('and serves once it has what it needs', async () => {
    worker = await startWorker(COMPLETE)

    const before = await post(`${worker.url}/validate/check`)
    await worker.migrate()
    const after = await post(`${worker.url}/validate/check`)

    expect([before.status, after.status]).toEqual([503, 200])
  })

  it('never with a secret in the log', async () => {
    worker = await startWorker({ ...COMPLETE, OTPOST_KEYS: `${OTPOST_KEYS}=x` })

    await post(`${worker.url}/validate/check`)

    const text = JSON.stringify(worker.logged())
    expect(text).not.toContain(OTPOST_KEYS.split(':')[1]?.slice(0, 12))
    expect(text).not.toContain(PASSWORD)
  })
})

describe('a Worker that is ready', () => {
  let ready: TestWorker
  beforeAll(async () => {
    ready = await startWorker(COMPLETE)
    await ready.migrate()
  })
  afterAll(() => ready?.stop())

  const login = (password: string) => ({
    method: 'POST',
    body: new URLSearchParams({ username: 'admin', password }).toString(),
    headers: { 'content-type': 'application/x-www-form-urlencoded', 'cf-connecting-ip': '203.0.113.9' },
  })

  it('knows the administrator of OTPOST_ADMIN_PASSWORD', async () => {
    const right = await post(`${ready.url}/admin/login`, { username: 'admin', password: PASSWORD })
    const wrong = await post(`${ready.url}/admin/login`, { username: 'admin', password: 'something else' })

    expect([right.status, wrong.status]).toEqual([200, 401])
  })

  it.each([
    ['for https alone when it was asked over https', 'https://otp.example.org', true],
    ['for http too when it was asked over http', 'http://localhost', false],
  ])('sets cookies %s', async (_, origin, secure) => {
    const { headers } = await ready.dispatch(`${origin}/admin/login`, login(PASSWORD))

    const cookies = headers.getSetCookie()
    expect(cookies.map((cookie) => cookie.includes('; Secure'))).toEqual([secure, secure])
  })

  it('takes the address of the client from the platform', async () => {
    await ready.dispatch('https://otp.example.org/admin/login', login('wrong'))

    const d1 = await ready.database()
    const [found] = await d1.batch([d1.prepare('SELECT client FROM audit ORDER BY number DESC LIMIT 1')])
    expect(found?.results).toEqual([{ client: '203.0.113.9' }])
  })

  it('removes by its cron trigger what ended long ago', async () => {
    const d1 = await ready.database()
    await d1.batch([d1.prepare("INSERT INTO revoked_sessions (id, expires_at) VALUES ('old', 1), ('new', 9999999999)")])

    const { outcome } = await ready.runScheduled()

    const [left] = await d1.batch([d1.prepare('SELECT id FROM revoked_sessions')])
    expect([outcome, left?.results]).toEqual(['ok', [{ id: 'new' }]])
    expect(ready.logged()).toMatchObject([
      { level: 'info', event: 'audit_sealed' },
      { level: 'info', event: 'housekeeping', swept: 1, pruned: 0 },
    ])
  })
})

it('a Worker without OTPOST_ADMIN_PASSWORD has no administrator', async () => {
  worker = await startWorker({ OTPOST_KEYS })
  await worker.migrate()

  const reply = await post(`${worker.url}/admin/login`, { username: 'admin', password: '' })

  expect(reply.status).toBe(401)
})

it('a Worker keeps a request alive until it is answered', async () => {
  const kept: Promise<unknown>[] = []
  const unused = () => {
    throw new Error('the database is not asked')
  }
  const bindings = { ...COMPLETE, DB: { prepare: unused, batch: unused } }

  const request = new Request('https://otp.example.org/healthcheck/status')
  const reply = await entry.fetch(request, bindings, { waitUntil: (work) => void kept.push(work) })

  expect(reply.status).toBe(200)
  expect(await Promise.all(kept)).toEqual([reply])
})

it.each([
  ['debug', ['check_rejected', 'request', 'housekeeping']],
  ['info', ['check_rejected', 'housekeeping']],
  ['error', []],
])('a Worker on level %s logs %j', async (level, events) => {
  worker = await startWorker({ ...COMPLETE, OTPOST_LOG_LEVEL: level })
  await worker.migrate()

  await post(`${worker.url}/validate/check`, { user: 'nobody', pass: '1234' })
  await worker.runScheduled()

  const logged = worker.logged().map(({ event }) => event)
  expect(logged.filter((event) => event !== 'audit_sealed')).toEqual(events)
})
