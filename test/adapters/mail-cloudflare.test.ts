/** CloudflareEmailProvider: what is handed to the binding, and what its errors mean. In workerd: `runtimes/workers-mail`. */
import { describe, expect, it } from 'vitest'
import { mailProviders } from '../../src/adapters/mail/index.ts'
import type { Edges, MailBinding } from '../../src/ports/edges.ts'
import { findIn, type Message } from '../../src/ports/provider.ts'
import { MAIL, mailEdges, WORKERS } from '../support/mail.ts'

const KEYS = { EMAIL_FROM: 'One-time passwords <otp@example.org>' }
type Sent = Parameters<MailBinding['send']>[0]

function edgesWith(send: MailBinding['send']): Edges {
  return { ...mailEdges(WORKERS), mailBinding: (name) => (name === 'EMAIL' ? { send } : undefined) }
}

async function send(
  binding: MailBinding['send'],
  mail: Partial<Message> = {},
  signal = AbortSignal.timeout(5000),
  keys = {},
) {
  const provider = findIn(mailProviders, 'CloudflareEmailProvider')
  const edges = edgesWith(binding)
  const read = await provider?.read({ ...KEYS, ...keys }, edges)
  if (!provider || !read?.ok) throw new Error(`configuration refused: ${JSON.stringify(read)}`)
  return provider.create(read.value.config, edges)({ ...MAIL, ...mail }, signal)
}
const failing = (code?: string) => async () => {
  throw Object.assign(new Error('ada@example.org 418276'), code === undefined ? {} : { code })
}

describe('a mail', () => {
  it('is handed to the binding in the documented form, with the id of the reply as reference', async () => {
    const sent: Sent[] = []

    const delivery = await send(async (mail) => {
      sent.push(mail)
      return { messageId: '<4711@example.org>' }
    })

    expect(delivery).toEqual({ status: 'accepted', reference: '<4711@example.org>' })
    expect(sent).toEqual([
      {
        from: { email: 'otp@example.org', name: 'One-time passwords' },
        ...{ to: 'ada@example.org', subject: 'Your OTP', text: '418276' },
        headers: { 'X-Auto-Response-Suppress': 'All' },
      },
    ])
  })

  it('has HTML, images and the headers that the service takes', async () => {
    const sent: Sent[] = []

    await send(async (mail) => void sent.push(mail), {
      from: { name: '', address: 'service@example.org' },
      replyTo: { name: 'Help', address: 'help@example.org' },
      headers: [
        { name: 'X-Campaign', value: 'otp' },
        { name: 'Priority', value: 'urgent' },
      ],
      html: '<b>418276</b>',
      images: [{ cid: 'logo@x', type: 'image/png', name: 'logo.png', content: 'iVBORw0KGgo=' }],
    })

    expect(sent).toMatchObject([
      {
        ...{ from: 'service@example.org', replyTo: { email: 'help@example.org', name: 'Help' }, html: '<b>418276</b>' },
        headers: { 'X-Campaign': 'otp', 'X-Auto-Response-Suppress': 'All' },
        attachments: [{ filename: 'logo.png', contentId: 'logo@x', disposition: 'inline', content: 'iVBORw0KGgo=' }],
      },
    ])
    expect(sent[0]?.headers).not.toHaveProperty('Priority')
  })

  it('has one recipient, a subject of one line, and a bare address where the sender has no name', async () => {
    const sent: Sent[] = []
    const keep = async (mail: Sent) => void sent.push(mail)

    const two = await send(keep, { to: 'ada@example.org, eve@example.org' })
    await send(keep, { subject: 'Your\r\nBcc: eve@example.org' }, undefined, { EMAIL_FROM: 'otp@example.org' })

    expect(two).toEqual({ status: 'refused', reason: 'address_invalid' })
    expect(sent).toEqual([
      expect.objectContaining({
        ...{ from: 'otp@example.org', to: 'ada@example.org', subject: 'Your Bcc: eve@example.org', text: '418276' },
      }),
    ])
  })

  it.each([
    ['E_RECIPIENT_SUPPRESSED', 'refused', 'recipient_suppressed'],
    ['E_SENDER_NOT_VERIFIED', 'unavailable', 'cloudflare_sender_not_verified'],
    ['E_RECIPIENT_NOT_ALLOWED', 'unavailable', 'cloudflare_recipient_not_allowed'],
    ['E_RATE_LIMIT_EXCEEDED', 'unavailable', 'cloudflare_rate_limit_exceeded'],
    ['E_ADA_AT_EXAMPLE', 'unavailable', 'binding_failed'],
    [undefined, 'unavailable', 'binding_failed'],
  ])('that fails with %s is %s', async (code, status, reason) => {
    expect(await send(failing(code))).toEqual({ status, reason })
  })

  it('settles by the deadline, and by its own time-out, when the binding never answers', async () => {
    const never = () => new Promise<never>(() => undefined)

    expect(await send(never, {}, AbortSignal.timeout(50))).toEqual({ status: 'unavailable', reason: 'deadline' })
    expect(await send(never, {}, undefined, { TIMEOUT: 1 })).toEqual({ status: 'unavailable', reason: 'timeout' })
    expect(await send(never, {}, AbortSignal.abort())).toEqual({ status: 'unavailable', reason: 'deadline' })
  })
})

describe('the configuration', () => {
  const provider = findIn(mailProviders, 'CloudflareEmailProvider')

  it('is refused by the key on a runtime without such bindings', async () => {
    expect(await provider?.read(KEYS, mailEdges())).toEqual({
      ok: false,
      error: { key: 'BINDING', rule: 'must be used on Cloudflare Workers, no other runtime has it' },
    })
  })

  it.each(['OTHER', 'no name', 7])('is refused when it names %j, which is no binding', async (BINDING) => {
    const read = await provider?.read({ ...KEYS, BINDING }, mailEdges(WORKERS))

    expect(read).toMatchObject({
      ok: false,
      error: { key: 'BINDING', rule: expect.stringMatching(/^must be the name/) },
    })
  })
})
