/** SmtpSMSProvider: the mail it makes of a text message (contract 4.10), and what it refuses. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { provider as smtpMail } from '../../src/adapters/mail/smtp.ts'
import { smtpSmsProvider } from '../../src/adapters/sms/smtp.ts'
import { testCertificates } from '../support/certificates.ts'
import { mailEdges, WORKERS } from '../support/mail.ts'
import { closedPort, type SmtpServerOptions, startSmtpServer } from '../support/smtp-server.ts'

type Keys = Readonly<Record<string, unknown>>

const provider = smtpSmsProvider(smtpMail)
const SMS = { id: 'sms-1', to: '+49 (151) 1', subject: '', text: '418276' }
const KEYS: Keys = { mailserver: '127.0.0.1', mailsender: 'otp@example.org', mailto: '<phone>@sms.example.org' }

async function send(keys: Keys, options: SmtpServerOptions = {}, sms = SMS) {
  const server = await startSmtpServer(options)
  onTestFinished(server.close)
  const delivery = await sendBy({ mailserver_port: server.port, ...keys }, sms)
  return { delivery, mails: server.mails, mail: server.mails[0] }
}

async function sendBy(keys: Keys, sms = SMS) {
  const edges = mailEdges()
  const read = await provider.read({ ...KEYS, ...keys }, edges)
  if (!read.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, edges)(sms, AbortSignal.timeout(10_000))
}

describe('a text message', () => {
  it('is one mail to the number at the gateway', async () => {
    const { delivery, mail } = await send({})

    expect(delivery).toEqual({ status: 'accepted', reference: 'sms-1' })
    expect(mail).toMatchObject({ from: 'otp@example.org', to: ['+491511@sms.example.org'] })
    expect(mail?.parsed).toMatchObject({ subject: '[LinOTP]', text: '418276\n' })
  })

  it('stands where the templates say, number and all', async () => {
    const { mail } = await send({
      mailto: 'gateway@example.org',
      subject: 'To <phone>: <otp>',
      body: 'Key=1\n<phone>\n<otp> <otp>',
    })

    expect(mail?.to).toEqual(['gateway@example.org'])
    expect(mail?.parsed.subject).toBe('To +49 (151) 1: 418276')
    expect(mail?.parsed.text?.trim()).toBe('Key=1\n+49 (151) 1\n418276 418276')
  })

  it('is filled in once and encoded, and adds neither header nor recipient', async () => {
    const text = 'Schlüssel <phone>\r\nBcc: eve@example.org\r\n\r\n418276'
    const { mail, mails } = await send({ subject: '<otp>' }, {}, { ...SMS, text })

    expect(mails).toHaveLength(1)
    expect(mail?.to).toEqual(['+491511@sms.example.org'])
    expect(mail?.parsed.bcc).toBeUndefined()
    expect(mail?.raw).toMatch(/^\p{ASCII}*$/u)
    expect(mail?.parsed.subject).toMatch(/^Schlüssel <phone> Bcc: eve@example.org\s+418276$/)
    expect(mail?.parsed.text).toContain('Schlüssel <phone>')
  })

  it.each([
    [{ MSISDN: true }, '+491511@sms.example.org'],
    [{ SUPPRESS_PREFIX: '+' }, '491511@sms.example.org'],
    [{ MSISDN: 'yes', SUPPRESS_PREFIX: '+49' }, '1511@sms.example.org'],
  ])('with %j goes to %s', async (keys, to) => {
    const { mail } = await send(keys)

    expect(mail?.to).toEqual([to])
  })

  it('is sent after a login over STARTTLS', async () => {
    const login = { user: 'gateway', password: 'pä ss' }
    const TLS_CA = testCertificates().authority.certificate
    const keys = { mailuser: 'gateway', mailpassword: 'pä ss', start_tls: 'true', TLS_CA }
    const { delivery, mail } = await send(keys, { encryption: 'starttls', login })

    expect(delivery.status).toBe('accepted')
    expect(mail).toMatchObject({ tls: true, user: 'gateway' })
  })

  it.each<[Keys, SmtpServerOptions, object]>([
    [{ mailuser: 'u', mailpassword: 'p' }, {}, { status: 'unavailable', reason: 'auth_missing' }],
    [{ start_tls: true }, { encryption: 'starttls' }, { status: 'unavailable', reason: 'tls_failed' }],
    [{}, { refuseRecipient: 550 }, { status: 'refused', reason: 'recipient_550' }],
    [{}, { refuseRecipient: 450 }, { status: 'unavailable', reason: 'recipient_450' }],
    [{ raise_exception: false }, { refuseRecipient: 450 }, { status: 'unavailable', reason: 'recipient_450' }],
  ])('with %j to a server with %j is not taken for sent', async (keys, options, expected) => {
    const { delivery, mails } = await send(keys, options)

    expect(delivery).toMatchObject(expected)
    expect(mails).toEqual([])
  })

  it('goes to the port that stands in mailserver', async () => {
    const delivery = await sendBy({ mailserver: `127.0.0.1:${await closedPort()}` })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'connection_refused' })
  })
})

describe('a configuration', () => {
  it.each<[Keys, string, RegExp]>([
    [{ mailserver: undefined }, 'mailserver', /is required/],
    [{ mailsender: '' }, 'mailsender', /is required/],
    [{ mailto: null }, 'mailto', /is required/],
    [{ mailserver: 'two hosts' }, 'mailserver', /host name/],
    [{ mailserver: 'host:25', mailserver_port: 26 }, 'mailserver_port', /same as in mailserver/],
    [{ mailserver_port: 'smtp' }, 'mailserver_port', /whole number/],
    [{ mailsender: 'otp' }, 'mailsender', /one e-mail address/],
    [{ mailto: '<phone>' }, 'mailto', /one e-mail address/],
    [{ mailto: '<phone>@a.example, eve@b.example' }, 'mailto', /one e-mail address/],
    [{ subject: 'a\nb' }, 'subject', /line breaks/],
    [{ body: 'no code here' }, 'body', /must hold <otp>/],
    [{ start_tls: 'on' }, 'start_tls', /one of true/],
    [{ certfile: '/no/such.pem' }, 'certfile', /a file that can be read/],
    [{ TIMEOUT: 0 }, 'TIMEOUT', /seconds/],
  ])('with %j is refused under its own keys', async (keys, key, rule) => {
    const read = await provider.read({ ...KEYS, ...keys }, mailEdges())

    expect(read).toEqual({ ok: false, error: { key, rule: expect.stringMatching(rule) } })
  })

  it('for port 25 is refused on Workers', async () => {
    const read = await provider.read(KEYS, mailEdges(WORKERS))

    expect(read).toMatchObject({ ok: false, error: { key: 'mailserver_port' } })
  })
})
