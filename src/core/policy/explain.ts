/** Explain: which policies speak about one user, realm, client and moment, and why the others do not. */
import { authorize, findAction, setRealm } from './actions.ts'
import type { CompiledPolicy, Subject } from './policy.ts'
import { isAuthorizationAsked, isScope, policyOf, speaking } from './policy.ts'
import { isRightScope } from './rights.ts'
import { writeActions } from './text.ts'

/** A policy that matches and names the action, but another one decides. */
export type PassedOver = {
  readonly policy: string
  /** As written, `name=value`. */
  readonly written: string
  readonly because: string
}
export type Decided = {
  readonly scope: string
  readonly action: string
  readonly written: string
  readonly policy: string
  readonly passedOver: readonly PassedOver[]
  /** Why the action has no effect all the same; null: it has. */
  readonly idle: string | null
}
export type Explained = {
  /** One entry an action that some policy decides, in the order of scopes and names. */
  readonly decided: readonly Decided[]
  /** Policies that do not match at all. */
  readonly silent: readonly { readonly policy: string; readonly because: string }[]
  /** What else is to be known, each a sentence: what the absence of a policy means here. */
  readonly remarks: readonly string[]
}

/** Rights of administrators are not about users; `checkPolicy` answers for them. */
export function explain(given: readonly CompiledPolicy[], subject: Subject): Explained {
  const policies = given.filter(({ record }) => !isRightScope(record.scope))
  const because = new Map(policies.map((policy) => [policy, whyNot(policy, subject)]))
  const matching = policies.filter((policy) => because.get(policy) === null)
  const asked = new Set(
    matching.flatMap(({ record, actions }) => [...actions.keys()].map((action) => `${record.scope} ${action}`)),
  )
  const decided = [...asked].sort().flatMap((key): readonly Decided[] => {
    const [scope = '', action = ''] = key.split(' ')
    if (!isScope(scope)) return []
    const spoke = speaking(policies, scope, action, subject)
    // A value that was stored unread counts as if the policy were silent.
    const first = spoke.find((policy) => isReadable(policy, action)) ?? spoke[0]
    if (!first) return []
    const others = matching.filter(
      (one) => one !== first && one.record.scope === scope && (one.actions.has(action) || one.actions.has('*')),
    )
    const passedOver = [...spoke.filter((one) => one !== first), ...others.filter((one) => !spoke.includes(one))].map(
      (one): PassedOver => ({
        policy: one.record.name,
        written: writtenOf(one, action),
        because: spoke.includes(one) ? whySecond(one, action) : whyOutranked(one, first, subject),
      }),
    )
    const unreadable = isReadable(first, action) ? null : 'the value cannot be read, so the default holds'
    const idle = unreadable ?? findAction(scope, action)?.idle ?? null
    return [{ scope, action, written: writtenOf(first, action), policy: first.record.name, passedOver, idle }]
  })
  const silent = policies.flatMap((policy) => {
    const reason = because.get(policy)
    return reason ? [{ policy: policy.record.name, because: reason }] : []
  })
  return { decided, silent, remarks: remarksOn(given, subject) }
}

function remarksOn(given: readonly CompiledPolicy[], subject: Subject): readonly string[] {
  const policy = policyOf(given, subject)
  const refused = isAuthorizationAsked(given) && !policy.value(authorize)
  const realm = policy.value(setRealm).trim()
  const elsewhere = realm !== '' && realm.toLowerCase() !== subject.realm
  const rights = given.filter(({ record }) => isRightScope(record.scope)).map(({ record }) => record.name)
  return [
    ...(refused ? ['This user does not get in: some policy has authorize, so only those for whom one holds do.'] : []),
    ...(elsewhere
      ? [`At a login the user is looked for in realm ${realm} instead: ask again with that realm for what holds then.`]
      : []),
    ...(rights.length === 0 ? [] : [`About administrators, and so not looked at here: ${rights.join(', ')}.`]),
  ]
}

const valueIn = ({ actions }: CompiledPolicy, action: string): string | boolean => actions.get(action) ?? true
const writtenOf = (policy: CompiledPolicy, action: string): string =>
  writeActions(new Map([[action, valueIn(policy, action)]]))

/** An action that nobody knows has no value to read. */
const isReadable = (policy: CompiledPolicy, action: string): boolean =>
  findAction(policy.record.scope, action)?.value.read(valueIn(policy, action)).ok ?? true

const whySecond = (policy: CompiledPolicy, action: string): string =>
  isReadable(policy, action) ? 'it is as precise, and its name comes later in the alphabet' : 'its value cannot be read'

/** The first condition by which `policy` is less precise than the one that decides. */
function whyOutranked(
  { record, user, realm, client }: CompiledPolicy,
  first: CompiledPolicy,
  subject: Subject,
): string {
  const { user: who, realm: where } = subject
  if (who && user(who) < first.user(who)) return `its user '${record.user || '*'}' is less precise`
  if (where !== null && realm(where) < first.realm(where)) return `its realm '${record.realm}' is less precise`
  if (client(subject.client) < first.client(subject.client))
    return `its client '${record.client || '*'}' is less precise`
  return 'it is less precise'
}

/** The first condition that does not hold, in words; null: all hold. */
function whyNot({ record, realm, user, client, time }: CompiledPolicy, subject: Subject): string | null {
  if (!record.active) return 'it is not active'
  if (subject.realm !== null && realm(subject.realm) === 0)
    return `its realm '${record.realm}' does not match ${subject.realm}`
  if (subject.user && user(subject.user) === 0) return `its user '${record.user}' does not match ${subject.user.login}`
  if (client(subject.client) === 0) return `its client '${record.client}' does not match ${subject.client}`
  return time(subject.time) ? null : `its time '${record.time}' does not match now`
}
