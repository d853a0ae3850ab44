/**
 * A policy action is declared once, with everything that can be said about it; parser, administration and
 * documentation derive from the declaration, and the declaration itself is the key it is read by.
 */

export type Scope = 'authentication' | 'authorization' | 'enrollment' | 'selfservice' | 'admin' | 'system' | 'audit'

export type Action<T> = {
  /** The name as written in a policy. */
  readonly name: string
  readonly scope: Scope
  readonly default: T
  /** One sentence for operators. */
  readonly meaning: string
}

export const defineAction = <T>(action: Action<T>): Action<T> => action

/** Whom a question is about. A token without an owner has neither user nor realm. */
export type Subject = { readonly user: string | null; readonly realm: string | null; readonly client: string }

/** Answers questions about one subject at one moment. */
export type Policy = { readonly value: <T>(action: Action<T>) => T }

/** Every flow asks here. No policies can be stored yet, so each answer is the action's default. */
export function policyFor(_subject: Subject): Policy {
  return { value: (action) => action.default }
}
