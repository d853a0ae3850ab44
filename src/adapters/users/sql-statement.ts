/**
 * Statements over the table of a SQL resolver. Names are quoted and were checked when the configuration was read; what a
 * user typed is a parameter, always; the one text that goes in as it is, is the operator's `Where`.
 */

import type { SqlStatement } from '../../ports/sql.ts'
import type { UserFilter } from '../../ports/users.ts'

export type SqlTable = {
  readonly dialect: 'postgresql' | 'mysql' | 'sqlite' | 'libsql'
  /** Maybe with a schema or a database before it. */
  readonly table: readonly string[]
  /** Column by attribute, `userid` and `username` among them; `password` and `salt` are no attributes. */
  readonly columns: ReadonlyMap<string, string>
  readonly password: string | undefined
  readonly salt: string | undefined
  readonly where: string | undefined
}

/** A name that may be quoted: letters and digits of any script, `_`, `$`, `-` and blanks inside. */
export const isName = (text: string): boolean =>
  text.length <= 64 && /^[\p{L}_][\p{L}\p{M}\p{N}_$ -]*$/u.test(text) && !text.endsWith(' ')

const quote = (name: string, { dialect }: SqlTable): string => (dialect === 'mysql' ? `\`${name}\`` : `"${name}"`)

/** With its table, since SQLite takes an unknown name in quotes for a text. */
const column = (name: string, table: SqlTable): string =>
  `${quote(table.table.at(-1) ?? '', table)}.${quote(name, table)}`

/** @param limit at most so many users whose login is exactly this one */
export const byLogin = (table: SqlTable, login: string, limit: number): SqlStatement =>
  select(table, attributesOf(table), { conditions: [equal(table, 'username')], params: [login], limit })

export const byId = (table: SqlTable, userId: string): SqlStatement =>
  select(table, attributesOf(table), { conditions: [equal(table, 'userid')], params: [userId], limit: 2 })

/** Password and salt of one user, and the id for comparison. */
export const passwordById = (table: SqlTable, userId: string): SqlStatement =>
  select(table, secretsOf(table), { conditions: [equal(table, 'userid')], params: [userId], limit: 2 })

/** The same of anybody who has a password. */
export const anyPassword = (table: SqlTable, limit: number): SqlStatement =>
  select(table, secretsOf(table), { present: [table.password ?? ''], conditions: [], params: [], limit })

/** Longest pattern that is taken, in characters; SQLite refuses much longer ones. */
const MAX_PATTERN = 1000

/** @returns null when nobody can match */
export function byFilter(table: SqlTable, filter: UserFilter, limit: number): SqlStatement | null {
  const conditions: Condition[] = []
  const params: string[] = []
  for (const [attribute, pattern] of Object.entries(filter)) {
    // Missing attributes are empty, and empty is any text.
    if (/^\*+$/.test(pattern)) continue
    const name = table.columns.get(attribute)
    if (pattern.length > MAX_PATTERN || !isStorable(pattern)) return null
    if (name === undefined) {
      if (pattern !== '') return null
    } else if (pattern.includes('*')) {
      conditions.push((n) => `${asText(table, name)} LIKE ${placeholder(table, n)} ESCAPE '!'`)
      params.push(pattern.replace(/[!%_]/g, '!$&').replace(/\*+/g, '%'))
    } else {
      conditions.push(equal(table, attribute))
      params.push(pattern)
    }
  }
  // Rows that are nobody would count else.
  const present = ['userid', 'username'].map((attribute) => table.columns.get(attribute) ?? '')
  return select(table, attributesOf(table), { present, conditions, params, limit, order: 'username' })
}

/** What no column of text can hold, and some servers take for the end of the text. */
export const isStorable = (text: string): boolean => text.isWellFormed() && !text.includes('\0')

/** Makes the text of a condition whose parameter is the n-th. */
type Condition = (n: number) => string

const equal =
  (table: SqlTable, attribute: string): Condition =>
  (n) =>
    `${column(table.columns.get(attribute) ?? '', table)} = ${placeholder(table, n)}`

const placeholder = ({ dialect }: SqlTable, n: number): string => (dialect === 'postgresql' ? `$${n}` : '?')

/** Only PostgreSQL compares numbers with no pattern. */
const asText = (table: SqlTable, name: string): string =>
  table.dialect === 'postgresql' ? `CAST(${column(name, table)} AS text)` : column(name, table)

const attributesOf = ({ columns }: SqlTable): readonly string[] => [...columns.values()]
const secretsOf = ({ columns, password = '', salt }: SqlTable): readonly string[] => [
  columns.get('userid') ?? '',
  password,
  ...(salt === undefined ? [] : [salt]),
]

type Selection = {
  /** Columns that are not NULL. */
  readonly present?: readonly string[]
  /** Each with one parameter. */
  readonly conditions: readonly Condition[]
  readonly params: readonly string[]
  readonly limit: number
  readonly order?: string
}

function select(table: SqlTable, columns: readonly string[], selection: Selection): SqlStatement {
  const { present = [], conditions, params, limit, order } = selection
  // A condition that is written over several lines ends with one.
  const where = [
    ...present.map((name) => `${column(name, table)} IS NOT NULL`),
    ...conditions.map((condition, n) => condition(n + 1)),
    ...(table.where === undefined ? [] : [`(${table.where}\n)`]),
  ].join(' AND ')
  const sql = [
    `SELECT ${columns.map((name) => column(name, table)).join(', ')}`,
    `FROM ${table.table.map((name) => quote(name, table)).join('.')}`,
    ...(where === '' ? [] : [`WHERE ${where}`]),
    ...(order === undefined ? [] : [`ORDER BY ${column(table.columns.get(order) ?? '', table)}`]),
    `LIMIT ${limit}`,
  ].join(' ')
  return { sql, params }
}
