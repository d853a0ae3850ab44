/**
 * Policies: what an operator wrote, compiled; and the answers to questions about one user, realm and client.
 *
 * Of several policies that match, the most precise speak: first by user, then by realm, then by client. If they still
 * disagree, the one whose name comes first in the alphabet is taken; `checkPolicy` and `explain` show the others.
 */
import { err, ok, type Result } from '../result.ts'
import type { LocalTime } from '../time.ts'
import type { Action, Scope } from './action.ts'
import { SCOPES } from './action.ts'
import { authorize } from './actions.ts'
import { type Condition, type MatchUser, readClients, readRealms, readTimes, readUsers } from './match.ts'
import { readActions, type WrittenActions } from './text.ts'

export type PolicyRecord = {
  readonly name: string
  readonly scope: string
  readonly action: string
  readonly realm: string
  readonly user: string
  readonly client: string
  readonly time: string
  readonly active: boolean
}

export type CompiledPolicy = {
  readonly record: PolicyRecord
  readonly actions: WrittenActions
  readonly realm: Condition<string>
  readonly user: Condition<MatchUser>
  readonly client: Condition<string>
  readonly time: (time: LocalTime) => boolean
}

/** The field of a policy and the rule it breaks. */
export type PolicyProblem = { readonly field: keyof PolicyRecord; readonly rule: string }

/** In these scopes an empty user or client means everybody (contract 6.1). */
const OPEN_SCOPES: readonly string[] = ['selfservice', 'admin', 'enrollment', 'authorization', 'authentication']

export function compilePolicy(record: PolicyRecord): Result<CompiledPolicy, PolicyProblem> {
  const open = OPEN_SCOPES.includes(record.scope)
  const actions = readActions(record.action)
  if (!actions.ok) return err({ field: 'action', rule: actions.error })
  const user = readUsers(record.user.trim() === '' && open ? '*' : record.user)
  if (!user.ok) return err({ field: 'user', rule: user.error })
  const client = readClients(record.client.trim() === '' && open ? '*' : record.client)
  if (!client.ok) return err({ field: 'client', rule: client.error })
  const time = readTimes(record.time)
  if (!time.ok) return err({ field: 'time', rule: time.error })
  const realm = readRealms(record.realm)
  return ok({ record, actions: actions.value, realm, user: user.value, client: client.value, time: time.value })
}

/** One that is there and matches nothing. */
export function mutePolicy(record: PolicyRecord): CompiledPolicy {
  const never = () => 0 as const
  return { record, actions: new Map(), realm: never, user: never, client: never, time: () => false }
}

/** Whom a question is about. A token without an owner has neither user nor realm, and those conditions are not asked. */
export type Subject = {
  readonly user: MatchUser | null
  readonly realm: string | null
  readonly client: string
  readonly time: LocalTime
}

/** The policies of a scope that name an action and match, the most precise ones only, in alphabetical order. */
export function speaking(
  policies: readonly CompiledPolicy[],
  scope: Scope,
  action: string,
  subject: Subject,
): readonly CompiledPolicy[] {
  const matching = policies
    .filter(
      ({ record, actions }) => record.active && record.scope === scope && (actions.has(action) || actions.has('*')),
    )
    .map((policy) => ({
      policy,
      user: subject.user ? policy.user(subject.user) : 1,
      realm: subject.realm === null ? 1 : policy.realm(subject.realm),
      client: policy.client(subject.client),
    }))
    .filter((match) => match.user > 0 && match.realm > 0 && match.client > 0 && match.policy.time(subject.time))
  let best = matching
  for (const by of ['user', 'realm', 'client'] as const) {
    const highest = Math.max(0, ...best.map((match) => match[by]))
    best = best.filter((match) => match[by] === highest)
  }
  return best.map(({ policy }) => policy).toSorted((a, b) => (a.record.name < b.record.name ? -1 : 1))
}

/** Answers questions about one subject at one moment. */
export type Policy = {
  readonly value: <T>(action: Action<T>) => T
  /** Does any policy that matches name this action, whatever its value? */
  readonly names: (action: Action) => boolean
}

/** A value that cannot be read was stored before it was checked; it counts as if the policy were silent. */
export function policyOf(policies: readonly CompiledPolicy[], subject: Subject): Policy {
  return {
    names: (action) => speaking(policies, action.scope, action.name, subject).length > 0,
    value: <T>(action: Action<T>): T => {
      for (const { actions } of speaking(policies, action.scope, action.name, subject)) {
        const written =
          actions.get(action.name) ?? (actions.has('*') && action.value.type === 'bool' ? true : undefined)
        const read = written === undefined ? undefined : action.value.read(written)
        if (read?.ok) return read.value
      }
      return action.default
    },
  }
}

export const isScope = (text: string): text is Scope => (SCOPES as readonly string[]).includes(text)

/** One active policy with `authorize`, anywhere, is enough to ask everybody for one (contract 6.5). */
export const isAuthorizationAsked = (policies: readonly CompiledPolicy[]): boolean =>
  policies.some(
    ({ record, actions }) => record.active && record.scope === authorize.scope && actions.has(authorize.name),
  )
