/**
 * Grant: what an API token is bound to. It never gives a right that its administrator does not have; it only takes away.
 *
 * Written as words separated by blanks or commas: a right (`admin/disable`, `system/read`), all rights of a scope
 * (`admin`), `read-only`, which stands for the rights that change nothing, or `validate`, which makes a key of the token.
 */
import { err, ok, type Result } from '../result.ts'
import { isRightScope, type RightScope, rights } from './rights.ts'

export type Grant = {
  /** `scope/action`, a scope alone for all of it, or VALIDATE. */
  readonly rights: readonly string[]
  /** Realms that VALIDATE and rights of scope admin are bound to; none: to no realm. */
  readonly realms: readonly string[]
}

/** What changes nothing. `admin/getserial` is not among them: it tries an OTP. */
export const READ_ONLY = [
  ...['admin/show', 'admin/userlist', 'admin/tokenowner', 'admin/checkstatus'],
  ...['system/read', 'audit/view'],
] as const

/**
 * The right to ask at /validate where the settings want a key. It is in no scope: nobody has it who was not given it by
 * name, and whoever has nothing else administers nothing.
 */
const VALIDATE = 'validate'

const words = (text: string): readonly string[] => text.split(/[\s,]+/).filter((word) => word !== '')

/**
 * @param realms those that there are
 * @returns the words as they are kept, each once, or the rule that is broken
 */
export function readGrant(
  scope: string,
  bound: string,
  realms: readonly string[],
): Result<Grant | null, { readonly field: 'scope' | 'realm'; readonly rule: string }> {
  const named = words(bound).map((realm) => realm.toLowerCase())
  const unknown = named.find((realm) => !realms.includes(realm))
  if (unknown !== undefined)
    return err({ field: 'realm', rule: `must name realms that there are; '${unknown}' is none` })
  const given = words(scope)
  const wrong = given.find((word) => word !== 'read-only' && !isKnown(word))
  if (wrong !== undefined)
    return err({
      field: 'scope',
      rule: `must be made of validate, read-only, a scope like admin, and rights like admin/disable or system/read; '${wrong}' is none`,
    })
  // Bound to realms and to nothing else, it is for tokens and users.
  const meant = given.length === 0 && named.length > 0 ? ['admin'] : given
  const kept = [...new Set(meant.flatMap((word) => (word === 'read-only' ? READ_ONLY : [word])))]
  if (named.length > 0 && kept.some((word) => word !== VALIDATE && word.split('/')[0] !== 'admin'))
    return err({
      field: 'realm',
      rule: 'goes with validate and rights of scope admin only: nothing else lies in a realm',
    })
  return ok(kept.length === 0 ? null : { rights: kept, realms: [...new Set(named)] })
}

function isKnown(word: string): boolean {
  if (word === VALIDATE) return true
  const [scope = '', action, ...rest] = word.split('/')
  if (!isRightScope(scope) || rest.length > 0) return false
  return action === undefined || rights.some((right) => right.scope === scope && right.name === action)
}

/** @param grant null: bound to nothing */
export const grants = (grant: Grant | null, scope: RightScope, action: string): boolean =>
  grant === null || grant.rights.includes(scope) || grant.rights.includes(`${scope}/${action}`)

/** A token that nobody has bound is no key: keys are made on purpose. */
export const isKey = (grant: Grant | null): boolean => grant?.rights.includes(VALIDATE) ?? false

/** Is there anything that it permits in administration? */
export const administers = (grant: Grant | null): boolean => grant?.rights.some((right) => right !== VALIDATE) ?? true
