/**
 * Connections to the servers of one directory: so many at once, the others wait in the order in which they came; who is
 * done leaves his connection to the next one. A server that failed is asked last for a while, and an account that was
 * refused is not tried again for as long.
 */
import { err } from '../../core/result.ts'
import { type Instant, isWithin } from '../../core/time.ts'
import type { Edges } from '../../ports/edges.ts'
import { createLine } from '../../ports/line.ts'
import type { LdapConfig, LdapServer } from './ldap-config.ts'
import { type FromServer, failed, type LdapFailure } from './ldap-failures.ts'
import { openSession, type Session } from './ldap-session.ts'

type Question<T> = (session: Session, signal: AbortSignal) => FromServer<T>

export type Connections = {
  /** Asks over a connection that searches may use; once more over another one where the first went away. */
  readonly ask: <T>(question: Question<T>, signal: AbortSignal) => FromServer<T>
  /** Asks once, over a connection that serves nothing else. */
  readonly askAlone: Connections['ask']
  /** Closes what nobody uses; what is in use closes when it is done. */
  readonly close: () => void
}

/** At once, from this process. */
const MAX_CONNECTIONS = 20
/** Seconds. Firewalls forget connections after minutes, and tell neither side. */
const MAX_REST = 60
const AVOIDED_FOR = 60

type Resting = { readonly session: Session; readonly since: Instant }

export function createConnections(config: LdapConfig, edges: Edges): Connections {
  const turns = createTurns(MAX_CONNECTIONS, edges)
  const failures = new Map<LdapServer, Instant>()
  let refusal: { readonly failure: LdapFailure; readonly at: Instant } | undefined
  let resting: Resting[] = []
  let generation = 0

  const limited = (signal: AbortSignal, share = 1) =>
    AbortSignal.any([signal, edges.deadline(Math.ceil(config.timeout / share))])

  /** The first server that lets us in. @param account undefined: nobody, who is let in everywhere */
  async function connect(account: LdapConfig['account'], signal: AbortSignal): FromServer<Session> {
    // Trying again and again would lock the account.
    if (account && refusal && isWithin(AVOIDED_FOR, refusal.at, edges.clock())) return err(refusal.failure)
    const avoided = (server: LdapServer) => isWithin(AVOIDED_FOR, failures.get(server) ?? -AVOIDED_FOR, edges.clock())
    const order = config.servers.toSorted((one, other) => Number(avoided(one)) - Number(avoided(other)))
    let entered: Awaited<FromServer<Session>> = err(failed('timeout'))
    for (const server of order) {
      entered = await enter(server, account, limited(signal, order.length))
      if (entered.ok) {
        failures.delete(server)
        return entered
      }
      const failure = entered.error
      if (failure.reason === 'bind_refused') refusal = { failure, at: edges.clock() }
      if (failure.elsewhere) noteFailure(server, failure.reason)
      if (!failure.elsewhere || signal.aborted) break
    }
    return entered
  }

  async function enter(server: LdapServer, account: LdapConfig['account'], signal: AbortSignal): FromServer<Session> {
    const opened = await openSession(config, server, edges, signal)
    if (!opened.ok || !account) return opened
    const bound = await opened.value.bind(account.name, account.password, signal)
    if (bound.ok) return opened
    opened.value.close()
    return bound
  }

  function noteFailure(server: LdapServer, reason: string): void {
    failures.set(server, edges.clock())
    for (const { session } of resting) if (session.server === server) session.close()
    edges.log.warn('directory_server_failed', { host: server.host, port: server.port, reason })
  }

  function takeResting(): Session | undefined {
    const now = edges.clock()
    const isFresh = ({ since }: Resting) => isWithin(MAX_REST, since, now)
    for (const one of resting) if (!isFresh(one)) one.session.close()
    resting = resting.filter((one) => isFresh(one) && one.session.isOpen())
    return resting.pop()?.session
  }

  function release(session: Session, born: number): void {
    if (!session.isOpen()) return
    if (edges.capabilities.sharedConnections && born === generation) {
      session.rest()
      resting.push({ session, since: edges.clock() })
    } else session.close()
  }

  async function put<T>(session: Session, question: Question<T>, signal: AbortSignal): FromServer<T> {
    const answer = await question(session, limited(signal))
    if (!answer.ok && answer.error.elsewhere) {
      session.close()
      noteFailure(session.server, answer.error.reason)
    }
    return answer
  }

  return {
    ask: (question, signal) =>
      turns(signal, async () => {
        const born = generation
        const rested = takeResting()
        if (rested) {
          const answer = await question(rested, limited(signal))
          if (answer.ok || !answer.error.elsewhere) {
            release(rested, born)
            return answer
          }
          // A server may close what rests at the very moment: that says nothing about its next connection.
          if (answer.error.reason !== 'connection_closed') noteFailure(rested.server, answer.error.reason)
          rested.close()
          if (signal.aborted) return answer
        }
        const opened = await connect(config.account, signal)
        if (!opened.ok) return opened
        const answer = await put(opened.value, question, signal)
        release(opened.value, born)
        return answer
      }),

    askAlone: (question, signal) =>
      turns(signal, async () => {
        const opened = await connect(undefined, signal)
        if (!opened.ok) return opened
        const answer = await put(opened.value, question, signal)
        opened.value.close()
        return answer
      }),

    close: () => {
      generation += 1
      for (const { session } of resting) session.close()
      resting = []
    },
  }
}

type Turns = <T>(signal: AbortSignal, work: () => FromServer<T>) => FromServer<T>

/** Who waits gives up by his signal. */
function createTurns(limit: number, { metrics }: Edges): Turns {
  const line = createLine(limit, 'ldap', metrics)

  return async (signal, work) => {
    if ((await line.enter(signal)) === 'aborted') return err(failed('timeout'))
    try {
      return await work()
    } finally {
      line.leave(null)
    }
  }
}
