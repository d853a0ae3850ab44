/** Configuration of SMTPEmailProvider: what each key may say, what it means, and what a runtime refuses. */
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import { readSmtpConfig } from '../../src/adapters/mail/smtp-config.ts'
import type { Capabilities } from '../../src/ports/edges.ts'
import { findIn } from '../../src/ports/provider.ts'
import { testCertificates } from '../support/certificates.ts'
import { mailEdges, NODE, WORKERS } from '../support/mail.ts'

const { authority, client, folder } = testCertificates()
const SERVER = { SMTP_SERVER: 'mail.example.com' }

const read = (keys: Readonly<Record<string, unknown>>, capabilities: Capabilities = NODE) =>
  readSmtpConfig(keys, mailEdges(capabilities))

describe('the configuration', () => {
  it('needs nothing but a server', async () => {
    const result = await read(SERVER)

    expect(result).toEqual({
      ok: true,
      value: {
        warnings: [],
        config: {
          host: 'mail.example.com',
          port: 25,
          encryption: 'none',
          login: undefined,
          from: { name: '', address: 'linotp@example.com' },
          subject: 'Your OTP',
          timeout: 5,
          verifyCertificate: true,
          authority: undefined,
          client: undefined,
          maxConnections: 10,
        },
      },
    })
  })

  it.each([
    [{ SMTP_PORT: '2525' }, { port: 2525 }],
    [{ PORT: 2525 }, { port: 2525 }],
    [{ PORT: '2525', SMTP_PORT: 2525 }, { port: 2525 }],
    [{ START_TLS: 'True' }, { encryption: 'starttls', port: 587 }],
    [{ USE_SSL: 'yes' }, { encryption: 'implicit', port: 465 }],
    [
      { USE_SSL: 1, START_TLS: true },
      { encryption: 'implicit', port: 465 },
    ],
    [{ START_TLS: 'no' }, { encryption: 'none', port: 25 }],
    [
      { START_TLS: '', USE_SSL: null, SMTP_PORT: '', EMAIL_FROM: '', TIMEOUT: null },
      { encryption: 'none', timeout: 5 },
    ],
    [{ SMTP_USER: 'otp' }, { login: { user: 'otp', password: '' } }],
    [{ SMTP_USER: 'otp', SMTP_PASSWORD: ' pä ss ' }, { login: { user: 'otp', password: ' pä ss ' } }],
    [{ SMTP_USER: 'otp', SMTP_PASSWORD: 1234 }, { login: { user: 'otp', password: '1234' } }],
    [{ SMTP_USER: '', SMTP_PASSWORD: 'unused' }, { login: undefined }],
    [{ TIMEOUT: '2.5' }, { timeout: 2.5 }],
    [{ TIMEOUT: 60 }, { timeout: 60 }],
    [{ TLS_INSECURE: true }, { verifyCertificate: false }],
    [{ SMTP_SERVER: '[2001:db8::1]' }, { host: '2001:db8::1' }],
    [{ SMTP_SERVER: '192.0.2.1' }, { host: '192.0.2.1' }],
    [{ EMAIL_FROM: 'Passwords <otp@corp.example>' }, { from: { name: 'Passwords', address: 'otp@corp.example' } }],
    [{ EMAIL_FROM: '"A \\"B\\"" <otp@corp.example>' }, { from: { name: 'A "B"', address: 'otp@corp.example' } }],
    [{ EMAIL_FROM: '<otp@corp.example>' }, { from: { name: '', address: 'otp@corp.example' } }],
    [{ TLS_CA: authority.certificate }, { authority: { pem: authority.certificate } }],
    [{ TLS_CA: authority.certificateFile }, { authority: { file: authority.certificateFile } }],
    [
      { CERTFILE: client.bothFile },
      { client: { certificate: { file: client.bothFile }, key: { file: client.bothFile } } },
    ],
  ])('%j means %j', async (keys, meaning) => {
    const result = await read({ ...SERVER, ...keys })

    expect(result).toMatchObject({ ok: true, value: { config: meaning, warnings: [] } })
  })

  it('keeps unknown keys and names them, but not those that the caller adds', async () => {
    const result = await read({ ...SERVER, timeout: '120', Managed: true, smtp_server: 'x', toString: 'y', EMPTY: '' })

    expect(result).toMatchObject({ ok: true, value: { warnings: ['smtp_server', 'toString'] } })
  })
})

const PORT_RULE = 'must be a whole number from 1 to 65535'
const WORD_RULE = 'must be one of true, false, yes, no, 1, 0'
const HOST_RULE = 'must be a host name or an IP address'
const FROM_RULE = 'must be one e-mail address, or a name and one address in angle brackets'
const SECONDS_RULE = 'must be a number of seconds above 0 and not above 60'
const LINE_RULE = 'must not contain line breaks or control characters'
const CERTIFICATE_RULE = 'must be a file that holds a PEM certificate'
const KEY_RULE = 'must be a file that holds a PEM private key without a password'

describe('a refusal names the key and the rule', () => {
  it.each<[object, string, string]>([
    [{ SMTP_SERVER: undefined }, 'SMTP_SERVER', 'is required'],
    [{ SMTP_SERVER: '' }, 'SMTP_SERVER', 'is required'],
    [{ SMTP_SERVER: null }, 'SMTP_SERVER', 'is required'],
    [{ SMTP_SERVER: 25 }, 'SMTP_SERVER', HOST_RULE],
    [{ SMTP_SERVER: 'mail example.com' }, 'SMTP_SERVER', HOST_RULE],
    [{ SMTP_SERVER: 'mail.example.com\n' }, 'SMTP_SERVER', HOST_RULE],
    [{ SMTP_SERVER: 'mail.example.com:587' }, 'SMTP_SERVER', HOST_RULE],
    [{ SMTP_SERVER: 'smtp://mail.example.com' }, 'SMTP_SERVER', HOST_RULE],
    [{ SMTP_PORT: 0 }, 'SMTP_PORT', PORT_RULE],
    [{ SMTP_PORT: '65536' }, 'SMTP_PORT', PORT_RULE],
    [{ SMTP_PORT: 'smtp' }, 'SMTP_PORT', PORT_RULE],
    [{ SMTP_PORT: 25.5 }, 'SMTP_PORT', PORT_RULE],
    [{ PORT: {} }, 'PORT', PORT_RULE],
    [{ SMTP_PORT: 25, PORT: 587 }, 'PORT', 'must be the same as SMTP_PORT, or absent'],
    [{ SMTP_USER: 'a\r\nb' }, 'SMTP_USER', LINE_RULE],
    [{ SMTP_USER: 'a\0b' }, 'SMTP_USER', LINE_RULE],
    [{ SMTP_USER: 7 }, 'SMTP_USER', 'must be text'],
    [{ SMTP_PASSWORD: ['x'] }, 'SMTP_PASSWORD', 'must be text'],
    [{ SMTP_PASSWORD: 'a\0b' }, 'SMTP_PASSWORD', 'must not contain NUL'],
    [{ START_TLS: 'on' }, 'START_TLS', WORD_RULE],
    [{ USE_SSL: 2 }, 'USE_SSL', WORD_RULE],
    [{ TLS_INSECURE: 'maybe' }, 'TLS_INSECURE', WORD_RULE],
    [{ EMAIL_FROM: 'otp' }, 'EMAIL_FROM', FROM_RULE],
    [{ EMAIL_FROM: 'a@example.com, b@example.com' }, 'EMAIL_FROM', FROM_RULE],
    [{ EMAIL_FROM: 'A <a@example.com> <b@example.com>' }, 'EMAIL_FROM', FROM_RULE],
    [{ EMAIL_FROM: 'A\r\nBcc: eve@example.org <a@example.com>' }, 'EMAIL_FROM', FROM_RULE],
    [{ EMAIL_FROM: 1 }, 'EMAIL_FROM', FROM_RULE],
    [{ EMAIL_SUBJECT: 'Your\nOTP' }, 'EMAIL_SUBJECT', LINE_RULE],
    [{ EMAIL_SUBJECT: false }, 'EMAIL_SUBJECT', 'must be text'],
    [{ TEMPLATE: 1 }, 'TEMPLATE', 'must be text'],
    [{ TEMPLATE: 'file://../secret.eml' }, 'TEMPLATE', expect.stringMatching('must be file:// and a name')],
    [{ TEMPLATE: 'file:///etc/passwd' }, 'TEMPLATE', expect.stringMatching('must be file:// and a name')],
    [{ TIMEOUT: 0 }, 'TIMEOUT', SECONDS_RULE],
    [{ TIMEOUT: '-1' }, 'TIMEOUT', SECONDS_RULE],
    [{ TIMEOUT: 61 }, 'TIMEOUT', SECONDS_RULE],
    [{ TIMEOUT: '5s' }, 'TIMEOUT', SECONDS_RULE],
    [{ TIMEOUT: [5, 5] }, 'TIMEOUT', SECONDS_RULE],
    [{ TIMEOUT: Number.NaN }, 'TIMEOUT', SECONDS_RULE],
    [{ KEYFILE: client.keyFile }, 'KEYFILE', 'must be given together with CERTFILE'],
    [{ CERTFILE: '/no/such.pem' }, 'CERTFILE', 'must be a file that can be read'],
    [{ CERTFILE: client.keyFile, KEYFILE: client.keyFile }, 'CERTFILE', CERTIFICATE_RULE],
    // the certificate is good, but its key is not in the same file
    [{ CERTFILE: client.certificateFile }, 'CERTFILE', KEY_RULE],
    [{ CERTFILE: client.certificateFile, KEYFILE: client.certificateFile }, 'KEYFILE', KEY_RULE],
    [{ CERTFILE: client.certificateFile, KEYFILE: '/no/such.key' }, 'KEYFILE', 'must be a file that can be read'],
    [{ TLS_CA: '/no/such.pem' }, 'TLS_CA', 'must be a file that can be read'],
    [{ TLS_CA: client.keyFile }, 'TLS_CA', 'must be a PEM certificate, or a file that holds one'],
    [{ TLS_CA: '-----BEGIN CERTIFICATE-----' }, 'TLS_CA', 'must be a PEM certificate, or a file that holds one'],
    // the first problem in the order of the keys
    [{ TIMEOUT: 0, SMTP_PORT: 0, USE_SSL: 'x' }, 'SMTP_PORT', PORT_RULE],
  ])('%j', async (keys, key, rule) => {
    const result = await read({ ...SERVER, ...keys })

    expect(result).toEqual({ ok: false, error: { key, rule } })
  })

  it('for a key with a password', async () => {
    const file = join(folder, 'encrypted.key')
    await writeFile(file, '-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n')
    const result = await read({ ...SERVER, CERTFILE: client.certificateFile, KEYFILE: file })
    await rm(file)

    expect(result).toEqual({ ok: false, error: { key: 'KEYFILE', rule: KEY_RULE } })
  })
})

describe('on Workers', () => {
  const PORT_25 = 'must not be 25, which is closed to this runtime; 587 with START_TLS and 465 with USE_SSL are open'
  const NO_FILES = 'must not name a file: this runtime reads no files'

  it.each([
    [{ START_TLS: true }],
    [{ USE_SSL: true, TLS_INSECURE: false }],
    [{ SMTP_PORT: 2525 }],
    [{ SMTP_PORT: 2525, TEMPLATE: 'Your OTP is <otp>' }],
  ])('%j is good', async (keys) => {
    const result = await read({ ...SERVER, ...keys }, WORKERS)

    expect(result.ok).toBe(true)
  })

  it.each<[object, string, string]>([
    [{ SMTP_PORT: 25 }, 'SMTP_PORT', PORT_25],
    [{ PORT: '25', START_TLS: true }, 'SMTP_PORT', PORT_25],
    [{}, 'SMTP_PORT', PORT_25],
    [{ USE_SSL: 1, TLS_INSECURE: 1 }, 'TLS_INSECURE', 'must be false: this runtime verifies every certificate'],
    [
      { USE_SSL: 1, TLS_CA: authority.certificate },
      'TLS_CA',
      'must be absent: this runtime trusts the public authorities only',
    ],
    [
      { USE_SSL: 1, CERTFILE: client.bothFile },
      'CERTFILE',
      'must be absent: this runtime presents no client certificate',
    ],
    [{ USE_SSL: 1, KEYFILE: client.keyFile }, 'KEYFILE', 'must be absent: this runtime presents no client certificate'],
    [
      { USE_SSL: 1, MAX_CONNECTIONS: 5 },
      'MAX_CONNECTIONS',
      'must be absent: this runtime shares no connections between requests',
    ],
  ])('%j is refused', async (keys, key, rule) => {
    const result = await read({ ...SERVER, ...keys }, WORKERS)

    expect(result).toEqual({ ok: false, error: { key, rule } })
  })

  it.each<[object, string]>([
    [{ TLS_CA: authority.certificateFile }, 'TLS_CA'],
    [{ CERTFILE: client.bothFile }, 'CERTFILE'],
  ])('%j is refused for the file alone where TLS can be chosen', async (keys, key) => {
    const result = await read({ ...SERVER, USE_SSL: true, ...keys }, { ...WORKERS, tlsOptions: true })

    expect(result).toEqual({ ok: false, error: { key, rule: NO_FILES } })
  })
})

describe('the list of mail providers', () => {
  it.each([
    ['SMTPEmailProvider'],
    ['linotp.provider.emailprovider.SMTPEmailProvider'],
    ['linotp.lib.emailprovider.SMTPEmailProvider'],
    ['emailprovider.HttpemailProvider.HttpSMSProvider'],
  ])('finds the SMTP provider as %s', (className) => {
    expect(findIn(mailProviders, className)?.name).toBe('SMTPEmailProvider')
  })

  it.each([['smtpemailprovider'], ['SMTPEmailProvider '], ['toString'], ['']])('finds nothing as %j', (className) => {
    expect(findIn(mailProviders, className)).toBeUndefined()
  })

  it('gives each class name to one provider, and its own name among them', () => {
    const names = mailProviders.flatMap(({ classNames }) => classNames)

    expect(new Set(names).size).toBe(names.length)
    expect(mailProviders.every(({ name, classNames }) => classNames.includes(name))).toBe(true)
  })

  it.each(mailProviders.map((provider) => [provider.name, provider] as const))(
    'reads the sample of %s and names its subject',
    async (_, provider) => {
      const result = await provider.read(provider.sample, { ...mailEdges(WORKERS), ...mailEdges() })

      expect(result).toMatchObject({ ok: true, value: { warnings: [] } })
      expect(result.ok && provider.defaults(result.value.config).subject).toBe('Your OTP')
    },
  )
})
