/** Servers that providers are tried against: one that takes every message, and one that tells all it knows. */
import { startHttpServer } from '../../support/http-server.ts'
import { pdu, startScriptedSmpp, startSmppServer } from '../../support/smpp-server.ts'
import { say, startScriptedServer } from '../../support/smtp-server.ts'
import { OTP, SECRET } from './tasks.ts'

const SMTP = ['SMTPEmailProvider', 'SmtpSMSProvider']

type Server = { readonly port: number; readonly close: () => Promise<void> }

export async function against<S extends Server, T>(
  starting: Promise<S>,
  act: (port: number, server: S) => Promise<T>,
): Promise<T> {
  const server = await starting
  try {
    return await act(server.port, server)
  } finally {
    await server.close()
  }
}

/** Takes every message, and tells what it heard. */
export async function friendFor(provider: string): Promise<Server & { readonly heard: () => string }> {
  if (SMTP.includes(provider)) return startScriptedServer({ EHLO: say('250-hello\r\n250 AUTH PLAIN') })
  if (provider === 'SMPPSMSProvider') {
    const server = await startSmppServer()
    return { ...server, heard: () => server.submitted.map(({ text }) => text).join() }
  }
  const words: Readonly<Record<string, string>> = { HttpSMSProvider: 'OK', HttpEmailProvider: 'queued' }
  const json = { id: '1', ErrorCode: 0, Message: 'OK', MessageID: '1', MessageId: '1', message: 'Queued' }
  const status = provider === 'SendGridEmailProvider' ? 202 : 200
  const server = await startHttpServer(() => ({ status, body: words[provider] ?? json }))
  return { ...server, heard: () => server.heard.map(({ body }) => body).join() }
}

/** Says everything it should keep to itself, in each place where one of the APIs has a text. */
const parrot = (status: number) =>
  startHttpServer(({ body }) => {
    const all = `${OTP} ${SECRET} zoe@example.org ${body}`
    return {
      status,
      body: {
        id: all,
        name: SECRET,
        message: all,
        ErrorCode: Number(OTP),
        Message: all,
        errors: [{ field: all, message: all }],
      },
    }
  })

export const parrotFor = (provider: string, status: number): Promise<Server> => {
  if (provider === 'SMPPSMSProvider') return status < 300 ? parrotBySmpp(SECRET, 0) : parrotBySmpp(OTP, Number(OTP))
  return SMTP.includes(provider) ? parrotBySmtp(status) : parrot(status)
}

const parrotBySmpp = (word: string, status: number) =>
  startScriptedSmpp({ submit: { bytes: pdu(0x80000004, status, 2, Buffer.from(`${word}\0`)) } })

const parrotBySmtp = (status: number) =>
  startScriptedServer({
    EHLO: say('250-hello\r\n250 AUTH PLAIN'),
    ...(status < 300 ? { greeting: say(`${OTP} ${SECRET}`) } : {}),
    ...(status === 401 ? { AUTH: say(`535 ${SECRET} is wrong`) } : {}),
    RCPT: say(`${status === 500 ? 550 : 451} ${OTP} <zoe@example.org> ${SECRET}`),
  })
