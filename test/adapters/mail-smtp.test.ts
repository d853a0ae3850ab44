/** SMTPEmailProvider against a real SMTP server: what arrives, and what is refused. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { exchange, mailOf, sendBy } from '../support/mail.ts'
import { closedPort, startSmtpServer } from '../support/smtp-server.ts'

describe.concurrent('a message', () => {
  it('goes to its one recipient, from the sender of the configuration', async () => {
    const mail = await mailOf({}, { EMAIL_FROM: 'otp@corp.example' })

    expect(mail).toMatchObject({ from: 'otp@corp.example', to: ['ada@example.org'], tls: false, user: undefined })
  })

  it('is one part of plain ASCII with the headers of LinOTP and a Message-ID', async () => {
    const mail = await mailOf({}, {})

    expect(mail.raw.split('\r\n').sort()).toEqual(
      [
        'From: otp@example.com',
        'To: ada@example.org',
        'Subject: Your OTP',
        'Date: Wed, 01 Jul 2026 12:30:15 -0000',
        'Message-ID: <mail-1@example.com>',
        'Auto-Submitted: auto-generated',
        'Content-Transfer-Encoding: 7bit',
        'MIME-Version: 1.0',
        'Content-Type: text/plain; charset=us-ascii',
        '',
        '418276',
        '',
      ].sort(),
    )
    expect(mail.raw).toMatch(/\r\n\r\n418276\r\n$/)
  })

  it('is UTF-8 in base64 when its text or subject is not ASCII', async () => {
    const mail = await mailOf({}, {}, { subject: 'Ihr Einmalpaßwort', text: 'Schlüssel: 418276\nGruß' })

    expect(mail.raw).toContain('Content-Type: text/plain; charset=utf-8\r\n')
    expect(mail.raw).toContain('Content-Transfer-Encoding: base64\r\n')
    expect(mail.raw).toMatch(/^\p{ASCII}*$/u)
    expect(mail.parsed.subject).toBe('Ihr Einmalpaßwort')
    expect(mail.parsed.text).toMatch(/^Schlüssel: 418276\r\nGruß$/)
  })

  it('has text, HTML and images side by side, and the headers of its template', async () => {
    const mail = await mailOf(
      {},
      { EMAIL_FROM: 'bounces@mail.example' },
      {
        from: { name: 'Größe', address: 'service@corp.example' },
        replyTo: { name: 'Help, please', address: 'help@corp.example' },
        headers: [{ name: 'X-Campaign', value: 'Schlüssel' }],
        text: 'Dein Schlüssel: 418276',
        html: '<p>Dein Schlüssel: <b>418276</b><img src="cid:logo@x"></p>',
        images: [{ cid: 'logo@x', type: 'image/png', name: 'logo.png', content: 'iVBORw0KGgo=' }],
      },
    )

    expect(mail.from).toBe('bounces@mail.example')
    expect(mail.raw).toMatch(/^\p{ASCII}*$/u)
    expect(mail.raw).toMatch(/^Message-ID: <mail-1@corp\.example>\r$/m)
    expect(mail.parsed).toMatchObject({
      from: { name: 'Größe', address: 'service@corp.example' },
      replyTo: [{ name: 'Help, please', address: 'help@corp.example' }],
      text: expect.stringMatching(/^Dein Schlüssel: 418276\s*$/),
      html: expect.stringMatching(/^<p>Dein Schlüssel: <b>418276<\/b><img src="cid:logo@x"><\/p>\s*$/),
      attachments: [{ contentId: '<logo@x>', mimeType: 'image/png', disposition: 'inline', related: true }],
    })
    const content = mail.parsed.attachments[0]?.content as ArrayBuffer // unless told otherwise
    expect(new Uint8Array(content)).toEqual(new Uint8Array(Buffer.from('iVBORw0KGgo=', 'base64')))
    expect(mail.parsed.headers).toContainEqual(
      expect.objectContaining({ key: 'x-campaign', value: '=?UTF-8?B?U2NobMO8c3NlbA==?=' }),
    )
    expect(mail.parsed.headers).toContainEqual(expect.objectContaining({ key: 'auto-submitted' }))
  })

  it('is shown with the words of its subject, also where they look encoded', async () => {
    const subject = 'Hello =?utf-8?q?=0D=0ABcc:_eve@example.org?='
    const mail = await mailOf({}, {}, { subject })

    expect(mail.parsed.subject).toBe(subject)
  })

  it.each([
    ['lines that are dots', '.\n..\n.hidden\n'],
    ['lone line breaks of every kind', 'a\rb\nc\r\nd'],
    ['a line of 3000 characters', 'x'.repeat(3000)],
  ])('keeps its text with %s', async (_, text) => {
    const mail = await mailOf({}, {}, { text })

    expect(mail.parsed.text?.trimEnd()).toBe(text.replace(/\r\n|\r/g, '\n').trimEnd())
  })

  it('shows the name of the sender but leaves it out of the envelope', async () => {
    const mail = await mailOf({}, { EMAIL_FROM: '"Größe, Ltd." <otp@corp.example>' })

    expect(mail.from).toBe('otp@corp.example')
    expect(mail.parsed.from).toEqual({ name: 'Größe, Ltd.', address: 'otp@corp.example' })
  })

  it.each([
    ['Your OTP\r\nBcc: eve@example.org'],
    ['Your OTP\nBcc: eve@example.org\n\nBody'],
    ['Your OTP\rBcc: eve@example.org'],
  ])('has one subject line for the subject %j', async (subject) => {
    const mail = await mailOf({}, {}, { subject })

    expect(mail.to).toEqual(['ada@example.org'])
    expect(mail.parsed.bcc).toBeUndefined()
    expect(mail.parsed.subject).toMatch(/^Your OTP Bcc: eve@example.org/)
    expect(mail.parsed.text).toBe('418276\n')
  })

  it.each([
    ['ada@example.org,eve@example.org'],
    ['ada@example.org>\r\nRCPT TO:<eve@example.org'],
    ['ada@example.org\r\nBcc: eve@example.org'],
    ['Ada <ada@example.org>'],
    ['<ada@example.org>'],
    ['ada@example.org eve@example.org'],
    ['friends: ada@example.org;'],
    [''],
  ])('is not sent to %j', async (to) => {
    const { delivery, mails } = await exchange({}, {}, { to })

    expect(delivery).toEqual({ status: 'refused', reason: 'address_invalid' })
    expect(mails).toEqual([])
  })
})

describe.concurrent('an address that is not ASCII', () => {
  it('goes out in UTF-8 when the server offers SMTPUTF8', async () => {
    const mail = await mailOf({}, {}, { to: 'ümlaut@example.org' })

    expect(mail).toMatchObject({ to: ['ümlaut@example.org'], smtpUtf8: true })
  })

  it.each([
    [{}, { to: 'ümlaut@example.org' }, 'refused'],
    [{ EMAIL_FROM: 'größe@example.com' }, {}, 'unavailable'],
  ])('ends the attempt when the server does not: %j %j', async (keys, mail, status) => {
    const { delivery, mails } = await exchange({ smtpUtf8: false }, keys, mail)

    expect(delivery).toEqual({ status, reason: 'smtputf8_missing' })
    expect(mails).toEqual([])
  })

  it('needs no SMTPUTF8 when only the domain is not ASCII', async () => {
    const mail = await mailOf({ smtpUtf8: false }, {}, { to: 'ada@bücher.example' })

    // smtp-server shows domains in Unicode, whichever way they came
    expect(mail).toMatchObject({ to: ['ada@bücher.example'], smtpUtf8: false })
    expect(mail.raw).toContain('To: ada@xn--bcher-kva.example\r\n')
  })
})

describe.concurrent('a refused recipient', () => {
  it.each([
    [550, true, 'refused'],
    [550, false, 'refused'],
    [553, true, 'refused'],
    [450, true, 'unavailable'],
    [452, false, 'unavailable'],
    // about the session, not about the recipient
    [503, false, 'unavailable'],
    [530, false, 'unavailable'],
  ])('with %d, pipelining %s, is %s', async (code, pipelining, status) => {
    const { delivery } = await exchange({ refuseRecipient: code, pipelining }, {})

    expect(delivery).toMatchObject({ status, reason: `recipient_${code}` })
  })
})

describe.concurrent('a server that is not there', () => {
  it('refuses the connection', async () => {
    const delivery = await sendBy({ SMTP_PORT: await closedPort() })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'connection_refused' })
  })

  it('has no name', async () => {
    const delivery = await sendBy({ SMTP_SERVER: 'no-such-host.invalid', SMTP_PORT: 587 })

    expect(delivery).toEqual({ status: 'unavailable', reason: 'name_unknown' })
  })
})

describe('many messages', () => {
  it('are sent at once by one provider, each on a connection that is closed after it', async () => {
    const { port, mails, connections, close } = await startSmtpServer()
    onTestFinished(close)

    const deliveries = await Promise.all(
      Array.from({ length: 20 }, (_, n) =>
        sendBy({ SMTP_PORT: port }, { id: `mail-${n}`, to: `user${n}@example.org` }),
      ),
    )

    expect(deliveries.map(({ status }) => status)).toEqual(Array(20).fill('accepted'))
    expect(new Set(mails.flatMap(({ to }) => to)).size).toBe(20)
    await expect.poll(connections).toBe(0)
  })
})
