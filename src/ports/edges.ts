/**
 * Edges: everything a runtime hands over. Nothing below `runtimes/` reaches for the clock, random bytes, the network,
 * files or the console on its own.
 */
import type { Socket } from 'node:net'
import type { Instant, LocalTime, Seconds } from '../core/time.ts'
import type { Metrics, MetricsPage } from './metrics.ts'
import type { PasswordFormat } from './passwords.ts'
import type { OpenSmpp } from './smpp.ts'
import type { OpenSql } from './sql.ts'

export type Clock = () => Instant

/** @param bytes how many cryptographically random bytes to return */
export type Random = (bytes: number) => Uint8Array

/** From the most to the least. `debug`: what an operator needs to see why something does not work. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

/**
 * Structured log. Fields never hold a secret, an OTP, a PIN, a message body or an unmasked address, on no level. What
 * belongs to a request has its id in the field `request`.
 */
export type Log = {
  readonly debug: (event: string, fields?: LogFields) => void
  readonly info: (event: string, fields?: LogFields) => void
  readonly warn: (event: string, fields?: LogFields) => void
  readonly error: (event: string, fields?: LogFields) => void
}
export type LogFields = Readonly<Record<string, string | number | boolean | null | undefined>>

/** What this runtime can do. One record, so that a configuration it cannot serve is refused when it is saved. */
export type Capabilities = {
  readonly runtime: 'node' | 'deno' | 'bun' | 'workers'
  /** Reads files by name (certificates, passwd files). */
  readonly files: boolean
  /** May open TCP connections to port 25. Cloudflare forbids it. */
  readonly smtpPort25: boolean
  /** Lets a TLS connection choose its certificate checks: private authorities, client certificates, no verification. */
  readonly tlsOptions: boolean
  /** A connection may serve one request after another. Workers ties it to the request that opened it. */
  readonly sharedConnections: boolean
}

/**
 * Opens a TCP or TLS connection by host name, for runtimes whose `node:net` cannot be left to an SMTP client.
 * `undefined` where the SMTP client opens its own.
 */
export type OpenSocket = (
  target: { host: string; port: number; secure: boolean },
  signal: AbortSignal,
) => Promise<Socket>

/** A way of its own to a server. Certificates and keys are PEM texts. */
export type FetchRoute = {
  /** URL, maybe with user and password. */
  readonly proxy?: string
  readonly authority?: string
  readonly client?: { readonly certificate: string; readonly key: string }
}
export type FetchVia = (route: FetchRoute) => typeof fetch

/** As much as is used of Cloudflare's `send_email` binding. Errors carry a `code`. */
export type MailBinding = {
  readonly send: (mail: {
    readonly from: string | { readonly email: string; readonly name: string }
    readonly to: string
    readonly subject: string
    readonly text: string
    readonly html?: string
    readonly headers?: Readonly<Record<string, string>>
    readonly replyTo?: string | { readonly email: string; readonly name: string }
    /** `content` in base64. */
    readonly attachments?: readonly {
      readonly content: string
      readonly type: string
      readonly filename: string
      readonly disposition: 'inline'
      readonly contentId: string
    }[]
  }) => Promise<{ readonly messageId?: string } | undefined>
}

/** A place outside the database where mail templates lie. */
export type TemplatePlace = {
  /** The operator's folder, or what comes with otpost. */
  readonly place: 'folder' | 'shipped'
  /** The source; null when there is none of this name. Whatever the name, nothing outside the place is read. */
  readonly read: (name: string) => Promise<string | null>
  readonly names: () => Promise<readonly string[]>
}

export type Edges = {
  /** Name of this machine, for the audit; absent where there is no machine. */
  readonly host?: string
  readonly clock: Clock
  /** The moment in the server's own time zone, for policies; absent where there is only UTC. */
  readonly localTime?: (now: Instant) => LocalTime
  readonly random: Random
  readonly fetch: typeof fetch
  /** Makes a `fetch` that goes a way of its own; absent on Workers, which has one way for all. */
  readonly fetchVia?: FetchVia
  /** A signal that aborts after this long; it never keeps a process alive. */
  readonly deadline: (after: Seconds) => AbortSignal
  readonly openSocket?: OpenSocket
  /** Reads from databases of others; absent on Workers. */
  readonly openSql?: OpenSql
  /** Texts of passwords in databases of others; some take more work than Workers allows, where they are absent. */
  readonly passwordFormats?: readonly PasswordFormat[]
  /** Absent on Workers: the library is no small one. */
  readonly openSmpp?: OpenSmpp
  /** The `send_email` binding of this name; absent but on Workers. */
  readonly mailBinding?: (name: string) => MailBinding | undefined
  /** Reads a text file; absent where `capabilities.files` is false. */
  readonly readFile?: (path: string) => Promise<string>
  /** Writes a text file, replacing what was there; absent where `capabilities.files` is false. */
  readonly writeFile?: (path: string, text: string) => Promise<void>
  /** Looked through in order, after the database. */
  readonly templates?: readonly TemplatePlace[]
  readonly capabilities: Capabilities
  readonly log: Log
  /** Absent where nobody looks. */
  readonly metrics?: Metrics
  /** The same to be read; absent where they go elsewhere. */
  readonly metricsPage?: MetricsPage
}
