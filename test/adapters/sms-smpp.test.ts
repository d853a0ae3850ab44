/** SMPPSMSProvider against an SMS centre over a socket (contract 4.13): what it says, and what it makes of answers. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { provider } from '../../src/adapters/sms/smpp.ts'
import type { RawConfig } from '../../src/ports/provider.ts'
import { testCertificates } from '../support/certificates.ts'
import { logged, mailEdges, WORKERS } from '../support/mail.ts'
import { pdu, type SmppServerOptions, startScriptedSmpp, startSmppServer } from '../support/smpp-server.ts'
import { closedPort } from '../support/smtp-server.ts'

const SMS = { id: 'sms-1', to: '+49 (170) 1234567', subject: '', text: '418276' }
const KEYS: RawConfig = { server: '127.0.0.1', system_id: 'otp', password: 'hunter2', source_addr: '4915100' }
const ACCEPTED = { status: 'accepted', reference: 'sms-1' }

async function sender(keys: RawConfig) {
  const edges = mailEdges()
  const read = await provider.read({ ...KEYS, ...keys }, edges)
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, edges)
}

async function send(keys: RawConfig = {}, options: SmppServerOptions = {}, sms: Partial<typeof SMS> = {}) {
  const server = await startSmppServer(options)
  onTestFinished(server.close)
  const sendOne = await sender({ port: server.port, ...keys })
  const delivery = await sendOne({ ...SMS, ...sms }, AbortSignal.timeout(10_000))
  return { delivery, server, first: server.submitted[0]?.fields }
}

describe('a text message', () => {
  it('is bound for, submitted and unbound', async () => {
    const { delivery, server, first } = await send({ system_type: 'VMA' })

    expect(delivery).toEqual(ACCEPTED)
    expect(server.binds).toMatchObject([
      { system_id: 'otp', password: 'hunter2', system_type: 'VMA', interface_version: 0x34 },
    ])
    expect(first).toMatchObject({
      ...{ source_addr: '4915100', source_addr_ton: 1, source_addr_npi: 1 },
      ...{ destination_addr: '491701234567', dest_addr_ton: 1, dest_addr_npi: 1 },
      ...{ data_coding: 0, esm_class: 0, registered_delivery: 0 },
    })
    await expect.poll(server.unbinds).toBe(1)
  })

  it('says of its addresses what is configured', async () => {
    const { first } = await send({
      ...{ source_addr: 'otpost', source_addr_ton: '5', source_addr_npi: 0, dest_addr_ton: 0, dest_addr_npi: 8 },
    })

    expect(first).toMatchObject({
      ...{ source_addr: 'otpost', source_addr_ton: 5, source_addr_npi: 0 },
      ...{ destination_addr: '+491701234567', dest_addr_ton: 0, dest_addr_npi: 8 },
    })
  })

  it.each<readonly [string, string, RawConfig, number]>([
    ['the GSM alphabet', 'Ihr Code: 418276 {@£ÄÖÜ_€}~^[]|\\', {}, 0],
    ['UCS-2 where that does not have a letter', 'Łódź 418276 😀', {}, 8],
    ['Latin-1 if told', 'Votre façon: 418276 @', { target_encoding: 'iso8859-1' }, 3],
    ['UCS-2 where Latin-1 does not have a letter', '418276 €', { target_encoding: 'ISO8859-1' }, 8],
    ['UCS-2 if told', '418276', { target_encoding: 'UCS2' }, 8],
  ])('goes out in %s', async (_, text, keys, coding) => {
    const { server, first } = await send(keys, {}, { text })

    expect(first?.data_coding).toBe(coding)
    expect(server.submitted.map((one) => one.text)).toEqual([text])
  })

  it.each([
    ['septets', 'ä'.repeat(200), 0, 153],
    ['UCS-2', 'ł'.repeat(100), 8, 67],
  ])('of many %s goes out in parts with one reference', async (_, text, coding, each) => {
    const { delivery, server } = await send({}, {}, { text })

    expect(delivery).toEqual(ACCEPTED)
    expect(server.submitted.map((one) => one.text)).toEqual([text.slice(0, each), text.slice(each)])
    const [one, two] = server.submitted.map(({ udh }) => udh ?? '')
    expect(one).toMatch(/^0003..0201$/)
    expect(two).toBe(`${one?.slice(0, -2)}02`)
    expect(server.submitted.map(({ fields }) => [fields.esm_class, fields.data_coding])).toEqual([
      [0x40, coding],
      [0x40, coding],
    ])
    expect(server.seen().all).toBe(1)
  })

  it('is not begun that has too many parts', async () => {
    const { delivery, server } = await send({}, {}, { text: 'ł'.repeat(67 * 255 + 1) })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'text_too_long' })
    expect(server.submitted).toEqual([])
  })

  it('goes to numbers that the rules allow', async () => {
    const { delivery, server } = await send({ ALLOWED_PREFIXES: '+43' })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'number_prefix_not_allowed', recipientOnly: true })
    expect(server.seen().all).toBe(0)
  })
})

describe('the status', () => {
  it.each<readonly [string, SmppServerOptions, 'refused' | 'unavailable', string]>([
    ['of an invalid recipient is a verdict', { submit: [0x0b] }, 'refused', 'esme_rinvdstadr'],
    ['of a part ends the message', { submit: [0, 0x0b] }, 'refused', 'esme_rinvdstadr'],
    ['of throttling is none', { submit: [0x58] }, 'unavailable', 'esme_rthrottled'],
    ['of a full queue is none', { submit: [0x14] }, 'unavailable', 'esme_rmsgqful'],
    ['of a type of number is about us', { submit: [0x50] }, 'unavailable', 'esme_rinvdstton'],
    ['of a centre of its own is told by number', { submit: [0x401] }, 'unavailable', 'status_1025'],
    ['of a centre without a rule is not told', { submit: [418276] }, 'unavailable', 'status_unknown'],
    ['of a failed bind is no verdict', { bind: [0x0d] }, 'unavailable', 'esme_rbindfail'],
    ['of a wrong password is none', { bind: [0x0e] }, 'unavailable', 'esme_rinvpaswd'],
    ['of too many binds is none', { sessions: 0 }, 'unavailable', 'esme_ralybnd'],
    ['of a recipient at a bind is none', { bind: [0x0b] }, 'unavailable', 'esme_rinvdstadr'],
  ])('%s', async (_, options, status, reason) => {
    const { delivery } = await send({}, options, { text: 'ä'.repeat(200) })

    expect(delivery).toEqual({ status, reason })
  })
})

describe('a session', () => {
  it('carries one message after the other while others wait, and is the only one', async () => {
    const server = await startSmppServer({ sessions: 1 })
    onTestFinished(server.close)
    const sendOne = await sender({ port: server.port })

    const deliveries = await Promise.all(Array.from({ length: 20 }, () => sendOne(SMS, AbortSignal.timeout(10_000))))

    expect(deliveries).toEqual(deliveries.map(() => ACCEPTED))
    expect(server.seen()).toEqual({ all: 1, most: 1 })
  })

  it('goes on after a message that was refused', async () => {
    const server = await startSmppServer({ sessions: 1, submit: [0x0b, 0] })
    onTestFinished(server.close)
    const sendOne = await sender({ port: server.port })

    const deliveries = await Promise.all([1, 2].map(() => sendOne(SMS, AbortSignal.timeout(10_000))))

    expect(deliveries.map(({ status }) => status)).toEqual(['refused', 'accepted'])
    expect(server.seen().all).toBe(1)
  })

  it('answers what the centre asks meanwhile', async () => {
    const answers: string[] = []
    const { delivery } = await send(
      {},
      {
        onSession: (session) => {
          session.once('bind_transceiver', () => {
            session.deliver_sm({ source_addr: '49', short_message: 'STOP' }, ({ command }) => answers.push(command))
            session.enquire_link({}, ({ command }) => answers.push(command))
          })
        },
      },
    )

    expect(delivery).toEqual(ACCEPTED)
    expect(answers).toEqual(['deliver_sm_resp', 'enquire_link_resp'])
  })

  it('with TLS is one with a certificate that is known', async () => {
    const { authority } = testCertificates()
    const tls = { use_ssl: 'true', TLS_CA: authority.certificateFile }

    expect((await send(tls, { tls: 'server' })).delivery).toEqual(ACCEPTED)
    expect((await send({ ...tls, TLS_CA: authority.certificate }, { tls: 'server' })).delivery).toEqual(ACCEPTED)
    for (const [keys, options] of [
      [{ use_ssl: true }, { tls: 'server' }],
      [tls, { tls: 'otherHost' }],
      [tls, { tls: 'selfSigned' }],
      [tls, {}],
    ] as const) {
      const { delivery, server } = await send({ TIMEOUT: 1, ...keys }, options)
      expect(['tls_failed', 'timeout']).toContain('reason' in delivery && delivery.reason)
      expect(server.binds).toEqual([])
    }
  })
})

const LONG = Buffer.alloc(4)
LONG.writeUInt32BE(0x7fff_ffff)
const bytes = (text: string) => Buffer.from(text, 'hex')

describe('a centre that misbehaves', () => {
  it.each(['connection', 'bind', 'submit'] as const)('and hangs up at %s', async (turn) => {
    await expectFailure({ [turn]: { hangUp: true } }, 'connection_closed')
  })

  it.each([
    ['bind', { bind: null }],
    ['submit', { submit: null }],
  ])('and says nothing at %s', async (_, plays) => {
    await expectFailure(plays, 'timeout', AbortSignal.timeout(10_000))
  })

  it.each<readonly [string, Uint8Array, string]>([
    ['a PDU of two gigabytes', LONG, 'protocol_error'],
    ['text', Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), 'protocol_error'],
    ['a PDU that is shorter than its head', bytes('0000000a800000090000'), 'protocol_error'],
    ['a PDU of no length', bytes('0000000000000000'), 'deadline'],
    ['a PDU of length three', bytes('00000003ffffffffffffffffffffffff'), 'deadline'],
    ['half a PDU', bytes('0000001080000009'), 'deadline'],
    ['TLVs that go beyond their PDU', pdu(0x80000009, 0, 1, bytes('7300010fffff')), 'accepted'],
    ['a TLV that does not fit its type', pdu(0x80000009, 0, 1, bytes('00000500ff')), 'protocol_error'],
    ['an answer to another request', pdu(0x80000009, 0, 77), 'deadline'],
    ['the answer of another command', pdu(0x80000004, 0, 1), 'protocol_error'],
    ['generic_nack', pdu(0x80000000, 3, 1), 'esme_rinvcmdid'],
    ['an unknown command', pdu(0x12345678, 0, 1), 'deadline'],
    ['unbind', pdu(6, 0, 9), 'connection_closed'],
  ])('and answers a bind with %s', async (_, answer, reason) => {
    await expectFailure({ bind: { bytes: answer } }, reason)
  })

  it('and asks without end, reading no answers', async () => {
    const flood = Buffer.concat(Array.from({ length: 100_000 }, (_, n) => pdu(0x15, 0, n + 1)))

    await expectFailure({ connection: { bytes: flood }, bind: null }, /^(?:deadline|protocol_error)$/)
  })

  it('is no longer waited for at the deadline, and its connection is gone', async () => {
    const server = await startScriptedSmpp({ submit: null })
    onTestFinished(server.close)
    const sendOne = await sender({ port: server.port, TIMEOUT: 30 })

    expect(await sendOne(SMS, AbortSignal.timeout(200))).toEqual({ status: 'unavailable', reason: 'deadline' })
    await server.gone
  })

  it('does not hold up those who wait for the session longer than their deadlines', async () => {
    const server = await startScriptedSmpp({ bind: null })
    onTestFinished(server.close)
    const sendOne = await sender({ port: server.port, TIMEOUT: 30 })

    const deliveries = await Promise.all([1, 2, 3].map(() => sendOne(SMS, AbortSignal.timeout(200))))

    expect(deliveries).toEqual(deliveries.map(() => ({ status: 'unavailable', reason: 'deadline' })))
  })

  it('does not get a word into a log', () => {
    expect(logged.join('\n')).not.toMatch(/hunter2|418276/)
  })

  async function expectFailure(
    plays: Parameters<typeof startScriptedSmpp>[0],
    reason: string | RegExp,
    signal = AbortSignal.timeout(300),
  ) {
    const server = await startScriptedSmpp(plays)
    onTestFinished(server.close)
    const sendOne = await sender({ port: server.port, TIMEOUT: 1 })

    const delivery = await sendOne(SMS, signal)

    expect('reason' in delivery ? delivery.reason : delivery.status).toMatch(reason)
    await server.gone
  }
})

describe('a configuration', () => {
  it.each<readonly [string, RawConfig, string]>([
    ['a server that is none', { server: 'smpp://smsc' }, 'server'],
    ['a port that is none', { port: 0 }, 'port'],
    ['a type of number beyond its octet', { dest_addr_ton: 256 }, 'dest_addr_ton'],
    ['a system_id that is too long', { system_id: 'x'.repeat(16) }, 'system_id'],
    ['a password with a NUL', { password: 'a\0' }, 'password'],
    ['an encoding that loses letters', { target_encoding: 'cp437' }, 'target_encoding'],
    ['a time that is none', { TIMEOUT: 'soon' }, 'TIMEOUT'],
    ['an authority without TLS', { TLS_CA: '/no/such/file' }, 'TLS_CA'],
    ['an authority that is not there', { use_ssl: true, TLS_CA: '/no/such/file' }, 'TLS_CA'],
    ['an authority that is none', { use_ssl: true, TLS_CA: 'package.json' }, 'TLS_CA'],
  ])('with %s is refused', async (_, keys, key) => {
    const read = await provider.read({ ...KEYS, ...keys }, mailEdges())

    expect(read).toMatchObject({ ok: false, error: { key } })
  })

  it('is refused on Workers, which is told by name', async () => {
    const read = await provider.read(provider.sample, mailEdges(WORKERS))

    expect(read).toMatchObject({ ok: false, error: { key: 'server', rule: expect.stringContaining('this runtime') } })
  })

  it('has the defaults of LinOTP', async () => {
    const read = await provider.read(KEYS, mailEdges())

    expect(read).toMatchObject({ ok: true, value: { config: { port: 5100, source_addr_ton: 1, dest_addr_npi: 1 } } })
  })

  it('goes to nobody where nobody listens', async () => {
    const sendOne = await sender({ port: await closedPort() })

    expect(await sendOne(SMS, AbortSignal.timeout(5000))).toEqual({
      status: 'unavailable',
      reason: 'connection_refused',
    })
  })
})
