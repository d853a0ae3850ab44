/** A body that comes slowly: what it asks for is judged at the time when it is there, not when its header was. */
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest'
import { addAdministrator } from '../support/administrators.ts'
import { anotherNode } from '../support/another-node.ts'
import { bearer, makeKey } from '../support/askers.ts'
import { auditReader } from '../support/audit-http.ts'
import { enroll, type Fields, type Harness, startHarness, times } from '../support/harness.ts'

let h: Harness
beforeAll(async () => {
  h = await startHarness()
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', EmailChallengeValidityTime: '3600' })
})
afterAll(() => h.close())
beforeEach(async () => {
  for (const key of ['failcounter_clear_timeout', 'fail_delay', 'fail_limit_per_client', 'validate_api_key'])
    await h.admin('/system/delConfig', { key })
  await h.admin('/admin/remove', { serial: 'ADA' })
  await enroll(h, 'ada', 'ADA', { pin: 'pin-' })
})

/** Sends a header; the body follows as the test likes. */
function begin(app: Harness['app'], path: string, more: Fields = {}) {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const headers = { 'content-type': 'application/x-www-form-urlencoded', ...more }
  const init = { method: 'POST', headers, body: readable, duplex: 'half' } as RequestInit // `duplex` is not in every list of types
  const reply = app.fetch(new Request(`http://otpost.test${path}`, init), { peer: '192.0.2.7', secure: false })
  const writer = writable.getWriter()
  return { reply, write: (text: string) => writer.write(new TextEncoder().encode(text)), close: () => writer.close() }
}
/** Sends a header and, when told, the body. */
function hold(path: string, more: Fields = {}): (fields: Fields) => Promise<string> {
  const { reply, write, close } = begin(h.app, path, more)
  return async (fields) => {
    await write(new URLSearchParams(fields).toString())
    await close()
    return (await reply).text()
  }
}
const { newest } = auditReader(() => h)
const guess = (n: number) => times(n, (i) => h.check({ user: 'ada', pass: `wrong-${i}` }))
const isYes = (text: string): boolean => /"value": true/.test(text)

it('does not end a lock before its time', async () => {
  await h.admin('/system/setConfig', { failcounter_clear_timeout: '1' })
  const answer = hold('/validate/check')
  h.pass(1200)
  const { otp, transactionId } = await h.trigger('ada', 'pin-')
  await Promise.all(guess(10))
  await answer({ user: 'ada', pass: 'wrong' })

  const early = await h.check({ user: 'ada', pass: otp, transactionid: transactionId })
  expect(early.json.result?.value).toBe(false)
  h.pass(60)
  expect((await h.check({ user: 'ada', pass: otp, transactionid: transactionId })).json.result?.value).toBe(true)
})

it('does not get round the time that a token waits', async () => {
  await h.admin('/system/setConfig', { fail_delay: '600' })
  const { otp, transactionId } = await h.trigger('ada', 'pin-')
  const answer = hold('/validate/check')
  h.pass(120)
  await Promise.all(guess(3))

  expect(isYes(await answer({ user: 'ada', pass: otp, transactionid: transactionId }))).toBe(false)
})

it('does not answer a challenge that has expired', async () => {
  await h.admin('/system/setConfig', { EmailChallengeValidityTime: '60' })
  const { otp, transactionId } = await h.trigger('ada', 'pin-')
  await h.admin('/system/setConfig', { EmailChallengeValidityTime: '3600' })
  const answer = hold('/validate/check')
  h.pass(61)

  expect(isYes(await answer({ user: 'ada', pass: otp, transactionid: transactionId }))).toBe(false)
})

it('does not empty the bucket of a client’s failures', async () => {
  await h.admin('/system/setConfig', { fail_limit_per_client: '3/1h' })
  const answer = hold('/validate/check')
  h.pass(7200)
  const { otp, transactionId } = await h.trigger('ada', 'pin-')
  await Promise.all(guess(3))
  await answer({ user: 'ada', pass: 'wrong' })

  expect((await h.check({ user: 'ada', pass: otp, transactionid: transactionId })).json.result?.value).toBe(false)
})

it.each(['check', 'check_status'])('does not outlive the API key that it was sent with: %s', async (path) => {
  await addAdministrator(h, `of-${path}`)
  const { id, token } = await makeKey(h, { username: `of-${path}`, scope: 'validate' })
  const { transactionId } = await h.trigger('ada', 'pin-')
  await h.admin('/system/setConfig', { validate_api_key: 'True' })
  await h.check({}) // the door learns of it
  const [kept, answer] = [hold(`/validate/${path}`, bearer(token)), hold(`/validate/${path}`, bearer(token))]
  h.pass(30)
  const asked = { user: 'ada', pass: 'pin-', transactionid: transactionId, ...(path === 'check' && { challenge: 'x' }) }
  expect(await kept(asked)).toContain('transaction') // while the key is there
  await h.request(`/otpost/api-tokens/${id}`, { method: 'DELETE' }, 'operator')
  const mails = h.catcher.mails().length

  await answer(asked)
  expect(h.catcher.mails().length).toBe(mails)
  expect(await newest({})).toMatchObject({ detail: 'api_key_wrong', info: `API key ${id}` })
})

it.each(['/validate/check', '/pi/validate/check', '/admin/init', '/userservice/login'])(
  'that never comes is answered with 408 when its time is over, and changes nothing: %s',
  async (path) => {
    const ended = new AbortController()
    const { app } = anotherNode(h, { edges: { deadline: () => ended.signal } })
    const failures = await h.failCount('ADA')

    const { reply, write, close } = begin(app, path)
    await write('user=ada&pass=wr')
    ended.abort()
    const { status, headers: replied } = await reply
    void write('ong').catch(() => {})
    void close().catch(() => {})

    expect([status, replied.get('connection')]).toEqual([408, 'close'])
    expect(await h.failCount('ADA')).toBe(failures)
  },
)
