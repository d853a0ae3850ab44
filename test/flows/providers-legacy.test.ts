/** LinOTP's old configuration keys of providers (contract 4.2): `imported_default`, by setConfig and by setProvider. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { enrollSms, type Gateway, startGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, type Reply, startHarness } from '../support/harness.ts'

let h: Harness
let gateway: Gateway
beforeEach(async () => {
  h = await startHarness()
  gateway = await startGateway()
  await h.admin('/system/delProvider', { type: 'email', name: 'catcher' })
  return async () => {
    await h.close()
    await gateway.close()
  }
})

type Shown = Readonly<
  Record<
    string,
    { readonly Class: string; readonly Timeout: string; readonly Config: string; readonly Default: boolean }
  >
>

const setConfig = (fields: Fields): Promise<Reply> => h.admin('/system/setConfig', fields)
const providers = async (type = 'email'): Promise<Shown> =>
  (await h.admin('/system/getProvider', { type })).json.result?.value as Shown // its documented form
const config = async (): Promise<Readonly<Record<string, string>>> =>
  (await h.admin('/system/getConfig')).json.result?.value as Readonly<Record<string, string>> // likewise
const value = (reply: Reply): unknown => reply.json.result?.value
const message = (reply: Reply): string => reply.json.result?.error?.message ?? 'no error'

const smtp = (keys: object = {}): string =>
  JSON.stringify({ SMTP_SERVER: h.catcher.host, SMTP_PORT: h.catcher.port, EMAIL_FROM: 'legacy@example.org', ...keys })
const sms = (keys: object = {}): string =>
  JSON.stringify({ URL: gateway.url, SMS_TEXT_KEY: 'text', SMS_PHONENUMBER_KEY: 'to', ...keys })
const saveOther = (name: string, fields: Fields = {}): Promise<Reply> =>
  h.admin('/system/setProvider', {
    name,
    type: 'email',
    class: 'SMTPEmailProvider',
    timeout: '5',
    config: smtp(),
    ...fields,
  })

describe('EmailProviderConfig', () => {
  it('makes imported_default, which is the default and sends', async () => {
    await setConfig({ EmailProvider: 'linotp.lib.emailprovider.SMTPEmailProvider' })
    await setConfig({ key: 'EmailProviderConfig', value: smtp(), type: 'password' })
    await enroll(h, 'ada', 'EM1')
    const { otp, transactionId } = await h.trigger('ada', 'pin-')
    const answered = await h.check({ user: 'ada', transactionid: transactionId, pass: otp })

    expect(await providers()).toEqual({
      imported_default: {
        ...{ Class: 'linotp.lib.emailprovider.SMTPEmailProvider', Timeout: '120', Default: true },
        Config: smtp(),
      },
    })
    expect(h.catcher.mails().at(-1)?.from).toContain('legacy@example.org')
    expect(value(answered)).toBe(true)
  })

  it('needs no class: that of a fresh LinOTP holds', async () => {
    await h.admin('/system/delConfig', { key: 'EmailProvider' })
    await setConfig({ 'linotp.EmailProviderConfig': smtp() })

    expect(await providers()).toMatchObject({
      imported_default: { Class: 'linotp.provider.emailprovider.SMTPEmailProvider', Default: true },
    })
  })

  it('is sealed in the database and in getConfig, and masked in getProvider, in replies and in the audit', async () => {
    const reply = await setConfig({ EmailProviderConfig: smtp({ SMTP_USER: 'ada', SMTP_PASSWORD: 'hunter2' }) })
    const asked = await h.admin('/system/getConfig', { key: 'EmailProviderConfig' })
    const listed = await h.admin('/system/getConfig')
    const rows = await h.batch(
      [
        { sql: "SELECT value FROM config WHERE key = 'EmailProviderConfig'", params: [] },
        { sql: 'SELECT info FROM audit', params: [] },
      ],
      'read',
    )

    expect(JSON.parse((await providers()).imported_default?.Config ?? '')).toMatchObject({ SMTP_PASSWORD: '***' })
    expect(JSON.stringify(value(asked))).toContain('"getConfig EmailProviderConfig":"v1.')
    expect([reply.text, asked.text, listed.text, JSON.stringify(rows), h.log.join()].join()).not.toContain('hunter2')
    expect(Object.keys(value(reply) as object)).toEqual([
      `setConfig EmailProviderConfig:${smtp({ SMTP_USER: 'ada', SMTP_PASSWORD: '***' })}`,
    ])
  })

  it('keeps its secrets when it is posted back as it was shown, and only for the same server', async () => {
    await setConfig({ EmailProviderConfig: smtp({ SMTP_USER: 'ada', SMTP_PASSWORD: 'hunter2' }) })
    const back = (await providers()).imported_default?.Config ?? ''
    const elsewhere = JSON.stringify({ ...JSON.parse(back), SMTP_SERVER: 'evil.test' })

    expect(message(await setConfig({ EmailProviderConfig: elsewhere }))).toMatch(
      /^EmailProviderConfig.SMTP_PASSWORD must be given again, because SMTP_SERVER has changed/,
    )
    expect(value(await setConfig({ EmailProviderConfig: back }))).toBeTruthy()
    expect((await providers()).imported_default?.Config).toBe(back)
  })

  it('is listed, and deletable like any other entry, and the provider goes with it', async () => {
    await setConfig({ EmailProviderConfig: smtp(), EmailProvider: 'SMTPEmailProvider' })
    const before = await config()
    await h.admin('/system/delConfig', { key: 'linotp.EmailProviderConfig' })

    expect(before).toMatchObject({ EmailProvider: 'SMTPEmailProvider', EmailProviderConfig: expect.any(String) })
    expect(await config()).not.toHaveProperty('EmailProviderConfig')
    expect(await providers()).toEqual({})
  })

  it.each<readonly [string, () => Fields, RegExp]>([
    ['no JSON', () => ({ EmailProviderConfig: '{x' }), /^EmailProviderConfig must be a JSON object/],
    ['empty', () => ({ EmailProviderConfig: '' }), /'EmailProviderConfig'/],
    ['without a server', () => ({ EmailProviderConfig: '{}' }), /^EmailProviderConfig.SMTP_SERVER /],
    ['with a bad port', () => ({ EmailProviderConfig: smtp({ SMTP_PORT: 'x' }) }), /^EmailProviderConfig.SMTP_PORT /],
    [
      'of no known class',
      () => ({ EmailProvider: 'os.path', EmailProviderConfig: smtp() }),
      /^EmailProvider must be a class/,
    ],
    [
      'half a character',
      () => ({ EmailProviderConfig: `{"SMTP_SERVER":"a","EMAIL_FROM":"\\ud800@x.test"}` }),
      /^EmailProviderConfig.EMAIL_FROM must be whole/,
    ],
  ])(
    'that is wrong is refused by field and rule, and nothing of the request is stored: %s',
    async (_, fields, rule) => {
      const before = await config()
      const reply = await setConfig({ EmailBlockingTimeout: '7', ...fields() })

      expect(message(reply)).toMatch(rule)
      expect(await config()).toEqual(before)
    },
  )
})

describe('EmailProvider', () => {
  it.each(['SMTPEmailProvider', 'whatever.it.Is'])('makes no provider alone, and is no error: %s', async (name) => {
    expect(value(await setConfig({ EmailProvider: name }))).toEqual({ [`setConfig EmailProvider:${name}`]: true })
    expect(await providers()).toEqual({})
    expect(await config()).toMatchObject({ EmailProvider: name })
  })

  it('changes the class of imported_default when the configuration fits it', async () => {
    await setConfig({ EmailProviderConfig: smtp() })
    const other = await setConfig({ EmailProvider: 'ResendEmailProvider' })
    const unknown = await setConfig({ EmailProvider: 'nothing' })
    const same = await setConfig({ EmailProvider: 'SMTPEmailProvider' })

    expect(message(other)).toMatch(/^EmailProvider must fit the configuration, .*EmailProviderConfig\.\w+ /)
    expect(message(unknown)).toMatch(/^EmailProvider must be a class of email providers/)
    expect(value(same)).toBeTruthy()
    expect(await providers()).toMatchObject({ imported_default: { Class: 'SMTPEmailProvider' } })
  })
})

describe('the time-out of imported_default', () => {
  it('is the blocking time, and does not bound how long an OTP is valid', async () => {
    await setConfig({ EmailProviderConfig: smtp(), EmailBlockingTimeout: '5' })
    await enroll(h, 'ada', 'EM1')
    const first = await h.trigger('ada', 'pin-')
    h.pass(500)
    const late = await h.check({ user: 'ada', transactionid: first.transactionId, pass: first.otp })
    await saveOther('other', { default: 'true' })
    const second = await h.trigger('ada', 'pin-')
    h.pass(6)
    const tooLate = await h.check({ user: 'ada', transactionid: second.transactionId, pass: second.otp })

    expect(await providers()).toMatchObject({ imported_default: { Timeout: '5' } })
    expect([late, tooLate].map(value)).toEqual([true, false])
  })

  it('is set with the provider, by the rule of the entry, and stays when the provider is deleted', async () => {
    const legacy = { name: 'imported_default', timeout: '77' }
    const saved = await saveOther('', legacy)
    const wrong = await saveOther('', { ...legacy, timeout: 'abc' })

    expect(value(saved)).toBe(true)
    expect(message(wrong)).toMatch(/^timeout must be a whole number from 0 to /)
    expect(await providers()).toMatchObject({ imported_default: { Timeout: '77', Class: 'SMTPEmailProvider' } })
    expect(await config()).toMatchObject({ EmailBlockingTimeout: '77', EmailProvider: 'SMTPEmailProvider' })
    await h.admin('/system/delProvider', { type: 'email', name: 'imported_default' })
    expect(await config()).toMatchObject({ EmailBlockingTimeout: '77' })
    expect(await config()).not.toHaveProperty('EmailProviderConfig')
  })

  it('for SMS bounds the OTP, as it does for every SMS provider, and is not the time a gateway may take', async () => {
    await setConfig({ SMSProviderConfig: sms(), SMSProviderTimeout: '31536000' })
    await enrollSms(h, 'bob', 'SM1')
    const { json } = await h.check({ user: 'bob', pass: 'pin-' })
    const pass = gateway.otp()
    const answered = await h.check({ user: 'bob', pass, transactionid: String(json.detail?.transactionid) })

    expect(await providers('sms')).toMatchObject({ imported_default: { Timeout: '31536000', Default: true } })
    expect(value(answered)).toBe(true)
  })
})

describe('imported_default among other providers', () => {
  beforeEach(async () => {
    await setConfig({ EmailProviderConfig: smtp() })
    await saveOther('new1')
  })
  const remove = (name: string): Promise<Reply> => h.admin('/system/delProvider', { type: 'email', name })
  const setDefault = (name: string): Promise<Reply> => h.admin('/system/setDefaultProvider', { type: 'email', name })
  const defaults = async () => Object.entries(await providers()).flatMap(([name, one]) => (one.Default ? [name] : []))

  it('stays the default until another one is made it, and can be made it again', async () => {
    const seen = [await defaults()]
    await setDefault('new1')
    seen.push(await defaults())
    await setDefault('imported_default')
    seen.push(await defaults())

    expect(seen).toEqual([['imported_default'], ['new1'], ['imported_default']])
  })

  it('is not deleted while it is the default, nor is another one, unless it is the last', async () => {
    const refused = await remove('imported_default')
    await setDefault('new1')
    const refusedToo = await remove('new1')

    expect([refused, refusedToo].map((reply) => reply.json.detail?.message)).toEqual([
      'Default provider could not be deleted!',
      'Default provider could not be deleted!',
    ])
    expect([value(await remove('imported_default')), value(await remove('new1'))]).toEqual([true, true])
    await setConfig({ EmailProviderConfig: smtp() })
    expect(await defaults()).toEqual(['imported_default'])
    expect(value(await remove('imported_default'))).toBe(true)
    expect(value(await remove('imported_default'))).toBe(false)
  })

  it.each(['imported_default', 'new1 imported_default'])(
    'is not deleted while a policy names it: email_provider=%s',
    async (names) => {
      await setDefault('new1')
      const policy = { name: 'pp', scope: 'authentication', realm: '*', action: `email_provider=${names}` }
      await h.admin('/system/setPolicy', policy)
      const refused = await remove('imported_default')
      await h.admin('/system/setPolicy', { ...policy, active: 'False' })
      const refusedToo = await remove('imported_default')
      await h.admin('/system/delPolicy', { name: 'pp' })

      for (const reply of [refused, refusedToo])
        expect(reply.json).toMatchObject({
          result: { value: false },
          detail: { message: 'Unable to delete - provider used in policies!\n[pp]' },
        })
      expect(value(await remove('imported_default'))).toBe(true)
    },
  )

  it('leaves the mark to the first of them when its entry is deleted', async () => {
    await saveOther('aaa')
    await h.admin('/system/delConfig', { key: 'EmailProviderConfig' })

    expect(await defaults()).toEqual(['new1'])
  })

  it('is chosen by a policy that names it', async () => {
    await setDefault('new1')
    await h.admin('/system/setPolicy', {
      ...{ name: 'pp', scope: 'authentication', realm: '*', action: 'email_provider=imported_default' },
    })
    await setConfig({ EmailProviderConfig: smtp({ EMAIL_FROM: 'other@example.org' }) })
    await enroll(h, 'ada', 'EM1')
    await h.trigger('ada', 'pin-')

    expect(h.catcher.mails().at(-1)?.from).toContain('other@example.org')
  })

  it('cannot be managed, since its keys are open to setConfig', async () => {
    expect(message(await saveOther('imported_default', { managed: 'x' }))).toMatch(/^managed cannot be given/)
  })
})

describe('a configuration of a provider under the name that LinOTP keeps it by', () => {
  afterEach(async () => {
    await h.admin('/system/delConfig', { key: 'EmailProvider.mail1.Config' })
  })

  it('is sealed although nothing reads it', async () => {
    await setConfig({ 'EmailProvider.mail1.Config': '{"SMTP_PASSWORD":"hunter2"}' })

    expect((await config())['EmailProvider.mail1.Config']).toMatch(/^v1\./)
  })
})
