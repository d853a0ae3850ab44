/** Users in the store: rows of passwd texts, which are replaced as a whole, and of otpost's own resolvers, one by one. */
import { type SQL, sql } from 'drizzle-orm/sql'
import { PASSWORD_FORMATS, type PasswdUser } from '../../core/passwd.ts'
import { LOCAL_RESOLVER } from '../../core/settings.ts'
import type { UserRecord } from '../../core/users.ts'
import type { AuditRow, Batch, ListUsersQuery, Store, UserChange } from '../../ports/store.ts'
import { number, text, toUser } from './rows.ts'
import { changeWhere, json, list, read } from './statements.ts'

type UserStore = Pick<
  Store,
  | 'findUsers'
  | 'findUsersById'
  | 'listUsers'
  | 'countUsers'
  | 'passwordHashes'
  | 'readLocalUsers'
  | 'addUser'
  | 'changeUser'
  | 'removeUser'
  | 'importUsers'
>

/** Characters of one bound text: D1 takes two million bytes. */
const LUMP = 500_000

const isLocal = (resolver: string): SQL =>
  sql`EXISTS (SELECT 1 FROM resolvers WHERE name = ${resolver} AND type = ${LOCAL_RESOLVER})`
const hasLogin = (resolver: string, login: string): SQL =>
  sql`EXISTS (SELECT 1 FROM users WHERE resolver = ${resolver} AND login = ${login})`
const moveRevision = (resolver: string, won: SQL): SQL =>
  sql`UPDATE resolvers SET revision = revision + 1 WHERE name = ${resolver} AND ${won}`

/** Users as `insertUsers` reads them. */
export const usersJson = (users: readonly PasswdUser[]): string =>
  json(users.map((user) => ({ ...user, attributes: json(user.attributes) })))

/** @param conflict what to do about a user id that is there already */
export const insertUsers = (resolver: string, users: string, won: SQL, conflict: SQL = sql``): SQL => sql`
  INSERT INTO users (resolver, user_id, login, attributes, password_hash)
  SELECT ${resolver}, u.value ->> '$.userId', u.value ->> '$.login', u.value ->> '$.attributes', u.value ->> '$.passwordHash'
  FROM json_each(${users}) u WHERE ${won} ${conflict}`

export function userStore(batch: Batch): UserStore {
  return {
    findUsers,
    findUsersById,
    listUsers,
    countUsers,
    passwordHashes,
    readLocalUsers,
    addUser,
    changeUser,
    removeUser,
    importUsers,
  }

  async function findUsers(resolvers: readonly string[], login: string | null): Promise<readonly UserRecord[]> {
    const byLogin: SQL = login === null ? sql`1` : sql`u.login = ${login}`
    const [rows = []] = await read(batch, [
      sql`SELECT u.resolver, u.user_id, u.login, u.attributes FROM json_each(${json(resolvers)}) r
        CROSS JOIN users u ON u.resolver = r.value WHERE ${byLogin} ORDER BY r.key, u.rowid`,
    ])
    return rows.map(toUser)
  }

  async function findUsersById(owners: readonly { readonly resolver: string; readonly userId: string }[]) {
    const [rows = []] = await read(batch, [
      sql`SELECT u.resolver, u.user_id, u.login, u.attributes FROM json_each(${json(owners)}) o
        CROSS JOIN users u ON u.resolver = o.value ->> '$.resolver' AND u.user_id = o.value ->> '$.userId'`,
    ])
    return rows.map(toUser)
  }

  async function listUsers({ resolver, after, skip, limit, holds }: ListUsersQuery) {
    const value = sql`CASE f.value ->> '$.attribute' WHEN 'username' THEN u.login WHEN 'userid' THEN u.user_id
      ELSE COALESCE(u.attributes ->> ('$."' || (f.value ->> '$.attribute') || '"'), '') END`
    const narrowed =
      holds.length === 0
        ? sql`1`
        : sql`NOT EXISTS (SELECT 1 FROM json_each(${json(holds)}) f WHERE instr(lower(${value}), f.value ->> '$.text') = 0)`
    // Rows that are skipped are skipped in the index, without being read.
    const [rows = []] = await read(batch, [
      sql`SELECT u.rowid AS place, u.resolver, u.user_id, u.login, u.attributes FROM users u WHERE u.rowid IN
        (SELECT u.rowid FROM users u WHERE u.resolver = ${resolver} AND u.rowid > ${after} AND ${narrowed}
          ORDER BY u.rowid LIMIT ${limit} OFFSET ${skip}) ORDER BY u.rowid`,
    ])
    const last = rows.at(-1)
    return { users: rows.map(toUser), next: rows.length < limit || !last ? null : number(last, 'place') }
  }

  async function countUsers(resolver: string): Promise<number> {
    const [[row = {}] = []] = await read(batch, [sql`SELECT COUNT(*) AS n FROM users WHERE resolver = ${resolver}`])
    return number(row, 'n')
  }

  async function passwordHashes(
    user: { readonly resolver: string; readonly userId: string } | null,
    resolvers: readonly string[],
  ): Promise<{ readonly own: string; readonly other: string }> {
    const format = sql`substr(password_hash, 1, instr(substr(password_hash, 2), '$') + 1)`
    const [[row = {}] = []] = await read(batch, [
      sql`SELECT
        (SELECT password_hash FROM users WHERE resolver = ${user?.resolver ?? null} AND user_id = ${user?.userId ?? null}) AS own,
        (SELECT u.password_hash FROM json_each(${json(resolvers)}) r CROSS JOIN users u ON u.resolver = r.value
          WHERE ${format} IN ${list(PASSWORD_FORMATS)} LIMIT 1) AS other`,
    ])
    return { own: text(row, 'own'), other: text(row, 'other') }
  }

  async function readLocalUsers(resolver: string) {
    const [[found] = [], rows = []] = await read(batch, [
      sql`SELECT revision FROM resolvers WHERE name = ${resolver} AND type = ${LOCAL_RESOLVER}`,
      sql`SELECT resolver, user_id, login, attributes FROM users WHERE resolver = ${resolver} ORDER BY rowid`,
    ])
    return found ? { revision: number(found, 'revision'), users: rows.map(toUser) } : null
  }

  async function addUser(resolver: string, user: PasswdUser, audit: AuditRow) {
    const hasId = sql`EXISTS (SELECT 1 FROM users WHERE resolver = ${resolver} AND user_id = ${user.userId})`
    const loginTaken = hasLogin(resolver, user.login)
    const done = await changeWhere(
      batch,
      audit,
      sql`${isLocal(resolver)} AND NOT ${loginTaken} AND NOT ${hasId}`,
      (won) => [insertUsers(resolver, usersJson([user]), won), moveRevision(resolver, won)],
    )
    if (done) return 'done'
    // Which of the conditions did not hold is for the message only.
    const [[row = {}] = []] = await read(batch, [
      sql`SELECT ${isLocal(resolver)} AS local, ${loginTaken} AS login, ${hasId} AS id`,
    ])
    if (number(row, 'local') === 0) return 'resolver_unknown'
    return number(row, 'login') === 1 ? 'login_taken' : 'id_taken'
  }

  async function changeUser(resolver: string, login: string, set: UserChange, audit: AuditRow) {
    const exists = sql`${isLocal(resolver)} AND ${hasLogin(resolver, login)}`
    const free = set.login === undefined || set.login === login ? sql`1` : sql`NOT ${hasLogin(resolver, set.login)}`
    const done = await changeWhere(batch, audit, sql`${exists} AND ${free}`, (won) => [
      sql`UPDATE users SET ${assignments(set)} WHERE resolver = ${resolver} AND login = ${login} AND ${won}`,
      moveRevision(resolver, won),
    ])
    if (done) return 'done'
    const [[row = {}] = []] = await read(batch, [sql`SELECT ${exists} AS present`])
    return number(row, 'present') === 1 ? 'login_taken' : 'unknown'
  }

  async function removeUser(resolver: string, login: string, audit: AuditRow) {
    const own = sql`resolver = ${resolver} AND login = ${login}`
    const done = await changeWhere(batch, audit, sql`${isLocal(resolver)} AND ${hasLogin(resolver, login)}`, (won) => [
      sql`SELECT COUNT(*) AS n FROM tokens WHERE resolver = ${resolver} AND user_id IN (SELECT user_id FROM users WHERE ${own}) AND ${won}`,
      sql`DELETE FROM users WHERE ${own} AND ${won}`,
      moveRevision(resolver, won),
    ])
    return done ? { tokens: number(done[0]?.[0] ?? {}, 'n') } : 'unknown'
  }

  async function importUsers(
    {
      resolver,
      revision,
      save,
      remove,
    }: { resolver: string; revision: number; save: readonly PasswdUser[]; remove: readonly string[] },
    audit: AuditRow,
  ): Promise<'done' | 'lost'> {
    const unchanged = sql`EXISTS (SELECT 1 FROM resolvers
      WHERE name = ${resolver} AND type = ${LOCAL_RESOLVER} AND revision = ${revision})`
    const keepsPassword = sql`CASE excluded.password_hash WHEN '' THEN users.password_hash ELSE excluded.password_hash END`
    const merged = sql`ON CONFLICT (resolver, user_id) DO UPDATE
      SET login = excluded.login, attributes = excluded.attributes, password_hash = ${keepsPassword}`
    const done = await changeWhere(batch, audit, unchanged, (won) => [
      sql`DELETE FROM users WHERE resolver = ${resolver} AND user_id IN ${list(remove)} AND ${won}`,
      ...lumps(save).map((users) => insertUsers(resolver, users, won, merged)),
      moveRevision(resolver, won),
    ])
    return done ? 'done' : 'lost'
  }
}

function assignments({ login, attributes, passwordHash }: UserChange): SQL {
  const patch = login === undefined ? attributes : { ...attributes, username: login }
  return sql.join(
    [
      ...(login === undefined ? [] : [sql`login = ${login}`]),
      ...(patch ? [sql`attributes = json_patch(attributes, ${json(patch)})`] : []),
      ...(passwordHash === undefined ? [] : [sql`password_hash = ${passwordHash}`]),
    ],
    sql`, `,
  )
}

function lumps(users: readonly PasswdUser[]): readonly string[] {
  const found: string[] = []
  let part: PasswdUser[] = []
  let size = 0
  for (const user of users) {
    const weight = usersJson([user]).length
    if (size + weight > LUMP && part.length > 0) {
      found.push(usersJson(part))
      part = []
      size = 0
    }
    part.push(user)
    size += weight
  }
  return part.length === 0 ? found : [...found, usersJson(part)]
}
