/**
 * SMPP sessions on Node, Deno and Bun: the package smpp on a socket of our own. Loaded with the first message.
 *
 * The library takes a PDU of up to 16 KiB and gives up on what is none; it says nothing of a server that is silent, for
 * which the signals are, and bounds nothing of what it is made to answer, which is bounded here.
 */
import { once } from 'node:events'
import { connect as connectPlain, isIP, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { Pdu, Session } from 'smpp'
import { err, ok, type Result } from '../../core/result.ts'
import type { OpenSmpp, SmppReply, SmppSession } from '../../ports/smpp.ts'
import { connectionReason, socketReason } from '../../ports/socket-reasons.ts'

/** After unbind the server has this long to answer and hang up. */
const PARTING_MS = 1000

/** Bytes of our answers that a server may leave unread. */
const MAX_UNREAD = 64 * 1024

export const openSmpp: OpenSmpp = async ({ host, port, tls }, signal) => {
  const { default: smpp } = await import('smpp')
  if (signal.aborted) return err('aborted')
  const secure = tls !== null
  const socket = secure
    ? connectTls({
        host,
        port,
        ...(isIP(host) ? {} : { servername: host }),
        ...(tls.authority && { ca: tls.authority }),
      })
    : connectPlain({ host, port })
  // Stays for good: an error nobody listens for would end the process.
  socket.on('error', () => undefined)
  try {
    await once(socket, secure ? 'secureConnect' : 'connect', { signal })
  } catch (error) {
    socket.destroy()
    return err(signal.aborted ? 'aborted' : connectionReason(error, secure))
  }
  const names = new Map(Object.entries(smpp.errors).map(([name, status]) => [status, name]))
  return ok(sessionOn(socket, new smpp.Session({ socket }), (status) => names.get(status) ?? null))
}

function sessionOn(socket: Socket, session: Session, nameOf: (status: number) => string | null): SmppSession {
  const { promise: ended, resolve } = Promise.withResolvers<string>()
  const end = (reason: string) => {
    resolve(reason)
    socket.destroy()
  }
  session.on('error', (error: Error & { readonly code?: string }) =>
    end(socketReason(error.code ?? '') ?? 'protocol_error'),
  )
  session.on('close', () => end('connection_closed'))
  // A transceiver is sent receipts and replies too; a centre that is left without an answer stops listening.
  for (const asked of ['enquire_link', 'deliver_sm', 'data_sm', 'unbind'])
    session.on(asked, (pdu: Pdu) => {
      session.send(pdu.response())
      if (socket.writableLength > MAX_UNREAD) end('protocol_error')
      if (asked === 'unbind') socket.end()
    })

  return {
    isOpen: () => socket.writable,

    async request(command, fields, signal) {
      const { promise: replied, resolve: reply } = Promise.withResolvers<Result<SmppReply, string>>()
      const onAbort = () => end('aborted')
      signal.addEventListener('abort', onAbort, { once: true })
      if (signal.aborted) onAbort()
      const isSent = session[command](fields, ({ command: answer, command_status: status }) =>
        reply(
          [`${command}_resp`, 'generic_nack'].includes(answer)
            ? ok({ status, name: nameOf(status) })
            : err('protocol_error'),
        ),
      )
      if (!isSent) end('connection_closed')
      const outcome = await Promise.race([replied, ended.then(err)])
      signal.removeEventListener('abort', onAbort)
      if (!outcome.ok) end(outcome.error)
      return outcome
    },

    close() {
      const timer = setTimeout(() => socket.destroy(), PARTING_MS)
      socket.once('close', () => clearTimeout(timer))
      if (!session.unbind({}, () => socket.end())) socket.destroy()
    },
  }
}
