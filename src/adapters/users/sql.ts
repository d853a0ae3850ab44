/**
 * sqlresolver: users in a table or view of a PostgreSQL, MariaDB, MySQL or SQLite database, read only (contract 7.9).
 * Keys are read in `sql-config.ts`, statements made in `sql-statement.ts`, and `Edges.openSql` runs them.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import type { SqlCell, SqlRow, SqlStatement, SqlTarget } from '../../ports/sql.ts'
import { type Directory, type DirectoryFailure, type DirectoryUser, defineResolver } from '../../ports/users.ts'
import { FORMATS } from './crypt.ts'
import { readPem, readSqlConfig, type SqlConfig } from './sql-config.ts'
import { createKeptPasswords, type Kept } from './sql-passwords.ts'
import type { SqlPlace } from './sql-place.ts'
import { anyPassword, byFilter, byId, byLogin, isStorable, passwordById } from './sql-statement.ts'

/** Of users with one login; that it is not unique is known at two. */
const MAX_NAMESAKES = 10

/** Of rows that are looked through for a password that can be compared: the first may be of locked accounts. */
const MAX_STRANGERS = 20

export const resolver = defineResolver<SqlConfig>({
  name: 'sqlresolver',
  secretKeys: ['Password'],
  boundKeys: ['Connect', 'Driver', 'Server', 'Port', 'Database', 'User', 'conParams', 'TLS_CA', 'TLS_INSECURE'],
  sample: {
    Driver: 'postgresql',
    Server: 'db.example.org',
    Database: 'intranet',
    User: 'otpost',
    Password: 'change me',
    Table: 'otpost_users',
    Map: '{"userid": "id", "username": "login", "email": "mail", "mobile": "mobile", "password": "password"}',
    Where: 'active = 1',
    Limit: 500,
  },
  read: readSqlConfig,
  create: directoryOf,
})

type Rows = Result<readonly SqlRow[], DirectoryFailure>
const unavailable = (reason: string) => err<DirectoryFailure>({ code: 'directory_unavailable', reason })
const NOT_UNIQUE = unavailable('userid_not_unique')

function directoryOf(config: SqlConfig, edges: Edges): Directory {
  const { table } = config
  if (!edges.openSql) throw new Error('a configuration was read where there is no SQL')
  const pool = edges.openSql(() => targetOf(config.place, edges), config.maxConnections, edges.metrics)
  const passwords = createKeptPasswords(config, edges.passwordFormats ?? FORMATS)
  /** Of somebody in the table, to be computed where there is nothing to compare. */
  let decoy: Kept | null = null

  async function ask(statement: SqlStatement, signal: AbortSignal): Promise<Rows> {
    const outcome = await pool.query(statement, signal)
    if (outcome.ok) return outcome
    // No row can hold what was looked for. (A `Where` that compares wrongly looks the same; a list then tells.)
    if (outcome.error.code === 'value_refused' && statement.params.length > 0) return ok([])
    return unavailable(outcome.error.reason)
  }

  const usersOf = (rows: Rows): Result<readonly DirectoryUser[], DirectoryFailure> =>
    rows.ok ? ok(rows.value.flatMap((row) => userOf(row, config) ?? [])) : rows

  async function findById(userId: string, signal: AbortSignal) {
    if (!isStorable(userId)) return ok(null)
    const users = usersOf(await ask(byId(table, userId), signal))
    if (!users.ok) return users
    // MySQL takes 42 for equal to 42x.
    const [user, second] = users.value.filter((found) => found.userId === userId)
    return second ? NOT_UNIQUE : ok(user ?? null)
  }

  async function keptOf(user: DirectoryUser, signal: AbortSignal): Promise<Result<Kept | null, DirectoryFailure>> {
    const rows = await ask(passwordById(table, user.userId), signal)
    if (!rows.ok) return rows
    const [row, second] = rows.value.filter(([id]) => textOf(id) === user.userId)
    return second ? NOT_UNIQUE : ok(row ? kept(row) : null)
  }

  async function keptOfAnybody(signal: AbortSignal): Promise<Result<Kept | null, DirectoryFailure>> {
    const rows = await ask(anyPassword(table, MAX_STRANGERS), signal)
    return rows.ok ? ok(rows.value.map(kept).find(passwords.isComparable) ?? null) : rows
  }

  return {
    findByLogin: async (login, signal) => {
      if (!isStorable(login)) return ok([])
      const rows = await ask(byLogin(table, login, MAX_NAMESAKES), signal)
      const at = [...table.columns.keys()].indexOf('username')
      return usersOf(rows.ok ? ok(rows.value.filter((row) => isSame(row[at], login))) : rows)
    },
    findById,
    list: async (filter, limit, signal) => {
      const statement = byFilter(table, filter, Math.max(0, Math.min(limit, config.limit ?? limit)))
      return statement === null ? ok([]) : usersOf(await ask(statement, signal))
    },
    passwordMatches: async (user, password, signal) => {
      if (table.password === undefined || password === '') return ok(false)
      // Either way one statement, but for the first user of all.
      const own = user === null ? ok(null) : await keptOf(user, signal)
      if (!own.ok) return own
      if (user === null || decoy === null) {
        const anybody = await keptOfAnybody(signal)
        if (!anybody.ok) return anybody
        decoy = anybody.value
      }
      return ok(await passwords.match(password, own.value, decoy))
    },
    close: async () => pool.close(),
  }
}

/** As the database compares, save for numbers: 42x is none, though MySQL takes it for 42. */
const isSame = (cell: SqlCell | undefined, text: string): boolean => typeof cell === 'string' || textOf(cell) === text

/** Null for a row without an id or a login, which is nobody. */
function userOf(row: SqlRow, { table: { columns } }: SqlConfig): DirectoryUser | null {
  const attributes = Object.fromEntries([...columns.keys()].map((attribute, n) => [attribute, textOf(row[n])]))
  const { userid: userId = '', username: login = '' } = attributes
  return userId === '' || login === '' ? null : { userId, login, attributes }
}

const textOf = (cell: SqlCell | undefined): string => String(cell ?? '')
const kept = ([, text, salt]: SqlRow): Kept => ({ text: textOf(text), salt: textOf(salt) })

/** @throws an error with a `code` when a certificate or a key cannot be read */
async function targetOf({ target, tls }: SqlPlace, edges: Edges): Promise<SqlTarget> {
  if (!tls || !('user' in target)) return target
  const { verify, authority, client } = tls
  try {
    return {
      ...target,
      tls: {
        verify,
        ...(authority && { authority: await readPem(authority, edges) }),
        ...(client && {
          client: { certificate: await readPem(client.certificate, edges), key: await readPem(client.key, edges) },
        }),
      },
    }
  } catch (cause) {
    throw Object.assign(new Error('pem_unreadable', { cause }), { code: 'pem_unreadable' })
  }
}
