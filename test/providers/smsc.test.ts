/** SMPPSMSProvider against an SMS centre that is none of ours: Net::SMPP of Perl (`smsc.pl`). */
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { provider } from '../../src/adapters/sms/smpp.ts'
import { enrollSms } from '../support/gateway.ts'
import { startHarness } from '../support/harness.ts'
import { mailEdges } from '../support/mail.ts'
import { type Child, saidBy, startChild } from './processes.ts'
import { missing } from './servers.ts'

type Heard = Readonly<Record<string, string | number>> & { readonly message?: string }

describe.skipIf(missing('smsc') !== null)('SMPPSMSProvider and Net::SMPP', () => {
  let smsc: Child
  let port = 0
  beforeAll(async () => {
    smsc = startChild('perl', [fileURLToPath(new URL('./smsc.pl', import.meta.url))])
    const [, found] = await saidBy(smsc, /^\{"port":(\d+)\}$/)
    port = Number(found)
  })
  afterAll(() => smsc?.stop())

  /** What the centre has heard since the n-th line. */
  const heardSince = (n: number) => smsc.lines.slice(n).map((line) => JSON.parse(line) as Heard) // written by smsc.pl
  const keys = () => ({ server: '127.0.0.1', port, system_id: 'otp', password: 'right', source_addr: '4915100' })

  async function send(over: object, text = '418276', to = '+49 170 1234567') {
    const edges = mailEdges()
    const read = await provider.read({ ...keys(), ...over }, edges)
    if (!read.ok) throw new Error(JSON.stringify(read))
    const before = smsc.lines.length
    const sms = { id: 'sms-1', to, subject: '', text }
    const delivery = await provider.create(read.value.config, edges)(sms, AbortSignal.timeout(10_000))
    return { delivery, heard: () => heardSince(before) }
  }

  it('agree on a message from bind to unbind', async () => {
    const { delivery, heard } = await send({ system_type: 'VMA', source_addr_ton: 5, source_addr_npi: 0 })

    expect(delivery.status).toBe('accepted')
    await expect.poll(() => heard().map((one) => one.heard)).toEqual(['bind', 'submit', 'unbind'])
    expect(heard()).toMatchObject([
      { system_id: 'otp', system_type: 'VMA', interface_version: 0x34 },
      {
        ...{ source_addr: '4915100', source_addr_ton: 5, source_addr_npi: 0 },
        ...{ destination_addr: '491701234567', dest_addr_ton: 1, dest_addr_npi: 1 },
        ...{ esm_class: 0, data_coding: 0, message: Buffer.from('418276').toString('hex') },
      },
      {},
    ])
  })

  it.each([
    ['the GSM alphabet', '@€ ä_{', {}, 0, '001b65207b111b28'],
    ['UCS-2', 'Łódź', {}, 8, '014100f30064017a'],
    ['Latin-1', 'ç@', { target_encoding: 'ISO8859-1' }, 3, 'e740'],
  ])('agree on %s', async (_, text, over, coding, message) => {
    const { heard } = await send(over, text)

    await expect.poll(heard).toContainEqual(expect.objectContaining({ data_coding: coding, message }))
  })

  it('agree on a text in parts', async () => {
    const { heard } = await send({}, 'a'.repeat(161))
    const parts = () => heard().filter((one) => one.heard === 'submit')

    await expect.poll(() => parts().length).toBe(2)
    expect(parts()).toMatchObject([{ esm_class: 0x40 }, { esm_class: 0x40 }])
    expect(parts()[0]?.message).toMatch(/^050003..0201(?:61){153}$/)
    expect(parts()[1]?.message).toMatch(/^050003..0202(?:61){8}$/)
  })

  it.each([
    ['a wrong password', { password: 'wrong' }, '+49 170 1', 'unavailable', 'esme_rinvpaswd'],
    ['a number that is none', {}, '+49 170 666', 'refused', 'esme_rinvdstadr'],
    ['too many messages', {}, '+49 170 777', 'unavailable', 'esme_rthrottled'],
  ])('agree on %s', async (_, over, to, status, reason) => {
    expect((await send(over, '418276', to)).delivery).toEqual({ status, reason })
  })

  it('carry an OTP that lets its user in', async () => {
    const h = await startHarness({}, undefined, mailEdges())
    const config = JSON.stringify(keys())
    const fields = { name: 'smsc', type: 'sms', class: 'SMPPSMSProvider', timeout: '120', config, default: 'true' }
    expect((await h.admin('/system/setProvider', fields)).json.result?.value).toBe(true)
    await enrollSms(h, 'ada', 'LSSM1')
    const before = smsc.lines.length

    const asked = await h.check({ user: 'ada', pass: 'pin-' })
    const find = () => heardSince(before).find((one) => one.heard === 'submit')
    await expect.poll(find).toBeDefined()
    const submit = find()
    const otp = /\d{6}/.exec(Buffer.from(submit?.message ?? '', 'hex').toString())?.[0] ?? ''
    const transactionid = String(asked.json.detail?.transactionid)
    const answered = await h.check({ user: 'ada', pass: otp, transactionid })

    expect(answered.json.result?.value).toBe(true)
    await h.close()
  })
})
