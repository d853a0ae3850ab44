/**
 * Import of a table of users by a command: read and judged first, then passwords are hashed here, where it may take its
 * time, and everything is sent at once.
 */
import { hashPassword } from '../adapters/vault/scrypt.ts'
import { readUserTable, type TableProblem, type TableRow } from '../core/user-table.ts'
import type { ImportReport } from '../flows/user-import.ts'
import type { Random } from '../ports/edges.ts'
import type { AdminClient } from './client.ts'
import { canShowProgress, progress } from './output.ts'
import type { HowToImport } from './user-client.ts'

export type TableFile = {
  readonly text: string
  readonly label: string
  /** Attributes by the headers of their columns; empty leaves a column out. */
  readonly columns: Readonly<Record<string, string>>
}

const LOCAL = 'localresolver'
/** As many as the processor's threads for such work. */
const AT_ONCE = 4

/** @returns the rows, and those that could not be read. @throws naming the line when the table is none */
export function readTable({ text, label, columns }: TableFile) {
  const table = readUserTable(text, columns)
  if (table.ok) return table.value
  const { line, field, rule } = table.error
  const hint = /not known|header names none/.test(rule) ? '; --column HEADER=ATTRIBUTE says it' : ''
  throw new Error(`line ${line} of ${label}: ${field === '' ? '' : `'${field}' `}${rule}${hint}`)
}

type Import = HowToImport & { readonly realm: string; readonly random: Random }

/** Makes realm and resolver when they are not there, but not for nothing. */
export async function importTable(
  client: AdminClient,
  { rows, refused }: { readonly rows: readonly TableRow[]; readonly refused: readonly TableProblem[] },
  { realm, random, ...how }: Import,
): Promise<ImportReport> {
  const exists = (await client.users.resolvers()).some(({ name }) => name === how.resolver)
  // A server judges the rows of a resolver that is there; for a new one nobody else is in the way.
  const judged = exists
    ? await client.users.import({ ...how, dryRun: true }, rows)
    : await judgeNew({ ...how, rows, refused: [] })
  const report = withUnreadable(judged, refused)
  if (how.dryRun || (report.refusedRows > 0 && !how.skipRefused)) return { ...report, dryRun: how.dryRun }
  const hashed = await hashPasswords(rows, random)
  if (!exists) await client.users.saveResolver(how.resolver, LOCAL, {}, false)
  const known = (await client.realms()).find(({ name }) => name === realm.toLowerCase())
  if (!known?.resolvers.includes(how.resolver))
    await client.saveRealm(realm, [...(known?.resolvers ?? []), how.resolver])
  return withUnreadable(await client.users.import({ ...how, dryRun: false }, hashed), refused)
}

/** Loaded for this alone. */
async function judgeNew(command: HowToImport & { rows: readonly TableRow[]; refused: readonly TableProblem[] }) {
  const { judgeImport } = await import('../flows/user-import.ts')
  return judgeImport({ ...command, dryRun: true }, [])
}

function withUnreadable(report: ImportReport, refused: readonly TableProblem[]): ImportReport {
  const all = [...report.refused, ...refused].toSorted((a, b) => a.line - b.line)
  const unreadable = new Set(refused.map(({ line }) => line)).size
  return { ...report, refused: all, rows: report.rows + unreadable, refusedRows: report.refusedRows + unreadable }
}

async function hashPasswords(rows: readonly TableRow[], random: Random): Promise<readonly TableRow[]> {
  const total = rows.filter(({ fields }) => fields.password).length
  if (total === 0) return rows
  const told = canShowProgress(total) ? progress('Hashing passwords', total) : null
  const hashed: TableRow[] = [...rows]
  let next = 0
  const work = async () => {
    for (let n = next++; n < rows.length; n = next++) {
      const { line, fields } = rows[n] ?? { line: 0, fields: {} }
      const { password, ...others } = fields
      if (!password) continue
      hashed[n] = { line, fields: { ...others, password_hash: await hashPassword(password, random) } }
      told?.step()
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  told?.end()
  return hashed
}
