/** audit: who did what, whether that was tampered with, and how long it is kept. */
import { once } from 'node:events'
import { type Command, Option } from 'commander'
import { csvOf, exportCsvHead } from '../../http/audit-lines.ts'
import type { AuditRecord, AuditVerdict } from '../audit-client.ts'
import { note, print, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import type { Fields } from '../request.ts'
import { withAdmin, withTarget } from '../target.ts'
import { wholeNumber, withExamples, withJson } from './command.ts'

/** Options that are filters of the same name. */
const FILTERS = {
  user: 'login of the user',
  serial: 'serial of the token',
  realm: 'realm of the user',
  action: 'path of the request, like validate/check',
  administrator: 'who administered',
  detail: 'code of what happened, like otp_wrong',
  client: 'address that the request came from',
  success: 'true or false',
  since: 'first time, like 2026-07-01 or 2026-07-01T12:00:00Z',
  until: 'time before which it was',
} as const
type FilterOptions = Partial<Readonly<Record<keyof typeof FILTERS, string>>>

export function registerAudit(program: Command, platform: Platform): void {
  const audit = withExamples(
    program.command('audit').description('who did what: search, export, verify, prune'),
    'otpost audit search --user ada',
    'otpost audit verify',
  )
  registerSearch(audit, platform)
  registerExport(audit, platform)
  registerVerify(audit, platform)

  const checkpoint = withJson(
    withTarget(
      audit
        .command('checkpoint')
        .description('seal the rows that are not sealed yet; every hour this happens by itself'),
    ),
  )
  withExamples(checkpoint, 'otpost audit checkpoint')
  checkpoint.action(async ({ json }: { json?: true }) => {
    const sealed = await withAdmin(platform, checkpoint, (client) => client.audit.checkpoint())
    if (json) return printJson({ sealed })
    note(`Sealed ${sealed} ${sealed === 1 ? 'row' : 'rows'}.`)
  })
  registerPrune(audit, platform)
}

function withFilters(command: Command): Command {
  for (const [name, meaning] of Object.entries(FILTERS))
    command.option(`--${name} <${name === 'since' || name === 'until' ? 'time' : 'pattern'}>`, meaning)
  return command.addHelpText('after', '\nIn a pattern * stands for any text.')
}

const fieldsOf = (options: FilterOptions): Fields =>
  Object.fromEntries(Object.keys(FILTERS).map((name) => [name, options[name as keyof FilterOptions]])) // names of FILTERS

function registerSearch(audit: Command, platform: Platform): void {
  const search = withJson(withTarget(withFilters(audit.command('search').description('show rows, the newest first'))))
  search.option('--limit <n>', 'how many', wholeNumber(1, 10_000), 20)
  withExamples(
    search,
    'otpost audit search --user ada --since 2026-07-01',
    'otpost audit search --success false --limit 100',
  )
  search.action(async ({ limit, json, ...options }: FilterOptions & { limit: number; json?: true }) => {
    const rows = await withAdmin(platform, search, async (client) => {
      const found: AuditRecord[] = []
      for await (const row of client.audit.rows({ ...fieldsOf(options), order: 'desc', limit: String(limit) }))
        found.push(row)
      return found
    })
    if (json) return printJson(rows)
    printTable(
      ['NUMBER', 'TIME', 'ACTION', '', 'USER', 'SERIAL', 'BY', 'DETAIL', 'INFO', 'CLIENT'],
      rows.map((row) => [
        ...[String(row.number), row.time, row.action, row.success ? 'yes' : 'no', userOf(row), row.serial],
        ...[row.administrator, row.intact ? row.detail : 'ALTERED', infoOf(row), row.client],
      ]),
      'There is no such row.',
    )
  })
}

const userOf = ({ user, realm }: AuditRecord): string => (realm === '' ? user : `${user}@${realm}`)
const infoOf = ({ info, deliveries }: AuditRecord): string =>
  [info, ...deliveries.map(({ provider, status, reason }) => `${provider} ${reason || status}`)]
    .filter(Boolean)
    .join(', ')

function registerExport(audit: Command, platform: Platform): void {
  const command = withTarget(
    withFilters(audit.command('export').description('write all rows as JSON Lines, the oldest first')),
  )
  command.addOption(new Option('--json', 'one JSON array instead of a line per row').conflicts('csv'))
  command.option('--csv', 'CSV for spreadsheets instead')
  withExamples(
    command,
    'otpost audit export --until 2026-07-01 > audit.jsonl',
    'otpost audit export --user ada --csv > ada.csv',
  )
  command.action(async ({ json, csv, ...options }: FilterOptions & { json?: true; csv?: true }) => {
    await withAdmin(platform, command, async (client) => {
      if (csv) {
        await write(exportCsvHead)
        for await (const row of client.audit.rows(fieldsOf(options))) await write(csvOf(row))
        return
      }
      let before = json ? '[' : ''
      for await (const row of client.audit.rows(fieldsOf(options))) {
        await write(`${before}${JSON.stringify(row)}`)
        before = json ? ',\n' : '\n'
      }
      // An array has its end, and so has a last line.
      await write(json ? `${before === '[' ? '[' : ''}]\n` : before)
    })
  })
}

/** Waits for a reader that is slower than the database. */
async function write(text: string): Promise<void> {
  if (!process.stdout.write(text)) await once(process.stdout, 'drain')
}

function registerVerify(audit: Command, platform: Platform): void {
  const verify = withJson(
    withTarget(audit.command('verify').description('look whether rows were removed, altered or moved')),
  )
  verify.option(
    '--anchor <text>',
    'what an earlier verification or the log has noted: shows whether the end is missing',
  )
  withExamples(verify, 'otpost audit verify', 'otpost audit verify --anchor 12:11873:0123456789abcdef0123456789abcdef')
  verify.action(async ({ anchor, json }: { anchor?: string; json?: true }) => {
    const verdict = await withAdmin(platform, verify, (client) => client.audit.verify(anchor, progress))
    if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
    if (json) printJson(verdict)
    else say(verdict)
    if (verdict.verdict === 'broken')
      throw new Error(`the audit is broken: ${verdict.findings[0]?.text ?? 'see above'}; docs/audit.md says what to do`)
  })
}

function progress({ verified, of }: { readonly verified: number; readonly of: number }): void {
  if (process.stderr.isTTY) process.stderr.write(`\r${verified} of ${of} rows`)
}

function say(verdict: AuditVerdict): void {
  const { rows, first, last, deliveries, checkpoints, sealed, findings, found, warnings, unseen, anchor } = verdict
  const range = rows === 0 ? 'no rows' : `${rows} rows, ${first} to ${last}, ${deliveries} deliveries`
  print(
    `${verdict.verdict === 'intact' ? 'Intact' : 'Broken'}: ${range}; ${checkpoints} checkpoints up to row ${sealed}.`,
  )
  for (const { text } of findings) print(`  ${text}`)
  const listed = findings.reduce((sum, one) => sum + one.last - one.first + 1, 0)
  if (found > listed) print(`  and ${found - listed} more`)
  for (const { text } of warnings) print(`Odd: ${text}.`)
  print('What this cannot see:')
  for (const text of unseen) print(`  ${text}`)
  if (anchor !== null) print(`Anchor, to be noted elsewhere: ${anchor}`)
}

function registerPrune(audit: Command, platform: Platform): void {
  const prune = withJson(withTarget(audit.command('prune').description('remove old rows, by whole checkpoints')))
  prune.option('--keep-days <n>', 'keep what is younger', wholeNumber(0, 36_500))
  prune.option('--before <time>', 'remove what is older, like 2026-07-01')
  prune.option('--force', 'also what does not verify; the record of the cut says so')
  prune.addHelpText('after', '\nThe setting audit_retention_days does this every hour.')
  withExamples(prune, 'otpost audit prune --keep-days 365')
  prune.action(async ({ json, ...what }: { keepDays?: number; before?: string; force?: true; json?: true }) => {
    if ((what.keepDays === undefined) === (what.before === undefined))
      return prune.error('error: either --keep-days or --before')
    const done = await withAdmin(platform, prune, (client) => client.audit.prune(what))
    if (json) return printJson(done)
    note(done.last === 0 ? 'Nothing is old enough.' : `Removed rows ${done.first} to ${done.last}.`)
  })
}
