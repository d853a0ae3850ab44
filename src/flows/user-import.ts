/**
 * Import of users into one of otpost's own resolvers: judged row by row before anything is stored, and stored as a whole.
 *
 * A row is the user with its `userid`, else the one with its `username`, else a new one; what it has no column for stays
 * as it is. Tokens stay with the user id.
 */
import type { AdminFailure } from '../core/failures.ts'
import { EMPTY_USER, type UserFields, userProblems } from '../core/local-user.ts'
import type { PasswdUser } from '../core/passwd.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { TableProblem, TableRow } from '../core/user-table.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'
import { localProblem, NO_PASSWORD, newUserId } from './user-admin.ts'

export type ImportCommand = {
  readonly resolver: string
  readonly rows: readonly TableRow[]
  /** Rows that could not even be read. */
  readonly refused: readonly TableProblem[]
  /** Users who are in no row are removed. */
  readonly replace: boolean
  /** Only say what would happen. */
  readonly dryRun: boolean
  /** Store the good rows although others are refused. */
  readonly skipRefused: boolean
}
export type ImportReport = {
  /** False: nothing was stored, because of `refused` or `dryRun`. */
  readonly stored: boolean
  readonly dryRun: boolean
  readonly rows: number
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  readonly removed: number
  /** Every rule that is broken, of the first rows that break one. */
  readonly refused: readonly TableProblem[]
  readonly refusedRows: number
}

export type ImportUsers = (command: ImportCommand, facts: Facts) => Promise<Result<ImportReport, AdminFailure>>

type Parts = {
  readonly store: Store
  readonly vault: Pick<Vault, 'hashPassword'>
  readonly edges: Pick<Edges, 'random'>
  readonly audit: Audit
  readonly settings: SettingsCache
}

const MAX_ROWS = 100_000
/** Hashing each takes a tenth of a second. */
const MAX_PASSWORDS = 100
const MAX_REPORTED = 1000
const TRIES = 3

export function createImportUsers({ store, vault, edges, audit, settings: cache }: Parts): ImportUsers {
  return async (command, facts) => {
    const { resolver, rows, replace, dryRun, skipRefused } = command
    const problem = localProblem(await cache.fresh(), resolver, facts)
    if (problem) return err(problem)
    const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
    if (rows.length + command.refused.length > MAX_ROWS) return invalid('rows', `must be at most ${MAX_ROWS}`)
    if (!dryRun && rows.filter(({ fields }) => fields.password).length > MAX_PASSWORDS)
      return invalid('password', `must be given in at most ${MAX_PASSWORDS} rows: give password_hash in larger tables`)
    if (replace && skipRefused)
      return invalid('skip_refused', 'must not be given with replace: users of refused rows would be removed')
    const hashes = new Map<string, string>()
    for (let tries = 0; tries < TRIES; tries++) {
      const known = await store.readLocalUsers(resolver)
      if (!known) return err({ code: 'resolver_unknown', resolver })
      const plan = planImport(command, known.users, () => newUserId(edges.random))
      const report = reportOf(command, plan)
      if (dryRun || (plan.refused.length > 0 && !skipRefused)) {
        await audit.write(facts, { success: dryRun, info: `${resolver}: nothing stored` })
        return ok(report)
      }
      const save: PasswdUser[] = []
      // One after the other: each takes much memory.
      for (const one of plan.save) save.push(await withHash(one, hashes))
      const counts = `${plan.added} added, ${plan.changed} changed, ${plan.remove.length} removed`
      const row = await audit.row(facts, { success: true, info: `${resolver}: ${counts}` })
      const { revision } = known
      const done = await store.importUsers({ resolver, revision, save, remove: plan.remove }, row)
      if (done === 'done') return ok({ ...report, stored: true })
    }
    return invalid('resolver', 'must not be changed by a request at the same time')
  }

  async function withHash({ user, password }: Planned, hashes: Map<string, string>): Promise<PasswdUser> {
    if (password === '') return user
    const passwordHash = hashes.get(user.userId) ?? (await vault.hashPassword(password))
    hashes.set(user.userId, passwordHash)
    return { ...user, passwordHash }
  }
}

/** What a dry run says of rows for a resolver with these users. */
export const judgeImport = (command: ImportCommand, users: readonly UserRecord[]): ImportReport =>
  reportOf(
    command,
    planImport(command, users, () => ''),
  )

/** `password`: in clear, still to be hashed; empty: there is none. */
type Planned = { readonly user: PasswdUser; readonly password: string }
type Plan = {
  readonly save: readonly Planned[]
  /** User ids. */
  readonly remove: readonly string[]
  readonly added: number
  readonly changed: number
  readonly unchanged: number
  readonly refused: readonly TableProblem[]
}

function planImport(
  { rows, refused: unreadable, replace }: Pick<ImportCommand, 'rows' | 'refused' | 'replace'>,
  users: readonly UserRecord[],
  newId: () => string,
): Plan {
  const byId = new Map(users.map((user) => [user.userId, user]))
  const byLogin = new Map(users.map((user) => [user.login, user]))
  const lines = {
    username: new Map<string, number>(),
    userid: new Map<string, number>(),
    user: new Map<string, number>(),
  }
  const save: Planned[] = []
  const refused: TableProblem[] = [...unreadable]
  const counts = { added: 0, changed: 0, unchanged: 0 }
  for (const { line, fields } of rows) {
    const before = byId.get(fields.userid ?? '') ?? byLogin.get(fields.username ?? '')
    const problems = problemsOf(fields, before, byLogin, lines)
    if (before) lines.user.set(before.userId, line)
    for (const name of ['username', 'userid'] as const) if (fields[name]) lines[name].set(fields[name], line)
    if (problems.length > 0) {
      refused.push(...problems.map((problem) => ({ line, ...problem })))
      continue
    }
    const { password = '', password_hash: hash = '', ...attributes } = fields
    const planned = merge(attributes, before, newId)
    const isSame = before && password === '' && hash === '' && isEqual(before, planned)
    counts[isSame ? 'unchanged' : before ? 'changed' : 'added']++
    if (!isSame) save.push({ user: { ...planned, passwordHash: hash || (before ? '' : NO_PASSWORD) }, password })
  }
  const remove = replace ? users.map(({ userId }) => userId).filter((userId) => !lines.user.has(userId)) : []
  return { save, remove, ...counts, refused: refused.toSorted((a, b) => a.line - b.line) }
}

type Problem = Omit<TableProblem, 'line'>

function problemsOf(
  fields: UserFields,
  before: UserRecord | undefined,
  byLogin: ReadonlyMap<string, UserRecord>,
  lines: Readonly<Record<'username' | 'userid' | 'user', ReadonlyMap<string, number>>>,
): readonly Problem[] {
  const { password = '', password_hash: hash = '', userid = '', ...others } = fields
  const username = others.username ?? ''
  const given = {
    ...others,
    ...(userid === '' ? {} : { userid }),
    ...(password === '' ? {} : { password }),
    ...(hash === '' ? {} : { password_hash: hash }),
  }
  const found: Problem[] = [...userProblems(given)]
  if (password !== '' && hash !== '') found.push({ field: 'password', rule: 'must not be given beside password_hash' })
  for (const name of ['username', 'userid'] as const) {
    const first = fields[name] ? lines[name].get(fields[name]) : undefined
    if (first !== undefined) found.push({ field: name, rule: `must not be repeated: line ${first} has it` })
  }
  const holder = byLogin.get(username)
  if (holder && before && holder !== before)
    found.push({ field: 'username', rule: `must not be that of another user, ${holder.userId}` })
  else if (holder && userid !== '' && userid !== holder.userId)
    found.push({ field: 'userid', rule: `must be ${holder.userId}, under which this user is known` })
  // Once by the id, and once by the login that the user has had so far.
  const same = before && lines.user.get(before.userId)
  if (same !== undefined && found.length === 0)
    found.push({ field: 'userid', rule: `must be another user than that of line ${same}` })
  return found
}

function merge(
  given: UserFields,
  before: UserRecord | undefined,
  newId: () => string,
): Omit<PasswdUser, 'passwordHash'> {
  const userId = before?.userId ?? (given.userid || newId())
  const login = given.username ?? ''
  const attributes = { ...(before?.attributes ?? EMPTY_USER), ...given, username: login, userid: userId }
  return { userId, login, attributes }
}

const isEqual = (before: UserRecord, { login, attributes }: Omit<PasswdUser, 'passwordHash'>): boolean =>
  before.login === login &&
  Object.entries(attributes).every(([name, value]) => (before.attributes[name] ?? '') === value)

function reportOf({ rows, refused: unreadable, dryRun }: ImportCommand, plan: Plan): ImportReport {
  const { added, changed, unchanged, refused } = plan
  const lines = [...new Set(refused.map(({ line }) => line))]
  const reported = new Set(lines.slice(0, MAX_REPORTED))
  return {
    ...{ stored: false, dryRun, rows: rows.length + new Set(unreadable.map(({ line }) => line)).size },
    ...{ added, changed, unchanged, removed: plan.remove.length },
    ...{ refused: refused.filter(({ line }) => reported.has(line)), refusedRows: lines.length },
  }
}
