/**
 * Scope of a token (`scope` in TokenInfo, contract 3.2 and 2.2): the parts of the product in which it may be used. A token
 * whose scope names some parts is passed over in all others.
 */
import * as v from 'valibot'
import { err, ok, type Result } from './result.ts'
import type { TokenInfo } from './token.ts'

/** `path`: first segments of request paths, such as `validate` and `userservice`. */
export type TokenScope = { readonly path: readonly string[] }

/** A token that lets its user into the portal, where better ones are enrolled. */
export const ROLLOUT: TokenScope = { path: ['userservice'] }
const PARTS = ['userservice', 'validate']
const Scope = v.strictObject({ path: v.pipe(v.array(v.pipe(v.string(), v.regex(/^\w{1,40}$/))), v.maxLength(20)) })

/** Reads what a client sent. */
export function readScope(text: string): Result<TokenScope, string> {
  const rule = 'must be JSON like {"path": ["userservice"]}'
  try {
    const read = v.safeParse(Scope, JSON.parse(text))
    return read.success ? ok(read.output) : err(rule)
  } catch {
    return err(rule)
  }
}

export function scopeOf({ scope }: TokenInfo): TokenScope | null {
  if (scope === undefined) return null
  const read = v.safeParse(Scope, scope)
  return read.success ? read.output : null
}

/** Is the token restricted to parts in which one gets started? */
export const isRollout = (scope: TokenScope | null): boolean =>
  scope?.path.some((part) => PARTS.includes(part)) ?? false

/** May a request use the token? @param path of the request, without the leading slash */
export function inScope(info: TokenInfo, path: string): boolean {
  const allowed = scopeOf(info)?.path ?? []
  return allowed.length === 0 || allowed.includes(path.split('/')[0] ?? '')
}
