/**
 * The actions of scope selfservice on the wire, for every-action.test.ts: what Alice of realm corp may do without each and
 * with it.
 */
import { enroll, type Fields, type Harness } from './harness.ts'
import { type Browser, codeOf, logIn, openBrowser, otpAt, spare } from './self.ts'

export type Effect = {
  /** Actions that stand in both cases. */
  readonly given?: string
  readonly written: string
  readonly more?: Fields
  /** What is there before the policy is. */
  readonly before?: () => Promise<unknown>
  readonly see: () => Promise<unknown>
  readonly without: unknown
  readonly with: unknown
}

/** @param of the harness, which is there once the tests run */
export function selfEffects(of: () => Harness): Readonly<Record<string, Effect>> {
  const mailToken = () => enroll(of(), 'alice', 'MAIL', { realm: 'corp', email_address: 'alice@token.test' })
  /** What Alice is told in self-service. */
  const self = async (act: (alice: Browser) => Promise<unknown>) => act(await logIn(of(), 'alice', { realm: 'corp' }))
  const selfCode = (path: string, fields: Fields = {}) => self(async (alice) => codeOf(await alice.call(path, fields)))
  /** The same for a token of hers. */
  const selfToken = async (path: string, fields: Fields = {}) => {
    await mailToken()
    return selfCode(path, { serial: 'MAIL', ...fields })
  }
  const selfEnroll = (fields: Fields = {}) =>
    selfCode('enroll', { type: 'email', email_address: 'me@mail.test', ...fields })
  /** A setting as the pages of self-service get it. */
  const selfSetting = (name: string) =>
    self(async (alice) => {
      const { settings } = (await alice.call('context')).json.detail ?? {}
      return (settings as Readonly<Record<string, unknown>>)[name] // an object, as the contract has it
    })
  const spareToken = () => spare(of(), 'SPARE', { realm: 'corp' })
  const right = (written: string, see: () => Promise<unknown>): Effect => ({
    ...{ written, see, without: 410, with: 'done' },
  })
  const PIN = { pin: 'abc' }

  return {
    'selfservice enrollEMAIL': right('enrollEMAIL', () => selfEnroll()),
    'selfservice enrollSMS': right('enrollSMS', () => selfEnroll({ type: 'sms', phone: '+49 1' })),
    'selfservice verify': right('verify', () => selfToken('verify')),
    'selfservice assign': right('assign', async () => {
      await spareToken()
      return selfCode('assign', { serial: 'SPARE' })
    }),
    'selfservice unassign': right('unassign', async () => {
      const code = await selfToken('unassign')
      await of().admin('/admin/remove', { serial: 'MAIL' })
      return code
    }),
    'selfservice delete': right('delete', () => selfToken('delete')),
    'selfservice disable': right('disable', () => selfToken('disable')),
    'selfservice enable': right('enable', () => selfToken('enable')),
    'selfservice reset': right('reset', () => selfToken('reset')),
    'selfservice resync': right('resync', () => selfToken('resync', { otp1: '1', otp2: '2' })),
    'selfservice setOTPPIN': right('setOTPPIN', () => selfToken('setpin', { userpin: 'new' })),
    'selfservice setDescription': right('setDescription', () => selfToken('setdescription', { description: 'mine' })),
    'selfservice getserial': right('getserial', async () => {
      await spareToken()
      const code = await selfCode('getSerialByOtp', { otp: otpAt(1) })
      await of().admin('/admin/remove', { serial: 'SPARE' })
      return code
    }),
    'selfservice history': {
      written: 'history',
      see: () => self(async (alice) => 'rows' in (await alice.call('history')).json),
      ...{ without: false, with: true },
    },
    'selfservice mfa_login': {
      written: 'mfa_login',
      before: mailToken,
      see: () =>
        openBrowser(of())
          .call('login', { login: 'alice', realm: 'corp', password: 'alice-pw' })
          .then(({ json }) => json.result?.value),
      ...{ without: true, with: false },
    },
    'selfservice mfa_3_fields': {
      written: 'mfa_3_fields',
      see: () => selfSetting('mfa_3_fields'),
      ...{ without: false, with: true },
    },
    'selfservice mfa_passOnNoToken': {
      given: 'mfa_login',
      written: 'mfa_passOnNoToken',
      see: () =>
        openBrowser(of())
          .call('login', { login: 'alice', realm: 'corp', password: 'alice-pw' })
          .then(({ json }) => json.result?.value),
      ...{ without: false, with: true },
    },
    'selfservice edit_email': {
      given: 'enrollEMAIL',
      written: 'edit_email=0',
      see: async () => [await selfEnroll(), await selfEnroll({ email_address: 'alice@corp.test' })],
      ...{ without: ['done', 'done'], with: [-311, 'done'] },
    },
    'selfservice edit_sms': {
      given: 'enrollSMS',
      written: 'edit_sms=0',
      see: async () => [
        await selfEnroll({ type: 'sms', phone: '+49 1' }),
        await selfEnroll({ type: 'sms', phone: '+49 170 1111111' }),
      ],
      ...{ without: ['done', 'done'], with: [-311, 'done'] },
    },
    'selfservice otp_pin_minlength': {
      given: 'enrollEMAIL, setOTPPIN',
      written: 'otp_pin_minlength=4',
      see: async () => [await selfEnroll(PIN), await selfToken('setpin', { userpin: 'abc' })],
      ...{ without: ['done', 'done'], with: [-311, -311] },
    },
    'selfservice otp_pin_maxlength': {
      given: 'enrollEMAIL, setOTPPIN',
      written: 'otp_pin_maxlength=2',
      see: async () => [await selfEnroll(PIN), await selfToken('setpin', { userpin: 'abc' })],
      ...{ without: ['done', 'done'], with: [-311, -311] },
    },
    'selfservice otp_pin_contents': {
      given: 'enrollEMAIL, setOTPPIN',
      written: 'otp_pin_contents=-n',
      see: async () => [await selfEnroll(PIN), await selfToken('setpin', { userpin: '123' })],
      ...{ without: ['done', 'done'], with: [-311, 'done'] },
    },
    'selfservice footer_text': {
      written: 'footer_text=Hello',
      see: () => selfSetting('footer_text'),
      ...{ without: null, with: 'Hello' },
    },
    'selfservice imprint_url': {
      written: 'imprint_url=https://corp.test/imprint',
      see: () => selfSetting('imprint_url'),
      ...{ without: null, with: 'https://corp.test/imprint' },
    },
    'selfservice privacy_notice_url': {
      written: 'privacy_notice_url=https://corp.test/privacy',
      see: () => selfSetting('privacy_notice_url'),
      ...{ without: null, with: 'https://corp.test/privacy' },
    },
  }
}
