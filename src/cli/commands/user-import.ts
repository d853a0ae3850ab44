/** user import: users from a CSV table, or from a text in the format of /etc/passwd. */
import { basename } from 'node:path'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readPasswd } from '../../core/passwd.ts'
import type { ImportReport } from '../../flows/user-import.ts'
import type { AdminClient } from '../client.ts'
import { processEdges } from '../edges.ts'
import { readText } from '../input.ts'
import { note, printJson, printTable } from '../output.ts'
import type { Platform } from '../platform.ts'
import { withAdmin, withTarget } from '../target.ts'
import { withExamples, withJson } from './command.ts'

type Options = {
  readonly realm: string
  readonly resolver?: string
  readonly format?: 'csv' | 'passwd'
  readonly column?: Readonly<Record<string, string>>
  readonly encoding: string
  readonly replace?: true
  readonly skipRefused?: true
  readonly dryRun?: true
  readonly json?: true
}

export function registerUserImport(user: Command, platform: Platform): void {
  const take = user.command('import').description('read users from a CSV table or a passwd file')
  take.argument('<file>', 'the file, or - for standard input')
  take.option('--realm <name>', 'made when it is not there', 'default')
  take.option('--resolver <name>', 'under which the users are kept; that of the realm unless told')
  take.addOption(
    new Option('--format <format>', 'csv for files of that name, else passwd, unless told').choices(['csv', 'passwd']),
  )
  take.option('--dry-run', 'only say what would happen')
  take.option(
    '--column <HEADER=ATTRIBUTE>',
    'CSV: what a column is, nothing to leave it out; can be repeated',
    addColumn,
  )
  take.option('--replace', 'CSV: remove users who are not in the table')
  take.addOption(
    new Option('--skip-refused', 'CSV: store the good rows although others are refused').conflicts('replace'),
  )
  take.option('--encoding <name>', 'of the file, such as windows-1252', 'utf-8')
  take.addHelpText(
    'after',
    [
      '',
      'A CSV table has a header with username and any of userid, email, givenname, surname, phone, mobile, description,',
      'language, password (in clear; it is hashed here) and password_hash. Users are found by userid, else by username;',
      'what is in no column stays as it is. All rows are stored or, when one is refused, none.',
      'Lines of a passwd file are like ada:x:1001:1001:Ada Lovelace,,,,ada@example.org::. They replace all users of the',
      'resolver, which are not edited one by one.',
    ].join('\n'),
  )
  withExamples(
    withJson(withTarget(take)),
    'otpost user import users.csv --dry-run',
    'otpost user import staff.csv --realm staff --column Kennung=username --column Raum=',
    'ssh mail getent passwd | otpost user import - --realm staff',
  )
  take.action(async (file: string, options: Options) => {
    const { format = /\.csv$/i.test(file) ? 'csv' : 'passwd' } = options
    const csvOnly = (['column', 'replace', 'skipRefused'] as const).find((name) => options[name] !== undefined)
    if (format === 'passwd' && csvOnly)
      return take.error(`error: --${csvOnly === 'skipRefused' ? 'skip-refused' : csvOnly} needs --format csv`)
    const text = await readText(file, options.encoding)
    const source = { text, label: file === '-' ? 'stdin' : basename(file) }
    if (format === 'csv') return takeTable(platform, take, source, options)
    return takePasswd(platform, take, source, options)
  })
}

function addColumn(text: string, before: Options['column']): Options['column'] {
  const equals = text.lastIndexOf('=')
  if (equals < 1) throw new InvalidArgumentError('It must be HEADER=ATTRIBUTE, or HEADER= to leave the column out.')
  return { ...before, [text.slice(0, equals)]: text.slice(equals + 1) }
}

type Source = { readonly text: string; readonly label: string }

async function takeTable(platform: Platform, command: Command, source: Source, options: Options): Promise<void> {
  const { realm, resolver = realm, column: columns = {} } = options
  // Loaded only where it is needed.
  const { importTable, readTable } = await import('../user-import.ts')
  const table = await readTable({ ...source, columns })
  const how = {
    ...{ realm, resolver, replace: options.replace === true, dryRun: options.dryRun === true },
    ...{ skipRefused: options.skipRefused === true, random: processEdges(platform).random },
  }
  const report = await withAdmin(platform, command, (client) => importTable(client, table, how))
  if (options.json) printJson({ realm, resolver, ...report })
  else tell(report, realm)
  if (report.refusedRows > 0 && !report.stored && !(options.dryRun && options.skipRefused))
    throw new Error(`${report.refusedRows} of ${report.rows} rows are refused, nothing was stored`)
}

function tell(report: ImportReport, realm: string): void {
  const { dryRun, stored, added, changed, unchanged, removed, refused } = report
  if (refused.length > 0)
    printTable(
      ['LINE', 'FIELD', 'RULE'],
      refused.map(({ line, field, rule }) => [String(line), field, rule]),
      '',
    )
  const counts = `added ${added}, changed ${changed}, left ${unchanged} as they were, removed ${removed}`
  if (stored) note(`Realm ${realm}: ${counts}.`)
  else if (dryRun) note(`Nothing was stored. It would be: ${counts}.`)
}

async function takePasswd(platform: Platform, command: Command, source: Source, options: Options): Promise<void> {
  const { realm, resolver = realm } = options
  const { text: content, label } = source
  if (options.dryRun) {
    const read = readPasswd(content)
    if (!read.ok) throw new Error(`line ${read.error.line} of ${label} ${read.error.rule}`)
    if (options.json) return printJson({ realm, resolver, users: read.value.length })
    return note(`Nothing was stored. Realm ${realm} would have ${count(read.value.length)} from ${label}.`)
  }
  const users = await withAdmin(platform, command, (client) => importUsers(client, { realm, resolver, content, label }))
  if (options.json) return printJson({ realm, resolver, users })
  note(`Realm ${realm} has ${count(users)} from ${label}.`)
}

const count = (users: number): string => `${users} ${users === 1 ? 'user' : 'users'}`

type Import = { readonly realm: string; readonly resolver: string; readonly content: string; readonly label: string }

/** @returns how many users the resolver has then */
export async function importUsers(client: AdminClient, { realm, resolver, content, label }: Import): Promise<number> {
  const replaces = (await client.resolvers()).includes(resolver)
  await client.saveResolver({ name: resolver, label, content, replaces })
  const known = (await client.realms()).find(({ name }) => name === realm.toLowerCase())
  // Only what is missing: saving a realm replaces the list of its resolvers.
  if (!known?.resolvers.includes(resolver)) await client.saveRealm(realm, [...(known?.resolvers ?? []), resolver])
  return (await client.listUsers({ realm, resConf: resolver })).length
}
