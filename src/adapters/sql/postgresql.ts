/**
 * PostgreSQL by way of `postgres`, one connection at a time. Every statement runs in a read-only transaction of its own
 * and is not kept prepared, so that PgBouncer may stand in between, save in its mode `statement`.
 */
import type { Socket } from 'node:net'
import postgres from 'postgres'
import { ok } from '../../core/result.ts'
import type { SqlFailure, SqlOutcome, SqlServer, SqlTls } from '../../ports/sql.ts'
import {
  connectionFailed,
  MAX_STATEMENT_SECONDS,
  openSocket,
  quoted,
  type SqlConnection,
  secure,
  statementRefused,
  valueRefused,
} from './connection.ts'

/** boolean, bytea, json, date, timestamp, timestamptz, jsonb: what a user typed is compared as it is. */
const AS_TEXT = [16, 17, 114, 1082, 1114, 1184, 3802]
const TYPES = Object.fromEntries(
  AS_TEXT.map((oid) => [`text${oid}`, { to: oid, from: [oid], serialize: String, parse: String }]),
)

/** The login happens with the first statement. @throws when there is no socket, or no TLS on it */
export async function connectPostgresql(server: SqlServer, signal: AbortSignal): Promise<SqlConnection> {
  const { address, tls } = server
  const plain = await openSocket(address, signal)
  const socket = tls && 'host' in address ? await upgrade(plain, address.host, tls, signal) : plain
  let isOpen = true
  let handedOver = false
  socket.once('close', () => {
    isOpen = false
  })
  const options = {
    ...('host' in address ? address : { host: address.path }),
    database: server.database,
    user: server.user,
    // As a function, since for an empty one PGPASSWORD would be taken.
    password: () => server.password,
    // It would open a new connection whenever it lost one; that is for the pool to decide.
    socket: () => {
      if (handedOver) throw new Error('connection lost')
      handedOver = true
      return socket
    },
    ...{ ssl: false, max: 1, prepare: false, fetch_types: false, no_subscribe: true },
    ...{ idle_timeout: 0, connect_timeout: 0, max_lifetime: null, backoff: false },
    connection: { application_name: 'otpost' },
    types: TYPES,
    onnotice: () => {},
    onclose: () => {
      isOpen = false
    },
  }
  const sql = postgres(options as object) // its types lack `socket`, and more
  const end = () => {
    isOpen = false
    sql.end({ timeout: 0 }).catch(() => {})
  }

  return {
    run: async ({ sql: text, params }) => {
      try {
        // Sent one after the other without waiting; after an error COMMIT is a ROLLBACK.
        const [, rows] = await Promise.all([
          sql.unsafe(`BEGIN READ ONLY; SET LOCAL statement_timeout = '${MAX_STATEMENT_SECONDS}s'`),
          // The simple protocol would run several statements.
          sql.unsafe(text, [...params], { simple: false } as object).raw(), // an option that is missing in its types
          sql.unsafe('COMMIT'),
        ])
        return ok(rows.map((row) => row.map((cell) => (cell === null ? null : textOf(cell)))))
      } catch (error) {
        return failureOf(error)
      }
    },
    isOpen: () => isOpen && !socket.destroyed,
    hold: (process) => void (process ? socket.ref() : socket.unref()),
    close: end,
    destroy: () => {
      end()
      socket.destroy()
    },
  }
}

const textOf = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)

/** SSLRequest: the server answers S, or N when it has no TLS. https://www.postgresql.org/docs/17/protocol-flow.html */
async function upgrade(socket: Socket, host: string, tls: SqlTls, signal: AbortSignal): Promise<Socket> {
  const answer = await new Promise<Buffer>((resolve, reject) => {
    const abort = () => reject(signal.reason)
    signal.addEventListener('abort', abort, { once: true })
    socket.once('data', (bytes: Buffer) => {
      signal.removeEventListener('abort', abort)
      socket.pause()
      resolve(bytes)
    })
    socket.once('close', () => reject(failed('connection_lost')))
    socket.write(Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]))
  }).catch((error: unknown) => {
    socket.destroy()
    throw error
  })
  // More than that one byte could only come from somebody in between.
  if (answer.length === 1 && answer[0] === 0x53) return secure(socket, host, tls, signal)
  socket.destroy()
  throw failed('tls_missing')
}

const failed = (code: string): Error => Object.assign(new Error(code), { code })

/** SQLSTATE: https://www.postgresql.org/docs/17/errcodes-appendix.html */
const REASONS: Readonly<Record<string, string>> = {
  '28000': 'login_refused',
  '28P01': 'login_refused',
  '3D000': 'database_unknown',
  '53300': 'connections_exhausted',
  '57014': 'statement_cancelled',
  '57P01': 'server_stopping',
  '57P02': 'server_stopping',
  '57P03': 'server_starting',
}
/** These say something about the text of the statement alone. */
const ABOUT_STATEMENT: Readonly<Record<string, string>> = {
  '42P01': 'table_unknown',
  '3F000': 'table_unknown',
  '42703': 'column_unknown',
  '42501': 'permission_missing',
  '42601': 'syntax_wrong',
  '42883': 'operator_unknown',
}
/** No value of the column's type, out of its range, or nothing that the database's encoding can say. */
const NO_SUCH_VALUE: ReadonlySet<string> = new Set(['22P02', '22003', '22007', '22008', '22021', '22P05'])

function failureOf(error: unknown): { readonly ok: false; readonly error: SqlFailure } & SqlOutcome {
  // Whatever it is that was thrown.
  const { code, severity, message } = error as Partial<Record<'code' | 'severity' | 'message', unknown>>
  if (typeof code !== 'string') return connectionFailed('connection_lost')
  const about = ABOUT_STATEMENT[code]
  if (about !== undefined) return statementRefused(quoted(about, message))
  if (NO_SUCH_VALUE.has(code)) return valueRefused(`sqlstate_${code}`)
  if (code === 'CONNECTION_CLOSED' || code === 'CONNECTION_DESTROYED') return connectionFailed('connection_lost')
  const reason = REASONS[code] ?? (/^[\dA-Z]{5}$/.test(code) ? `sqlstate_${code}` : code)
  return severity === 'ERROR' ? statementRefused(reason) : connectionFailed(reason)
}
