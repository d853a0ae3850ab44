/** privacyIDEA's wire: what clients hear of messages (contract G.14 to G.17) and what nobody hears (G.20). */
import { readFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrollSms, startGateway, useGateway } from '../support/gateway.ts'
import { enroll } from '../support/harness.ts'
import { PASSWORD, type PiReply, startPi } from '../support/privacyidea.ts'
import { startSmtpServer } from '../support/smtp-server.ts'

const world = await startPi()
const { h, gateway, pi, token } = world
beforeAll(async () => {
  await enroll(h, 'ada', 'EM1')
  await enrollSms(h, 'bob', 'SM1')
})
afterAll(world.close)

const UNSENT = 'The message with the OTP could not be sent.'
const setProvider = (name: string, config: object) =>
  h.admin('/system/setProvider', {
    ...{ name, type: 'email', class: 'SMTPEmailProvider', timeout: '120', default: 'true' },
    config: JSON.stringify({ EMAIL_FROM: 'otp@example.org', ...config }),
  })
const useCatcher = () => setProvider('catcher', { SMTP_SERVER: h.catcher.host, SMTP_PORT: h.catcher.port })
const isUnsent = (reply: PiReply) => {
  expect([reply.status, reply.authentication, reply.detail.message]).toEqual([200, 'REJECT', UNSENT])
}

describe('G.14 texts', () => {
  it.each(['{nope} <otp>', '{ <otp>', '100% <otp>', '€ ü <otp> 🔑', '<nope> ${nope} <otp>', '$(id) <otp>'])(
    'the message %j is delivered',
    async (text) => {
      const written = text.replace(/[,;=]/g, '')
      await h.admin('/system/setPolicy', {
        ...{ name: 'text', scope: 'authentication', realm: '*', user: '*' },
        action: `emailtext="${written}", smstext="${written}"`,
      })
      const mail = await pi.check({ user: 'ada', pass: 'pin-' })
      const sms = await pi.check({ user: 'bob', pass: 'pin-' })
      await h.admin('/system/delPolicy', { name: 'text' })

      const [before = '', after = ''] = written.replaceAll('${nope}', '').split('<otp>')
      expect([mail.authentication, sms.authentication]).toEqual(['CHALLENGE', 'CHALLENGE'])
      for (const sent of [h.catcher.mails().at(-1)?.text.trim() ?? '', gateway.text()])
        expect(sent.replaceAll('${nope}', '').replace(/\d{6}/, '<otp>').trim()).toBe(`${before}<otp>${after}`.trim())
    },
  )
})

describe('G.15 TLS', () => {
  it.each([
    ['signs itself', 'starttls', 'selfSigned', {}],
    ['names another host', 'starttls', 'otherHost', {}],
    ['offers no TLS', 'none', 'server', { TLS_INSECURE: true }],
  ] as const)('a server that %s gets no OTP', async (_, encryption, certificate, more) => {
    const server = await startSmtpServer({ encryption, certificate })
    await setProvider('private', { SMTP_SERVER: '127.0.0.1', SMTP_PORT: server.port, START_TLS: true, ...more })
    const reply = await pi.check({ user: 'ada', pass: 'pin-' })
    await useCatcher()
    await server.close()

    isUnsent(reply)
    expect(server.mails).toEqual([])
  })

  it('unless the operator vouches for it', async () => {
    const server = await startSmtpServer({ encryption: 'starttls', certificate: 'selfSigned' })
    const address = { SMTP_SERVER: '127.0.0.1', SMTP_PORT: server.port, START_TLS: true }
    await setProvider('private', { ...address, TLS_INSECURE: true })
    const { authentication } = await pi.check({ user: 'ada', pass: 'pin-' })
    await useCatcher()
    await server.close()

    expect([authentication, server.mails.length]).toEqual(['CHALLENGE', 1])
  })
})

describe('G.16 a server that never answers', () => {
  let silent: Server
  beforeAll(async () => {
    silent = createServer(() => {})
    await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve))
    const address = silent.address()
    await setProvider('silent', {
      SMTP_SERVER: '127.0.0.1',
      SMTP_PORT: typeof address === 'object' && address !== null ? address.port : 0,
    })
  })
  afterAll(async () => {
    await useCatcher()
    silent.close()
  })

  it('holds up its own request until the deadline, and no other', async () => {
    const order: string[] = []
    const asked = pi.check({ user: 'ada', pass: 'pin-' }).then((reply) => {
      order.push('asked')
      return reply
    })
    await pi.check({ user: 'bob', pass: 'nope' })
    order.push('other')

    isUnsent(await asked)
    expect(order).toEqual(['other', 'asked'])
  })

  it('is an error to who asks for one with exception, and no challenge to who triggers', async () => {
    const [check, triggered] = await Promise.all([
      pi.check({ user: 'ada', pass: 'pin-', exception: '1' }),
      pi.post('/validate/triggerchallenge', { user: 'ada' }, { token }),
    ])

    expect([check.status, check.error]).toEqual([500, { code: -500, message: UNSENT }])
    expect([triggered.value, triggered.detail.messages]).toEqual([0, [UNSENT]])
  })
})

it('G.17 the second gateway takes what the first does not, once, and the audit names it', async () => {
  const second = await startGateway()
  await useGateway(h, second, {}, { name: 'second', default: 'false' })
  await h.admin('/system/setPolicy', {
    ...{ name: 'both', scope: 'authentication', realm: '*', user: '*', action: 'sms_provider=gateway second' },
  })
  gateway.reply({ status: 500 })
  const { authentication } = await pi.check({ user: 'bob', pass: 'pin-' })
  gateway.reply({})
  await h.admin('/system/delPolicy', { name: 'both' })
  const { rows } = await h.client.execute('SELECT provider, status FROM deliveries ORDER BY id DESC LIMIT 2')
  await second.close()

  expect([authentication, second.requests.length]).toEqual(['CHALLENGE', 1])
  expect(rows.map(({ provider, status }) => [provider, status])).toEqual([
    ['second', 'accepted'],
    ['gateway', 'unavailable'],
  ])
})

describe('G.20 secrets', () => {
  it('stand in no log, no audit and no file of the database', async () => {
    await h.admin('/admin/set', { serial: 'EM1', pin: 'secret-pin-of-ada' })
    const { otp, transaction } = await pi.trigger('ada', 'secret-pin-of-ada')
    await pi.get(`/validate/check?user=ada&pass=secret-pin-of-ada${otp}`)
    await pi.check({ user: 'ada', pass: otp, state: transaction })
    await pi.post('/token/setpin/EM1', { otppin: 'another-secret-pin' }, { token })
    const bytes = Buffer.concat(
      [h.file, `${h.file}-wal`].map((file) => {
        try {
          return readFileSync(file)
        } catch {
          return Buffer.alloc(0) // the log of a database is not always there
        }
      }),
    ).toString('latin1')

    const secrets = ['secret-pin-of-ada', 'another-secret-pin', token, PASSWORD]
    for (const secret of [...secrets, otp]) expect(h.log.join('\n')).not.toContain(secret)
    for (const secret of secrets) expect(bytes).not.toContain(secret)
    const { rows } = await h.client.execute('SELECT * FROM audit')
    for (const secret of [...secrets, otp]) expect(JSON.stringify(rows)).not.toContain(secret)
  })

  it('are masked where the configuration is read', async () => {
    await h.admin('/system/setConfig', { 'secret.thing': 'top-secret', 'secret.thing.type': 'password', plain: 'seen' })

    const all = await pi.get('/system/', { token })
    const one = await pi.get('/system/secret.thing', { token })

    expect(all.value).toMatchObject({ 'secret.thing': '__CENSORED__', plain: 'seen' })
    expect([one.value, all.text.includes('v1.')]).toEqual(['__CENSORED__', false])
  })

  it('a token that is enrolled shows no seed', async () => {
    const { value, detail } = await pi.post(
      '/token/init',
      { type: 'email', user: 'ada', email: 'a@b.test', genkey: '1' },
      { token },
    )

    expect([value, Object.keys(detail).toSorted()]).toEqual([true, ['rollout_state', 'serial', 'threadid']])
  })
})
