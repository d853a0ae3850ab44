/** The audit behind an injection: whatever its rows hold, each way out of otpost is well-formed, and no spreadsheet takes a cell for a formula. */
import Papa from 'papaparse'
import type { Site } from './site.ts'

/** What a spreadsheet computes; a phone number calls nothing. */
const FORMULA = /^\s*(?![+-][\d\s()/.-]*$)[=+\-@]|^[\t\r]/

export async function auditIsWhole({ send, query }: Site, token: string): Promise<readonly string[]> {
  const headers = { authorization: `Bearer ${token}` }
  const get = async (path: string) => (await send('GET', path, { headers })).text
  // Each look writes a row of its own, and so does whoever is still at work.
  const count = async () => Number((await query('SELECT COUNT(*) AS n FROM audit'))[0]?.n)
  const rows = await count()
  const wrong: string[] = []
  const lines = (await get('/otpost/audit/export')).split('\n').filter(Boolean)
  for (const line of lines)
    try {
      JSON.parse(line)
    } catch {
      wrong.push(`a line of the export is no JSON: ${line.slice(0, 200)}`)
    }
  if (lines.length < rows) wrong.push(`the export has ${lines.length} lines for ${rows} rows`)
  // LinOTP sets a blank behind each delimiter.
  for (const [path, delimiter] of [
    ['/otpost/audit/export?format=csv', ','],
    ['/audit/search?outform=csv&headers=true', ', '],
  ] as const)
    wrong.push(...wrongCells(path, Papa.parse(await get(path), { delimiter, skipEmptyLines: true }), rows))
  const verified = await get('/otpost/audit/verify')
  if (!/"(intact|ok|verdict)":\s*(true|"intact"|"ok")/.test(verified))
    wrong.push(`the audit is not intact: ${verified.slice(-300)}`)
  return wrong
}

function wrongCells(
  path: string,
  { data, errors }: Papa.ParseResult<readonly string[]>,
  rows: number,
): readonly string[] {
  const [head = [], ...body] = data
  const odd = body.find((cells) => cells.length !== head.length)
  const formula = body.flat().find((cell) => FORMULA.test(cell))
  return [
    ...(errors.length > 0 ? [`${path}: ${JSON.stringify(errors[0])}`] : []),
    ...(odd ? [`${path}: ${odd.length} cells instead of ${head.length}: ${JSON.stringify(odd).slice(0, 300)}`] : []),
    ...(formula === undefined ? [] : [`${path}: a formula ${JSON.stringify(formula.slice(0, 100))}`]),
    ...(body.length < rows ? [`${path}: ${body.length} lines for ${rows} rows`] : []),
  ]
}
