/** token import: many tokens from a CSV file. */
import type { Command } from 'commander'
import { COLUMNS, readTokenRows, writeTokenRows } from '../../core/token-rows.ts'
import type { AdminClient } from '../client.ts'
import { readInput } from '../input.ts'
import { note, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import type { ImportedRow } from '../token-client.ts'
import { withExamples, withJson } from './command.ts'

type ImportOptions = { readonly dryRun?: boolean; readonly json?: true }

/** Rows a request: a Worker may ask its database so many times, and the rest of a file is still there when one fails. */
const ROWS = 250

export function registerTokenImport(token: Command, platform: Platform): void {
  const command = withJson(withTarget(token.command('import').description('enrol the tokens of a CSV file')))
  command.argument('<file>', 'CSV with a line of column names, or - for standard input')
  command.option('--dry-run', 'only say what would happen')
  command.addHelpText(
    'after',
    `\nColumns: ${Object.keys(COLUMNS).join(', ')}. Rows that cannot be imported are listed, all others are; then the exit code is 1.`,
  )
  withExamples(command, 'otpost token import tokens.csv --dry-run', 'otpost token import tokens.csv')
  command.action(async (file: string, { dryRun = false, json }: ImportOptions) => {
    const source = await readInput(file)
    const outcomes = await withAdmin(platform, command, (client) => importFile(client, source, dryRun))
    report(outcomes, dryRun, json === true)
    if (outcomes.some(isRefused)) process.exitCode = 1
  })
}

async function importFile(client: AdminClient, source: string, dryRun: boolean): Promise<readonly ImportedRow[]> {
  const read = readTokenRows(source)
  if (!read.ok) throw new Error(`the file ${read.error}`)
  const { rows, problems } = read.value
  const outcomes: ImportedRow[] = problems.map((problem) => ({ ...problem, outcome: 'refused' }))
  for (let start = 0; start < rows.length; start += ROWS) {
    const lump = writeTokenRows(rows.slice(start, start + ROWS))
    for await (const outcome of client.manage.importRows(lump, dryRun)) outcomes.push(outcome)
    if (process.stderr.isTTY)
      process.stderr.write(`\r\u001b[K${Math.min(start + ROWS, rows.length)} of ${rows.length} rows`)
  }
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
  return outcomes.toSorted((a, b) => a.line - b.line)
}

function report(outcomes: readonly ImportedRow[], dryRun: boolean, json: boolean): void {
  const refused = outcomes.filter(isRefused)
  const good = outcomes.length - refused.length
  if (json) {
    printJson({ dryRun, good, refused: refused.length, rows: outcomes })
    return
  }
  const rows = refused.map(({ line, field, rule }) => [String(line), field, rule])
  if (rows.length > 0) printTable(['LINE', 'FIELD', 'RULE'], rows, '')
  note(`${dryRun ? 'Would import' : 'Imported'} ${good} token${good === 1 ? '' : 's'}, refused ${refused.length}.`)
}

type RefusedRow = Extract<ImportedRow, { outcome: 'refused' }>
const isRefused = (row: ImportedRow): row is RefusedRow => row.outcome === 'refused'
