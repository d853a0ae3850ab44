/** The audit as it is read over HTTP, for tests of flows. */
import type { Fields, Harness } from './harness.ts'

export type Line = Readonly<Record<string, unknown>>
export type Cell = readonly (string | number)[]

const NAMES =
  'number date sig_check missing_line action success serial token_type user realm administrator detail info server client log_level clearance_level'

export const query = (fields: Fields): string => new URLSearchParams(fields).toString()
export const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line))

/** @param harness is asked for with each call, since tests start theirs late */
export function auditReader(harness: () => Harness) {
  /** @param operator null: somebody who is not logged in */
  const fetchText = async (path: string, init: RequestInit = {}, operator: string | null = 'operator') => {
    const connection = { peer: '192.0.2.7', secure: false, ...(operator === null ? {} : { operator }) }
    const response = await harness().app.fetch(new Request(`http://otpost.test${path}`, init), connection)
    return { status: response.status, type: response.headers.get('content-type'), text: await response.text() }
  }
  const exported = async (fields: Fields = {}): Promise<readonly Line[]> =>
    linesOf((await fetchText(`/otpost/audit/export?${query(fields)}`)).text)
  const grid = async (fields: Fields): Promise<{ page: number; total: number; cells: readonly Cell[] }> => {
    const { page, total, rows } = JSON.parse((await fetchText(`/audit/search?${query(fields)}`)).text)
    return { page, total, cells: rows.map(({ cell }: { cell: Cell }) => cell) }
  }
  return {
    fetchText,
    exported,
    grid,
    /** The newest row, of those that are asked for. */
    newest: async (fields: Fields = {}): Promise<Line> =>
      (await exported({ order: 'desc', limit: '1', ...fields }))[0] ?? {},
    /** The newest row in LinOTP's words, by what is in its cells. */
    shown: async (): Promise<Fields> => {
      const [cell = []] = (await grid({ rp: '1', sortorder: 'desc' })).cells
      return Object.fromEntries(NAMES.split(' ').map((name, n) => [name, String(cell[n])]))
    },
  }
}
