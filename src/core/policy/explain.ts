/** Explain: which policies speak about one user, realm, client and moment, and why the others do not. */
import { findAction } from './actions.ts'
import type { CompiledPolicy, Subject } from './policy.ts'
import { isScope, speaking } from './policy.ts'
import { writeActions } from './text.ts'

export type Explained = {
  /** One entry an action that some policy decides, in the order of scopes and names. */
  readonly decided: readonly {
    readonly scope: string
    readonly action: string
    /** As written, `name=value`. */
    readonly written: string
    readonly policy: string
    /** Policies that match as precisely and come later in the alphabet; they say something else or the same. */
    readonly others: readonly string[]
    /** Policies that match less precisely. */
    readonly outranked: readonly string[]
    /** What was stored cannot be read, so the default holds. */
    readonly unreadable: boolean
  }[]
  /** Policies that do not match at all. */
  readonly silent: readonly { readonly policy: string; readonly because: string }[]
}

export function explain(policies: readonly CompiledPolicy[], subject: Subject): Explained {
  const because = new Map(policies.map((policy) => [policy, whyNot(policy, subject)]))
  const matching = policies.filter((policy) => because.get(policy) === null)
  const asked = new Set(
    matching.flatMap(({ record, actions }) => [...actions.keys()].map((action) => `${record.scope} ${action}`)),
  )
  const decided = [...asked].sort().flatMap((key) => {
    const [scope = '', action = ''] = key.split(' ')
    if (!isScope(scope)) return []
    const [first, ...others] = speaking(policies, scope, action, subject)
    if (!first) return []
    const value = first.actions.get(action) ?? true
    const read = findAction(scope, action)?.value.read(value)
    const spoke = [first, ...others]
    const outranked = matching.filter(
      (one) => one.record.scope === scope && one.actions.has(action) && !spoke.includes(one),
    )
    return [
      {
        ...{ scope, action, policy: first.record.name, others: others.map(nameOf), outranked: outranked.map(nameOf) },
        written: writeActions(new Map([[action, value]])),
        unreadable: read !== undefined && !read.ok,
      },
    ]
  })
  const silent = policies.flatMap((policy) => {
    const reason = because.get(policy)
    return reason ? [{ policy: policy.record.name, because: reason }] : []
  })
  return { decided, silent }
}

const nameOf = ({ record }: CompiledPolicy): string => record.name

/** The first condition that does not hold, in words; null: all hold. */
function whyNot({ record, realm, user, client, time }: CompiledPolicy, subject: Subject): string | null {
  if (!record.active) return 'it is not active'
  if (subject.realm !== null && realm(subject.realm) === 0) return `its realm '${record.realm}' is not ${subject.realm}`
  if (subject.user && user(subject.user) === 0) return `its user '${record.user}' is not ${subject.user.login}`
  if (client(subject.client) === 0) return `its client '${record.client}' is not ${subject.client}`
  return time(subject.time) ? null : `its time '${record.time}' is not now`
}
