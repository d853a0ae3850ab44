/** SMTPEmailProvider against Postfix, whose logins Dovecot checks: every kind of protection, and every kind of no. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { testCertificates } from '../support/certificates.ts'
import { startHarness } from '../support/harness.ts'
import { MAIL, mailEdges, sendBy, senderBy } from '../support/mail.ts'
import { LOGIN, type Postfix, startPostfix } from './postfix.ts'
import { missing } from './servers.ts'

type Keys = Readonly<Record<string, unknown>>

describe.skipIf(missing('postfix') !== null)('SMTPEmailProvider and Postfix', () => {
  const { authority, client } = testCertificates()
  let postfix: Postfix
  beforeAll(async () => {
    postfix = await startPostfix()
  })
  afterAll(() => postfix?.stop())

  const TLS_CA = authority.certificateFile
  const ways = (): Readonly<Record<string, Keys>> => ({
    STARTTLS: { SMTP_PORT: postfix.ports.submission, START_TLS: true, TLS_CA, ...LOGIN },
    'implicit TLS': { SMTP_PORT: postfix.ports.tls, USE_SSL: true, TLS_CA, ...LOGIN },
    'a client certificate': {
      ...{ SMTP_PORT: postfix.ports.client, START_TLS: true, TLS_CA },
      ...{ CERTFILE: client.certificateFile, KEYFILE: client.keyFile },
    },
    'nothing at all': { SMTP_PORT: postfix.ports.plain },
  })
  const send = (way: string, over: Keys = {}, to = 'ada@example.org', id = 'mail-1') =>
    sendBy({ EMAIL_FROM: 'Einmalpasswörter <otp@example.org>', ...ways()[way], ...over }, { id, to })
  const mailOf = async (user: string, id: string) =>
    (await postfix.mails(user)).find(({ messageId }) => messageId?.includes(id))

  it.each([
    ['STARTTLS', 'way-1', /using TLSv1\.[23].*Authenticated sender: mailer/s],
    ['implicit TLS', 'way-2', /using TLSv1\.[23].*Authenticated sender: mailer/s],
    ['a client certificate', 'way-3', /using TLSv1\.[23].*Client CN "otpost test client".*verified OK/s],
    ['nothing at all', 'way-4', /with E?SMTP id/],
  ])('deliver by %s', async (way, id, received) => {
    expect(await send(way, {}, 'ada@example.org', id)).toEqual({ status: 'accepted', reference: id })

    await expect.poll(() => mailOf('ada', id)).toBeDefined()
    const mail = await mailOf('ada', id)
    expect(mail).toMatchObject({
      ...{ from: { name: 'Einmalpasswörter', address: 'otp@example.org' }, to: [{ address: 'ada@example.org' }] },
      ...{ subject: 'Your OTP', text: '418276\n' },
    })
    expect(mail?.headers.find(({ key }) => key === 'received')?.value).toMatch(received)
  })

  const ADA = 'ada@example.org'
  it.each<readonly [string, string, Keys, string, string, string]>([
    ['an unknown recipient', 'STARTTLS', {}, 'nobody@example.org', 'refused', 'recipient_550'],
    ['a domain that is not here', 'nothing at all', {}, 'ada@elsewhere.test', 'unavailable', 'recipient_554'],
    ['a greylisted recipient', 'STARTTLS', {}, 'grey@example.org', 'unavailable', 'recipient_450'],
    ['a full mailbox', 'STARTTLS', {}, 'full@example.org', 'unavailable', 'recipient_452'],
    [
      'a sender that is not wanted',
      'STARTTLS',
      { EMAIL_FROM: 'banned@example.org' },
      ADA,
      'unavailable',
      'recipient_554',
    ],
    ['a wrong password', 'STARTTLS', { SMTP_PASSWORD: 'x' }, ADA, 'unavailable', 'auth_failed'],
    ['an unknown user', 'implicit TLS', { SMTP_USER: 'x' }, ADA, 'unavailable', 'auth_failed'],
    ['no login', 'STARTTLS', { SMTP_USER: '' }, ADA, 'unavailable', 'recipient_554'],
    ['clear text', 'STARTTLS', { START_TLS: false }, ADA, 'unavailable', 'auth_missing'],
    ['a certificate of nobody', 'STARTTLS', { TLS_CA: '' }, ADA, 'unavailable', 'tls_failed'],
    ['no client certificate', 'a client certificate', { CERTFILE: '', KEYFILE: '' }, ADA, 'unavailable', 'ehlo_421'],
    ['no STARTTLS', 'nothing at all', { START_TLS: true }, ADA, 'unavailable', 'starttls_missing'],
  ])('agree on %s', async (_, way, over, to, status, reason) => {
    expect(await send(way, over, to)).toMatchObject({ status, reason })
  })

  it('hand on a connection under load', async () => {
    const ids = Array.from({ length: 30 }, (_, n) => `load-${n}`)
    const sendOne = await senderBy({ ...ways().STARTTLS, MAX_CONNECTIONS: 3 })

    const deliveries = await Promise.all(
      ids.map((id) => sendOne({ ...MAIL, id, to: 'bob@example.org' }, AbortSignal.timeout(20_000))),
    )

    expect(deliveries.map(({ status }) => status)).toEqual(ids.map(() => 'accepted'))
    const arrived = async () =>
      (await postfix.mails('bob')).filter(({ messageId }) => messageId?.includes('load-')).length
    await expect.poll(arrived).toBe(ids.length)
  })

  it('carry an OTP that lets its user in', async () => {
    const h = await startHarness({}, undefined, mailEdges())
    const config = JSON.stringify({ SMTP_SERVER: '127.0.0.1', EMAIL_FROM: 'otp@example.org', ...ways().STARTTLS })
    const fields = { name: 'postfix', type: 'email', class: 'SMTPEmailProvider', timeout: '120', default: 'true' }
    const saved = await h.admin('/system/setProvider', { ...fields, config })
    expect(saved.json.result?.value).toBe(true)
    const token = { type: 'email', user: 'bob', serial: 'LSEM1', pin: 'pin-', email_address: 'bob@example.org' }
    await h.admin('/admin/init', token)

    const asked = await h.check({ user: 'bob', pass: 'pin-' })
    const mine = async () =>
      (await postfix.mails('bob')).find(({ text }) => /^\d{6}\s*$/.test(text ?? '') && text !== '418276\n')
    await expect.poll(mine).toBeDefined()
    const otp = (await mine())?.text?.trim() ?? ''
    const transactionid = String(asked.json.detail?.transactionid)
    const answered = await h.check({ user: 'bob', pass: otp, transactionid })

    expect(answered.json.result?.value).toBe(true)
    await h.close()
  })
})
