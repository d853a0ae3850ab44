/**
 * MariaDB and MySQL by way of `mysql2`, one connection at a time, in a session whose transactions cannot write. The
 * server gives text as UTF-8, whatever it keeps it in.
 */
import { type Connection, createConnection } from 'mysql2'
import { ok } from '../../core/result.ts'
import type { SqlCell, SqlOutcome, SqlServer, SqlTls } from '../../ports/sql.ts'
import {
  connectionFailed,
  MAX_STATEMENT_SECONDS,
  openSocket,
  quoted,
  type SqlConnection,
  statementRefused,
  valueRefused,
} from './connection.ts'

type Failure = Extract<SqlOutcome, { readonly ok: false }>

/** @throws when there is no socket, and an error with a `code` when the server refuses the login */
export async function connectMysql(server: SqlServer, signal: AbortSignal): Promise<SqlConnection> {
  const { address, tls } = server
  const socket = await openSocket(address, signal)
  // Where mysql2 is given an address, the certificate would be compared with `localhost`, were it not for this.
  if ('host' in address) Object.assign(socket, { _host: address.host })
  const connection = createConnection({
    stream: socket,
    ...('host' in address ? address : { socketPath: address.path }),
    user: server.user,
    password: server.password,
    database: server.database,
    charset: 'utf8mb4',
    ...(tls && { ssl: tlsOf(tls) }),
    flags: ['-LOCAL_FILES'],
    connectTimeout: 0,
    ...{ rowsAsArray: true, supportBigNumbers: true, dateStrings: true, jsonStrings: true },
  })
  let isOpen = true
  const lost = () => {
    isOpen = false
  }
  socket.once('close', lost)
  connection.on('error', lost)
  connection.on('end', lost)
  const destroy = () => {
    lost()
    connection.destroy()
    socket.destroy()
  }
  signal.addEventListener('abort', destroy, { once: true })
  const refused = await login(connection)
  signal.removeEventListener('abort', destroy)
  if (refused) {
    destroy()
    throw Object.assign(new Error(refused.error.reason), { code: refused.error.reason })
  }

  return {
    run: ({ sql, params }) =>
      new Promise((resolve) => {
        connection.execute(sql, [...params], (error, rows) => {
          if (error) resolve(failureOf(error))
          // With `rowsAsArray`, and for a statement that reads, `rows` are arrays.
          else resolve(ok((rows as unknown as readonly unknown[][]).map((row) => row.map(cellOf))))
        })
      }),
    isOpen: () => isOpen && !socket.destroyed,
    hold: (process) => void (process ? socket.ref() : socket.unref()),
    close: () => {
      lost()
      connection.end(() => socket.destroy())
    },
    destroy,
  }
}

/** MariaDB and MySQL each have a word of their own for it; to the other it is a comment. */
const TIME_LIMIT = `SET SESSION autocommit = 1
  /*M!100101 , max_statement_time = ${MAX_STATEMENT_SECONDS} */
  /*!50708 , max_execution_time = ${MAX_STATEMENT_SECONDS * 1000} */`

function login(connection: Connection): Promise<Failure | null> {
  return new Promise((resolve) => {
    connection.connect((error) => {
      if (error) resolve(failureOf(error))
    })
    connection.query('SET SESSION TRANSACTION READ ONLY', (error) => {
      if (error) resolve(failureOf(error))
    })
    connection.query(TIME_LIMIT, (error) => resolve(error ? failureOf(error) : null))
    connection.once('error', (error) => resolve(failureOf(error)))
  })
}

const tlsOf = ({ verify, authority, client }: SqlTls) => ({
  rejectUnauthorized: verify !== 'nothing',
  verifyIdentity: verify === 'host',
  ...(authority === undefined ? {} : { ca: authority }),
  ...(client && { cert: client.certificate, key: client.key }),
})

/** Columns of bytes hold text too, in many a table; what is not UTF-8 is none. */
function cellOf(value: unknown): SqlCell {
  if (value === null || typeof value === 'string' || typeof value === 'number') return value
  if (!(value instanceof Uint8Array)) return String(value)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(value)
  } catch {
    return null
  }
}

/** https://mariadb.com/kb/en/mariadb-error-code-reference/ */
const REASONS: Readonly<Record<number, string>> = {
  1040: 'connections_exhausted',
  1044: 'login_refused',
  1045: 'login_refused',
  1049: 'database_unknown',
  1053: 'server_stopping',
  1129: 'host_blocked',
  1130: 'host_refused',
  1203: 'connections_exhausted',
  1226: 'connections_exhausted',
}
/** These say something about the text of the statement alone. */
const ABOUT_STATEMENT: Readonly<Record<number, string>> = {
  1054: 'column_unknown',
  1064: 'syntax_wrong',
  1142: 'permission_missing',
  1143: 'permission_missing',
  1146: 'table_unknown',
  1792: 'read_only',
}
/** Nothing that the column's character set can say. */
const NO_SUCH_VALUE: ReadonlySet<number> = new Set([1267, 1366, 1977, 3854, 3988])

function failureOf(error: NodeJS.ErrnoException & { readonly fatal?: boolean }): Failure {
  const { errno, code, message } = error
  const number = typeof errno === 'number' && errno > 0 ? errno : undefined
  if (number === undefined) return connectionFailed(code === 'HANDSHAKE_NO_SSL_SUPPORT' ? 'tls_missing' : lostBy(error))
  const about = ABOUT_STATEMENT[number]
  if (about !== undefined) return statementRefused(quoted(about, message))
  if (NO_SUCH_VALUE.has(number)) return valueRefused(`mysql_${number}`)
  const reason = REASONS[number] ?? `mysql_${number}`
  return REASONS[number] !== undefined || error.fatal ? connectionFailed(reason) : statementRefused(reason)
}

/** mysql2 puts a code of its own over that of TLS. */
function lostBy(error: NodeJS.ErrnoException): string {
  const { code } = error
  if (code === 'HANDSHAKE_SSL_ERROR') return 'cert' in error ? 'ERR_TLS_CERT_ALTNAME_INVALID' : 'tls_failed'
  return code === undefined || code === 'PROTOCOL_CONNECTION_LOST' ? 'connection_lost' : code
}
