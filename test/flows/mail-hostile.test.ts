/**
 * Whatever a value holds, a mail has the headers, the recipient, the parts and the markup of its template, and shows the
 * value as it is: thousands of random ones, rendered, composed and read by a parser that is not ours. Seeded.
 */
import PostalMime from 'postal-mime'
import { describe, expect, it, onTestFinished } from 'vitest'
import { composeMessage } from '../../src/adapters/mail/smtp-message.ts'
import { oneLine } from '../../src/core/template.ts'
import { createMessages, type MessagePlan } from '../../src/flows/message.ts'
import { createTemplates } from '../../src/flows/templates.ts'
import type { Message, MessageDefaults } from '../../src/ports/provider.ts'
import { COMMON, headerNames, squeezed, TEMPLATE, unescapeHtml } from '../support/hostile-mail.ts'
import { sendBy } from '../support/mail.ts'
import { type RandomNumber, randomFrom } from '../support/random-configs.ts'
import { startSmtpServer } from '../support/smtp-server.ts'

const PIECES = [
  ...[
    '\r\n',
    '\n',
    '\r',
    '\r\n\r\n',
    '\0',
    '\t',
    ' ',
    '\u0085',
    '\u2028',
    '\u2029',
    '\ud800',
    '\udc00',
    '\u202e',
    '\ufeff',
  ],
  ...['Bcc: eve@example.org', 'Content-Type: text/html', 'Subject: x', 'To: eve@example.org', '.', '..', 'From '],
  ...[
    '<script>',
    '</p>',
    '<img src=x onerror=alert(1)>',
    '-->',
    '<!--',
    ']]>',
    '"',
    "'",
    '`',
    '=',
    '&',
    '&lt;',
    '&#60;',
    '>',
  ],
  ...['${otp}', '${Subject}', '${', '}', '$&', '$1', '<otp>', '<serial>', '${nobody}', '%s', '{{x}}', '\\', '\\"'],
  ...['=?utf-8?q?=0D=0ABcc:_eve@example.org?=', '=?utf-8?B?', '?=', '=?', '=0D=0A', '=\r\n', '%0d%0aBcc:'],
  ...[
    '--inner',
    '\r\n--inner--\r\n',
    '--outer',
    'boundary="',
    ';',
    ',',
    '<eve@example.org>',
    '"Eve" <eve@example.org>',
    '@',
    ':',
  ],
  ...['Größe', '日本語', '🔑', 'a', 'word', '418276', 'x'.repeat(90), 'ä'.repeat(40)],
]

const FROM = { name: 'OTP', address: 'otp@example.org' }
const messages = createMessages({
  templates: createTemplates({ findTemplates: async () => [] }, {}),
  log: { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} },
})
const PROVIDER = {
  type: 'email',
  name: 'p',
  class: '',
  sealedConfig: '',
  timeout: '0',
  isDefault: true,
  managed: '',
} as const

type Values = Record<'givenname' | 'surname' | 'description' | 'serial' | 'text' | 'subject', string>
function randomValues(random: RandomNumber): Values {
  const value = () =>
    Array.from({ length: Math.floor(random() * 6) }, () => PIECES[Math.floor(random() * PIECES.length)] ?? '').join('')
  return {
    ...{ givenname: value(), surname: value(), description: value() },
    ...{ serial: value(), text: value(), subject: value() },
  }
}

async function render({ text, subject, serial, ...attributes }: Values, defaults: MessageDefaults): Promise<Message> {
  const plan: MessagePlan = {
    ...{ request: 'r1', id: '1.1', to: 'ada@example.org', text: `${text}<otp>`, subject, languages: [], version: 1 },
    ...{ now: 1_800_000_000, validity: () => 120 },
    values: { otp: '418276', serial, transactionId: '17', attributes },
  }
  const message = await messages(plan)(defaults, PROVIDER)
  if ('reason' in message) throw new Error(message.reason)
  return message
}

const wire = async (message: Message) => {
  const { bytes, envelope } = await composeMessage({ from: FROM }, message, 1_800_000_000)
  return { raw: bytes.toString('latin1'), envelope, mail: await PostalMime.parse(bytes) }
}

describe.each([1])('a thousand mails with hostile values, seed %i', (seed) => {
  it('by a template', { timeout: 60_000 }, async () => {
    const random = randomFrom(`template ${seed}`)
    for (let n = 0; n < 1000; n++) {
      const values = randomValues(random)
      const message = await render(values, {
        subject: `\${givenname}${values.subject}`,
        from: 'otp@example.org',
        template: TEMPLATE,
      })
      const { raw, envelope, mail } = await wire(message)
      const shown = `[${[values.givenname, values.surname, values.serial, values.description].map(oneLine).join('|')}|418276]`

      expect(envelope).toEqual({ from: 'otp@example.org', to: 'ada@example.org' })
      // A header whose value has become empty is left out.
      expect(headerNames(raw).filter((name) => !/^X-(?:Name|Serial)$/.test(name))).toEqual(
        [...COMMON, 'Reply-To'].sort(),
      )
      expect(raw).not.toMatch(/\r(?!\n)|(?<!\r)\n|\0/)
      expect(mail).toMatchObject({
        from: FROM,
        to: [{ address: 'ada@example.org' }],
        replyTo: [{ address: 'help@example.org' }],
        attachments: [{ mimeType: 'image/png' }],
      })
      expect([mail.cc, mail.bcc, mail.replyTo?.length, mail.attachments.length]).toEqual([undefined, undefined, 1, 1])
      expect(squeezed(mail.subject ?? '')).toBe(squeezed(message.subject))
      expect(squeezed(mail.text ?? '')).toBe(squeezed(shown))
      const [, title, id, body] =
        /^<p title="([^"<>]*)" id='([^'<>]*)' lang=418276>([^<>"'`]*)<\/p>\s*$/.exec(mail.html ?? '') ?? []
      expect([title, id, body].map((part) => squeezed(unescapeHtml(part ?? '<')))).toEqual(
        [oneLine(values.givenname), oneLine(values.surname), shown].map(squeezed),
      )
    }
  })

  it('by a policy', { timeout: 60_000 }, async () => {
    const random = randomFrom(`policy ${seed}`)
    for (let n = 0; n < 1000; n++) {
      const values = randomValues(random)
      const message = await render(
        { ...values, text: `${values.text} \${surname}\n`, subject: `${values.subject} \${givenname} x` },
        { subject: 'Your OTP' },
      )
      const { raw, envelope, mail } = await wire(message)

      expect(envelope.to).toBe('ada@example.org')
      expect(headerNames(raw)).toEqual([...COMMON, 'Content-Transfer-Encoding'].sort())
      expect(mail).toMatchObject({ from: FROM, to: [{ address: 'ada@example.org' }], attachments: [] })
      expect([mail.cc, mail.bcc, mail.html]).toEqual([undefined, undefined, undefined])
      expect(squeezed(mail.subject ?? '')).toBe(squeezed(message.subject))
      expect(squeezed(mail.text ?? '')).toBe(squeezed(message.text.toWellFormed()))
    }
  })
})

it('arrives the same over SMTP', async () => {
  const server = await startSmtpServer()
  onTestFinished(server.close)
  const random = randomFrom('smtp')

  for (let n = 0; n < 20; n++) {
    const message = await render(randomValues(random), { subject: '${givenname}', template: TEMPLATE })
    const delivery = await sendBy({ SMTP_PORT: server.port, EMAIL_FROM: 'otp@example.org' }, message)
    expect(delivery.status).toBe('accepted')
    const mail = server.mails.at(-1)
    expect(mail?.to).toEqual(['ada@example.org'])
    expect(squeezed(mail?.parsed.text ?? '')).toBe(squeezed(message.text))
    expect(squeezed(mail?.parsed.html ?? '')).toBe(squeezed(message.html ?? ''))
  }

  expect(server.mails).toHaveLength(20)
})
