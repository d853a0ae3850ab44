/** What is counted and timed, who may read it, and that it tells nothing of anybody. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { prometheus } from '../../src/adapters/metrics/prometheus.ts'
import { nodeCapabilities } from '../../src/cli/platform.ts'
import { createLine } from '../../src/ports/line.ts'
import { addAdministrator, apiToken } from '../support/administrators.ts'
import { anotherNode, breakableBatch } from '../support/another-node.ts'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'

const { metrics, page } = prometheus('node')
let h: Harness
beforeAll(async () => {
  h = await startHarness({}, nodeCapabilities, { metrics, metricsPage: page })
  await enroll(h, 'ada', 'METER', { pin: 'pin-' })
})
afterAll(() => h.close())

const { newest } = auditReader(() => h)
const text = async (): Promise<string> => (await h.request('/metrics', {}, 'operator')).text
/** The value of a line, by name and labels as they are written. */
const counted = async (line: string): Promise<number> => {
  const found = (await text()).split('\n').find((one) => one.startsWith(`${line} `))
  return found === undefined ? 0 : Number(found.slice(line.length))
}

it('counts verdicts by reason', async () => {
  const wrong = 'otpost_checks_total{verdict="rejected",reason="pin_wrong"}'
  const before = await counted(wrong)

  await h.check({ user: 'ada', pass: 'wrong' })
  const { otp, transactionId } = await h.trigger('ada', 'pin-')
  await h.check({ user: 'ada', pass: otp, transactionid: transactionId })

  expect(await counted(wrong)).toBe(before + 1)
  expect(await counted('otpost_checks_total{verdict="challenged",reason=""}')).toBe(1)
  expect(await counted('otpost_checks_total{verdict="accepted",reason=""}')).toBe(1)
})

it('counts and times messages by provider and outcome', async () => {
  expect(await counted('otpost_messages_total{type="email",provider="catcher",outcome="accepted"}')).toBe(1)
  expect(await counted('otpost_message_seconds_count{type="email",provider="catcher"}')).toBe(1)
})

it('shows connections in use, who waits for one, and how long that took', async () => {
  const line = createLine(2, 'smtp', metrics)
  const figures = async () => [
    await counted('otpost_connections{pool="smtp"}'),
    await counted('otpost_connections_waiting{pool="smtp"}'),
    await counted('otpost_connection_wait_seconds_count{pool="smtp"}'),
  ]
  const patient = new AbortController()
  expect(await figures()).toEqual([0, 0, 0]) // the one of the message above is back

  const turns = Array.from({ length: 4 }, () => line.enter(patient.signal))
  expect(await figures()).toEqual([2, 2, 0])
  line.leave(null)
  patient.abort()
  expect(await Promise.all(turns)).toEqual([null, null, null, 'aborted'])
  expect(await figures()).toEqual([2, 0, 2])
  line.leave(null)
  line.leave(null)
  expect(await figures()).toEqual([0, 0, 2])
})

it('counts and times requests by route, and takes what is no route for one', async () => {
  for (const path of ['/validate/nothing', '/no/such/page', '/admin/nothing']) await h.request(path, {}, 'operator')

  const shown = await text()
  expect(shown).toMatch(/otpost_requests_total\{route="\/validate\/check",method="POST",status="200"\} \d+/)
  expect(shown).toMatch(/otpost_request_seconds_bucket\{le="\+Inf",route="\/validate\/check"\} \d+/)
  expect(await counted('otpost_requests_total{route="none",method="GET",status="404"}')).toBe(3)
  expect(shown).not.toContain('nothing')
})

it('counts unknown methods as one', async () => {
  await h.request('/validate/check', { method: 'PURGE' })

  expect(await counted('otpost_requests_total{route="/validate/check",method="other",status="405"}')).toBe(1)
})

it('times batches, and counts those that fail', async () => {
  expect(await counted('otpost_database_seconds_count{mode="write"}')).toBeGreaterThan(0)
  const broken = breakableBatch(h)
  const node = anotherNode(h, { batch: broken.batch, edges: { metrics } })
  await node.post('/validate/check', { user: 'ada', pass: 'x' })
  broken.breakOn(/FROM challenges/)

  await node.post('/validate/check', { user: 'ada', pass: 'x' })

  expect(await counted('otpost_database_errors_total')).toBe(1)
  expect(await counted('otpost_log_lines_total{level="error",event="request_failed"}')).toBe(1)
})

it('tells nothing of users, tokens, addresses and clients', async () => {
  await h.check({ user: 'a-made-up-name', pass: 'x' })

  expect(await text()).not.toMatch(/ada|METER|mail\.test|192\.0\.2|a-made-up-name/)
})

it('is for administrators, and leaves no row in the audit', async () => {
  expect((await h.request('/metrics')).status).toBe(401)
  await text()

  expect(await newest()).toMatchObject({ action: 'metrics', success: false })
})

it('is not for an API token that may do something else', async () => {
  await addAdministrator(h, 'root')
  const [reader, other] = [
    await apiToken(h, 'root', { scope: 'system/read' }),
    await apiToken(h, 'root', { scope: 'tools' }),
  ]

  expect((await reader('GET', '/metrics')).status).toBe(200)
  const { status, text: refused } = await other('GET', '/metrics')
  expect([status, refused.includes('otpost_')]).toEqual([403, false])
})

it('is not there where nothing is counted', async () => {
  const silent = anotherNode(h, { edges: { metricsPage: undefined } as object })

  expect((await silent.request('/metrics', {}, 'operator')).status).toBe(404)
})

it('gives the client the id of its request, which is that of the audit', async () => {
  const { headers } = await h.check({ user: 'ada', pass: 'wrong' })

  const [row] = (await h.client.execute('SELECT request_id FROM audit ORDER BY number DESC LIMIT 1')).rows
  expect(headers.get('x-request-id')).toBe(row?.request_id)
})

it('says that it is ready, and that it is not when the database is gone', async () => {
  const broken = breakableBatch(h)
  const node = anotherNode(h, { batch: broken.batch })

  expect((await node.request('/healthcheck/ready')).json).toEqual({ status: 'ready' })
  broken.breakOn(/master_keys/)

  const { status, json } = await node.request('/healthcheck/ready')
  expect([status, json]).toEqual([503, { status: 'not ready' }])
  expect((await node.request('/healthcheck/status')).status).toBe(200)
})

it('says for how long it has been alive, whoever asked before', async () => {
  const node = anotherNode(h, {})
  h.pass(90)

  expect((await node.request('/healthcheck/status')).json).toMatchObject({ status: 'alive', uptime: 90 })
})
