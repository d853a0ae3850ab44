/**
 * A mail server that fails in each way there is, first of two: the next one takes the message, exactly once, save where
 * the recipient is to blame; and while it hangs, others log in.
 */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { testCertificates } from '../support/certificates.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import { mailEdges } from '../support/mail.ts'
import {
  closedPort,
  HANG_UP,
  type Reply,
  type ScriptedServer,
  SILENCE,
  say,
  startScriptedServer,
  startSmtpServer,
  type Turn,
} from '../support/smtp-server.ts'

type Script = Partial<Record<Turn, Reply>>
type Keys = Readonly<Record<string, unknown>>

const { deadline, readFile = async () => '' } = mailEdges()
const TLS_CA = testCertificates().authority.certificateFile
const OFFERS_ALL = say('250-hello\r\n250-STARTTLS\r\n250 AUTH PLAIN')
const LOGIN = { SMTP_USER: 'mailer', SMTP_PASSWORD: 'hunter2' }

let h: Harness
let spare: ScriptedServer
beforeAll(async () => {
  h = await startHarness({ OTPOST_SEND_DEADLINE: '60' }, undefined, { deadline, readFile })
  spare = await startScriptedServer({})
  await enroll(h, 'ada', 'MAIL1')
  await enroll(h, 'bob', 'MAIL2')
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })
  await save('spare', { SMTP_PORT: spare.port })
  const policy = { scope: 'authentication', realm: '*', active: 'True' }
  await h.admin('/system/setPolicy', { ...policy, name: 'order', user: 'ada', action: 'email_provider=main spare' })
  await h.admin('/system/setPolicy', { ...policy, name: 'other', user: 'bob', action: 'email_provider=catcher' })
})
afterAll(async () => {
  await h.close()
  await spare.close()
})

const save = (name: string, keys: Keys) =>
  h.admin('/system/setProvider', {
    ...{ name, type: 'email', class: 'SMTPEmailProvider', timeout: '120' },
    config: JSON.stringify({ SMTP_SERVER: '127.0.0.1', ...keys }),
  })
const login = async (): Promise<boolean> => (await h.check({ user: 'ada', pass: 'pin-' })).json.detail !== undefined
const taken = () => spare.heard().split('DATA\r\n').length - 1
async function asked(): Promise<readonly string[]> {
  const { rows } = await h.client.execute(
    'SELECT provider, status, reason FROM deliveries WHERE request_id = (SELECT request_id FROM deliveries ORDER BY id DESC LIMIT 1) ORDER BY id',
  )
  return rows.map(({ provider, status, reason }) => `${provider} ${status} ${reason}`.trim())
}

describe('the next provider takes the message once, after a server that', () => {
  let before: number
  beforeEach(() => {
    before = taken()
  })
  async function expectNext(keys: Keys, reason: string) {
    await save('main', keys)

    expect(await login()).toBe(true)
    expect(await asked()).toEqual([`main unavailable ${reason}`, 'spare accepted'])
    expect(taken()).toBe(before + 1)
  }

  it('refuses connections', async () => {
    await expectNext({ SMTP_PORT: await closedPort() }, 'connection_refused')
  })

  it.each<readonly [string, Script, string, Keys]>([
    ['says nothing', { greeting: SILENCE }, 'timeout', { TIMEOUT: 0.1 }],
    ['hangs up at once', { greeting: HANG_UP }, 'connection_closed', {}],
    ['hangs up after EHLO', { EHLO: HANG_UP }, 'connection_closed', {}],
    ['hangs up after STARTTLS', { STARTTLS: HANG_UP }, 'connection_closed', { START_TLS: true }],
    ['hangs up after AUTH', { AUTH: HANG_UP }, 'connection_closed', {}],
    ['hangs up after MAIL', { MAIL: HANG_UP }, 'connection_closed', {}],
    ['hangs up after RCPT', { RCPT: HANG_UP }, 'connection_closed', {}],
    ['hangs up after DATA', { DATA: HANG_UP }, 'connection_closed', {}],
    ['hangs up after the message', { message: HANG_UP }, 'connection_closed', {}],
    ['is busy', { greeting: say('421 busy') }, 'greeting_421', {}],
    ['greets with a refusal', { greeting: say('554 no') }, 'greeting_554', {}],
    ['puts EHLO off', { EHLO: say('421 later') }, 'ehlo_421', {}],
    ['refuses EHLO and HELO', { EHLO: say('554 no'), HELO: say('554 no') }, 'greeting_554', { SMTP_USER: '' }],
    ['puts STARTTLS off', { STARTTLS: say('454 later') }, 'starttls_454', { START_TLS: true }],
    ['refuses STARTTLS', { STARTTLS: say('554 no') }, 'starttls_missing', { START_TLS: true }],
    ['has lost its STARTTLS', { EHLO: say('250 hello') }, 'starttls_missing', { START_TLS: true }],
    ['puts AUTH off', { AUTH: say('454 later') }, 'auth_failed', {}],
    ['refuses AUTH', { AUTH: say('535 no') }, 'auth_failed', {}],
    ['puts MAIL off', { MAIL: say('451 later') }, 'sender_451', {}],
    ['refuses MAIL', { MAIL: say('550 no') }, 'sender_550', {}],
    ['greylists', { RCPT: say('450 4.2.0 Greylisted') }, 'recipient_450', {}],
    ['relays for others', { RCPT: say('554 5.7.1 Relay access denied') }, 'recipient_554', {}],
    ['puts DATA off', { DATA: say('451 later') }, 'data_451', {}],
    ['refuses DATA', { DATA: say('554 no') }, 'data_554', {}],
    ['puts the message off', { message: say('452 full') }, 'data_452', {}],
    ['refuses the message', { message: say('554 spam') }, 'data_554', {}],
    ['talks without end', { RCPT: { say: '250-x\r\n'.repeat(200_000) } }, 'protocol_error', {}],
  ])('%s', async (_, script, reason, keys) => {
    const main = await startScriptedServer({ EHLO: OFFERS_ALL, ...script })

    await expectNext({ SMTP_PORT: main.port, TIMEOUT: 30, ...LOGIN, ...keys }, reason)
    await main.close()
  })

  it.each(['expired', 'selfSigned', 'otherHost'] as const)(
    'shows a certificate that is no good: %s',
    async (certificate) => {
      for (const encryption of ['starttls', 'implicit'] as const) {
        const main = await startSmtpServer({ encryption, certificate })
        const tls = encryption === 'starttls' ? { START_TLS: true } : { USE_SSL: true }
        before = taken()

        await expectNext({ SMTP_PORT: main.port, TLS_CA, ...tls }, 'tls_failed')
        expect(main.mails).toEqual([])
        await main.close()
      }
    },
  )
})

it('asks no other provider after a verdict on the recipient', async () => {
  const main = await startScriptedServer({ RCPT: say('550 5.1.1 no such user') })
  await save('main', { SMTP_PORT: main.port })
  const before = taken()

  expect(await login()).toBe(false)
  expect(await asked()).toEqual(['main refused recipient_550'])
  expect(taken()).toBe(before)
  await main.close()
})

describe('while a server hangs', () => {
  it.each<readonly [Turn, Keys]>([
    ['greeting', {}],
    ['EHLO', {}],
    ['STARTTLS', { START_TLS: true }],
    ['AUTH', {}],
    ['MAIL', {}],
    ['RCPT', {}],
    ['DATA', {}],
    ['message', {}],
  ])('at %s another user logs in; when it is gone the next provider takes the message, once', async (turn, keys) => {
    const main = await startScriptedServer({ EHLO: OFFERS_ALL, [turn]: SILENCE })
    await save('main', { SMTP_PORT: main.port, TIMEOUT: 60, ...LOGIN, ...keys })
    const before = taken()
    let isOver = false
    const hanging = login().finally(() => {
      isOver = true
    })
    await main.reached(turn)

    const { otp, transactionId } = await h.trigger('bob', 'pin-')
    const answered = await h.check({ user: 'bob', pass: otp, transactionid: transactionId })

    expect(answered.json.result?.value).toBe(true)
    expect(isOver).toBe(false)
    await main.close()
    expect(await hanging).toBe(true)
    expect(await asked()).toEqual([expect.stringMatching(/^main unavailable /), 'spare accepted'])
    expect(taken()).toBe(before + 1)
  })
})
