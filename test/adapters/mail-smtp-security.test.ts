/** SMTPEmailProvider against a real SMTP server: encryption, certificates and login. */
import { describe, expect, it } from 'vitest'
import { testCertificates } from '../support/certificates.ts'
import { exchange, mailOf } from '../support/mail.ts'

const { authority, client, otherHost, selfSigned } = testCertificates()

describe.concurrent('encryption', () => {
  it.each([
    ['starttls', { START_TLS: 'true' }],
    ['implicit', { USE_SSL: true }],
    ['implicit', { USE_SSL: true, START_TLS: true }],
  ] as const)('is %s with %j', async (encryption, keys) => {
    const mail = await mailOf({ encryption }, { ...keys, TLS_CA: authority.certificate })

    expect(mail.tls).toBe(true)
  })

  it('is none without them, although the server offers it', async () => {
    const mail = await mailOf({ encryption: 'starttls' }, {})

    expect(mail.tls).toBe(false)
  })

  it('trusts an authority given as a file, and a host given by name', async () => {
    const mail = await mailOf(
      { encryption: 'starttls' },
      { SMTP_SERVER: 'localhost', START_TLS: true, TLS_CA: authority.certificateFile },
    )

    expect(mail.tls).toBe(true)
  })

  describe.each([
    ['starttls', { START_TLS: true }],
    ['implicit', { USE_SSL: true }],
  ] as const)('%s', (encryption, tls) => {
    it.each([
      ['an authority nobody trusts', 'server', {}],
      ['no authority', 'selfSigned', {}],
      ['no authority, while another is trusted', 'selfSigned', { TLS_CA: authority.certificate }],
      ['a trusted authority for another host', 'otherHost', { TLS_CA: authority.certificate }],
      ['a trusted authority, if it has expired', 'expired', { TLS_CA: authority.certificate }],
    ] as const)('refuses a certificate of %s', async (_, certificate, keys) => {
      const { delivery, mails } = await exchange({ encryption, certificate }, { ...tls, ...keys })

      expect(delivery).toEqual({ status: 'unavailable', reason: 'tls_failed' })
      expect(mails).toEqual([])
    })

    it('takes any certificate with TLS_INSECURE', async () => {
      const mail = await mailOf({ encryption, certificate: 'selfSigned' }, { ...tls, TLS_INSECURE: 'yes' })

      expect(mail.tls).toBe(true)
    })

    it('takes a certificate that signed itself when TLS_CA names it', async () => {
      const mail = await mailOf({ encryption, certificate: 'selfSigned' }, { ...tls, TLS_CA: selfSigned.certificate })

      expect(mail.tls).toBe(true)
    })

    it.each([
      ['two files', { CERTFILE: client.certificateFile, KEYFILE: client.keyFile }],
      ['one file', { CERTFILE: client.bothFile }],
    ])('presents a client certificate from %s', async (_, files) => {
      const options = { encryption, clientCertificate: 'required' } as const
      const mail = await mailOf(options, { ...tls, ...files, TLS_CA: authority.certificate })

      expect(mail.clientName).toBe('otpost test client')
    })

    it('says so when the server wants a client certificate and none is configured', async () => {
      const options = { encryption, clientCertificate: 'required' } as const
      const { delivery } = await exchange(options, { ...tls, TLS_CA: authority.certificate })

      expect(delivery).toEqual({ status: 'unavailable', reason: 'tls_failed' })
    })

    it('says so when key and certificate do not belong together', async () => {
      const files = { CERTFILE: client.certificateFile, KEYFILE: otherHost.keyFile }
      const { delivery } = await exchange({ encryption }, { ...tls, ...files, TLS_INSECURE: true })

      expect(delivery).toEqual({ status: 'unavailable', reason: 'tls_failed' })
    })
  })
})

describe.concurrent('login', () => {
  const login = { user: 'mailer', password: 'pass wörd:✓\\' }
  const keys = { SMTP_USER: login.user, SMTP_PASSWORD: login.password }

  it.each([['PLAIN'], ['LOGIN'], ['CRAM-MD5']] as const)('is made by AUTH %s, password in UTF-8', async (method) => {
    const mail = await mailOf({ login, methods: [method] }, keys)

    expect(mail).toMatchObject({ user: 'mailer', method })
  })

  it('is made inside TLS', async () => {
    const mail = await mailOf({ login, encryption: 'starttls' }, { ...keys, START_TLS: true, TLS_INSECURE: true })

    expect(mail).toMatchObject({ tls: true, user: 'mailer', method: 'PLAIN' })
  })

  it.each([['PLAIN'], ['LOGIN']] as const)('is made by AUTH %s with an empty password', async (method) => {
    const mail = await mailOf({ login: { user: 'mailer', password: '' }, methods: [method] }, { SMTP_USER: 'mailer' })

    expect(mail).toMatchObject({ user: 'mailer', method })
  })

  it.each([['PLAIN'], ['LOGIN'], ['CRAM-MD5']] as const)('is refused by AUTH %s when it is wrong', async (method) => {
    const { delivery, mails } = await exchange({ login, methods: [method] }, { ...keys, SMTP_PASSWORD: 'wrong' })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'auth_failed' })
    expect(mails).toEqual([])
  })

  it.each([
    ['no AUTH', {}],
    ['only methods we do not know', { login, methods: ['XOAUTH2'] }],
  ] as const)('is never left out: a server with %s gets no message', async (_, options) => {
    const { delivery, mails } = await exchange(options, keys)

    expect(delivery).toEqual({ status: 'unavailable', reason: 'auth_missing' })
    expect(mails).toEqual([])
  })
})
