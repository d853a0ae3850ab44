/** Calls as they are meant, and a look at the database around those that must change nothing. */
import { atOnce } from './attack.ts'
import type { Credential } from './credentials.ts'
import { samplesOf } from './grounds.ts'
import type { Call } from './payloads.ts'
import { type Answer, changed, FORM, fingerprint, type Site } from './site.ts'

type Fields = Readonly<Record<string, string>>

const CROWD = 8

export const keyOf = ({ method, path }: Call): string => `${method} ${path}`

/** The call as it is meant, so that nothing but the right is missing. */
export async function make(
  site: Site,
  call: Call,
  { headers, fields = {} }: Omit<Credential, 'name'>,
): Promise<Answer> {
  const all: Fields = { ...samplesOf(call.path, call.names), ...fields }
  const inPath = samplesOf(call.path, call.pathNames)
  const path = call.path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(inPath[name] ?? 'x'))
  const form = new URLSearchParams(all).toString()
  return call.method === 'POST'
    ? site.send('POST', path, { headers: { ...FORM, ...headers }, body: form })
    : site.send(call.method, `${path}?${form}`, { headers })
}

/** Nothing was asked of otpost there, so that it has no row. */
export const hasRow = ({ status }: Answer): boolean => ![404, 405].includes(status)

export type Look = {
  readonly through: string[]
  readonly check: (what: string, act: () => Promise<number>) => Promise<void>
}

/** Looks at the database around what must change nothing; `act` says how many rows of the audit it must have left. */
export function lookAt(site: Site): Look {
  const through: string[] = []
  const rows = async () => Number((await site.query('SELECT COUNT(*) AS n FROM audit'))[0]?.n)
  return {
    through,
    check: async (what, act) => {
      const before = { tables: await fingerprint(site), rows: await rows() }
      const due = await act()
      for (const table of changed(before.tables, await fingerprint(site)))
        through.push(`${what} changed the table ${table}`)
      const left = (await rows()) - before.rows
      if (left < due) through.push(`${what}: ${due} refusals left ${left} rows in the audit`)
    },
  }
}

export async function crowd<T>(items: readonly T[], act: (item: T) => Promise<void>): Promise<void> {
  const queue = [...items]
  await atOnce(CROWD, async () => {
    for (let item = queue.pop(); item !== undefined; item = queue.pop()) await act(item)
  })
}
