/** D1: `Batch` over the binding of Cloudflare Workers. A batch is one transaction there. */
import type { Batch, Row } from '../../ports/store.ts'

/** The part of a D1 binding that is used. */
export type D1Database = {
  readonly prepare: (sql: string) => D1Statement
  readonly batch: (statements: D1Statement[]) => Promise<readonly { readonly results: readonly Row[] }[]>
}
type D1Statement = { readonly bind: (...values: readonly (string | number | null)[]) => D1Statement }

export function d1Batch(database: D1Database): Batch {
  return async (statements) => {
    const results = await database.batch(statements.map(({ sql, params }) => database.prepare(sql).bind(...params)))
    return results.map((result) => result.results)
  }
}
