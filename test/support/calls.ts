/** Calls of administration, as they are routed, and the right that each needs. */
import type { Needed } from '../../src/core/policy/reach.ts'
import { neededBy } from '../../src/http/rights.ts'
import type { Fields, Harness } from './harness.ts'

export type RoutedCall = {
  readonly method: string
  readonly path: string
  /** Both, as the table has them. */
  readonly key: string
}

/** What is for everybody, or for users with sessions of their own; /pi has a table of its own (pi-auth.test.ts). */
const PUBLIC = /^\w+ \/(validate|userservice|healthcheck|pi)\/|^POST \/admin\/login$/

/** Every route there is, but for `PUBLIC`. Middleware, and the answers to wrong methods, stand under ALL. */
export function routedCalls({ app }: Pick<Harness, 'app'>): readonly RoutedCall[] {
  const keys = app.routes.filter(({ method }) => method !== 'ALL').map(({ method, path }) => `${method} ${path}`)
  return [...new Set(keys)]
    .filter((key) => !PUBLIC.test(key))
    .map((key) => {
      const [method = '', path = ''] = key.split(' ')
      return { key, method, path: path.replace('/*', '/x').replace(/:\w+/g, 'nobody') }
    })
}

export const needed = (call: RoutedCall, fields: Fields): Needed => {
  const found = neededBy(call.key, new Map(Object.entries(fields)))
  if (!found) throw new Error(`no right is declared for ${call.key}`)
  return found
}

/** Parameters that make a call need another right. */
export const SAMPLES: readonly Fields[] = [
  {},
  { type: 'email' },
  { type: 'sms' },
  { pin: '1' },
  { description: 'x' },
  { to: 'a@example.org' },
]

/** By `scope action`: a call that needs this one right and no other. */
export function callsByRight(h: Pick<Harness, 'app'>): ReadonlyMap<string, RoutedCall & { readonly fields: Fields }> {
  const found = new Map<string, RoutedCall & { readonly fields: Fields }>()
  for (const call of routedCalls(h))
    for (const fields of SAMPLES) {
      // Without a type it is one of LinOTP's that there is not.
      if (call.key === 'POST /admin/init' && !fields.type) continue
      const [rights = [], ...more] = needed(call, fields)
      const [right, ...others] = rights
      if (!right || more.length > 0 || others.length > 0 || right.whole) continue
      const key = `${right.scope} ${right.action ?? 'show'}`
      if (!found.has(key)) found.set(key, { ...call, fields })
    }
  return found
}
