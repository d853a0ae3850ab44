/**
 * SMPP port: a session with an SMS centre, on runtimes that have the library for it. Which requests are made, and what
 * their answers mean, is the provider's business (`adapters/sms/smpp.ts`).
 */
import type { Result } from '../core/result.ts'

export type SmppTarget = {
  readonly host: string
  readonly port: number
  /** null: no TLS. `authority` is a PEM text, trusted instead of the public ones. */
  readonly tls: { readonly authority?: string } | null
}

/** Parameters of a request by the names of the specification. Texts of a message are encoded by `data_coding`. */
export type SmppFields = Readonly<
  Record<string, string | number | { readonly message: string; readonly udh?: Uint8Array }>
>

/** `name`: what the specification calls the status, `ESME_RTHROTTLED` say; null when it does not know it. */
export type SmppReply = { readonly status: number; readonly name: string | null }

/** Neither function throws. After a failure the session is of no more use, and its socket is gone. */
export type SmppSession = {
  /** @returns the status of the reply; else a word for what happened to the connection */
  readonly request: (
    command: 'bind_transceiver' | 'submit_sm',
    fields: SmppFields,
    signal: AbortSignal,
  ) => Promise<Result<SmppReply, string>>
  readonly isOpen: () => boolean
  /** Unbinds; nobody waits for the answer, and for no more than a second does the socket. */
  readonly close: () => void
}

/** @returns a session that is connected and not bound yet; else a word for why there is none */
export type OpenSmpp = (target: SmppTarget, signal: AbortSignal) => Promise<Result<SmppSession, string>>
