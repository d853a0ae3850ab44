/**
 * Tokens as rows of a CSV file: the header names the columns, in any order. What is wrong with a row is told by field and
 * rule, and bars that row alone. Values are never part of such a text: a column holds PINs, another secrets.
 */
import Papa from 'papaparse'
import { err, ok, type Result } from './result.ts'

/** `line`: the number by which a row is called; that of its line in the file unless given. */
export const COLUMNS = {
  line: 'Number by which the report calls the row; its line in the file unless given.',
  type: 'email or sms; by the address that is given unless told.',
  user: 'Login of the owner; without one nobody owns the token, and it needs a serial.',
  realm: "The owner's realm; the default realm unless given. Without a user: the realm that the token is put into.",
  email: 'Address of an e-mail token.',
  phone: 'Number of an SMS token.',
  serial: 'Made up unless given. One that exists is refused.',
  pin: 'PIN; none unless given.',
  description: 'At most 80 characters.',
  secret: 'Shared secret in hexadecimal digits; a new one unless given.',
  digits: 'Length of the OTP, 4 to 10.',
  hash: 'sha1, sha256 or sha512.',
  enabled: 'true or false; true unless given.',
} as const
export type Column = keyof typeof COLUMNS

export type TokenRow = { readonly line: number; readonly fields: Readonly<Partial<Record<Column, string>>> }
export type RowProblem = { readonly line: number; readonly field: string; readonly rule: string }
export type TokenRows = { readonly rows: readonly TokenRow[]; readonly problems: readonly RowProblem[] }

const isColumn = (name: string): name is Column => Object.hasOwn(COLUMNS, name)

/** Commas, semicolons or tabs part the values, as the header does. @returns the rule that the file as a whole breaks */
export function readTokenRows(csv: string): Result<TokenRows, string> {
  const text = csv.replace(/^\ufeff/, '')
  const delimiter = /^[^\r\n]*?([,;\t])/.exec(text)?.[1] ?? ','
  const { data, errors } = Papa.parse<readonly string[]>(text, { delimiter, newline: newlineOf(text) })
  const header = (data[0] ?? ['']).map((name) => name.trim().toLowerCase())
  const unknown = header.find((name) => !isColumn(name))
  if (unknown !== undefined)
    return err(
      `must begin with a line of column names; '${unknown.slice(0, 40)}' is none of ${Object.keys(COLUMNS).join(', ')}`,
    )
  const twice = header.find((name, n) => header.indexOf(name) < n)
  if (twice !== undefined) return err(`must name the column ${twice} once`)

  const malformed = new Set(errors.filter(({ type }) => type === 'Quotes').map(({ row }) => row))
  const rows: TokenRow[] = []
  const problems: RowProblem[] = []
  let next = 1
  for (const [index, values] of data.entries()) {
    const line = next
    next += values.join('').split('\n').length
    if (index === 0 || values.every((value) => value.trim() === '')) continue
    const read = malformed.has(index) ? 'quote' : readRow(header, values, line)
    if (read === 'quote') problems.push({ line, field: 'line', rule: 'must have every quotation mark closed' })
    else if ('rule' in read) problems.push(read)
    else rows.push(read)
  }
  return ok(withoutRepetitions(rows, problems))
}

const newlineOf = (text: string): '\r\n' | '\n' | '\r' =>
  text.includes('\r\n') ? '\r\n' : text.includes('\n') || !text.includes('\r') ? '\n' : '\r'

function readRow(header: readonly string[], values: readonly string[], at: number): TokenRow | RowProblem {
  if (values.length !== header.length)
    return {
      line: at,
      field: 'line',
      rule: `must have ${header.length} values, as the header has; it has ${values.length}`,
    }
  const fields: Partial<Record<Column, string>> = {}
  for (const [n, name] of header.entries()) {
    const value = values[n] ?? ''
    // A PIN may begin or end with blanks.
    const kept = name === 'pin' ? value : value.trim()
    if (isColumn(name) && kept !== '') fields[name] = kept
  }
  const { line = String(at) } = fields
  if (!/^\d{1,9}$/.test(line)) return { line: at, field: 'line', rule: 'must be a whole number' }
  return { line: Number(line), fields }
}

/** A serial stands once in a file, and so does a token of one user, type and address that has none. */
function withoutRepetitions(rows: readonly TokenRow[], problems: readonly RowProblem[]): TokenRows {
  const first = new Map<string, number>()
  const more: RowProblem[] = []
  const kept = rows.filter(({ line, fields }) => {
    const { serial, user, realm, type, email, phone } = fields
    const key = JSON.stringify(serial === undefined ? [user, realm, type?.toLowerCase(), email, phone] : serial)
    const before = first.get(key)
    if (before === undefined) first.set(key, line)
    else {
      const field = serial === undefined ? 'user' : 'serial'
      more.push({ line, field, rule: `must stand once in a file; line ${before} has the same` })
    }
    return before === undefined
  })
  return { rows: kept, problems: [...problems, ...more].toSorted((a, b) => a.line - b.line) }
}

/** The same rows as a file again, each with its number. */
export function writeTokenRows(rows: readonly TokenRow[]): string {
  const columns = Object.keys(COLUMNS)
  const data = rows.map(({ line, fields }) => ({ ...fields, line: String(line) }))
  return Papa.unparse(
    { fields: columns, data: data.map((row) => columns.map((name) => row[name as Column] ?? '')) },
    { newline: '\n' },
  )
}
