/** SesEmailProvider: its signature, held up to a check that is not its own, and what is its own beside `mail-apis`. */
import { describe, expect, it, onTestFinished } from 'vitest'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import { findIn, type Message } from '../../src/ports/provider.ts'
import { signatureProblem, signingKey } from '../support/aws-signature.ts'
import { startHttpServer } from '../support/http-server.ts'
import { MAIL, mailEdges } from '../support/mail.ts'
import { SES } from '../support/mail-apis.ts'

const SECRET = 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY'

async function send(keys: Readonly<Record<string, unknown>>, mail: Partial<Message> = {}) {
  const server = await startHttpServer(() => SES.sent)
  onTestFinished(server.close)
  const provider = findIn(mailProviders, SES.name)
  const read = await provider?.read({ ...SES.keys, URL: server.url, ...keys }, mailEdges())
  if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  const delivery = await provider.create(read.value.config, mailEdges())(
    { ...MAIL, ...mail },
    AbortSignal.timeout(5000),
  )
  return { delivery, heard: server.heard[0] }
}

describe('the check of signatures', () => {
  it('derives the key of the documentation', () => {
    expect(signingKey(SECRET, '20120215', 'us-east-1', 'iam').toString('hex')).toBe(
      'f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d',
    )
  })

  it('takes the signature get-vanilla of the test suite, and no other', () => {
    const authorization = (signature: string) =>
      `AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=${signature}`
    const request = (signature: string) => ({
      ...{ method: 'GET', path: '/', body: '' },
      headers: new Headers({
        ...{ host: 'example.amazonaws.com', 'x-amz-date': '20150830T123600Z' },
        authorization: authorization(signature),
      }),
    })
    const expected = { keyId: 'AKIDEXAMPLE', secret: SECRET, region: 'us-east-1', service: 'service' }
    const right = '5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31'

    expect(signatureProblem(request(right), expected)).toBeNull()
    expect(signatureProblem(request(right.replace('5', '6')), expected)).toBe('SignatureDoesNotMatch')
  })
})

it('signs the token of a session too', async () => {
  const { heard } = await send({ SESSION_TOKEN: 'IQoJb3JpZ2luX2Vj/+==' })

  expect(heard?.headers.get('x-amz-security-token')).toBe('IQoJb3JpZ2luX2Vj/+==')
  const expected = { keyId: 'AKIDEXAMPLE', secret: SECRET, region: 'eu-central-1', service: 'ses' }
  expect(heard && signatureProblem(heard, expected)).toBeNull()
})

it('signs every text, and writes domains in Punycode', async () => {
  const texts = { to: 'ada@grüße.example', subject: 'Ihr Paßwort\r\nBcc: eve@example.org', text: 'Grüße 😀\n"<otp>"' }
  const { heard } = await send({ EMAIL_FROM: 'Grüße, Zoë <otp@grüße.example>' }, texts)

  const expected = { keyId: 'AKIDEXAMPLE', secret: SECRET, region: 'eu-central-1', service: 'ses' }
  expect(heard && signatureProblem(heard, expected)).toBeNull()
  expect(JSON.parse(heard?.body ?? '')).toMatchObject({
    FromEmailAddress: '"Grüße, Zoë" <otp@xn--gre-6ka8l.example>',
    Destination: { ToAddresses: ['ada@xn--gre-6ka8l.example'] },
    Content: {
      Simple: { Subject: { Data: 'Ihr Paßwort Bcc: eve@example.org' }, Body: { Text: { Data: texts.text } } },
    },
  })
})

it('sends nothing to a local part that SES has no way for', async () => {
  const { delivery, heard } = await send({}, { to: 'zoë@example.org' })

  expect(delivery).toEqual({ status: 'refused', reason: 'smtputf8_missing' })
  expect(heard).toBeUndefined()
})
