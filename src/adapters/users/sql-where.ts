/**
 * `Where`: a condition that the operator writes in SQL. It goes into every statement as it is, so what is looked at here
 * is that it stays one condition: brackets and quotes that close, no second statement, no comment, no parameter of its
 * own, no way to quote that would make the rest be read otherwise. What it may read is a matter of the account's rights.
 */
import type { Place } from './sql-url.ts'

/** Longest text that is taken, in characters. */
const MAX_LENGTH = 4000

/** What stands outside of quotes and would be a parameter, or a text in dollars. */
const PARAMETER: Readonly<Record<Place['dialect'], RegExp>> = {
  postgresql: /\$/,
  mysql: /[?]/,
  sqlite: /[?@$:#]/,
  libsql: /[?@$:#]/,
}

/** The rule that a condition breaks, or null. */
export function whereProblem(text: string, dialect: Place['dialect']): string | null {
  if (text.length > MAX_LENGTH) return `must not be longer than ${MAX_LENGTH} characters`
  if (/[\0\\]/.test(text) || !text.isWellFormed()) return 'must not contain NUL or backslashes'
  const bare = withoutQuoted(text, dialect)
  if (bare === null) return 'must have a second quote for each quote'
  if (bare.includes(';')) return 'must not contain a semicolon: it is one condition'
  if (/--|\/\*/.test(bare) || (dialect === 'mysql' && bare.includes('#'))) return 'must not contain comments'
  if (PARAMETER[dialect].test(bare))
    return 'must not contain parameters (?, $, and in SQLite : and @) outside of quotes'
  return hasBalancedBrackets(bare) ? null : 'must have a closing bracket for each opening one'
}

const SQLITE = { pair: /'[^']*'|"[^"]*"|`[^`]*`|\[[^\]]*\]/g, lonely: /['"`[\]]/ }
const QUOTES: Readonly<Record<Place['dialect'], { readonly pair: RegExp; readonly lonely: RegExp }>> = {
  postgresql: { pair: /'[^']*'|"[^"]*"/g, lonely: /['"]/ },
  mysql: { pair: /'[^']*'|"[^"]*"|`[^`]*`/g, lonely: /['"`]/ },
  sqlite: SQLITE,
  libsql: SQLITE,
}

/** Everything in quotes taken out; null when one does not end. A doubled quote ends a text and begins the next. */
function withoutQuoted(text: string, dialect: Place['dialect']): string | null {
  const { pair, lonely } = QUOTES[dialect]
  const bare = text.replace(pair, ' x ')
  return lonely.test(bare) ? null : bare
}

function hasBalancedBrackets(text: string): boolean {
  let depth = 0
  for (const character of text) {
    if (character === '(') depth += 1
    if (character === ')') depth -= 1
    if (depth < 0) return false
  }
  return depth === 0
}
