/** What every endpoint of /validate answers when a request cannot be read or the database fails in the middle of one. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type AnotherNode, anotherNode, breakableBatch } from '../support/another-node.ts'
import { enroll, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
let node: AnotherNode
let breakOn: (sql: RegExp | null) => void
beforeAll(async () => {
  h = await startHarness()
  const breakable = breakableBatch(h)
  breakOn = breakable.breakOn
  node = anotherNode(h, { batch: breakable.batch })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await enroll(h, 'ada', 'EM1')
})
afterEach(async () => {
  breakOn(null)
  await h.admin('/admin/reset', { serial: 'EM1' })
})
afterAll(() => h.close())

/** The "no" of each endpoint when nothing can be said; check_s shows what LinOTP raises. */
const ENDPOINTS = [
  'check',
  'check_s',
  'check_t',
  'check_status',
  'simplecheck',
  'smspin',
  'samlcheck',
  'radiuscheck',
] as const

function expectNo(endpoint: string, reply: Reply): void {
  expect(reply.status).toBe(endpoint === 'radiuscheck' ? 400 : 200)
  expect(reply.headers.get('cache-control')).toBe('no-store')
  if (endpoint === 'radiuscheck' || endpoint === 'simplecheck') {
    expect(reply.text).toBe(endpoint === 'simplecheck' ? ':-(' : '')
    return
  }
  expect(reply.json).toEqual({ ...reply.json, result: { status: endpoint !== 'check_s', value: false }, id: 0 })
  expect(reply.json).not.toHaveProperty('detail')
}

describe.each(ENDPOINTS)('%s', (endpoint) => {
  const path = `/validate/${endpoint}`
  const json = (body: string): RequestInit => ({
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  })
  const pieces = (count: number): RequestInit => {
    let left = count
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => (left-- > 0 ? controller.enqueue(new Uint8Array(8192).fill(97)) : controller.close()),
    })
    return { method: 'POST', body, duplex: 'half' } as RequestInit // `duplex` is missing in the types
  }
  const broken = new ReadableStream<Uint8Array>({ pull: (controller) => controller.error(new Error('gone')) })

  it.each<readonly [string, () => RequestInit]>([
    ['broken JSON', () => json('{"user":"ada","pass":"pin-')],
    ['a JSON list', () => json('[{"user":"ada","pass":"pin-"}]')],
    ['a form over the limit', () => ({ method: 'POST', body: new URLSearchParams({ user: 'x'.repeat(70_000) }) })],
    ['a form over the limit that says no length', () => pieces(10)],
    [
      'multipart without a boundary',
      () => ({ method: 'POST', headers: { 'content-type': 'multipart/form-data' }, body: '--x\r\n' }),
    ],
    ['a body that breaks off', () => ({ method: 'POST', body: broken, duplex: 'half' }) as RequestInit], // as above
  ])('answers its no to %s', async (_, init) => expectNo(endpoint, await h.request(path, init())))

  it.each(['PUT', 'DELETE', 'PATCH'])('answers %s with a page that says 405', async (method) => {
    const reply = await h.request(`${path}?user=ada&pass=pin-`, { method })

    expect(reply.status).toBe(405)
    expect(reply.headers.get('content-type')).toMatch('text/html')
    expect(reply.text).toContain('Method Not Allowed')
  })

  it('answers its no to a database that fails, logs it, and works again after it', async () => {
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const named = endpoint === 'check_s' ? { serial: 'EM1' } : { user: 'ada' }
    h.log.length = 0
    breakOn(/FROM tokens/)

    const reply = await node.post(path, { ...named, state: transactionId, pass: otp })

    expectNo(endpoint, reply)
    expect(h.log.map((line) => JSON.parse(line))).toEqual([failureOf(path)])
    breakOn(null)
    expect((await h.check({ user: 'ada', pass: otp, state: transactionId })).json.result?.value).toBe(true)
  })

  it('answers its no to a database that fails at the very first request of a node, and recovers', async () => {
    const breakable = breakableBatch(h)
    const fresh = anotherNode(h, { batch: breakable.batch })
    breakable.breakOn(/./)
    const first = await fresh.post(path, { user: 'ada', pass: 'nope' })
    breakable.breakOn(null)
    const second = await fresh.post('/validate/check', { user: 'ada', pass: 'nope' })

    expectNo(endpoint, first)
    expect(second.json.result).toEqual({ status: true, value: false })
    expect(await h.failCount('EM1')).toBe(1)
  })
})

const failureOf = (path: string) => ({
  ...{ level: 'error', event: 'request_failed', path, request: expect.stringMatching(/^[0-9a-f]{32}$/) },
  error: expect.stringContaining('the database is gone'),
})

describe('a database that fails', () => {
  it.each<readonly [string, RegExp, 'trigger' | 'right' | 'wrong']>([
    ['when a wrong answer is counted', /ELSE fail_count \+ 1 END/, 'wrong'],
    ['when a right answer is committed', /SET state = 'accepted'/, 'right'],
    ['when a challenge is opened', /INSERT OR IGNORE INTO challenges/, 'trigger'],
    ['when the delivery is noted', /INSERT INTO deliveries/, 'trigger'],
    ['when the audit is written', /INSERT INTO audit/, 'wrong'],
  ])('%s makes a plain no and one line in the log, without the pass', async (_, sql, what) => {
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const pass = { trigger: 'pin-', right: otp, wrong: 'secret-0815' }[what]
    h.log.length = 0
    breakOn(sql)

    const reply = await node.post('/validate/check', {
      ...{ user: 'ada', pass },
      ...(what === 'trigger' ? {} : { state: transactionId }),
    })

    expectNo('check', reply)
    const lines = h.log.map((line) => JSON.parse(line)).filter(({ level }) => level === 'error')
    expect(lines).toEqual([failureOf('/validate/check')])
    expect(h.log.join()).not.toMatch(new RegExp(`${otp}|secret-0815`))
  })

  it('when the answer is committed takes nothing away: the same answer is good afterwards', async () => {
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    breakOn(/SET state = 'accepted'/)
    await node.post('/validate/check', { user: 'ada', pass: otp, state: transactionId })
    breakOn(null)

    expect(await h.failCount('EM1')).toBe(0)
    expect((await h.check({ user: 'ada', pass: otp, state: transactionId })).json.result?.value).toBe(true)
  })

  it('when the delivery is noted leaves a message whose OTP is good', async () => {
    const mails = h.catcher.mails().length
    breakOn(/INSERT INTO deliveries/)
    await node.post('/validate/check', { user: 'ada', pass: 'pin-' })
    breakOn(null)

    expect(h.catcher.mails()).toHaveLength(mails + 1)
    const otp = h.catcher.mails().at(-1)?.text
    expect((await h.check({ user: 'ada', pass: `pin-${otp}` })).json.result?.value).toBe(true)
  })

  it('leaves ok and fail as they are', async () => {
    breakOn(/./)

    expect((await node.post('/validate/ok')).json.result?.value).toBe(true)
    expect((await node.post('/validate/fail')).json.result?.value).toBe(false)
  })
})

it.each(['', '/', '/check/', '/CHECK', '/triggerchallenge', '/polltransaction', '/check_yubikey'])(
  'answers /validate%s with a page that says 404',
  async (path) => {
    const reply = await h.request(`/validate${path}?user=ada&pass=pin-`)

    expect(reply.status).toBe(404)
    expect(reply.headers.get('content-type')).toMatch('text/html')
  },
)

// A gap, reported: neither the log nor the audit has a line of a request whose body cannot be read.
it('logs a request that cannot be read', async () => {
  h.log.length = 0
  await h.request('/validate/check', { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{' })

  expect(h.log.join()).toMatch(/request_unreadable/)
})
