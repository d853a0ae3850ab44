/** CSV (RFC 4180) by csv-parse, which is a lot of code: not for Workers, and loaded when a table is read. */
import { CsvError, parse } from 'csv-parse/sync'
import { err, ok } from '../../core/result.ts'
import type { ParseCsv } from '../../core/user-table.ts'

/** The texts of the parser quote what it read. */
const RULES: Readonly<Record<string, string>> = {
  CSV_QUOTE_NOT_CLOSED: 'must end the quotation marks that it opens',
  CSV_INVALID_CLOSING_QUOTE: 'must have a delimiter behind closing quotation marks',
  INVALID_OPENING_QUOTE: 'must have quotation marks around a whole cell, and two for one within',
}

export const parseCsv: ParseCsv = async (text, delimiter) => {
  try {
    const records = parse(text, {
      ...{ bom: true, info: true, relax_column_count: true, skip_empty_lines: true, trim: true },
      delimiter,
    }) as unknown as readonly { readonly info: { readonly lines: number }; readonly record: readonly string[] }[] // `info`
    // Lines are counted at the end of a record, which may have line breaks within.
    const breaks = (cells: readonly string[]) => cells.reduce((n, cell) => n + cell.split(/\r\n|\n|\r/).length - 1, 0)
    return ok(records.map(({ info, record }) => ({ line: info.lines - breaks(record), cells: record })))
  } catch (error) {
    if (!(error instanceof CsvError)) throw error
    const line = typeof error.lines === 'number' ? error.lines : 1
    return err({ line, field: '', rule: RULES[error.code] ?? 'must be CSV' })
  }
}
