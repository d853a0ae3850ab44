/** privacyIDEA's wire: how requests are read and what replies look like (contract G.2 to G.8). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Harness, startHarness } from '../support/harness.ts'
import { PASSWORD, type PiClient, piClient } from '../support/privacyidea.ts'

let h: Harness
let gateway: Gateway
let pi: PiClient
beforeAll(async () => {
  h = await startHarness({ OTPOST_ADMIN_PASSWORD: PASSWORD })
  gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  pi = piClient(h)
  await enroll(h, 'ada', 'EM1')
  await enroll(h, 'eve', 'EM2', { pin: '' })
  await enroll(h, 'bob', 'EM3')
  await enrollSms(h, 'bob', 'SM3')
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

describe('G.2 the shape of a challenge', () => {
  it('has digits for a transaction, and each token with its own words in one list', async () => {
    const { root } = await pi.check({ user: 'bob', pass: 'pin-' })

    const id = expect.stringMatching(/^\d{12,20}$/)
    const entry = { transaction_id: id, client_mode: 'interactive' }
    expect(root.result).toEqual({ status: true, value: false, authentication: 'CHALLENGE' })
    expect(root.detail).toEqual({
      ...{ transaction_id: id, transaction_ids: [id, id], serial: 'SM3', type: 'sms', client_mode: 'interactive' },
      message: 'Enter the OTP from the Email, Enter the OTP from the SMS:',
      messages: ['Enter the OTP from the Email', 'Enter the OTP from the SMS:'],
      multi_challenge: [
        { ...entry, serial: 'EM3', type: 'email', message: 'Enter the OTP from the Email' },
        { ...entry, serial: 'SM3', type: 'sms', message: 'Enter the OTP from the SMS:' },
      ],
      ...{ preferred_client_mode: 'interactive', threadid: expect.any(Number) },
    })
  })

  it('says equal words once, and uses those of the operator', async () => {
    await h.admin('/system/setConfig', { EMAIL_CHALLENGE_PROMPT: 'Look!', SMS_CHALLENGE_PROMPT: 'Look!' })
    const { detail } = await pi.check({ user: 'bob', pass: 'pin-' })
    for (const key of ['EMAIL_CHALLENGE_PROMPT', 'SMS_CHALLENGE_PROMPT']) await h.admin('/system/delConfig', { key })

    expect([detail.message, detail.messages]).toEqual(['Look!', ['Look!']])
  })

  it('is the same for php-client, which posts multipart with an agent that nobody knows', async () => {
    const form = (fields: Record<string, string>) => {
      const data = new FormData()
      for (const [name, value] of Object.entries(fields)) data.append(name, value)
      return data
    }

    const asked = await pi.send('POST', '/validate/check', form({ user: 'ada', pass: 'pin-' }), {
      agent: 'simpleSAMLphp',
    })
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const polled = await pi.get(`/validate/polltransaction?transaction_id=${asked.detail.transaction_id}&`)
    const answer = { user: 'ada', pass: otp, transaction_id: String(asked.detail.transaction_id), client: '192.0.2.1' }
    const answered = await pi.send('POST', '/validate/check', form(answer), { agent: 'simpleSAMLphp' })
    const auth = await pi.send('POST', '/auth', form({ username: 'admin', password: PASSWORD }))

    expect(asked.authentication).toBe('CHALLENGE')
    expect(polled.detail.challenge_status).toBe('pending')
    expect([answered.value, answered.authentication, answered.detail.message]).toEqual([
      true,
      'ACCEPT',
      'Found matching challenge',
    ])
    expect(auth.value).toMatchObject({ role: 'admin' })
  })
})

describe('G.3 java-client', () => {
  it('triggers by a service account, polls, answers, and lists tokens', async () => {
    const agent = 'privacyIDEA-Keycloak/1.5.1'
    const token = await pi.auth()
    const triggered = await pi.post('/validate/triggerchallenge', { user: 'ada' }, { token, agent })
    const transaction_id = String(triggered.detail.transaction_id)
    const polled = await pi.get(`/validate/polltransaction?transaction_id=${transaction_id}`, { agent })
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const answered = await pi.check({ user: 'ada', pass: otp, transaction_id }, { agent })
    const listed = await pi.get('/token/?user=bob', { token, agent })

    expect([triggered.value, triggered.authentication]).toEqual([1, 'CHALLENGE'])
    expect([polled.value, polled.authentication, polled.detail.challenge_status]).toEqual([false, 'REJECT', 'pending'])
    expect([answered.value, answered.authentication]).toEqual([true, 'ACCEPT'])
    expect(listed.value).toMatchObject({
      count: 2,
      tokens: [
        ...[{ serial: 'EM3', tokentype: 'email', active: true, realms: ['home'], info: { email: 'bob@mail.test' } }],
        ...[{ serial: 'SM3', tokentype: 'sms', active: true, realms: ['home'], info: { phone: '+49 170 1234567' } }],
      ],
    })
  })
})

describe('G.5 a challenge is answered', () => {
  it.each(['transaction_id', 'state', 'transactionid'])('by %s, with GET and with POST', async (name) => {
    const first = await pi.trigger('ada', 'pin-')
    const byPost = await pi.check({ user: 'ada', pass: first.otp, [name]: first.transaction })
    const second = await pi.trigger('ada', 'pin-')
    const byGet = await pi.get(`/validate/check?user=ada&pass=${second.otp}&${name}=${second.transaction}`)

    expect([byPost.authentication, byGet.authentication]).toEqual(['ACCEPT', 'ACCEPT'])
  })

  it('without naming the user, by the serial, and with an empty pass where there is no PIN', async () => {
    const asked = await pi.get('/validate/check?user=eve&pass=&realm=')
    const absent = await pi.check({ user: 'eve' })
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const bySerial = await pi.check({ serial: 'EM2', pass: otp, state: String(absent.detail.transaction_id) })

    expect([asked, absent, bySerial].map(({ authentication }) => authentication)).toEqual([
      ...['CHALLENGE', 'CHALLENGE', 'ACCEPT'],
    ])
  })
})

describe('G.6 bodies', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const json = { 'content-type': 'application/json' }

  it.each<readonly [string, string, string, Record<string, string>]>([
    ['a query beats a form', '?realm=home', 'user=ada&pass=pin-&realm=nowhere', form],
    ['JSON beats a query', '?realm=nowhere', '{"user":"ada","pass":"pin-","realm":"home"}', json],
    ['JSON leaves the rest of a query', '?user=ada', '{"pass":"pin-"}', json],
    ['JSON is known by what it is', '', '{"user":"ada","pass":"pin-"}', form],
    ['the same secret twice is one', '?pass=pin-', 'user=ada&pass=pin-', form],
    ['all of it stands in the query', '?user=ada&pass=pin-', '', form],
  ])('%s', async (_, query, body, headers) => {
    expect((await pi.send('POST', `/validate/check${query}`, body, { headers })).authentication).toBe('CHALLENGE')
  })

  it.each([
    ['?user=bob', 'user=ada&pass=pin-', form],
    ['?pass=nope', 'user=ada&pass=pin-', form],
    ['', 'user=ada&pass=pin-&pass=nope', form],
    ['?pass=nope', '{"user":"ada","pass":"pin-"}', json],
  ])('a user or a secret that is given twice is refused: %s %s', async (query, body, headers) => {
    const { status, error } = await pi.send('POST', `/validate/check${query}`, body, { headers })

    expect([status, error?.code]).toEqual([400, 905])
  })

  it('a path beats a parameter', async () => {
    const token = await pi.auth()
    await pi.post('/token/disable/EM1', { serial: 'EM2' }, { token })
    const { value } = await pi.get('/token/?active=false', { token })
    await pi.post('/token/enable/EM1', {}, { token })

    expect(value).toMatchObject({ count: 1, tokens: [{ serial: 'EM1' }] })
  })

  it.each<readonly [string, BodyInit, Record<string, string>]>([
    ['broken JSON', '{"user":', json],
    ['a list', '[]', json],
    ['a broken multipart', 'nothing', { 'content-type': 'multipart/form-data; boundary=x' }],
    ['more than anybody sends', `user=${'a'.repeat(70_000)}`, form],
  ])('%s is an error in JSON', async (_, body, headers) => {
    const { status, error } = await pi.send('POST', '/validate/check', body, { headers })

    expect([status, error?.code]).toEqual([400, 905])
  })
})

describe('G.7 errors', () => {
  it.each<readonly [string, Record<string, string>, number, number]>([
    ['nobody is named', { pass: 'pin-' }, 400, 905],
    ['an empty user', { user: '', pass: 'pin-' }, 400, 905],
    ['a serial with *', { serial: '*', pass: 'pin-' }, 400, 905],
    ['a user with %', { user: 'a%', pass: 'pin-' }, 400, 905],
    ['an unknown user', { user: 'nobody', pass: 'pin-' }, 400, 904],
    ['an unknown realm', { user: 'ada', realm: 'nowhere', pass: 'pin-' }, 400, 904],
  ])('%s', async (_, fields, status, code) => {
    for (const path of ['/validate/check', '/validate/samlcheck']) {
      const reply = await pi.post(path, fields)
      expect([reply.status, reply.error?.code]).toEqual([status, code])
    }
    const bare = await pi.post('/validate/radiuscheck', fields)
    expect([bare.status, bare.text]).toEqual([400, ''])
  })

  it('an unknown user is an ordinary no where the operator wants it so', async () => {
    const other = await startHarness({ OTPOST_PI_UNKNOWN_USER: 'reject' })
    await enroll(other, 'ada', 'EM1')
    const client = piClient(other)
    const [unknown, wrong] = [
      await client.check({ user: 'nobody', pass: 'x' }),
      await client.check({ user: 'ada', pass: 'x' }),
    ]
    await other.close()

    const { threadid: _, ...detail } = unknown.detail
    expect(detail).toEqual({ message: 'Authentication failed.' })
    expect({ ...unknown.root, detail }).toEqual({ ...wrong.root, detail })
  })

  it.each([
    ['no header', undefined, 4033],
    ['an empty one', '', 4033],
    ['a broken token', 'eyJh.eyJl.xyz', 4304],
    ['nonsense behind Bearer', 'Bearer nonsense', 4304],
  ])('%s where one must log in', async (_, token, code) => {
    for (const [method, path] of [
      ['GET', '/token/'],
      ['POST', '/validate/triggerchallenge'],
      ['GET', '/auth/rights'],
    ] as const) {
      const { status, error } = await pi.send(method, path, undefined, token === undefined ? {} : { token })
      expect([status, error?.code]).toEqual([401, code])
    }
  })

  it('a token that has expired, or was altered', async () => {
    const token = await pi.auth()
    const [header, payload = '', mac] = token.split('.')
    const altered = [header, `${payload.slice(0, -2)}${payload.at(-2) === 'A' ? 'B' : 'A'}${payload.at(-1)}`, mac].join(
      '.',
    )
    const forged = await pi.get('/token/', { token: altered })
    h.pass(1801)
    const expired = await pi.get('/token/', { token })

    expect([forged.error?.code, expired.error?.code]).toEqual([4304, 4305])
  })

  it.each([
    ['GET', '/nope', 404, 601],
    ['GET', '/', 404, 601],
    ['GET', '/validate/nope', 404, 601],
    ['PUT', '/validate/check', 405, 4307],
    ['POST', '/validate/initialize', 400, 905],
    ['POST', '/validate/polltransaction', 400, 905],
    ['GET', '/auth', 405, 4307],
  ])('%s %s', async (method, path, status, code) => {
    const reply = await pi.send(method, path)

    expect([reply.status, reply.error?.code]).toEqual([status, code])
  })
})

it('G.8 leaves the other face as it is', async () => {
  const plain = await h.post('/validate/simplecheck', { user: 'ada', pass: 'nope' })
  const challenge = await h.post('/validate/check', { user: 'bob', pass: 'pin-' })

  expect(Buffer.from(plain.text)).toEqual(Buffer.from(':-('))
  expect(challenge.json.detail).toHaveProperty('challenges')
  expect(challenge.text).not.toContain('multi_challenge')
})
