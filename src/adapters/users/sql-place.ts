/**
 * Where the database of a SQL resolver is and how it is trusted, of `Connect`, or of `Driver`, `Server`, `Port`,
 * `Database`, and of `User`, `Password`, `conParams`, `TLS_CA` and `TLS_INSECURE`.
 *
 * Encryption: none to this very machine, TLS with verified certificates to any other, unless parameters say otherwise.
 */
import { isIP } from 'node:net'
import { err, ok, type Result } from '../../core/result.ts'
import type { ConfigProblem } from '../../ports/provider.ts'
import type { SqlTarget, SqlTls } from '../../ports/sql.ts'
import type { Fields } from './sql-config.ts'
import { type Parameters, readConnection } from './sql-parameters.ts'
import { DRIVERS, dialectOf, type Place, readParameters, readUrl } from './sql-url.ts'

/** `key` is that of the configuration it came from. */
export type Pem = { readonly key: string } & ({ readonly pem: string } | { readonly file: string })

export type SqlPlace = {
  /** Without `tls`, whose files are read for each connection. */
  readonly target: SqlTarget
  readonly tls:
    | {
        readonly verify: SqlTls['verify']
        readonly authority: Pem | undefined
        readonly client: { readonly certificate: Pem; readonly key: Pem } | undefined
      }
    | undefined
}

type Read<T> = Result<T, ConfigProblem>
const wrong = (key: string, rule: string) => err({ key, rule })

export function readPlace(fields: Fields): Read<SqlPlace> {
  const place = fields.Connect === undefined ? placeOfParts(fields) : placeOfUrl(fields.Connect, fields)
  if (!place.ok) return place
  const extra = readExtra(fields.conParams)
  if (!extra.ok) return extra
  // A URL hides it when it is shown, this text would not.
  if (extra.value.has('authtoken')) return wrong('conParams', 'must not have authtoken: give the token as Password')
  const key = extra.value.size > 0 ? 'conParams' : 'Connect'
  const parameters = readConnection(new Map([...place.value.parameters, ...extra.value]))
  if (!parameters.ok) return wrong(key, parameters.error)
  const { dialect } = place.value
  if (dialect === 'sqlite') return sqliteFile(place.value, fields)
  if (dialect === 'libsql') return libsqlServer(place.value, parameters.value, fields)
  return server({ ...place.value, dialect }, { parameters: parameters.value, key, fields })
}

function readExtra(text: string | undefined): Read<ReadonlyMap<string, string>> {
  if (text === undefined) return ok(new Map())
  try {
    const parameters = readParameters(text)
    if (parameters) return ok(parameters)
  } catch {
    // a lonely %
  }
  return wrong('conParams', 'must be name=value, with & between several, and %25 for each %')
}

function placeOfParts(fields: Fields): Read<Place> {
  if (fields.Driver === undefined) return wrong('Driver', 'is required, unless Connect is given')
  const dialect = dialectOf(fields.Driver)
  if (!dialect) return wrong('Driver', DRIVERS)
  return ok({
    dialect,
    scheme: fields.Driver.toLowerCase(),
    user: fields.User ?? '',
    password: fields.Password ?? '',
    host: (fields.Server ?? '').replace(/^\[(.*)\]$/, '$1'),
    port: fields.Port,
    database: fields.Database ?? '',
    parameters: new Map(),
  })
}

/** What stands beside the URL fills in what the URL leaves open. */
function placeOfUrl(url: string, fields: Fields): Read<Place> {
  const read = readUrl(url)
  if (!read.ok) return read
  const place = read.value
  const both: readonly [key: keyof Fields, beside: string | number | undefined, inUrl: string | number | undefined][] =
    [
      ['User', fields.User, place.user],
      ['Password', fields.Password, place.password],
      ['Server', fields.Server, place.host],
      ['Port', fields.Port, place.port],
      ['Database', fields.Database, place.database],
    ]
  const other = both.find(([, beside, inUrl]) => beside !== undefined && inUrl && String(beside) !== String(inUrl))
  if (other) return wrong(other[0], 'must be the same as in Connect, or absent')
  return ok({
    ...place,
    user: place.user || (fields.User ?? ''),
    password: place.password || (fields.Password ?? ''),
    host: place.host || (fields.Server ?? ''),
    port: place.port ?? fields.Port,
    database: place.database || (fields.Database ?? ''),
  })
}

function sqliteFile({ host, database }: Place, fields: Fields): Read<SqlPlace> {
  const key = fields.Connect === undefined ? 'Database' : 'Connect'
  if (host !== '' && fields.Connect !== undefined)
    return wrong(key, 'must have three slashes before the path of a file, four before an absolute one')
  if (database === '' || /^:memory:/i.test(database) || /^file:/i.test(database))
    return wrong(key, 'must name the file of the database')
  return ok({ target: { dialect: 'sqlite', path: database }, tls: undefined })
}

/** The token is `Password`. */
function libsqlServer({ scheme, host, port, password }: Place, { token }: Parameters, fields: Fields): Read<SqlPlace> {
  const key = fields.Connect === undefined ? 'Server' : 'Connect'
  if (!isHost(host)) return wrong(key, HOST)
  const isClear = scheme === 'http'
  if (isClear && !isLoopback(host)) return wrong(key, 'must be https:// or libsql://, unless it is on this machine')
  if (fields.TLS_CA !== undefined) return wrong('TLS_CA', 'must be absent with a libSQL server')
  if (fields.TLS_INSECURE) return wrong('TLS_INSECURE', 'must be absent with a libSQL server')
  const address = `${isIP(host) === 6 ? `[${host}]` : host}${port === undefined ? '' : `:${port}`}`
  const secret = password || token
  return ok({
    target: {
      dialect: 'libsql',
      url: `${isClear ? 'http' : 'https'}://${address}`,
      ...(secret ? { token: secret } : {}),
    },
    tls: undefined,
  })
}

type Rest = { readonly parameters: Parameters; readonly key: string; readonly fields: Fields }

function server(
  place: Place & { readonly dialect: 'postgresql' | 'mysql' },
  { parameters, key, fields }: Rest,
): Read<SqlPlace> {
  const { dialect, user, password } = place
  const hostKey = fields.Connect === undefined ? 'Server' : 'Connect'
  const host = place.host || (parameters.host ?? 'localhost')
  const path = parameters.socket ?? (host.startsWith('/') ? host : undefined)
  const port = place.port ?? parameters.port ?? { postgresql: 5432, mysql: 3306 }[dialect]
  if (path === undefined && !isHost(host)) return wrong(hostKey, HOST)
  if (user === '') return wrong('User', 'is required')
  // PostgreSQL's own clients take the name of the user then; in MySQL a table may name its database.
  const database = place.database || (dialect === 'postgresql' ? user : '')
  if (database === '' && fields.Table.length === 1) return wrong('Database', 'is required')
  const target = {
    dialect,
    ...{ database, user, password },
    address: path === undefined ? { host, port } : { path: socketOf(dialect, path, port) },
  }
  const tls = path === undefined ? tlsOf(host, { parameters, key, fields }) : ok(undefined)
  return tls.ok ? ok({ target, tls: tls.value }) : tls
}

/** PostgreSQL's clients are given a folder, and the name of the socket in it follows from the port. */
const socketOf = (dialect: 'postgresql' | 'mysql', path: string, port: number): string =>
  dialect === 'postgresql' && !/\.s\.PGSQL\.\d+$/.test(path) ? `${path}/.s.PGSQL.${port}` : path

function tlsOf(host: string, { parameters, key, fields }: Rest): Read<SqlPlace['tls']> {
  const { certificate, key: privateKey, authority } = parameters
  if ((certificate === undefined) !== (privateKey === undefined))
    return wrong(key, 'must have the files of both a certificate and its key, or neither')
  const isAsked = !!(fields.TLS_CA ?? authority ?? certificate) || fields.TLS_INSECURE
  const encryption = parameters.encryption ?? (isLoopback(host) && !isAsked ? 'none' : 'host')
  if (encryption === 'none') {
    const vain = fields.TLS_CA !== undefined ? 'TLS_CA' : fields.TLS_INSECURE ? 'TLS_INSECURE' : undefined
    return vain ? wrong(vain, 'must be absent where the connection is in clear text') : ok(undefined)
  }
  const file = (name: string): Pem => ({ key, file: name })
  return ok({
    verify: fields.TLS_INSECURE ? 'nothing' : encryption === 'chain' ? 'chain' : 'host',
    authority:
      fields.TLS_CA !== undefined ? pemOrFile(fields.TLS_CA) : authority === undefined ? undefined : file(authority),
    client: certificate && privateKey ? { certificate: file(certificate), key: file(privateKey) } : undefined,
  })
}

const pemOrFile = (value: string): Pem =>
  value.includes('-----BEGIN ') ? { key: 'TLS_CA', pem: value } : { key: 'TLS_CA', file: value }

const HOST = 'must be a host name or an IP address'
const isHost = (text: string): boolean => isIP(text) !== 0 || /^(?:[\w.-]|[^\p{ASCII}\s\p{C}])+$/u.test(text)

/** Addresses of this very machine. */
const isLoopback = (host: string): boolean =>
  host.toLowerCase() === 'localhost' || (isIP(host) === 4 && host.startsWith('127.')) || host === '::1'
