/** Policies in LinOTP's words: parameters, replies, and the file format of export and import (contract 6.1). */
import { actions } from '../../../core/policy/actions.ts'
import type { PolicyRecord } from '../../../core/policy/policy.ts'
import type { PolicyFilter } from '../../../flows/policy-admin.ts'
import { type Params, param } from '../../params.ts'
import type { Json, JsonObject } from './envelope.ts'

/** How LinOTP writes "always". */
const ALWAYS = '* * * * * *;'

export function decodePolicy(params: Params): PolicyRecord {
  const text = (name: string) => param(params, name) ?? ''
  return {
    name: text('name'),
    scope: text('scope'),
    action: text('action'),
    realm: text('realm'),
    user: text('user'),
    client: text('client'),
    time: text('time'),
    active: (param(params, 'active') ?? 'True').trim().toLowerCase() === 'true',
  }
}

export function decodeFilter(params: Params): PolicyFilter {
  const name = param(params, 'name') || null
  return {
    names: name?.split(',').map((one) => one.trim()) ?? null,
    realm: param(params, 'realm') || null,
    scope: param(params, 'scope') || null,
    action: param(params, 'action') || null,
    user: param(params, 'user') || null,
    all: param(params, 'display_inactive') !== null,
  }
}

const attributes = ({ scope, action, realm, user, client, time, active }: PolicyRecord) => ({
  action,
  scope,
  realm: realm.toLowerCase(),
  user,
  time: time.trim() === '' ? ALWAYS : time,
  client,
  active: active ? 'True' : 'False',
})

export const encodePolicies = (policies: readonly PolicyRecord[]): JsonObject =>
  Object.fromEntries(policies.map((policy) => [policy.name, { ...attributes(policy), name: policy.name }]))

export const encodeSaved = (name: string): JsonObject => ({
  [`setPolicy ${name}`]: { action: true, scope: true, realm: true, user: true, time: true, client: true, active: true },
})

export function encodeRemoved(policies: readonly PolicyRecord[]): JsonObject {
  const gone = policies.flatMap((policy) =>
    Object.keys(attributes(policy)).map((attribute) => [`linotp.Policy.${policy.name}.${attribute}`, true] as const),
  )
  return { delPolicy: { result: Object.fromEntries(gone) } }
}

/** One section a policy, as LinOTP's `policy.cfg`. */
export function writePolicyFile(policies: readonly PolicyRecord[]): string {
  return policies
    .map((policy) => {
      const lines = Object.entries({ ...attributes(policy), name: policy.name }).map(
        ([key, value]) => `${key} = ${value}\n`,
      )
      return `[${policy.name}]\n${lines.join('')}\n`
    })
    .join('')
}

/** Missing or empty realm, user, time and client are `*` (contract 6.1). */
export function readPolicyFile(text: string): readonly PolicyRecord[] {
  const policies: { name: string; fields: Map<string, string> }[] = []
  for (const line of text.split(/\r?\n/)) {
    const section = /^\s*\[(.*)\]\s*$/.exec(line)
    if (section) policies.push({ name: section[1] ?? '', fields: new Map() })
    const equals = line.indexOf('=')
    if (!section && equals > 0) policies.at(-1)?.fields.set(line.slice(0, equals).trim(), line.slice(equals + 1).trim())
  }
  return policies.map(({ name, fields }) => toPolicy(name, fields))
}

/** @param fields as LinOTP writes them, some of them missing */
export function toPolicy(name: string, fields: ReadonlyMap<string, string>): PolicyRecord {
  const field = (key: string, byDefault: string) => fields.get(key) || byDefault
  return {
    name,
    scope: field('scope', ''),
    action: field('action', ''),
    realm: field('realm', '*'),
    user: field('user', '*'),
    client: field('client', '*'),
    time: field('time', '*'),
    active: field('active', 'True').toLowerCase() === 'true',
  }
}

/** `{scope: {action: …}}`, or the actions of one scope. */
export function encodeDefinitions(scope: string | null): Json {
  const of = (name: string) =>
    Object.fromEntries(
      actions
        .filter((action) => action.scope === name)
        .map(({ name: action, value, meaning }) => [
          action,
          { type: value.type, desc: meaning, ...(value.allowed ? { value: value.allowed } : {}) },
        ]),
    )
  if (scope !== null) return of(scope)
  return Object.fromEntries([...new Set(actions.map((action) => action.scope))].map((name) => [name, of(name)]))
}
