/** CSV as spreadsheets write it (RFC 4180), by papaparse: lines of cells, each with the number of the line that it begins in. */
import Papa from 'papaparse'
import { err, ok, type Result } from './result.ts'

/** `line` counts from 1, the header included. */
export type CsvLine = {
  readonly line: number
  readonly cells: readonly string[]
  /** Why the quotation marks of this line cannot be read; null: they can. */
  readonly broken: string | null
}

const RULES: Readonly<Record<string, string>> = {
  MissingQuotes: 'must end the quotation marks that it opens',
  InvalidQuotes: 'must have a delimiter behind closing quotation marks',
}

/** Lines that are empty are left out, and a byte order mark. Cells are as they were written. */
export function readCsv(csv: string, delimiter: string): readonly CsvLine[] {
  const text = csv.replace(/^\ufeff/, '')
  const { data, errors } = Papa.parse<readonly string[]>(text, { delimiter, newline: newlineOf(text) })
  // The first thing that is wrong with a line is what is told of it.
  const broken = new Map(errors.toReversed().map(({ row, code }) => [row ?? 0, RULES[code] ?? 'must be CSV']))
  const lines: CsvLine[] = []
  let next = 1
  for (const [index, cells] of data.entries()) {
    const line = next
    next += cells.join('').split('\n').length
    if (cells.every((cell) => cell.trim() === '') && !broken.has(index)) continue
    lines.push({ line, cells, broken: broken.get(index) ?? null })
  }
  return lines
}

/** The lines, trimmed, or the first one whose quotation marks cannot be read. */
export function readWholeCsv(
  csv: string,
  delimiter: string,
): Result<readonly CsvLine[], { line: number; rule: string }> {
  const lines = readCsv(csv, delimiter)
  const wrong = lines.find(({ broken }) => broken !== null)
  return wrong
    ? err({ line: wrong.line, rule: wrong.broken ?? '' })
    : ok(lines.map((one) => ({ ...one, cells: one.cells.map((cell) => cell.trim()) })))
}

const newlineOf = (text: string): '\r\n' | '\n' | '\r' =>
  text.includes('\r\n') ? '\r\n' : text.includes('\n') || !text.includes('\r') ? '\n' : '\r'
