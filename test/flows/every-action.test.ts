/**
 * Every policy action that is not declared idle, on the wire: what a client or a recipient sees without it and with it.
 * An action that is declared and has no entry here fails; so does one that is declared idle and has one.
 */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { actions, findAction } from '../../src/core/policy/actions.ts'
import { isRightScope } from '../../src/core/policy/rights.ts'
import { addAdministrator, apiToken, type Call, codeOf, logIn, type Session } from '../support/administrators.ts'
import { callsByRight } from '../support/calls.ts'
import { enrollSms, type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, startHarness } from '../support/harness.ts'
import { type Effect, selfEffects } from '../support/self-effects.ts'

let h: Harness
let gateway: Gateway
let clerk: Session
let service: Call

const key = ({ scope, name }: { readonly scope: string; readonly name: string }): string => `${scope} ${name}`

beforeAll(async () => {
  h = await startHarness()
  await addAdministrator(h, 'clerk')
  clerk = await logIn(h, 'clerk')
  service = await apiToken(h, 'clerk')
  gateway = await startGateway()
  await useGateway(h, gateway)
  await useGateway(h, gateway, { URL: gateway.url.replace('send', 'other') }, { name: 'other', default: 'false' })
  const config = { SMTP_SERVER: '127.0.0.1', SMTP_PORT: h.catcher.port, EMAIL_FROM: 'second@corp.test' }
  const second = { name: 'second', type: 'email', class: 'SMTPEmailProvider', timeout: '120' }
  await h.admin('/system/setProvider', { ...second, config: JSON.stringify(config) })
  await h.admin('/system/setConfig', { EmailBlockingTimeout: '0', SMSBlockingTimeout: '0' })
  await h.admin('/system/setDefault', { DefaultMaxFailCount: '100' })
  await h.admin('/system/setResolver', { name: 'staff', type: 'passwdresolver', 'passwdresolver.content': STAFF })
  await h.admin('/system/setRealm', { realm: 'corp', resolvers: 'staff' })
})
afterAll(async () => {
  await gateway.close()
  await h.close()
})
afterEach(async () => {
  await h.admin('/system/delPolicy', { name: 'rule,closed', enforce: 'true' })
  await h.admin('/admin/remove', ALICE)
})

/** The password is "alice-pw". */
const STAFF = 'alice:$1$axuQmvyF$VgvpAQz3mB7DNlLd0.EqV0:1001:100:Alice A,room,+49 170 1111111,,alice@corp.test'
const ALICE = { user: 'alice', realm: 'corp' }
const SIGNS = [...'.,:;-_<>+*!/()=?$&#']

const check = async (pass: string, fields: Fields = {}) => (await h.check({ ...ALICE, pass, ...fields })).json
const told = async (pass: string, fields: Fields = {}) => (await check(pass, fields)).detail?.message
const accepts = async (pass: string, fields: Fields = {}) => (await check(pass, fields)).result?.value
const withoutOtp = (text = ''): string => text.trim().replace(/\d{6}/, 'OTP')
const mailToken = () => enroll(h, 'alice', 'MAIL', { realm: 'corp', email_address: 'alice@token.test' })
const smsToken = () => enrollSms(h, 'alice', 'PHONE', { realm: 'corp' })
/** What an administrator is told who enrols one token. */
const init = async (fields: Fields) =>
  (await h.admin('/admin/init', { ...ALICE, pin: 'pin-', ...fields })).json.result?.error?.code ?? 'done'
const initMail = () => init({ type: 'email', email_address: 'a@mail.test' })

async function mail() {
  await mailToken()
  await check('pin-')
  const { from, to, subject, text } = h.catcher.mails().at(-1) ?? {}
  return { from, to: to?.[0], subject, text: withoutOtp(text) }
}

async function sms(fields: Fields = {}) {
  await smsToken()
  await check('pin-', fields)
  const { path, query, form } = gateway.requests.at(-1) ?? {}
  return { path, to: form?.to ?? query?.to, text: withoutOtp(gateway.text()) }
}

/** Trigger and right answer. */
async function login(before?: (state: string) => Promise<unknown>) {
  await mailToken()
  const { otp, transactionId } = await h.trigger('alice@corp', 'pin-')
  await before?.(transactionId)
  return h.check({ ...ALICE, pass: otp, state: transactionId })
}
const logsIn = async (before?: (state: string) => Promise<unknown>) => (await login(before)).json.result?.value

async function afterEnrolment<T>(act: () => Promise<T>): Promise<T> {
  await mailToken()
  return act()
}

const SENT = 'e-mail sent successfully'
const EFFECTS: Readonly<Record<string, Effect>> = {
  'authentication email_provider': {
    written: 'email_provider=second',
    see: async () => (await mail()).from,
    ...{ without: 'otp@example.org', with: 'second@corp.test' },
  },
  'authentication sms_provider': {
    written: 'sms_provider=other',
    see: async () => (await sms()).path,
    ...{ without: '/send', with: '/other' },
  },
  'authentication emailtext': {
    written: 'emailtext=Hello <otp>',
    see: async () => (await mail()).text,
    ...{ without: 'OTP', with: 'Hello OTP' },
  },
  'authentication emailsubject': {
    written: 'emailsubject=Your code',
    see: async () => (await mail()).subject === 'Your code',
    ...{ without: false, with: true },
  },
  'authentication smstext': {
    written: 'smstext=Code <otp>',
    see: async () => (await sms()).text,
    ...{ without: 'OTP', with: 'Code OTP' },
  },
  'authentication enforce_smstext': {
    written: 'enforce_smstext',
    see: async () => (await sms({ data: 'mine <otp>' })).text,
    ...{ without: 'mine OTP', with: 'OTP' },
  },
  'authentication dynamic_email_address': {
    written: 'dynamic_email_address',
    see: async () => (await mail()).to,
    ...{ without: 'alice@token.test', with: 'alice@corp.test' },
  },
  'authentication sms_dynamic_mobile_number': {
    written: 'sms_dynamic_mobile_number',
    see: async () => (await sms()).to?.replace(/\D/g, '').slice(-7),
    ...{ without: '1234567', with: '1111111' },
  },
  'authentication trigger_sms': {
    written: 'trigger_sms',
    see: async () => {
      await smsToken()
      return (await h.post('/validate/check_s', { serial: 'PHONE', challenge: 'Code <otp>' })).json.detail?.message
    },
    ...{ without: undefined, with: 'sms submitted' },
  },
  'authentication autosms': {
    written: 'autosms',
    see: async () => {
      const before = gateway.requests.length
      await sms()
      const accepted = await accepts(`pin-${gateway.otp()}`)
      return { accepted, messages: gateway.requests.length - before }
    },
    ...{ without: { accepted: true, messages: 1 }, with: { accepted: true, messages: 2 } },
  },
  'authentication passthru': { written: 'passthru', see: () => accepts('alice-pw'), without: false, with: true },
  'authentication passOnNoToken': { written: 'passOnNoToken', see: () => accepts('x'), without: false, with: true },
  'authentication max_attempts': {
    written: 'max_attempts=1',
    see: () => logsIn((state) => check('x', { state })),
    ...{ without: true, with: false },
  },
  'authentication send_limit': {
    written: 'send_limit=1/1h',
    see: () => afterEnrolment(async () => [await told('pin-'), await told('pin-')]),
    ...{ without: [SENT, SENT], with: [SENT, undefined] },
  },
  'authentication language': {
    written: 'language=de',
    before: async () => {
      for (const [name, word] of [
        ['otp.eml', 'Code'],
        ['otp.de.eml', 'Kennwort'],
      ] as const)
        await h.admin('/otpost/templates', { name, source: `Content-Type: text/plain\n\n${word}: \${otp}\n` })
      const config = { SMTP_SERVER: '127.0.0.1', SMTP_PORT: h.catcher.port, EMAIL_FROM: 'third@corp.test' }
      const third = { name: 'third', type: 'email', class: 'SMTPEmailProvider', timeout: '120' }
      await h.admin('/system/setProvider', {
        ...third,
        config: JSON.stringify({ ...config, TEMPLATE: 'file://otp.eml' }),
      })
    },
    see: async () => {
      await h.admin('/system/setDefaultProvider', { type: 'email', name: 'third' })
      const { text } = await mail()
      await h.admin('/system/setDefaultProvider', { type: 'email', name: 'catcher' })
      return text
    },
    ...{ without: 'Code: OTP', with: 'Kennwort: OTP' },
  },
  'authentication allowed_destinations': {
    written: 'allowed_destinations=*@corp.test',
    before: mailToken,
    see: async () => [await told('pin-'), await initMail()],
    ...{ without: [SENT, 'done'], with: [undefined, -311] },
  },
  'authentication otppin': {
    written: 'otppin=password',
    see: () => afterEnrolment(async () => [await told('pin-'), await told('alice-pw')]),
    ...{ without: [SENT, undefined], with: [undefined, SENT] },
  },
  'authorization authorize': {
    written: 'authorize',
    more: { client: '10.0.0.0/8' },
    see: () => afterEnrolment(() => told('pin-')),
    ...{ without: SENT, with: undefined },
  },
  'authorization tokentype': { written: 'tokentype=sms', see: () => logsIn(), without: true, with: false },
  'authorization serial': { written: 'serial=^PHONE', see: () => logsIn(), without: true, with: false },
  'authorization setrealm': {
    written: 'setrealm=corp',
    more: { realm: 'home' },
    see: () => afterEnrolment(() => told('pin-', { realm: 'home' })),
    ...{ without: undefined, with: SENT },
  },
  'authorization detail_on_success': {
    written: 'detail_on_success',
    see: async () => (await login()).json.detail?.serial,
    ...{ without: undefined, with: 'MAIL' },
  },
  'authorization detail_on_fail': {
    written: 'detail_on_fail',
    see: () => afterEnrolment(async () => (await check('wrong')).detail?.error),
    ...{ without: undefined, with: 'wrong otp pin -1' },
  },
  'enrollment tokencount': { written: 'tokencount=0', see: initMail, without: 'done', with: 410 },
  'enrollment maxtoken': { written: 'maxtoken=0', see: initMail, without: 'done', with: 411 },
  'enrollment maxtokenEMAIL': { written: 'maxtokenEMAIL=0', see: initMail, without: 'done', with: 412 },
  'enrollment maxtokenSMS': {
    written: 'maxtokenSMS=0',
    see: async () => [await initMail(), await init({ type: 'sms', phone: '+49 1' })],
    ...{ without: ['done', 'done'], with: ['done', 412] },
  },
  'enrollment otp_pin_random': {
    written: 'otp_pin_random=12',
    see: () => afterEnrolment(() => told('pin-')),
    ...{ without: SENT, with: undefined },
  },
  'enrollment otp_pin_random_content': {
    given: 'otp_pin_random=1',
    written: 'otp_pin_random_content=s',
    see: () =>
      afterEnrolment(async () => {
        const messages = []
        for (const sign of SIGNS) messages.push(await told(sign))
        return messages.filter((message) => message !== undefined)
      }),
    ...{ without: [], with: [SENT] },
  },
  'enrollment lostTokenValid': {
    written: 'lostTokenValid=1',
    see: () =>
      afterEnrolment(async () => {
        const reply = await h.admin('/admin/losttoken', { serial: 'MAIL', type: 'email' })
        const { value } = reply.json.result ?? {}
        return (value as { end_date?: string }).end_date // as the contract has it
      }),
    ...{ without: '25/01/27 23:59', with: '16/01/27 23:59' },
  },
  'enrollment purge_rollout_token': {
    written: 'purge_rollout_token',
    see: async () => {
      await enroll(h, 'alice', 'ROLL', { realm: 'corp', rollout: '1' })
      await login()
      return (await h.store.findTokens({ realms: ['corp'] })).map(({ serial }) => serial)
    },
    ...{ without: ['ROLL', 'MAIL'], with: ['MAIL'] },
  },
  'enrollment autoenrollment': {
    written: 'autoenrollment=email',
    see: () => told('alice-pw'),
    ...{ without: undefined, with: SENT },
  },
}
const closed = (scope: string, action: string) =>
  h.admin('/system/setPolicy', {
    ...{ name: 'closed', scope, action, realm: '*', user: 'nobody', client: '*', enforce: 'true' },
  })
/** A right whose only call is on privacyIDEA's wire. */
const SERVICE: Readonly<Record<string, Effect>> = {
  'admin triggerchallenge': {
    written: 'triggerchallenge',
    more: { enforce: 'true' },
    before: () => closed('admin', 'triggerchallenge'),
    see: async () => codeOf(await service('POST', '/pi/validate/triggerchallenge', { user: 'alice@corp' })),
    ...{ without: 303, with: undefined },
  },
}
/** Whether the administrator is refused, in a scope that permits nothing and in one that permits the action. */
const RIGHTS: Readonly<Record<string, Effect>> = Object.fromEntries(
  actions
    .filter((action) => isRightScope(action.scope) && action.idle === undefined && !(key(action) in SERVICE))
    .map(({ scope, name }): readonly [string, Effect] => [
      `${scope} ${name}`,
      {
        written: name,
        more: { enforce: 'true' },
        before: () => closed(scope, name),
        see: async () => {
          const call = callsByRight(h).get(`${scope} ${name}`)
          return call && codeOf(await clerk.call(call.method, call.path, call.fields)) === 410
        },
        ...{ without: true, with: false },
      },
    ]),
)
const ALL = { ...EFFECTS, ...SERVICE, ...RIGHTS, ...selfEffects(() => h) }

describe('policy actions', () => {
  it('each has its effect shown below, or is declared idle, and none both', () => {
    const effective = actions.filter(({ idle }) => idle === undefined).map(key)

    expect(Object.keys(ALL).toSorted()).toEqual(effective.toSorted())
  })

  it('of rights have an effect where there is a call that needs them, and only there', () => {
    const rights = [...callsByRight(h).keys()]

    expect(Object.keys(RIGHTS).toSorted()).toEqual(rights.toSorted())
  })

  it.each(Object.entries(ALL))('%s', async (name, { given, written, more, before, see, ...expected }) => {
    const scope = name.split(' ')[0] ?? ''
    const look = async (action: string | undefined): Promise<unknown> => {
      await h.admin('/admin/remove', ALICE)
      await before?.()
      const fields = { name: 'rule', scope, realm: '*', user: '*', client: '*', ...more }
      const saved = action === undefined ? null : await h.admin('/system/setPolicy', { ...fields, action })
      expect(saved?.json.result?.status ?? true, saved?.text).toBe(true)
      return see()
    }

    const seen = { without: await look(given), with: await look([given, written].filter(Boolean).join(', ')) }

    expect(seen).toEqual(expected)
  })

  it.each(actions.filter(({ idle }) => idle !== undefined))('$scope $name warns whoever saves it', async (action) => {
    const sample = { bool: action.name, int: `${action.name}=1`, set: `${action.name}=1`, str: `${action.name}=x` }
    const fields = { scope: action.scope, realm: '*', user: 'operator', client: '*', enforce: 'true' }

    const saved = await h.admin('/system/setPolicy', { ...fields, name: 'rule', action: sample[action.value.type] })

    expect(saved.json.result?.status, saved.text).toBe(true)
    expect(decodeURI(saved.headers.get('otpost-warning') ?? '')).toContain(`${action.name}: no effect`)
    await h.admin('/system/delPolicy', { name: 'rule', enforce: 'true' })
  })

  it('are found by scope and name, of which there are no two alike', () => {
    expect(actions.every((action) => findAction(action.scope, action.name) === action)).toBe(true)
  })
})
