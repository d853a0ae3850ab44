/**
 * Session: one connection to one server, over which one question is asked at a time. ldapts speaks the protocol.
 *
 * A question settles by its signal whatever the server does, and a session that did not answer one is closed for good.
 */
import type { Socket } from 'node:net'
import type { Client, Entry, Filter as LdaptsFilter } from 'ldapts'
import { err, ok } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import type { LdapConfig, LdapServer } from './ldap-config.ts'
import { type FromServer, failed, resultFailure, resultOf } from './ldap-failures.ts'
import type { Filter } from './ldap-filter.ts'
import { frameSocket } from './ldap-frames.ts'
import { openLdapSocket } from './ldap-socket.ts'

export type Question = {
  readonly base: string
  /** The base alone, or all below it. */
  readonly scope: 'base' | 'sub'
  readonly filter: Filter
  readonly attributes: readonly string[]
  /** At most so many entries; those found first. */
  readonly limit: number
  /** Seconds after which the server may give up. */
  readonly timeLimit: number
}

export type Session = {
  readonly server: LdapServer
  readonly isOpen: () => boolean
  /** Never with an empty name or password: a server takes either for nobody, and consents (RFC 4513 §5.1). */
  readonly bind: (name: string, password: string, signal: AbortSignal) => FromServer<null>
  readonly search: (question: Question, signal: AbortSignal) => FromServer<readonly Entry[]>
  readonly close: () => void
  /** Lets the process end while nothing is asked. */
  readonly rest: () => void
}

/** Fewer than any server's own limit for one page. */
const PAGE = 500

export async function openSession(
  config: LdapConfig,
  server: LdapServer,
  edges: Edges,
  signal: AbortSignal,
): FromServer<Session> {
  const [wire, opened] = await Promise.all([import('./ldap-wire.ts'), openLdapSocket(config, server, edges, signal)])
  return opened.ok ? ok(createSession(server, opened.value, wire)) : opened
}

function createSession(server: LdapServer, socket: Socket, wire: typeof import('./ldap-wire.ts')): Session {
  const { stream, isSpoilt } = frameSocket(socket)
  const client = wire.createClient(stream)

  const failureOf = (error: unknown) => {
    const result = resultOf(error)
    if (result !== undefined) return resultFailure(result)
    return failed(stream.destroyed && !isSpoilt() ? 'connection_closed' : 'protocol_error')
  }

  const ask = <T>(question: () => Promise<T>, signal: AbortSignal): FromServer<T> =>
    new Promise((resolve) => {
      const settle = (outcome: Awaited<FromServer<T>>) => {
        signal.removeEventListener('abort', onAbort)
        if (!outcome.ok && outcome.error.result === undefined) stream.destroy()
        resolve(outcome)
      }
      const onAbort = () => settle(err(failed('timeout')))
      if (signal.aborted) return onAbort()
      if (stream.destroyed) return settle(err(failed('connection_closed')))
      signal.addEventListener('abort', onAbort, { once: true })
      socket.ref?.()
      question().then(
        (value) => settle(ok(value)),
        (error) => settle(err(failureOf(error))),
      )
    })

  return {
    server,
    isOpen: () => !stream.destroyed && !socket.readableEnded,
    bind: async (name, password, signal) => {
      if (name === '' || password === '') throw new Error('a bind without a name or a password proves nothing')
      return ask(() => client.bind(name, password).then(() => null), signal)
    },
    search: (question, signal) => ask(() => readPages(client, question, wire.toLdapts(question.filter)), signal),
    close: () => {
      socket.unref?.()
      const farewell = client.unbind().catch(() => undefined) // who leaves does not wait for an answer
      void farewell.finally(() => stream.destroy())
    },
    rest: () => void socket.unref?.(),
  }
}

async function readPages(
  client: Client,
  { base, scope, attributes, limit, timeLimit }: Question,
  filter: LdaptsFilter,
): Promise<readonly Entry[]> {
  const options = { scope, filter, attributes: [...attributes], sizeLimit: limit, timeLimit }
  const found: Entry[] = []
  if (limit <= PAGE) {
    const { searchEntries } = await client.search(base, options)
    return searchEntries.slice(0, limit)
  }
  for await (const { searchEntries } of client.searchPaginated(base, { ...options, paged: { pageSize: PAGE } })) {
    found.push(...searchEntries)
    if (found.length >= limit) break
  }
  return found.slice(0, limit)
}
