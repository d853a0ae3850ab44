/**
 * Tables of users: CSV as spreadsheets write it (RFC 4180), with a header line. Delimiters are `,`, `;` or a tab,
 * whichever the header has most of; a byte order mark is left out.
 */
import { type CsvLine, readWholeCsv } from './csv.ts'
import { isAttributeName, type UserFields } from './local-user.ts'
import { err, ok, type Result } from './result.ts'

/** `line` is where the row begins, counted from 1, the header included. */
export type TableRow = { readonly line: number; readonly fields: UserFields }
export type TableProblem = { readonly line: number; readonly field: string; readonly rule: string }
export type UserTable = { readonly rows: readonly TableRow[]; readonly refused: readonly TableProblem[] }

/** Which attribute a column is, by its header; empty: the column is left out. */
export type ColumnNames = Readonly<Record<string, string>>

/** Headers as people write them, without case, blanks, `-`, `_` and `.`. */
const KNOWN: Readonly<Record<string, string>> = {
  ...{ username: 'username', login: 'username', loginname: 'username', benutzername: 'username', user: 'username' },
  ...{ userid: 'userid', id: 'userid', uid: 'userid', email: 'email', mail: 'email', emailaddress: 'email' },
  ...{ givenname: 'givenname', firstname: 'givenname', vorname: 'givenname' },
  ...{ surname: 'surname', lastname: 'surname', familyname: 'surname', sn: 'surname', nachname: 'surname' },
  ...{ phone: 'phone', telephone: 'phone', telephonenumber: 'phone', telefon: 'phone' },
  ...{ mobile: 'mobile', mobilephone: 'mobile', cell: 'mobile', mobil: 'mobile', handy: 'mobile' },
  ...{ description: 'description', beschreibung: 'description', gender: 'gender' },
  ...{ language: 'language', sprache: 'language', password: 'password', passwort: 'password' },
  ...{ passwordhash: 'password_hash', cryptpass: 'password_hash' },
}
const plain = (header: string): string => header.toLowerCase().replace(/[\s._-]/g, '')

/** @param columns wins over the names that are known; keys are headers as they are written */
export function readUserTable(text: string, columns: ColumnNames = {}): Result<UserTable, TableProblem> {
  const read = readWholeCsv(text, delimiterOf(text))
  if (!read.ok) return err({ ...read.error, field: '' })
  const [header, ...lines] = read.value
  if (!header) return err({ line: 1, field: '', rule: 'must be a header: the table is empty' })
  const names = readHeader(header, columns)
  if (!names.ok) return names
  const rows: TableRow[] = []
  const refused: TableProblem[] = []
  for (const { line, cells } of lines) {
    if (cells.length !== header.cells.length) {
      const rule = `must have ${header.cells.length} cells like the header, and has ${cells.length}`
      refused.push({ line, field: '', rule })
    } else rows.push({ line, fields: fieldsOf(names.value, cells) })
  }
  return ok({ rows, refused })
}

function delimiterOf(text: string): string {
  const [header = ''] = text.split(/\r\n|\n|\r/, 1)
  const bare = header.replace(/"[^"]*"/g, '')
  const counts = [',', ';', '\t'].map((delimiter) => [bare.split(delimiter).length, delimiter] as const)
  return counts.reduce((best, one) => (one[0] > best[0] ? one : best))[1]
}

function readHeader({ line, cells }: CsvLine, columns: ColumnNames): Result<readonly string[], TableProblem> {
  const names: string[] = []
  for (const cell of cells) {
    const given = Object.hasOwn(columns, cell) ? columns[cell] : KNOWN[plain(cell)]
    const refuse = (rule: string) => err({ line, field: cell, rule })
    if (given === undefined)
      return refuse('is a column that is not known: say which attribute it is, or that it is left out')
    if (given !== '' && !isAttributeName(given) && given !== 'password' && given !== 'password_hash')
      return refuse(`cannot be the attribute '${given}'`)
    if (given !== '' && names.includes(given)) return refuse(`is a second column for ${given}`)
    names.push(given)
  }
  const missing = Object.keys(columns).find((column) => !cells.includes(column))
  if (missing !== undefined) return err({ line, field: missing, rule: 'is no column of the table' })
  if (!names.includes('username'))
    return err({ line, field: 'username', rule: 'must be one of the columns: the header names none' })
  return ok(names)
}

const fieldsOf = (names: readonly string[], cells: readonly string[]): UserFields =>
  Object.fromEntries(names.flatMap((name, n) => (name === '' ? [] : [[name, cells[n] ?? ''] as const])))
