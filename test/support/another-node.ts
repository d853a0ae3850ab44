/** A second otpost over the database of a harness, with a batch or edges of its own: what one node cannot do or loses. */
import { readKeys } from '../../src/adapters/vault/keys.ts'
import { compose } from '../../src/compose.ts'
import { readConfig } from '../../src/config.ts'
import type { Edges } from '../../src/ports/edges.ts'
import type { Batch } from '../../src/ports/store.ts'
import type { Fields, Harness, Reply } from './harness.ts'

export type AnotherNode = Pick<Harness, 'app' | 'request' | 'post' | 'admin'>

type Own = { readonly batch?: Batch; readonly edges?: Partial<Edges> /** As in OTPOST_KEYS. */; readonly keys?: string }

export function anotherNode(h: Harness, own: Own): AnotherNode {
  const [config, keys] = [readConfig({ OTPOST_SEND_DEADLINE: '2' }), readKeys(own.keys ?? h.keys)]
  if (!config.ok || !keys.ok) throw new Error('the second node could not be set up')
  const { app } = compose(own.batch ?? h.batch, keys.value, { ...h.edges, ...own.edges }, config.value)

  const request = async (path: string, init: RequestInit = {}, operator?: string): Promise<Reply> => {
    const connection = { peer: '192.0.2.8', secure: false, ...(operator === undefined ? {} : { operator }) }
    const response = await app.fetch(new Request(`http://second.test${path}`, init), connection)
    const text = await response.text()
    const json = text.trimStart().startsWith('{') ? JSON.parse(text) : {}
    return { status: response.status, headers: response.headers, text, json }
  }
  const form = (fields: Fields): RequestInit => ({ method: 'POST', body: new URLSearchParams(fields) })
  return {
    app,
    request,
    post: (path, fields = {}) => request(path, form(fields)),
    admin: (path, fields = {}) => request(path, form(fields), 'operator'),
  }
}

/** The batch of a harness, which fails while `broken` matches the SQL of one of its statements. */
export function breakableBatch(h: Harness): { readonly batch: Batch; breakOn: (sql: RegExp | null) => void } {
  let broken: RegExp | null = null
  return {
    batch: async (statements, mode) => {
      const pattern = broken
      if (pattern && statements.some(({ sql }) => pattern.test(sql))) throw new Error('the database is gone')
      return h.batch(statements, mode)
    },
    breakOn: (sql) => {
      broken = sql
    },
  }
}
