/** A client that asks again under an idempotency key is told what it was told; without one, an answer counts once. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { anotherNode, breakableBatch } from '../support/another-node.ts'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
})
afterAll(() => h.close())
afterEach(() => h.admin('/admin/remove', { user: 'ada' }))

const { newest } = auditReader(() => h)
const ask = (key: string | null, fields: Fields, path = '/validate/check'): Promise<Reply> =>
  h.request(path, {
    method: 'POST',
    body: new URLSearchParams({ user: 'ada', ...fields }),
    ...(key === null ? {} : { headers: { 'idempotency-key': key } }),
  })
const saysYes = ({ json }: Reply): boolean => json.result?.value === true
async function triggered(): Promise<Fields> {
  await enroll(h, 'ada', 'AGAIN', { pin: 'pin-' })
  const { otp, transactionId } = await h.trigger('ada', 'pin-')
  return { pass: otp, transactionid: transactionId }
}

it('says yes again to the same answer under the same key, and once without', async () => {
  const answer = await triggered()

  expect([await ask('k', answer), await ask('k', answer), await ask(null, answer)].map(saysYes)).toEqual([
    true,
    true,
    false,
  ])
})

it('says yes to each of fifty at once under one key, of which one was judged', async () => {
  const answer = await triggered()

  const replies = await Promise.all(times(50, () => ask('many', answer)))

  expect(replies.filter(saysYes)).toHaveLength(50)
  const [row] = (await h.client.execute("SELECT COUNT(*) AS n FROM audit WHERE action_detail = 'request_repeated'"))
    .rows
  expect(Number(row?.n)).toBeGreaterThanOrEqual(49)
  expect(await h.failCount('AGAIN')).toBe(0)
})

it.each<readonly [string, (answer: Fields) => Fields]>([
  ['another pass', (answer) => ({ ...answer, pass: '000000' })],
  ['another user', (answer) => ({ ...answer, user: 'bob' })],
  ['another transaction', (answer) => ({ ...answer, transactionid: '12345678901234567' })],
])('gives the verdict to nobody with %s under the key', async (_, change) => {
  const answer = await triggered()
  await ask('stolen', answer)

  expect(saysYes(await ask('stolen', change(answer)))).toBe(false)
})

it('gives it to nobody at another endpoint', async () => {
  const answer = await triggered()
  await ask('path', answer)

  expect((await ask('path', answer, '/validate/radiuscheck')).status).toBe(400)
})

it('says no again, and counts the failure once', async () => {
  const { transactionid } = await triggered()
  const wrong = { pass: '000000', transactionid: transactionid ?? '' }

  const replies = [await ask('no', wrong), await ask('no', wrong), await ask('no', wrong)]

  expect(replies.map(saysYes)).toEqual([false, false, false])
  expect(replies[1]?.text).toBe(replies[0]?.text)
  expect(await h.failCount('AGAIN')).toBe(1)
})

it('repeats a yes no longer than its challenge would live', async () => {
  const answer = await triggered()
  expect(saysYes(await ask('late', answer))).toBe(true)

  h.pass(600)

  expect(saysYes(await ask('late', answer))).toBe(false)
  expect(await h.failCount('AGAIN')).toBe(0)
})

it('sends one mail for a trigger that is repeated, although nothing blocks, and points to its challenge', async () => {
  await enroll(h, 'ada', 'AGAIN', { pin: 'pin-' })
  const before = h.catcher.mails().length

  const replies = [
    await ask('mail', { pass: 'pin-' }),
    ...(await Promise.all(times(5, () => ask('mail', { pass: 'pin-' })))),
  ]

  expect(new Set(replies.map(({ text }) => text)).size).toBe(1)
  expect(h.catcher.mails().length - before).toBe(1)
  expect((await ask('another', { pass: 'pin-' })).text).not.toBe(replies[0]?.text)
})

it('takes the key from the parameter that the setting names', async () => {
  await h.admin('/system/setConfig', { request_id_parameter: 'radius_id' })
  const answer = await triggered()

  const again = async (id: string) => saysYes(await ask(null, { ...answer, radius_id: id }))

  expect([await again('7'), await again('7'), await again('8')]).toEqual([true, true, false])
  await h.admin('/system/delConfig', { key: 'radius_id' })
  await h.admin('/system/delConfig', { key: 'request_id_parameter' })
})

it('says no when the first request was lost before it came to a verdict', async () => {
  const answer = await triggered()
  const broken = breakableBatch(h)
  const node = anotherNode(h, { batch: broken.batch })
  const send = (key: string) =>
    node.request('/validate/check', {
      method: 'POST',
      body: new URLSearchParams({ user: 'ada', ...answer }),
      headers: { 'idempotency-key': key },
    })
  broken.breakOn(/UPDATE challenges SET state = 'accepted'/)
  expect(saysYes(await send('lost'))).toBe(false)
  broken.breakOn(null)

  // It is answered under another key, as nothing was decided.
  expect(saysYes(await send('lost'))).toBe(false)
  expect(saysYes(await send('new'))).toBe(true)
})

it('has a row of its own in the audit, which names the first', async () => {
  const answer = await triggered()
  const first = await ask('row', answer)
  await ask('row', answer)

  expect(await newest({ detail: 'request_repeated' })).toMatchObject({
    ...{ success: true, user: 'ada', serial: 'AGAIN', info: first.headers.get('x-request-id') },
  })
})

it('keeps neither key nor pass in the database', async () => {
  const answer = await triggered()
  await ask('a-key-that-is-looked-for', answer)

  const rows = JSON.stringify((await h.client.execute('SELECT * FROM claims')).rows)
  expect(rows).not.toContain('a-key-that-is-looked-for')
})
