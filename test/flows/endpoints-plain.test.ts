/** Replies that old clients compare byte by byte, and the options that every endpoint of /validate understands. */
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

const NO = { status: true, value: false }
const UNKNOWN = '12345678901234567'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  await enroll(h, 'ada', 'EM1')
  await enroll(h, 'eve', 'EM2', { pin: '' })
  await enrollSms(h, 'bob', 'SM1')
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const ask = (endpoint: string, fields: Fields = {}): Promise<Reply> => h.post(`/validate/${endpoint}`, fields)

describe('simplecheck', () => {
  it('is three characters, or three and the challenge, with no line break and never from a cache', async () => {
    const triggered = await ask('simplecheck', { user: 'ada', pass: 'pin-' })
    const id = /^:-\( (\d{17}) e-mail sent successfully$/.exec(triggered.text)?.[1] ?? ''
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const replies = [
      await ask('simplecheck', { user: 'ada', pass: '000', state: id }),
      // As the RADIUS clients ask: `state`, and `client` beside it.
      await ask('simplecheck', { user: 'ada', pass: otp, state: id, client: '192.0.2.99' }),
      await ask('simplecheck', { user: 'ada', pass: otp, state: id }),
      await ask('simplecheck', { user: 'nobody', pass: 'pin-' }),
      await ask('simplecheck'),
    ]

    expect(id).not.toBe('')
    expect(replies.map((reply) => reply.text)).toEqual([':-(', ':-)', ':-(', ':-(', ':-('])
    for (const reply of [triggered, ...replies]) {
      expect(reply.status).toBe(200)
      expect(reply.headers.get('content-type')).toBe('text/html; charset=utf-8')
      expect(reply.headers.get('cache-control')).toBe('no-store')
    }
  })

  it('answers a PAM client, which leaves an empty pass out, with a plain no', async () => {
    const reply = await ask('simplecheck', { realm: 'home', user: 'eve' })

    expect(reply.text).toBe(':-(')
  })

  it('names the open transaction when no second message is sent', async () => {
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '60' })
    const first = await ask('simplecheck', { user: 'ada', pass: 'pin-' })
    const second = await ask('simplecheck', { user: 'ada', pass: 'pin-' })
    await h.admin('/system/setConfig', { EmailBlockingTimeout: '0' })

    expect(second.text).toBe(first.text.replace('e-mail sent successfully', 'e-mail with otp already submitted'))
  })
})

describe('smspin', () => {
  it('says yes to an SMS that was sent, and shows the challenge in the id', async () => {
    const { json } = await ask('smspin', { user: 'bob', pass: 'pin-' })

    expect(json.result).toEqual({ status: true, value: true })
    expect(json.id).toEqual({
      ...{ transactionid: expect.stringMatching(/^\d{17}$/), state: expect.stringMatching(/^\d{17}$/) },
      ...{ message: 'sms submitted', linotp_tokenserial: 'SM1', linotp_tokentype: 'sms', linotp_tokendescription: '' },
    })
    expect(json).not.toHaveProperty('detail')
  })

  it('says yes while an SMS is still good', async () => {
    await h.admin('/system/setConfig', { SMSBlockingTimeout: '60' })
    const { json } = await ask('smspin', { user: 'bob', pass: 'pin-' })
    await h.admin('/system/setConfig', { SMSBlockingTimeout: '0' })

    expect(json.result?.value).toBe(true)
    expect(json.id).toMatchObject({ message: 'sms with otp already submitted', info: 'challenge already submitted' })
  })

  it.each<readonly [string, Fields]>([
    ['a wrong PIN', { user: 'bob', pass: 'nope' }],
    ['an e-mail token', { user: 'ada', pass: 'pin-' }],
    ['an unknown user', { user: 'nobody', pass: 'pin-' }],
    ['nothing at all', {}],
  ])('says no to %s', async (_, fields) => {
    const { json } = await ask('smspin', fields)

    expect(json).toEqual({ ...json, result: NO, id: 0 })
    expect(json).not.toHaveProperty('detail')
  })

  it('says no when the message to the client is not the usual one, to a login, and to an SMS nobody took', async () => {
    await h.admin('/system/setConfig', { SMS_CHALLENGE_PROMPT: 'look at your phone' })
    const prompted = await ask('smspin', { user: 'bob', pass: 'pin-' })
    await h.admin('/system/delConfig', { key: 'SMS_CHALLENGE_PROMPT' })
    await ask('smspin', { user: 'bob', pass: 'pin-' })
    const login = await ask('smspin', { user: 'bob', pass: `pin-${gateway.otp()}` })
    gateway.reply({ status: 500 })
    const lost = await ask('smspin', { user: 'bob', pass: 'pin-' })
    gateway.reply({})

    for (const { json } of [prompted, login, lost]) expect(json).toEqual({ ...json, result: NO, id: 0 })
  })
})

describe('samlcheck', () => {
  const saml = async (user: string): Promise<Reply> => {
    const { otp, transactionId } = await h.trigger(user, user === 'eve' ? '' : 'pin-')
    return ask('samlcheck', { user, pass: otp, state: transactionId })
  }

  it.each(['', 'False'])('tells no attributes when allowSamlAttributes is %j', async (value) => {
    await h.admin('/system/setConfig', { allowSamlAttributes: value })
    const { json } = await saml('ada')

    expect(json).toEqual({ ...json, result: { status: true, value: { auth: true, attributes: {} } }, id: 0 })
    expect(json).not.toHaveProperty('detail')
  })

  it('tells the six attributes when allowSamlAttributes is True, null where the user has none', async () => {
    await h.admin('/system/setConfig', { allowSamlAttributes: 'True' })
    const replies = [await saml('ada'), await saml('eve')]

    expect(replies.map((reply) => reply.json.result?.value)).toEqual([
      {
        auth: true,
        attributes: {
          ...{ username: 'ada', givenname: 'Ada', surname: 'Byron', email: 'ada@example.org' },
          ...{ mobile: '+49 170 1111111', phone: '+49 30 111' },
        },
      },
      {
        auth: true,
        attributes: {
          ...{ username: 'eve', givenname: 'Eve', surname: 'Ümlaut', email: null, mobile: null, phone: null },
        },
      },
    ])
  })

  it('tells no attributes with a challenge or a no', async () => {
    const challenge = await ask('samlcheck', { user: 'ada', pass: 'pin-' })
    const no = await ask('samlcheck', { user: 'ada', pass: 'nope' })
    const unknown = await ask('samlcheck', { user: 'nobody', pass: 'pin-' })

    for (const { json } of [challenge, no, unknown]) expect(json.result?.value).toEqual({ auth: false, attributes: {} })
    expect(challenge.json.detail).toMatchObject({ linotp_tokenserial: 'EM1' })
    expect(no.json).not.toHaveProperty('detail')
  })

  it('is a bare no where LinOTP raises: nothing to compare, or a policy that refuses', async () => {
    const policy = { name: 'refuse', scope: 'authorization', realm: '*', user: '*', client: '*', active: 'True' }
    onTestFinished(async () => void (await h.admin('/system/delPolicy', { name: 'refuse' })))
    const replies = [await ask('samlcheck', { user: 'ada' }), await ask('samlcheck', { user: 'nobody' })]
    await h.admin('/system/setPolicy', { ...policy, action: 'authorize', user: 'bob' })
    replies.push(await ask('samlcheck', { user: 'ada', pass: 'pin-' }))
    await h.admin('/system/setPolicy', { ...policy, action: 'tokentype=sms' })
    replies.push(await saml('ada'))

    for (const { json } of replies) expect(json).toEqual({ ...json, result: NO, id: 0 })
  })

  it('is a bare no when the message could not be sent', async () => {
    gateway.reply({ status: 500 })
    const { json } = await ask('samlcheck', { user: 'bob', pass: 'pin-' })
    gateway.reply({})

    expect(json).toEqual({ ...json, result: NO, id: 0 })
  })
})

describe('radiuscheck, ok and fail', () => {
  it('is 204 for yes and 400 for everything else, without a body', async () => {
    const challenge = await ask('radiuscheck', { user: 'ada', pass: 'pin-' })
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const replies = [
      await ask('radiuscheck', { user: 'ada', pass: `pin-${otp}` }),
      await ask('radiuscheck', { user: 'ada', pass: `pin-${otp}` }),
      await ask('radiuscheck', { user: 'nobody', pass: 'pin-' }),
      await ask('radiuscheck'),
    ]

    expect([challenge, ...replies].map((reply) => reply.status)).toEqual([400, 204, 400, 400, 400])
    for (const reply of [challenge, ...replies]) {
      expect(reply.text).toBe('')
      expect(reply.headers.get('content-type')).toBeNull()
      expect(reply.headers.get('cache-control')).toBe('no-store')
    }
  })

  it.each([
    ['ok', true],
    ['fail', false],
  ])('%s is always %s', async (endpoint, value) => {
    const { json } = await ask(endpoint, { user: 'ada', pass: 'nope' })

    expect(json).toEqual({ ...json, result: { status: true, value }, id: 0 })
  })
})

describe('an option', () => {
  it('auth_info tells how long PIN and OTP were, when the pass held both', async () => {
    const inOnePass = await h.trigger('ada', 'pin-')
    const both = await ask('check', { user: 'ada', pass: `pin-${inOnePass.otp}`, auth_info: 'True' })
    const answered = await h.trigger('ada', 'pin-')
    const alone = await ask('check', {
      ...{ user: 'ada', pass: answered.otp, state: answered.transactionId, auth_info: 'true' },
    })
    const refused = await ask('check', { user: 'ada', pass: 'pin-000000', auth_info: 'true' })
    const quiet = await h.trigger('ada', 'pin-')
    const unasked = await ask('check', { user: 'ada', pass: `pin-${quiet.otp}`, auth_info: 'false' })

    expect(both.json.detail).toEqual({
      auth_info: [
        ['pin_length', 4],
        ['otp_length', 6],
      ],
    })
    for (const { json } of [alone, refused, unasked]) expect(json).not.toHaveProperty('detail')
  })

  it('qr shows the message of a challenge as a page of its own, and changes nothing else', async () => {
    await h.admin('/system/setConfig', { EMAIL_CHALLENGE_PROMPT: '<b>look & see</b>' })
    const page = await ask('check', { user: 'ada', pass: 'pin-', qr: '1' })
    await h.admin('/system/delConfig', { key: 'EMAIL_CHALLENGE_PROMPT' })
    const otp = h.catcher.mails().at(-1)?.text ?? ''
    const yes = await ask('check', { user: 'ada', pass: `pin-${otp}`, qr: '1' })

    expect(page.headers.get('content-type')).toMatch('text/html')
    expect(page.headers.get('cache-control')).toBe('no-store')
    expect(page.text).toContain('<svg')
    expect(page.text).toContain('&#60;b&#62;look &#38; see')
    expect(page.text).not.toContain('<b>')
    expect(yes.json.result?.value).toBe(true)
  })

  it('qr shows a message that is too long for a code as text alone', async () => {
    await h.admin('/system/setConfig', { EMAIL_CHALLENGE_PROMPT: 'ü'.repeat(1500) })
    const page = await ask('check', { user: 'ada', pass: 'pin-', qr: '1' })
    await h.admin('/system/delConfig', { key: 'EMAIL_CHALLENGE_PROMPT' })

    expect([page.status, page.text.includes('<svg'), page.text.includes('ü'.repeat(1500))]).toEqual([200, false, true])
  })

  it('challenge takes the place of all others', async () => {
    const others = { serial: 'NONE', token_type: 'email', state: UNKNOWN, data: 'data <otp>', message: 'message <otp>' }
    const { json } = await ask('check', { user: 'bob', pass: 'pin-', challenge: 'Hello <otp>', ...others })
    const ignored = await ask('check', { user: 'bob', pass: 'pin-', challenge: '', token_type: 'email' })

    expect(json.detail).toMatchObject({ linotp_tokenserial: 'SM1' })
    expect(gateway.text()).toMatch(/^Hello \d{6}$/)
    expect(ignored.json).not.toHaveProperty('detail') // an empty one is none
  })

  it('token_type, in any case, asks the tokens of that type alone', async () => {
    await enroll(h, 'bob', 'EM3')

    const replies = [
      await ask('check', { user: 'bob', pass: 'pin-', token_type: 'SMS' }),
      await ask('check', { user: 'bob', pass: 'pin-', token_type: 'email' }),
      await ask('check', { user: 'bob', pass: 'nope', token_type: 'sms' }),
      await ask('check', { user: 'bob', pass: 'pin-', token_type: 'pigeon' }),
    ]

    expect(replies.map((reply) => reply.json.detail?.linotp_tokenserial)).toEqual(['SM1', 'EM3', undefined, undefined])
    expect([await h.failCount('SM1'), await h.failCount('EM3')]).toEqual([1, 0])
    await h.admin('/admin/remove', { serial: 'EM3' })
  })
})
