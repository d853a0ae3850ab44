/**
 * Reach: which rights an administrator has, and in which realms (contract 6.8, 6.9). Pure.
 *
 * While a scope has no active policy, everybody may do everything in it. Otherwise all policies that match the
 * administrator, client and time count together, whatever their precision: what one of them permits is permitted in its
 * realms, what one of them forbids (`!remove`) is forbidden in its realms, and forbidding wins.
 */
import type { Settings } from '../settings.ts'
import type { LocalTime } from '../time.ts'
import { bool } from './action.ts'
import { type Grant, grants } from './grant.ts'
import type { CompiledPolicy } from './policy.ts'
import { adminActions, type RightScope } from './rights.ts'

/** Who administers: a local administrator, or a user of the realm of administrators. */
export type Administrator = {
  readonly login: string
  readonly realm: string
  readonly resolver: string
  /** Id within the resolver; null: a local administrator. */
  readonly userId: string | null
  /** What an API token is bound to; null: a session, or a token that may do all that its administrator may. */
  readonly grant: Grant | null
}

export type Right = {
  readonly scope: RightScope
  /** null: any action of the scope. */
  readonly action: string | null
  /** Not for API tokens that are bound to something. */
  readonly whole?: true
}

/** Each list must be met by one of its rights; none: every administrator may. */
export type Needed = readonly (readonly Right[])[]

/**
 * Where: of each list, one realm must be among those of a token or a user. No list: everywhere, also where there is no
 * realm.
 */
export type Within = readonly (readonly string[])[]

export type Asked = { readonly administrator: Administrator; readonly client: string; readonly time: LocalTime }

/** @returns where the administrator may do it, or the first list of rights of which he has none */
export function reachOf(
  settings: Pick<Settings, 'policies' | 'realms'>,
  asked: Asked,
  needed: Needed,
): Within | { readonly missing: readonly Right[] } {
  const within: (readonly string[])[] = []
  for (const rights of needed) {
    const reaches = rights.flatMap((right) => realmsOf(settings, asked, right) ?? [])
    if (reaches.length === 0) return { missing: rights }
    if (!reaches.includes(EVERYWHERE)) within.push([...new Set(reaches)])
  }
  return within
}

/** Does a thing that lies in `realms` lie within? */
export const isWithin = (realms: readonly string[], within: Within = []): boolean =>
  within.every((allowed) => realms.some((realm) => allowed.includes(realm)))

/** Stands for all realms and for no realm; no realm can be called like this. */
const EVERYWHERE = '*'

function realmsOf(
  settings: Pick<Settings, 'policies' | 'realms'>,
  { administrator, client, time }: Asked,
  { scope, action, whole }: Right,
): readonly string[] | null {
  const { grant } = administrator
  if (grant && whole) return null
  const wanted = (action === null ? adminActions : [action]).filter((name) => grants(grant, scope, name))
  if (wanted.length === 0) return null
  const active = settings.policies.filter(({ record }) => record.active && record.scope === scope)
  const realms = settings.realms.map(({ name }) => name)
  const bound = scope === 'admin' && grant && grant.realms.length > 0 ? grant.realms : null
  if (active.length === 0) return bound ? realms.filter((realm) => bound.includes(realm)) : [EVERYWHERE]

  const user = { ...administrator, attributes: {} }
  const matching = active.filter((policy) => policy.user(user) > 0 && policy.client(client) > 0 && policy.time(time))
  const may = (realm: string | null): boolean => wanted.some((name) => isPermitted(matching, name, realm))
  // Only tokens and users lie in realms; what the other scopes are about does not.
  if (scope !== 'admin') return may(null) ? [EVERYWHERE] : null
  // No realm has an empty name, so only `*` means it: everywhere, and what is in no realm.
  if (!bound && may('') && realms.every(may)) return [EVERYWHERE]
  return realms.filter((realm) => may(realm) && (!bound || bound.includes(realm)))
}

function isPermitted(policies: readonly CompiledPolicy[], action: string, realm: string | null): boolean {
  const said = policies
    .filter((policy) => realm === null || policy.realm(realm) > 0)
    .map(({ actions }) => {
      const written = actions.get(action)
      if (written === undefined) return actions.has('*') || undefined
      const read = bool.read(written)
      return read.ok ? read.value : undefined
    })
  return said.includes(true) && !said.includes(false)
}
