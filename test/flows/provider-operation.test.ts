/** What operators do with providers: send the message that users get, see who rests, remove what nobody names. */
import { fileURLToPath } from 'node:url'
import PostalMime from 'postal-mime'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { templateFolder } from '../../src/adapters/templates/folder.ts'
import { type Gateway, startGateway, useGateway } from '../support/gateway.ts'
import { enroll, type Fields, type Harness, NODE, startHarness } from '../support/harness.ts'
import { closedPort } from '../support/smtp-server.ts'

let h: Harness
let gateway: Gateway
beforeAll(async () => {
  const shipped = fileURLToPath(new URL('../../templates', import.meta.url))
  h = await startHarness({}, NODE, { templates: [templateFolder('shipped', shipped)] })
  gateway = await startGateway()
  await enroll(h, 'ada', 'MAIL1')
})
afterAll(async () => {
  await h.close()
  await gateway.close()
})

const save = (name: string, config: object, more: Fields = {}) =>
  h.admin('/system/setProvider', {
    ...{ name, type: 'email', class: 'SMTPEmailProvider', timeout: '300', ...more },
    config: JSON.stringify({ SMTP_SERVER: h.catcher.host, SMTP_PORT: h.catcher.port, ...config }),
  })
const policy = (name: string, action: string, user = '*') =>
  h.admin('/system/setPolicy', { name, scope: 'authentication', realm: '*', user, client: '*', action })

describe('a test message', () => {
  beforeEach(async () => {
    for (const name of ['all', 'one']) await h.admin('/system/delPolicy', { name })
  })
  async function mailBy(name: string, headers: Fields = {}) {
    const body = new URLSearchParams({ type: 'email', name, to: 'ops@mail.test' })
    const reply = await h.request('/system/testProvider', { method: 'POST', body, headers }, 'operator')
    expect(reply.json.result?.value).toBe(true)
    const mail = h.catcher.mails().at(-1)
    expect(mail?.to).toEqual(['ops@mail.test'])
    return PostalMime.parse(mail?.raw ?? '')
  }

  it('is the mail that users get, with an OTP that is none', async () => {
    await save('plain', { EMAIL_SUBJECT: 'Code <otp> for ${givenname}', EMAIL_FROM: 'OTP <otp@example.org>' })

    const mail = await mailBy('plain')

    expect(mail).toMatchObject({ subject: 'Code 123456 for ${givenname}', from: { address: 'otp@example.org' } })
    expect(mail.text?.trim()).toBe('123456')
  })

  it('has the template of the provider, in the language of who asks for it', async () => {
    await save('html', { TEMPLATE: 'file://otp.eml' })

    const mail = await mailBy('html', { 'accept-language': 'de' })

    expect(mail.html).toContain('lang="de"')
    expect(mail.html).toContain('123456')
    expect(mail.text).toMatch(/123456[\s\S]*5 min /)
  })

  it('says what policies say to everybody, and nothing that they say to one', async () => {
    await save('plain', {})
    await policy('all', 'emailtext=Your code is <otp>, emailsubject=Code')
    await policy('one', 'emailtext=for Ada <otp>', 'ada')

    expect(await mailBy('plain')).toMatchObject({ subject: 'Code', text: 'Your code is 123456\n' })
  })

  it('ends with the line of ORIGIN where that is configured', async () => {
    await useGateway(h, gateway, { ORIGIN: 'login.example.org' })

    await h.admin('/system/testProvider', { type: 'sms', name: 'gateway', to: '+49 170 1' })

    expect(gateway.text()).toMatch(/123456[\s\S]*\n\n@login\.example\.org #123456$/)
  })

  it('is refused for an address that is none', async () => {
    const reply = await h.admin('/system/testProvider', { type: 'email', name: 'plain', to: 'nobody' })

    expect(reply.json.result?.error?.message).toContain('to must be one e-mail address')
  })
})

describe('a provider that rests', () => {
  const rests = async () =>
    (await h.request('/otpost/providers/rests', {}, 'operator')).json.result?.value as readonly {
      readonly until: number
    }[]

  it('is listed with the moment until which, and why, until it takes a message', async () => {
    await save('catcher', { SMTP_PORT: await closedPort() }, { default: 'true' })
    expect(await rests()).toEqual([])

    await h.check({ user: 'ada', pass: 'pin-' })

    const until = h.edges.clock() + 30
    expect(await rests()).toEqual([{ type: 'email', name: 'catcher', until, reason: 'connection_refused' }])
    await save('catcher', {})
    expect(await rests()).toEqual([])
  })

  it('is shown to administrators alone', async () => {
    expect((await h.request('/otpost/providers/rests')).status).toBe(401)
  })
})

it('is removed, or named by a policy that was saved at the same moment: never both unseen', async () => {
  for (let n = 0; n < 20; n++) {
    await save(`x${n}`, {})

    const [removed, saved] = await Promise.all([
      h.admin('/system/delProvider', { type: 'email', name: `x${n}` }),
      policy(`p${n}`, `email_provider=x${n}`),
    ])

    const isWarned = saved.headers.get('otpost-warning')?.includes(`x${n}`) === true
    expect(saved.json.result?.status).toBe(true)
    expect(removed.json.result?.value).toBe(isWarned)
  }
})
