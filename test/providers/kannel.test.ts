/** HttpSMSProvider by the configuration of docs/sms-gateways.md, against the Kannel that it is for. */
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provider } from '../../src/adapters/sms/http.ts'
import type { RawConfig } from '../../src/ports/provider.ts'
import { enrollSms } from '../support/gateway.ts'
import { startHarness } from '../support/harness.ts'
import { mailEdges } from '../support/mail.ts'
import { type Kannel, LOGIN, startKannel } from './kannel.ts'
import { missing } from './servers.ts'

const PAGE = readFileSync(new URL('../../docs/sms-gateways.md', import.meta.url), 'utf8')
const PRESET = JSON.parse(/```json kannel\n(.*?)\n```/s.exec(PAGE)?.[1] ?? '{}') as RawConfig & {
  readonly URL: string
  readonly PARAMETER: Readonly<Record<string, string>>
} // our own page

describe.skipIf(missing('kannel') !== null)('HttpSMSProvider and Kannel', () => {
  let kannel: Kannel
  beforeAll(async () => {
    kannel = await startKannel()
  })
  afterAll(() => kannel?.stop())

  const preset = (parameters: Readonly<Record<string, string>> = {}): RawConfig => ({
    ...PRESET,
    URL: PRESET.URL.replace('13013', String(kannel.port)),
    PARAMETER: { ...PRESET.PARAMETER, username: LOGIN.user, password: LOGIN.password, ...parameters },
  })
  async function send(text: string, to = '0170 1234567', parameters: Readonly<Record<string, string>> = {}) {
    const edges = mailEdges()
    const read = await provider.read(preset(parameters), edges)
    if (!read.ok) throw new Error(JSON.stringify(read))
    const sms = { id: 'sms-1', to, subject: '', text }
    return provider.create(read.value.config, edges)(sms, AbortSignal.timeout(10_000))
  }

  it('agree on a message, to a number as the network wants it', async () => {
    expect(await send('Ihr Code für ä & <b>: 418276')).toEqual({ status: 'accepted', reference: 'sms-1' })
    await expect.poll(kannel.sent).toContain('otpost +491701234567 text Ihr Code für ä & <b>: 418276')
  })

  it('agree on a long text, which Kannel cuts in parts', async () => {
    const text = 'z'.repeat(161)

    expect((await send(text)).status).toBe('accepted')
    const parts = () => kannel.sent().filter((line) => line.includes('zzz'))
    await expect.poll(() => parts().length).toBe(2)
    expect(
      parts()
        .map((line) => line.split(' ').at(-1))
        .join(''),
    ).toBe(text)
  })

  it('agree on a wrong password', async () => {
    expect(await send('418276', '0170 1234567', { password: 'wrong' })).toEqual({
      status: 'unavailable',
      reason: 'http_403',
    })
  })

  it('carry an OTP that lets its user in', async () => {
    const h = await startHarness({}, undefined, mailEdges())
    const fields = { name: 'kannel', type: 'sms', class: 'HttpSMSProvider', timeout: '120', default: 'true' }
    const saved = await h.admin('/system/setProvider', { ...fields, config: JSON.stringify(preset()) })
    expect(saved.json.result?.value).toBe(true)
    await enrollSms(h, 'ada', 'LSSM1', { phone: '+49 170 7654321' })

    const asked = await h.check({ user: 'ada', pass: 'pin-' })
    const mine = () => kannel.sent().find((line) => line.includes('+491707654321'))
    await expect.poll(mine).toBeDefined()
    const otp = /text .*?(\d{6})/.exec(mine() ?? '')?.[1] ?? ''
    const transactionid = String(asked.json.detail?.transactionid)
    const answered = await h.check({ user: 'ada', pass: otp, transactionid })

    expect(answered.json.result?.value).toBe(true)
    await h.close()
  })
})
