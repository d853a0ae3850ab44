import { connect, type Socket } from 'node:net'
import nodemailer from 'nodemailer'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startMailCatcher } from '../../src/adapters/catcher/smtp.ts'
import type { MailCatcher } from '../../src/ports/catcher.ts'
import { startRuntime } from '../support/runtimes.ts'

const now = 1_750_000_000
let catcher: MailCatcher

beforeEach(async () => {
  catcher = await startMailCatcher({ clock: () => now, keep: 3 })
})
afterEach(() => catcher.close())

type Message = { to?: string | string[]; subject?: string; text?: string | undefined; html?: string; from?: string }

function send(
  { to = 'ada@example.org', ...rest }: Message = {},
  port = catcher.port,
  auth?: { user: string; pass: string },
) {
  const transport = nodemailer.createTransport({ host: '127.0.0.1', port, ...(auth ? { auth } : {}) })
  return transport.sendMail({ from: 'otp@example.org', subject: 'Your OTP', text: '418276', ...rest, to })
}

describe('a caught mail', () => {
  it('has the envelope, the decoded content and the time of the clock, and is there when the client is answered', async () => {
    await send({
      to: ['ada@example.org', 'bob@example.org'],
      from: 'Otpost <otp@example.org>',
      subject: 'Grüße 🌵',
      text: 'Täglich\n418276\n',
    })

    expect(catcher.mails()).toEqual([
      {
        id: '1',
        receivedAt: now,
        from: 'otp@example.org',
        to: ['ada@example.org', 'bob@example.org'],
        subject: 'Grüße 🌵',
        text: 'Täglich\n418276',
        raw: expect.stringMatching(/^From: Otpost <otp@example\.org>\r\n[\s\S]*Message-ID: /m),
      },
    ])
  })

  it('has the HTML source for its text when there is no other', async () => {
    await send({ text: undefined, html: '<b>418276</b>' })

    expect(catcher.mails()[0]?.text).toBe('<b>418276</b>')
  })

  it('comes in also from a client that logs in, with whatever credentials', async () => {
    await send({}, catcher.port, { user: 'someone', pass: 'anything' })

    expect(catcher.mails()).toHaveLength(1)
  })

  it('is kept until newer ones take its place', async () => {
    for (const text of ['1', '2', '3', '4']) await send({ text })

    expect(catcher.mails().map(({ id, text }) => [id, text])).toEqual([
      ['2', '2'],
      ['3', '3'],
      ['4', '4'],
    ])
  })

  it('is gone after clear, and its id is not used again', async () => {
    await send()
    catcher.clear()
    await send()

    expect(catcher.mails().map(({ id }) => id)).toEqual(['2'])
  })

  it('has an id of its own when many come at once', async () => {
    await Promise.all(Array.from({ length: 20 }, () => send()))

    expect(catcher.mails().map(({ id }) => id)).toEqual(['18', '19', '20'])
  })
})

describe('waitFor', () => {
  it('finds the newest mail that is already there, whatever the case of the address', async () => {
    await send({ text: 'old' })
    await send({ text: 'new' })
    await send({ to: 'bob@example.org', text: 'other' })

    expect((await catcher.waitFor('Ada@Example.ORG')).text).toBe('new')
  })

  it('waits for a mail that is not there yet, and passes over those to others', async () => {
    const mail = catcher.waitFor('ada@example.org')
    await send({ to: 'bob@example.org', text: 'other' })
    await send({ text: 'mine' })

    expect((await mail).text).toBe('mine')
  })

  it('with `after` passes over that mail and those before it', async () => {
    await send({ text: 'first' })
    const { id } = await catcher.waitFor('ada@example.org')

    const next = catcher.waitFor('ada@example.org', { after: id })
    await send({ text: 'second' })
    await send({ text: 'third' })

    expect((await next).text).toBe('second')
    expect((await catcher.waitFor('ada@example.org', { after: id })).text).toBe('second')
  })

  it('with `after` goes on working when that mail was cleared away', async () => {
    await send({ text: 'first' })
    const { id } = await catcher.waitFor('ada@example.org')
    catcher.clear()
    await send({ text: 'second' })

    expect((await catcher.waitFor('ada@example.org', { after: id })).text).toBe('second')
  })

  it('says for whom there is mail when none came in time', async () => {
    await send({ to: 'bob@example.org' })

    const mail = catcher.waitFor('ada@example.org', { timeoutMs: 20 })

    await expect(mail).rejects.toThrow(
      'no mail to ada@example.org: none came within 20 ms; there is mail to bob@example.org',
    )
  })

  it('refuses an `after` that is no id', async () => {
    await expect(catcher.waitFor('ada@example.org', { after: 'first' })).rejects.toThrow(
      "'first' is not the id of a caught mail",
    )
  })

  it('is refused when the catcher is closed, before and after', async () => {
    const before = catcher.waitFor('ada@example.org')
    const refused = expect(before).rejects.toThrow('no mail to ada@example.org: the mail catcher was closed')

    await catcher.close()

    await refused
    await expect(catcher.waitFor('ada@example.org')).rejects.toThrow('the mail catcher is closed')
  })
})

describe('the server', () => {
  it('refuses a message of more than 1 MiB that says so', async () => {
    await expect(send({ text: 'x'.repeat(1024 * 1024) })).rejects.toMatchObject({ responseCode: 552 })
    expect(catcher.mails()).toEqual([])
  })

  it('refuses a message of more than 1 MiB that does not say so, and goes on', async () => {
    const replies = await talk(catcher.port, [
      'EHLO x',
      'MAIL FROM:<a@example.org>',
      'RCPT TO:<ada@example.org>',
      'DATA',
      `Subject: big\r\n\r\n${'x'.repeat(998).concat('\r\n').repeat(1100)}.`,
      'MAIL FROM:<a@example.org>',
    ])

    expect(replies.map((reply) => reply.slice(0, 3))).toEqual(['220', '250', '250', '250', '354', '552', '250'])
    expect(catcher.mails()).toEqual([])
  })

  it('offers no STARTTLS and accepts the empty reverse-path of a bounce', async () => {
    const [, ehlo, from] = await talk(catcher.port, ['EHLO x', 'MAIL FROM:<>'])

    expect(ehlo).not.toContain('STARTTLS')
    expect(from).toMatch(/^250/)
  })

  it.each(['0.0.0.0', '192.0.2.1', '::', 'example.org', '', '127.0.0.1.example.org', '127.1'])(
    'does not listen on %s',
    async (host) => {
      await expect(startMailCatcher({ clock: () => now, host })).rejects.toThrow(/listens on loopback only/)
    },
  )

  it.each([
    ['localhost', '127.0.0.1'],
    ['127.0.0.2', '127.0.0.2'],
  ])('listens on %s', async (host, address) => {
    const other = await startMailCatcher({ clock: () => now, host })

    expect(other.host).toBe(address)
    await other.close()
  })

  it('says so when its port is taken', async () => {
    const start = startMailCatcher({ clock: () => now, port: catcher.port })

    await expect(start).rejects.toMatchObject({
      message: expect.stringContaining(`cannot listen on 127.0.0.1 port ${catcher.port}`),
      cause: { code: 'EADDRINUSE' },
    })
  })

  it('closes without waiting for a client that stays', async () => {
    const socket = connect(catcher.port, '127.0.0.1')
    await nextReply(socket)

    await catcher.close()

    await expect(send()).rejects.toMatchObject({ code: expect.stringMatching(/ECONNECTION|ESOCKET|ECONNREFUSED/) })
    socket.destroy()
  })

  it.each(['deno', 'bun'] as const)('runs on %s', async (runtime) => {
    const child = await startRuntime(runtime, {
      script: new URL('../support/children/catcher.ts', import.meta.url),
      ready: /^listening on (\d+)$/,
    })

    await send({ subject: 'Grüße', text: 'Täglich 418276' }, Number(child.url))
    const exit = await child.exited

    expect(child.output()).toContain('"subject":"Grüße","text":"Täglich 418276"')
    expect(child.output()).not.toMatch(/warn|error/i)
    expect(exit).toEqual({ code: 0, signal: null })
  })
})

/** Sends line after line, each after the reply to the one before. */
async function talk(port: number, lines: readonly string[]): Promise<string[]> {
  const socket = connect(port, '127.0.0.1')
  const replies = [await nextReply(socket)]
  for (const line of lines) {
    const reply = nextReply(socket)
    socket.write(`${line}\r\n`)
    replies.push(await reply)
  }
  socket.destroy()
  return replies
}

/** One SMTP reply, to the line whose code is followed by a space (RFC 5321 §4.2.1). */
function nextReply(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = ''
    const read = (chunk: Buffer) => {
      text += chunk.toString()
      if (!/^\d{3} .*\r\n$/m.test(text)) return
      socket.off('data', read)
      resolve(text)
    }
    socket.on('data', read)
    socket.once('error', reject)
  })
}
