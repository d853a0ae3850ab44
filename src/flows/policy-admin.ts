/**
 * Administration of policies (contract 6.1). Grammar, types and conditions are checked when a policy is saved, so that no
 * policy can stop a realm later; a provider, realm or user that does not exist only warns, since LinOTP stores such.
 */
import type { AdminFailure } from '../core/failures.ts'
import { findAction } from '../core/policy/actions.ts'
import { type Explained, explain } from '../core/policy/explain.ts'
import {
  type CompiledPolicy,
  compilePolicy,
  isScope,
  type PolicyRecord,
  type Subject,
  speaking,
} from '../core/policy/policy.ts'
import { isWithin, reachOf } from '../core/policy/reach.ts'
import { isRightScope, type RightScope } from '../core/policy/rights.ts'
import { readActions } from '../core/policy/text.ts'
import { err, ok, type Result } from '../core/result.ts'
import { policyValidation } from '../core/setting-keys.ts'
import { findRealm, type Settings, settingOf } from '../core/settings.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { AdminRealm } from './admin-realm.ts'
import type { Audit } from './audit.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import { compiled, lockout, lossText, lostRights } from './lockout.ts'
import type { SettingsCache } from './settings.ts'
import { findUser } from './users.ts'

export type PolicyFilter = {
  readonly names: readonly string[] | null
  readonly realm: string | null
  readonly scope: string | null
  readonly action: string | null
  readonly user: string | null
  /** Inactive ones too. */
  readonly all: boolean
}
export type PolicyQuestion = {
  readonly user: string
  readonly realm: string
  readonly scope: string
  readonly action: string
  readonly client: string
}

/** `unrestricted`: no policy says anything about this scope of rights. */
export type PolicyAnswer = { readonly allowed: boolean; readonly policies: readonly PolicyRecord[] } | 'unrestricted'

export type Who = Pick<PolicyQuestion, 'user' | 'realm' | 'client'>

export type PolicyAdmin = {
  /** @param enforce store it although it may lock administrators out; @returns warnings */
  readonly save: (
    policies: readonly PolicyRecord[],
    enforce: boolean,
    facts: Facts,
  ) => Promise<Result<readonly string[], AdminFailure>>
  readonly list: (filter: PolicyFilter, facts: Facts) => Promise<readonly PolicyRecord[]>
  /** @returns those that were there */
  readonly remove: (
    names: readonly string[],
    enforce: boolean,
    facts: Facts,
  ) => Promise<Result<readonly PolicyRecord[], AdminFailure>>
  /** The policies that would speak, the one that decides first. */
  readonly explain: (question: Who, facts: Facts) => Promise<Explained & { readonly userFound: boolean }>
  /** In scopes of rights `user` is an administrator. */
  readonly ask: (question: PolicyQuestion, facts: Facts) => Promise<Result<PolicyAnswer, AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly directories: Directories
  readonly adminRealm: Pick<AdminRealm, 'local'>
}

const TRIES = 5

export function createPolicyAdmin(parts: Parts): PolicyAdmin {
  const { store, edges, audit, settings: cache, directories, adminRealm } = parts

  return { save, list, remove, ask, explain: explainAll }

  async function save(
    policies: readonly PolicyRecord[],
    enforce: boolean,
    facts: Facts,
  ): Promise<Result<readonly string[], AdminFailure>> {
    const names = policies.map(({ name }) => name).join(', ')
    for (let tries = 1; ; tries++) {
      const settings = await cache.fresh()
      for (const policy of policies) {
        const problem = problemOf(policy, settingOf(settings, policyValidation))
        if (problem) return err(problem)
      }
      const kept = settings.policies.filter(({ record }) => !policies.some(({ name }) => name === record.name))
      const lost = lostRights(settings, [...kept, ...policies.flatMap(compiled)], facts)
      const locked = enforce ? null : lockout([...kept.map(({ record }) => record), ...policies], policies, lost)
      if (locked) return err({ code: 'policy_lockout', reason: locked })
      const done = await store.savePolicies(
        policies,
        settings.version,
        await audit.row(facts, { success: true, info: names }),
      )
      // Somebody changed the settings in the meantime: judged again by what holds now.
      if (done === 'lost' && tries < TRIES) continue
      if (done === 'lost')
        return err({
          code: 'parameter_invalid',
          field: 'name',
          rule: 'must not be changed by a request at the same time',
        })
      const warnings = [...policies.flatMap((policy) => warningsOf(policy, settings)), ...lost.map(lossText)]
      if (warnings.length > 0)
        edges.log.warn('policy_warning', { request: facts.requestId, policy: names, warning: warnings.join('; ') })
      return ok(warnings)
    }
  }

  async function list(filter: PolicyFilter, facts: Facts): Promise<readonly PolicyRecord[]> {
    const { policies } = await cache.fresh()
    await audit.write(facts, { success: true, info: filter.names?.join(', ') ?? '' })
    return policies.filter((policy) => chosen(policy, filter)).map(({ record }) => record)
  }

  async function remove(
    names: readonly string[],
    enforce: boolean,
    facts: Facts,
  ): Promise<Result<readonly PolicyRecord[], AdminFailure>> {
    for (let tries = 1; ; tries++) {
      const settings = await cache.fresh()
      const records = settings.policies.map(({ record }) => record)
      const gone = records.filter(({ name }) => names.includes(name))
      const left = settings.policies.filter(({ record }) => !gone.includes(record))
      const lost = lostRights(settings, left, facts)
      const locked = enforce
        ? null
        : lockout(
            left.map(({ record }) => record),
            gone,
            lost,
          )
      if (locked) return err({ code: 'policy_lockout', reason: locked })
      const done = await store.deletePolicies(
        names,
        settings.version,
        await audit.row(facts, { success: true, info: names.join(', ') }),
      )
      if (done === 'done' || tries === TRIES) return ok(done === 'done' ? gone : [])
    }
  }

  async function ask(question: PolicyQuestion, facts: Facts): Promise<Result<PolicyAnswer, AdminFailure>> {
    const { scope, action } = question
    if (!isScope(scope)) return err({ code: 'parameter_invalid', field: 'scope', rule: 'must be a scope of policies' })
    const settings = await cache.fresh()
    const { subject } = await subjectOf(question, settings, facts)
    await audit.write(facts, { success: true, user: question.user, realm: question.realm, info: `${scope} ${action}` })
    if (isRightScope(scope)) return ok(askRight({ ...question, scope }, settings, facts))
    const found = speaking(settings.policies, scope, action, subject)
    const [decides] = found
    const allowed = decides !== undefined && decides.actions.get(action) !== false
    return ok({ allowed, policies: found.map(({ record }) => record) })
  }

  /** Of rights all policies that match count, whatever their precision. */
  function askRight(
    { scope, action, user, realm, client }: PolicyQuestion & { readonly scope: RightScope },
    settings: Settings,
    { time }: Facts,
  ): PolicyAnswer {
    const active = settings.policies.filter(({ record }) => record.active && record.scope === scope)
    if (active.length === 0) return 'unrestricted'
    const administrator = adminRealm.local(user)
    const reach = reachOf(settings, { administrator, client, time }, [[{ scope, action }]])
    const policies = active.filter(
      (policy) =>
        (policy.actions.has(action) || policy.actions.has('*')) &&
        policy.user({ ...administrator, attributes: {} }) > 0 &&
        policy.client(client) > 0 &&
        policy.time(time) &&
        (scope !== 'admin' || policy.realm(realm) > 0),
    )
    const allowed = !('missing' in reach) && isWithin([realm.toLowerCase()], reach)
    return { allowed, policies: policies.map(({ record }) => record) }
  }

  async function explainAll(question: Who, facts: Facts): Promise<Explained & { readonly userFound: boolean }> {
    const settings = await cache.fresh()
    const { subject, userFound } = await subjectOf(question, settings, facts)
    await audit.write(facts, { success: true, user: question.user, realm: question.realm })
    return { userFound, ...explain(settings.policies, subject) }
  }

  async function subjectOf(
    { user: login, realm: named, client }: Who,
    settings: Settings,
    facts: Facts,
  ): Promise<{ readonly subject: Subject; readonly userFound: boolean }> {
    const realm = named.toLowerCase()
    const found = await findUser({ store, directories: directories.askedBy(facts) }, settings, { user: login, realm })
    const known = found.ok ? found.value : { resolver: '', attributes: {} }
    const user = { login, realm, resolver: known.resolver, attributes: known.attributes }
    return { subject: { user, realm, client, time: facts.time }, userFound: found.ok }
  }
}

/** What is wrong with a policy by itself; the words of LinOTP where its clients know them. */
function problemOf(policy: PolicyRecord, strict: boolean): AdminFailure | null {
  const invalid = (field: string, rule: string): AdminFailure => ({ code: 'parameter_invalid', field, rule })
  if (policy.name === '') return invalid('name', 'of the policy must not be empty')
  if (!/^\w+$/.test(policy.name)) return invalid('name', 'of the policy may only contain the characters a-zA-Z0-9_')
  for (const field of ['action', 'scope', 'realm'] as const)
    if (policy[field].trim() === '') return invalid(field, 'must not be empty')
  for (const field of ['action', 'scope', 'realm', 'user', 'client', 'time'] as const)
    if (!policy[field].isWellFormed())
      return invalid(field, 'must be whole characters, without halves of surrogate pairs')
  const compiled = compilePolicy(policy)
  if (!compiled.ok) return invalid(compiled.error.field, compiled.error.rule)
  const actions = readActions(policy.action)
  if (!actions.ok || !strict) return null
  for (const [name, written] of actions.value) {
    if (name === '*' && isRightScope(policy.scope)) continue
    const action = findAction(policy.scope, name)
    if (!action) return { code: 'policy_action_unknown', action: name, policy: policy.name }
    const read = action.value.read(written)
    if (!read.ok) return invalid('action', `value ${String(written)} for ${policy.scope}.${name} ${read.error}`)
  }
  return null
}

function warningsOf(policy: PolicyRecord, settings: Settings): readonly string[] {
  const actions = readActions(policy.action)
  const warnings: string[] = []
  for (const [why, names] of idleActions(policy.scope, actions.ok ? [...actions.value.keys()] : []))
    warnings.push(`${names.join(', ')}: no effect, since ${why}`)
  for (const type of ['email', 'sms'] as const) {
    const value = actions.ok ? actions.value.get(`${type}_provider`) : undefined
    if (typeof value !== 'string' || settings.providers.some((p) => p.type === type && p.name === value)) continue
    for (const name of value.split(/\s+/).filter(Boolean))
      if (!settings.providers.some((p) => p.type === type && p.name === name))
        warnings.push(`there is no ${type} provider '${name}'`)
  }
  for (const realm of policy.realm.split(',').map((one) => one.trim().replace(/^[-!]\s*/, '')))
    if (realm !== '' && realm !== '*' && !realm.startsWith('/:') && !findRealm(settings, realm))
      warnings.push(`there is no realm '${realm}'`)
  if (isRightScope(policy.scope) && policy.user.includes('#'))
    warnings.push('conditions on attributes hold for no administrator')
  for (const user of policy.user.split(','))
    if (user.includes('@') && !user.includes('#'))
      warnings.push(`'${user.trim()}' matches no login: conditions are on the login without realm`)
  return warnings
}

/** Names of actions that have no effect, by the reason. */
function idleActions(scope: string, names: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const idle = new Map<string, readonly string[]>()
  for (const name of names) {
    const why = findAction(scope, name)?.idle
    if (why) idle.set(why, [...(idle.get(why) ?? []), name])
  }
  return idle
}

function chosen({ record, actions }: CompiledPolicy, filter: PolicyFilter): boolean {
  const realms = record.realm
    .toLowerCase()
    .split(',')
    .map((realm) => realm.trim())
  const users = record.user.split(',').map((user) => user.trim())
  return (
    (filter.all || record.active) &&
    (filter.names === null || filter.names.includes(record.name)) &&
    (filter.scope === null || record.scope === filter.scope) &&
    (filter.realm === null || realms.includes('*') || realms.includes(filter.realm.toLowerCase())) &&
    (filter.action === null || actions.has(filter.action) || actions.has('*')) &&
    (filter.user === null || record.user.trim() === '' || users.includes('*') || users.includes(filter.user))
  )
}
