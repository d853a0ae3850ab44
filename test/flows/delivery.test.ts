import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import {
  closedPort,
  HANG_UP,
  type Reply,
  type ScriptedServer,
  SILENCE,
  say,
  startScriptedServer,
  type Turn,
} from '../support/smtp-server.ts'

let h: Harness
let catcherPort: number
beforeAll(async () => {
  h = await startHarness()
  catcherPort = h.catcher.port
  await enroll(h, 'ada', 'MAIL1')
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
})
afterAll(() => h.close())

const useServer = (port: number): Promise<unknown> =>
  h.admin('/system/setProvider', {
    ...{ name: 'catcher', type: 'email', class: 'SMTPEmailProvider', timeout: '120' },
    config: JSON.stringify({ SMTP_SERVER: '127.0.0.1', SMTP_PORT: port, TIMEOUT: 1 }),
  })

const deliveries = async () => (await h.client.execute('SELECT * FROM deliveries ORDER BY id DESC LIMIT 1')).rows[0]
const counter = async () => (await h.store.findTokens({ serials: ['MAIL1'] }))[0]?.counter ?? -1

describe('a message that cannot be sent', () => {
  it.each<readonly [string, Partial<Record<Turn, Reply>>, string, RegExp]>([
    ['a server that says nothing', { greeting: SILENCE }, 'unavailable', /timeout/],
    ['a server that talks garbage', { greeting: say('HTTP/1.1 200 OK') }, 'unavailable', /./],
    ['a server that hangs up after MAIL', { MAIL: HANG_UP }, 'unavailable', /connection_closed/],
    ['a server that drips', { EHLO: { drip: '2' } }, 'unavailable', /deadline|timeout/],
    ['a refused recipient', { RCPT: say('550 5.1.1 no such user ada@mail.test') }, 'refused', /^recipient_550$/],
    ['a greylisted recipient', { RCPT: say('451 4.7.1 later') }, 'unavailable', /^recipient_451$/],
    ['a full disk', { message: say('452 4.3.1 no space') }, 'unavailable', /452/],
  ])(
    '%s: a plain no within the deadline, the reason for the operator, the next trigger free',
    async (_, script, status, reason) => {
      const server: ScriptedServer = await startScriptedServer(script)
      await useServer(server.port)
      const before = await counter()
      const started = performance.now()

      const reply = await h.check({ user: 'ada', pass: 'pin-' })

      expect(reply.json).toEqual({ ...reply.json, result: { status: true, value: false }, id: 0 })
      expect(reply.json.detail).toBeUndefined()
      expect(performance.now() - started).toBeLessThan(4000)
      expect(await deliveries()).toMatchObject({
        serial: 'MAIL1',
        provider: 'catcher',
        status,
        reason: expect.stringMatching(reason),
      })
      expect(h.log.join('\n')).toMatch(/message_undelivered/)
      expect(await counter()).toBe(before + 2) // burnt all the same
      await server.close()
      await useServer(catcherPort)
      expect((await h.check({ user: 'ada', pass: 'pin-' })).json.detail).toBeDefined()
    },
  )

  it('a server that is down, or no provider at all', async () => {
    await useServer(await closedPort())
    expect((await h.check({ user: 'ada', pass: 'pin-' })).json.detail).toBeUndefined()
    expect(await deliveries()).toMatchObject({ reason: 'connection_refused' })

    await h.admin('/system/delProvider', { type: 'email', name: 'catcher' })
    expect((await h.check({ user: 'ada', pass: 'pin-' })).json.detail).toBeUndefined()
    expect(await deliveries()).toMatchObject({ provider: '', reason: 'provider_missing' })
    await useServer(catcherPort)
  })

  it('leaves an OTP nobody took unanswerable', async () => {
    // The message was taken in full before the server failed, so the OTP may even have arrived.
    const server = await startScriptedServer({ message: say('554 no') })
    await useServer(server.port)
    await h.check({ user: 'ada', pass: 'pin-' })
    const otp = /\r\n\r\n(\d{6})\r\n/.exec(server.heard())?.[1] ?? ''
    await server.close()
    await useServer(catcherPort)

    expect(otp).toMatch(/^\d{6}$/)
    expect((await h.check({ user: 'ada', pass: `pin-${otp}` })).json.result?.value).toBe(false)
  })

  it('leaves a transaction that check_t does not know, at no cost to the token', async () => {
    await useServer(await closedPort())
    await h.check({ user: 'ada', pass: 'pin-' })
    await useServer(catcherPort)
    const { rows } = await h.client.execute('SELECT transaction_id FROM challenges ORDER BY id DESC LIMIT 1')
    const transactionid = String(rows[0]?.transaction_id)
    const before = await h.failCount('MAIL1')

    const { json } = await h.post('/validate/check_t', { transactionid, pass: '123456' })

    expect(json.detail).toEqual({ value: false, failure: `No challenge for transaction '${transactionid}' found` })
    expect(await h.failCount('MAIL1')).toBe(before)
  })
})

describe('a slow server', () => {
  it('holds up nobody else', async () => {
    await enroll(h, 'bob', 'MAIL2')
    const { otp } = await h.trigger('bob', 'pin-')
    const server = await startScriptedServer({ greeting: SILENCE })
    await useServer(server.port)

    const slow = h.check({ user: 'ada', pass: 'pin-' }).then(() => 'slow')
    const quick = h
      .check({ user: 'bob', pass: `pin-${otp}` })
      .then((reply) => (reply.json.result?.value ? 'quick' : 'refused'))

    expect(await Promise.race([slow, quick])).toBe('quick')
    await slow
    await server.close()
    await useServer(catcherPort)
  })
})

describe('a setting', () => {
  it('changed on one node is in force for the next request on another', async () => {
    const { compose } = await import('../../src/compose.ts')
    const { readConfig } = await import('../../src/config.ts')
    const { readKeys } = await import('../../src/adapters/vault/keys.ts')
    const [config, keys] = [readConfig({}), readKeys(h.keys)]
    if (!config.ok || !keys.ok) throw new Error('the second node could not be set up')
    const second = compose(h.batch, keys.value, h.edges, config.value)
    const check = async (): Promise<string> => {
      const body = new URLSearchParams({ user: 'ada', pass: 'pin-' })
      const response = await second.app.fetch(new Request('http://b.test/validate/check', { method: 'POST', body }), {
        peer: '::1',
        secure: false,
      })
      return response.text()
    }

    expect(await check()).toContain('e-mail sent successfully')
    await h.admin('/system/setConfig', { EMAIL_CHALLENGE_PROMPT: 'look into your mailbox' })
    expect(await check()).toContain('look into your mailbox')
    await h.admin('/system/delConfig', { key: 'EMAIL_CHALLENGE_PROMPT' })
  })
})
