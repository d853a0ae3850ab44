/** What a runtime and the middleware hand to routes. */
import type { Administrator } from '../core/policy/reach.ts'
import type { Facts } from '../flows/facts.ts'
import type { Self } from '../flows/self-user.ts'
import type { Session } from '../flows/sessions.ts'
import type { ConfiguredDialect } from './dialect.ts'
import type { Params } from './params.ts'

/** Given by the runtime with each request; nothing of it can come from the wire. */
export type Connection = {
  /** Address of the TCP peer, or of the client where the platform vouches for it. */
  readonly peer: string
  /** TLS ended in this process or on this platform. */
  readonly secure: boolean
  /** An operator on the machine itself, who needs no login: the command line on a local database. */
  readonly operator?: string
  /** Is told what broke while the request was answered: an operator on the machine reads more than the reply says. */
  readonly broke?: (error: unknown) => void
}

export type Caller =
  /** `version`: of the settings, as it was read with the proof. */
  | { readonly administrator: Administrator; readonly version: number }
  /** Who needs no proof, by name. */
  | { readonly operator: string }

export type Env = {
  Bindings: Connection
  Variables: {
    facts: Facts
    /** Reads the clock. */
    moment: () => Pick<Facts, 'now' | 'time'>
    /** Aborts when the body should have come, if counting begins now. */
    bodyDeadline: () => AbortSignal
    params: Params
    /** Whose path it is; null: nothing is mounted there. */
    dialect: ConfiguredDialect | null
    /** Of the request, below the mount. */
    path: string
    /** The request came over TLS, as far as the server or a trusted proxy can tell. */
    secure: boolean
    session: Session | null
    /** Who the request proves to come from, before its CSRF token was looked at; null: a stranger. */
    caller: Caller | null
    /** Why the answer is what it is, as the audit has it; for the log. */
    reason: string | undefined
    /** Who acts in self-service, once the session has been looked at. */
    self: Self | null
  }
}
