import { describe, expect, it } from 'vitest'
import {
  fillMailTemplate,
  isTemplateName,
  MAX_TEMPLATE_BYTES,
  mailValues,
  minutesOf,
  parseMailTemplate,
  readTemplateName,
  substitute,
  templateWarnings,
  variantName,
} from './mail-template.ts'

const eml = (...lines: readonly string[]): string => lines.join('\r\n')
const PNG = 'iVBORw0KGgo='

/** As LinOTP's manual has them: everything in the template, an image in the HTML. */
const LINOTP = eml(
  'Content-Type: multipart/related; boundary="outer"',
  'MIME-Version: 1.0',
  'Subject: ${Subject}',
  'From: ${From}',
  'To: ${To}',
  'Date: ${Date}',
  'Reply-To: Help =?utf-8?q?D=C3=A9sk?= <help@example.org>',
  'X-Campaign: otp',
  '',
  '--outer',
  'Content-Type: multipart/alternative; boundary="inner"',
  '',
  '--inner',
  'Content-Type: text/plain; charset="utf-8"',
  'Content-Transfer-Encoding: quoted-printable',
  '',
  'Gr=C3=BC=C3=9Fe ${givenn=',
  'ame}: ${otp}',
  '--inner',
  'Content-Type: text/html; charset="utf-8"',
  '',
  '<html lang="de"><img src="cid:logo@x"><b title="${surname}">${otp}</b> <otp></html>',
  '--inner--',
  '--outer',
  'Content-Type: image/png; name="logo.png"',
  'Content-Transfer-Encoding: base64',
  'Content-ID: <logo@x>',
  '',
  PNG,
  '--outer--',
  '',
)

async function parsed(source: string) {
  const read = await parseMailTemplate(source)
  if (!read.ok) throw new Error(read.error)
  return read.value
}

describe('parseMailTemplate', () => {
  it('takes a message apart: texts, images, headers', async () => {
    expect(await parsed(LINOTP)).toEqual({
      subject: '${Subject}',
      from: null,
      replyTo: { name: 'Help Désk', address: 'help@example.org' },
      headers: [{ name: 'X-Campaign', value: 'otp' }],
      text: 'Grüße ${givenname}: ${otp}',
      html: expect.stringContaining('<b title="${surname}">${otp}</b> <otp>'),
      images: [{ cid: 'logo@x', type: 'image/png', name: 'logo.png', content: PNG }],
      language: 'de',
      dropped: [],
    })
  })

  it('keeps a literal sender, and reads encoded words and UTF-8 in headers', async () => {
    const template = await parsed('From: =?utf-8?b?R3LDvMOfZQ==?= <otp@example.org>\nSubject: Ihr Schlüssel\n\n${otp}')

    expect(template).toMatchObject({
      from: { name: 'Grüße', address: 'otp@example.org' },
      subject: 'Ihr Schlüssel',
      text: '${otp}',
      html: null,
    })
  })

  it('leaves the sender to the provider where a value would decide', async () => {
    expect((await parsed('From: "${givenname}" <ceo@example.org>\n\n${otp}')).from).toBeNull()
  })

  it('leaves out what would name other recipients or another way', async () => {
    const names = ['Cc', 'Bcc', 'Sender', 'Return-Path', 'Resent-To', 'X-SMTPAPI', 'Disposition-Notification-To']
    const template = await parsed(`${names.map((name) => `${name}: eve@example.org`).join('\n')}\nX-A: b\n\n\${otp}`)

    expect(template.dropped).toEqual(names)
    expect(template.headers).toEqual([{ name: 'X-A', value: 'b' }])
  })

  it.each([
    ['nothing', '', /headers/],
    ['text without headers', 'Your OTP is ${otp}', /headers/],
    ['headers alone', 'Subject: x\n\n', /part of text/],
    ['an image alone', `Content-Type: image/png\nContent-ID: <a>\n\n${PNG}`, /part of text/],
    ['NUL', 'Subject: x\n\n${otp}\0', /NUL/],
    ['two senders', 'From: a@example.org, b@example.org\n\n${otp}', /From/],
    ['a sender that is none', 'From: nobody\n\n${otp}', /From/],
    ['an address for replies that is none', 'Reply-To: nobody\n\n${otp}', /Reply-To/],
    ['too much', `Subject: x\n\n${'ä'.repeat(MAX_TEMPLATE_BYTES / 2)}`, /256 KiB/],
    [
      'an attachment',
      'Content-Type: multipart/mixed; boundary=b\n\n--b\n\n${otp}\n--b\nContent-Type: application/pdf\nContent-ID: <x>\n\nx\n--b--',
      /attachments/,
    ],
    [
      'a message in the message',
      'Content-Type: multipart/mixed; boundary=b\n\n--b\n\n${otp}\n--b\nContent-Type: message/rfc822\n\nSubject: y\n\nx\n--b--',
      /attachments/,
    ],
  ])('refuses %s', async (_, source, rule) => {
    expect(await parseMailTemplate(source)).toEqual({ ok: false, error: expect.stringMatching(rule) })
  })

  it('ends on parts that are nested without end', async () => {
    const deep = Array.from({ length: 300 }, (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}`)

    expect((await parseMailTemplate(`${deep.join('\n')}\n\nx`)).ok).toBe(false)
  })
})

describe('fillMailTemplate', () => {
  const values = mailValues(
    { givenname: '<Ada> & "Co"\r\nBcc: eve@example.org', surname: '${otp}', cryptpass: '$6$secret', otp: '000000' },
    { otp: '418276', Subject: 'Your OTP', To: 'ada@example.org' },
  )

  it('escapes values in HTML and nowhere else', async () => {
    const source = eml(
      'Content-Type: multipart/alternative; boundary=b',
      'Subject: ${givenname} ${Subject}',
      '',
      '--b',
      '',
      '${givenname}',
      '--b',
      'Content-Type: text/html',
      '',
      '<p title="${givenname}">${givenname}</p>',
      '--b--',
    )

    const filled = fillMailTemplate(await parsed(source), values)

    const escaped = '&#60;Ada&#62; &#38; &#34;Co&#34; Bcc: eve@example.org'
    expect(filled).toMatchObject({
      subject: '<Ada> & "Co" Bcc: eve@example.org Your OTP',
      text: '<Ada> & "Co" Bcc: eve@example.org',
      html: expect.stringContaining(`<p title="${escaped}">${escaped}</p>`),
    })
  })

  it('leaves <otp> and unknown names alone, and looks at each value once', async () => {
    const { text } = fillMailTemplate(
      await parsed('Subject: x\n\n${otp} ${surname} <otp> ${cryptpass} ${nobody}'),
      values,
    )

    expect(text).toBe('418276 ${otp} <otp> ${cryptpass} ${nobody}')
  })

  it('drops an address for replies that a value has made into two', async () => {
    const template = await parsed('Reply-To: "${name}" <${email}>\n\n${otp}')
    const fill = (email: string) => fillMailTemplate(template, mailValues({ email, name: 'a" <eve@example.org>' }, {}))

    expect(fill('ada@example.org').replyTo).toEqual({ name: 'a" <eve@example.org>', address: 'ada@example.org' })
    expect(fill('ada@example.org>, <eve@example.org').replyTo).toBeNull()
  })
})

describe('names', () => {
  it.each(['otp.eml', 'a/b/otp.de.eml', '.hidden', 'a..b', 'x'])('takes %j', (name) => {
    expect(isTemplateName(name)).toBe(true)
    expect(readTemplateName(`file://${name}`)).toBe(name)
  })

  it.each([
    '',
    '/etc/passwd',
    '../x',
    'a/../x',
    'a/./x',
    'a//x',
    'a/',
    'a\\x',
    'a b',
    'ä',
    '%2e%2e/x',
    'C:x',
    'x\0',
    'x'.repeat(129),
  ])('refuses %j', (name) => {
    expect(isTemplateName(name)).toBe(false)
    expect(readTemplateName(`file://${name}`)).toBeNull()
  })

  it.each([
    ['otp.eml', 'otp.de.eml'],
    ['a.b/otp', 'a.b/otp.de'],
    ['a/.eml', 'a/.eml.de'],
  ])('has a variant of %s', (name, variant) => {
    expect(variantName(name, 'de')).toBe(variant)
  })
})

it.each([
  [120, '2'],
  [119, '1'],
  [59, '1'],
  [0, '1'],
  [3600, '60'],
])('tells %i seconds as %s minutes', (seconds, minutes) => {
  expect(minutesOf(seconds)).toBe(minutes)
})

describe('templateWarnings', () => {
  it('has nothing to say about a good template', async () => {
    expect(
      templateWarnings(await parsed('Subject: ${Subject}\n\n${otp} ${minutes} ${givenname}'), ['givenname']),
    ).toEqual([])
  })

  it('names what an author should know', async () => {
    const source = 'Content-Type: text/html\nBcc: eve@example.org\nX-Name: ${nick}\n\n<b>&lt;otp&gt;</b>'

    expect(templateWarnings(await parsed(source), [])).toEqual([
      'there is no ${otp} in the HTML',
      '${nick} is unknown and stays as it is',
      '<otp> is not replaced in templates: write ${otp}',
      'the header Bcc is left out',
      'there is no text part: the text of the policy takes its place',
    ])
  })
})

it('substitutes no property of every object', () => {
  expect(substitute('${constructor} ${__proto__}', mailValues({}, {}))).toBe('${constructor} ${__proto__}')
})
