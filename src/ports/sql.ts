/**
 * SQL port: reading from databases that are not otpost's own. Where a runtime cannot connect to them, `Edges` has no
 * `openSql`.
 */
import type { Result } from '../core/result.ts'
import type { Metrics } from './metrics.ts'

/** What is checked of the certificate of a server, and presented to it. PEM texts. */
export type SqlTls = {
  /** `chain`: whoever the certificate is for. `nothing`: not even who signed it. */
  readonly verify: 'host' | 'chain' | 'nothing'
  /** Trusted instead of the public authorities. */
  readonly authority?: string
  readonly client?: { readonly certificate: string; readonly key: string }
}

export type SqlServer = {
  readonly dialect: 'postgresql' | 'mysql'
  /** `path` is that of a Unix socket. */
  readonly address: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly database: string
  readonly user: string
  readonly password: string
  /** Absent: clear text, for good. */
  readonly tls?: SqlTls
}

export type SqlTarget =
  | SqlServer
  | { readonly dialect: 'sqlite'; readonly path: string }
  /** A libSQL server. */
  | { readonly dialect: 'libsql'; readonly url: string; readonly token?: string }

/** One statement. Placeholders are `$1`, `$2` … in PostgreSQL, and `?` elsewhere. */
export type SqlStatement = { readonly sql: string; readonly params: readonly string[] }

/** A number where the column holds numbers, unless the database sends those as text. */
export type SqlCell = string | number | bigint | null
/** In the order in which the statement names its columns. */
export type SqlRow = readonly SqlCell[]

/**
 * `connection_failed`: the server cannot be reached or used. `statement_refused`: it does not like the statement.
 * `value_refused`: one of `params` is nothing that can be compared with its column, so no row has it.
 * `reason` is for operators and holds neither a password nor any of `params`.
 */
export type SqlFailure = {
  readonly code: 'connection_failed' | 'statement_refused' | 'value_refused'
  readonly reason: string
}
export type SqlOutcome = Result<readonly SqlRow[], SqlFailure>

/** Connections to one database, opened when they are needed, closed when nobody has needed them for a while. */
export type SqlPool = {
  /** Runs one statement that cannot write. Settles by `signal` at the latest; never throws for what a server did. */
  readonly query: (statement: SqlStatement, signal: AbortSignal) => Promise<SqlOutcome>
  /** Closes what is open; the next query opens a connection again. */
  readonly close: () => void
}

/**
 * @param target asked for each new connection, since certificates are renewed; it may reject
 * @param maxConnections at once, from this process
 */
export type OpenSql = (target: () => Promise<SqlTarget>, maxConnections: number, metrics?: Metrics) => SqlPool
