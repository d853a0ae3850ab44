/** `Map` of a SQL resolver: a JSON object that names the column of each attribute (contract 7.9). */
import { err, ok, type Result } from '../../core/result.ts'
import type { ConfigProblem } from '../../ports/provider.ts'
import { isName, type SqlTable } from './sql-statement.ts'

/** Attributes no user can be without. */
const REQUIRED = ['userid', 'username']

export function readMap(
  value: string | Readonly<Record<string, unknown>>,
): Result<Pick<SqlTable, 'columns' | 'password' | 'salt'>, ConfigProblem> {
  const wrong = (rule: string) => err({ key: 'Map', rule })
  const members = typeof value === 'string' ? parse(value) : value
  if (members === null) return wrong('must be a JSON object: column by attribute')
  const columns = new Map<string, string>()
  for (const [attribute, name] of Object.entries(members)) {
    if (name === '' || name === null) continue
    if (!/^[a-z]\w{0,63}$/i.test(attribute)) return wrong('must have names of attributes: letters, digits and _')
    if (typeof name !== 'string' || !isName(name.trim())) return wrong(`must name a column for ${attribute}`)
    if (columns.has(attribute.toLowerCase())) return wrong(`must name one column for ${attribute}`)
    columns.set(attribute.toLowerCase(), name.trim())
  }
  const missing = REQUIRED.find((attribute) => !columns.has(attribute))
  if (missing) return wrong(`must name a column for ${missing}`)
  const [password, salt] = [columns.get('password'), columns.get('salt')]
  columns.delete('password')
  columns.delete('salt')
  const secret = [...columns].find(([, name]) => name === password || name === salt)
  if (secret) return wrong(`must not show the column of password or salt as ${secret[0]}`)
  return ok({ columns, password, salt })
}

function parse(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
      ? (value as Readonly<Record<string, unknown>>) // an object that JSON.parse made has text for names
      : null
  } catch {
    return null
  }
}
