/** Equal triggers at once: one sends, and all are told what became of its message. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { compose } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import { enroll, type Harness, type Reply, startHarness, times } from '../support/harness.ts'
import { type Reply as ServerReply, SILENCE, say, startScriptedServer, type Turn } from '../support/smtp-server.ts'

let h: Harness
let serials = 0
let user: string
beforeAll(async () => {
  h = await startHarness({ OTPOST_SEND_DEADLINE: '3' })
})
afterAll(() => h.close())
beforeEach(async () => {
  user = ['ada', 'bob'][serials % 2] ?? ''
  await h.admin('/admin/remove', { user })
  await enroll(h, user, `MAIL${++serials}`)
})

async function withServer<T>(script: Partial<Record<Turn, ServerReply>>, run: () => Promise<T>): Promise<[T, string]> {
  const server = await startScriptedServer(script)
  await h.admin('/system/setProvider', {
    ...{ name: 'catcher', type: 'email', class: 'SMTPEmailProvider', timeout: '120' },
    config: JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: server.port, TIMEOUT: 10 }),
  })
  const result = await run()
  await server.close()
  return [result, server.heard()]
}
const triggerAtOnce = (n: number) => Promise.all(times(n, () => h.check({ user, pass: 'pin-' })))
const messagesOf = (replies: readonly Reply[]) => new Set(replies.map(({ json }) => json.detail?.message))

describe('of twenty equal triggers', () => {
  it('nobody is told of a message when the recipient is refused, and the next trigger is free', async () => {
    const [replies, heard] = await withServer({ RCPT: say('550 no such user') }, () => triggerAtOnce(20))

    expect(heard.match(/RCPT TO/g)).toHaveLength(1)
    for (const { json } of replies) {
      expect(json.result).toEqual({ status: true, value: false })
      expect(json.detail).toBeUndefined()
    }
    const [[next]] = await withServer({}, () => triggerAtOnce(1))
    expect(next?.json.detail?.message).toBe('e-mail sent successfully')
  })

  it('one is told that it was sent, the others that it was submitted, with the same transaction', async () => {
    const [replies, heard] = await withServer({}, () => triggerAtOnce(20))

    expect(heard.match(/RCPT TO/g)).toHaveLength(1)
    expect(messagesOf(replies)).toEqual(new Set(['e-mail sent successfully', 'e-mail with otp already submitted']))
    expect(new Set(replies.map(({ json }) => json.detail?.transactionid)).size).toBe(1)
  })

  it('nobody waits longer than a message may take when the server says nothing', async () => {
    const started = performance.now()
    const [replies] = await withServer({ greeting: SILENCE }, () => triggerAtOnce(20))

    expect(messagesOf(replies)).toEqual(new Set([undefined]))
    expect(performance.now() - started).toBeLessThan(5500)
  })
})

it('tells a trigger on another node what became of the message', async () => {
  const config = readConfig({ OTPOST_SEND_DEADLINE: '3' })
  const { readKeys } = await import('../../src/adapters/vault/keys.ts')
  const keys = readKeys(h.keys)
  if (!config.ok || !keys.ok) throw new Error('the second node could not be set up')
  const second = compose(h.batch, keys.value, h.edges, config.value)
  const onSecond = async () => {
    const body = new URLSearchParams({ user, pass: 'pin-' })
    const request = new Request('http://b.test/validate/check', { method: 'POST', body })
    return (await second.app.fetch(request, { peer: '::1', secure: false })).json()
  }

  const [[first, other]] = await withServer({ RCPT: say('550 no such user') }, () =>
    Promise.all([h.check({ user, pass: 'pin-' }), onSecond()]),
  )

  expect([first.json.detail, (other as Reply['json']).detail]).toEqual([undefined, undefined])
})

it('lets a challenge stand whose sender was lost: its message may have arrived', async () => {
  await withServer({}, () => triggerAtOnce(1))
  await h.client.execute(`UPDATE challenges SET delivery = 'pending' WHERE serial = 'MAIL${serials}'`)
  h.pass(2)

  const reply = await h.check({ user, pass: 'pin-' })

  expect(reply.json.detail?.message).toBe('e-mail with otp already submitted')
})
