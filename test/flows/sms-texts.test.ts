// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are otpost's, not JavaScript's
/** What stands in an SMS, where it is sent, and by which provider: texts, placeholders, dynamic numbers, fail-over, files. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { type AnotherNode, anotherNode } from '../support/another-node.ts'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { type Fields, type Harness, startHarness } from '../support/harness.ts'
import { closedPort } from '../support/smtp-server.ts'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await useGateway(h, gateway)
  await h.admin('/system/setConfig', { SMSBlockingTimeout: '0' })
  await enrollSms(h, 'bob', 'SM1')
})
afterEach(() => h.admin('/system/delPolicy', { name: 'p' }))
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const policy = async (action: string): Promise<void> => {
  const fields = { name: 'p', scope: 'authentication', realm: 'home', user: '*', client: '*', time: '', active: 'True' }
  const { json, text } = await h.admin('/system/setPolicy', { ...fields, action })
  if (json.result?.status !== true) throw new Error(`the policy was refused: ${text}`)
}
/** Triggers, and gives the text of the SMS with OTP and transaction in words, so that it can be compared. */
async function textOf(fields: Fields, endpoint = 'check'): Promise<string> {
  const { json } = await h.post(`/validate/${endpoint}`, { pass: 'pin-', ...fields })
  const text = gateway.text().replace(String(json.detail?.transactionid), 'TRANSACTION')
  return text.replace(/(?<!\d)\d{6}(?!\d)/g, 'OTP')
}
const deliveries = async (count: number) =>
  (await h.client.execute(`SELECT provider, status, reason FROM deliveries ORDER BY id DESC LIMIT ${count}`)).rows

describe('the text', () => {
  it.each<readonly [string, Fields, string]>([
    ['the OTP where nobody says anything', {}, 'OTP'],
    ['data', { data: 'data <otp>' }, 'data OTP'],
    ['message', { message: 'message <otp>' }, 'message OTP'],
    ['data rather than message', { data: 'data <otp>', message: 'message <otp>' }, 'data OTP'],
    ['challenge', { challenge: 'challenge <otp>' }, 'challenge OTP'],
    ['the OTP for empty ones', { data: '', challenge: '' }, 'OTP'],
    ['a text without the OTP, and the OTP before it', { data: 'is your code' }, 'OTP is your code'],
    ['a challenge without the OTP, and the OTP before it', { challenge: 'is your code' }, 'OTP is your code'],
    ['the OTP as often as it is asked for', { data: '<otp>/<otp>' }, 'OTP/OTP'],
    ['the serial', { data: '<otp> for <serial>' }, 'OTP for SM1'],
    ['the transaction', { data: '<otp> for <transactionid>' }, 'OTP for TRANSACTION'],
    ['no more than ten messages of a client’s text', { data: `${'x'.repeat(5000)}<otp>` }, `OTP ${'x'.repeat(640)}`],
    ['the same of signs that take two units', { data: `x${'😀'.repeat(400)}` }, `OTP x${'😀'.repeat(319)}`],
    ['attributes of the user', { data: '${givenname} ${surname}, ${mobile}: <otp>' }, 'Bob Berg, +49 170 2222222: OTP'],
    [
      'an unknown attribute as it is',
      { data: '${nothing} ${cryptpass} ${constructor} <otp>' },
      '${nothing} ${cryptpass} ${constructor} OTP',
    ],
    ['nothing that is executed', { data: '${7*6} <% x %> ${{a}} <otp>' }, '${7*6} <% x %> ${{a}} OTP'],
    ['an attribute and the OTP before it', { data: '${otp} ${serial}' }, 'OTP OTP SM1'],
  ])('is %s', async (_, fields, text) => expect(await textOf({ user: 'bob', ...fields })).toBe(text))

  it.each<readonly [string, string, Fields, string]>([
    ['policy where nobody proposes one', "smstext='policy <otp>'", {}, 'policy OTP'],
    ['policy rather than challenge', "smstext='policy <otp>'", { challenge: 'challenge <otp>' }, 'policy OTP'],
    ['data rather than policy', "smstext='policy <otp>'", { data: 'data <otp>' }, 'data OTP'],
    ['policy where it is enforced', "smstext='policy <otp>', enforce_smstext", { data: 'data <otp>' }, 'policy OTP'],
    ['the OTP where no text is enforced', 'enforce_smstext', { data: 'data <otp>', message: 'm' }, 'OTP'],
    ['policy without the OTP, and the OTP before it', "smstext='Hello ${givenname}'", {}, 'OTP Hello Bob'],
  ])('is that of %s', async (_, action, fields, text) => {
    await policy(action)

    expect(await textOf({ user: 'bob', ...fields })).toBe(text)
  })

  it('is the challenge of check_s where policy triggers without a PIN', async () => {
    await policy('trigger_sms')
    await h.admin('/system/setPolicy', {
      ...{
        name: 'p',
        action: 'trigger_sms',
        scope: 'authentication',
        realm: '*',
        user: '',
        client: '',
        active: 'True',
      },
    })
    const { json } = await h.post('/validate/check_s', { serial: 'SM1', challenge: 'Your code <otp>' })

    expect(json.detail?.message).toBe('sms submitted')
    expect(gateway.text()).toMatch(/^Your code \d{6}$/)
  })

  it('fills in values once: what looks like a placeholder in an attribute stays', async () => {
    const content = 'mal:x:1:1:<otp> ${serial},room,+49 170 9'
    await h.admin('/system/setResolver', { name: 'm', type: 'passwdresolver', 'passwdresolver.content': content })
    await h.admin('/system/setRealm', { realm: 'm', resolvers: 'm' })
    await enrollSms(h, 'mal', 'SM2', { realm: 'm' })

    expect(await textOf({ user: 'mal', realm: 'm', data: '${givenname}|${surname}|<otp>' })).toBe('<otp>|${serial}|OTP')
  })

  // A gap, reported: a request that names a serial does not know the owner of the token (contract 3.6, 5.2).
  it.each(['check', 'check_s'])('has the attributes of the owner with %s and a serial', async (endpoint) => {
    expect(await textOf({ serial: 'SM1', data: '${givenname}: <otp>' }, endpoint)).toBe('Bob: OTP')
  })
})

describe('the number', () => {
  it('is the present one of the user where policy says so, and that of the token where the user has none', async () => {
    await policy('sms_dynamic_mobile_number')
    await enrollSms(h, 'eve', 'SM3', { phone: '+49 30 333' })
    await textOf({ user: 'bob' })
    const present = gateway.requests.at(-1)?.form.to
    const before = gateway.requests.length
    const { json } = await h.check({ user: 'eve', pass: 'pin-' })

    expect(present).toBe('+49 170 2222222')
    // Eve's record has an empty number, which wins and leads nowhere (contract 3.6).
    expect(json).not.toHaveProperty('detail')
    expect(gateway.requests).toHaveLength(before)
    expect(await deliveries(1)).toMatchObject([{ provider: '', reason: 'address_missing' }])
  })
})

describe('several providers', () => {
  it.each<readonly [string, () => Promise<string>, string]>([
    ['is down', async () => `http://127.0.0.1:${await closedPort()}/`, 'connection_refused'],
    ['says no', async () => `${gateway.url}?reply=no`, 'gateway_says_no'],
  ])('are tried in the order of policy when the first %s', async (_, url, reason) => {
    const config = { URL: await url(), SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to', RETURN_SUCCESS: 'YES' }
    await h.admin('/system/setProvider', {
      ...{ name: 'first', type: 'sms', class: 'HttpSMSProvider', timeout: '1', config: JSON.stringify(config) },
    })
    await policy("sms_provider='first gateway'")

    const { json } = await h.check({ user: 'bob', pass: 'pin-' })

    expect(json.detail?.message).toBe('sms submitted')
    expect(await deliveries(2)).toMatchObject([
      { provider: 'gateway', status: 'accepted' },
      { provider: 'first', status: 'unavailable', reason },
    ])
  })
})

describe('FileSMSProvider', () => {
  let node: AnotherNode
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'otpost-sms-'))
    node = anotherNode(h, { edges: { writeFile: (path, text) => writeFile(path, text, 'utf8') } })
  })
  afterAll(async () => {
    await useGateway(h, gateway)
    await rm(folder, { recursive: true })
  })
  const save = (config: object) =>
    node.admin('/system/setProvider', {
      ...{ name: 'file', type: 'sms', class: 'smsprovider.FileSMSProvider.FileSMSProvider', timeout: '30' },
      ...{ default: 'true', config: JSON.stringify(config) },
    })
  const trigger = (data: string) => node.post('/validate/check', { user: 'bob', pass: 'pin-', data })

  it.each<readonly [string, () => object, string]>([
    ['a file in a folder', () => ({ file: 'sms.out', here: folder }), '+49 170 1234567'],
    ['a file by its whole name', () => ({ file: join(folder, 'sms.out') }), '+49 170 1234567'],
    ['with digits alone', () => ({ file: 'sms.out', here: folder, MSISDN: 'true' }), '+491701234567'],
  ])('writes number and text into %s, over what was there', async (_, config, number) => {
    await save(config())
    await trigger('the first <otp>')
    const { json } = await trigger('Grüße: <otp>')
    const text = await readFile(join(folder, 'sms.out'), 'utf8')
    const answer = { user: 'bob', pass: text.slice(-6), state: String(json.detail?.state) }

    expect(text.slice(0, -6)).toBe(`${number}:Grüße: `)
    expect((await node.post('/validate/check', answer)).json.result?.value).toBe(true)
  })

  it('is a plain no where the file cannot be written, and its name is nobody else’s business', async () => {
    await save({ file: 'sms.out', here: join(folder, 'nowhere') })
    h.log.length = 0

    const { json } = await trigger('<otp>')

    expect(json).toEqual({ ...json, result: { status: true, value: false }, id: 0 })
    expect(await deliveries(1)).toMatchObject([{ provider: 'file', reason: 'file_not_writable' }])
    expect(h.log.join()).not.toContain('nowhere')
  })

  it('is refused, and does not send, on a runtime without files', async () => {
    const config = JSON.stringify({ file: 'sms.out', here: folder })
    const saved = await h.admin('/system/setProvider', {
      ...{ name: 'other', type: 'sms', class: 'FileSMSProvider', timeout: '30', config },
    })
    const { json } = await h.check({ user: 'bob', pass: 'pin-' })

    expect(saved.json.result?.error?.message).toBe('config.file cannot be written on this runtime')
    expect(json).not.toHaveProperty('detail')
    expect(await deliveries(1)).toMatchObject([{ provider: 'file', reason: 'config_invalid_file' }])
  })
})

it('autosms turns no yes into a no, whatever becomes of the next message', async () => {
  await policy('autosms')
  await h.check({ user: 'bob', pass: 'pin-' })
  const otp = gateway.otp()
  await h.client.execute("CREATE TRIGGER broken BEFORE INSERT ON challenges BEGIN SELECT RAISE(ABORT, 'broken'); END")
  onTestFinished(async () => void (await h.client.execute('DROP TRIGGER broken')))

  const reply = await h.check({ user: 'bob', pass: `pin-${otp}` })

  expect(reply.json.result?.value).toBe(true)
  expect(h.log.join('\n')).toContain('autosms_failed')
})
