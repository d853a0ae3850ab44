/** Rights of an administrator, worked out at the door of each call; flows then keep to `facts.within`. */
import type { AdminFailure } from '../core/failures.ts'
import { isWithin, type Needed, reachOf } from '../core/policy/reach.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findRealm, type Settings } from '../core/settings.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'

/** @returns the facts with the realms that the request is bound to */
export type Entitle = (needed: Needed, version: number, facts: Facts) => Promise<Result<Facts, AdminFailure>>

export function createEntitle(settings: Pick<SettingsCache, 'at'>): Entitle {
  return async (needed, version, facts) => {
    const { by, client, time } = facts
    if (!by) return ok(facts)
    const reach = reachOf(await settings.at(version), { administrator: by, client, time }, needed)
    if (!('missing' in reach)) return ok({ ...facts, within: reach })
    return err({
      code: 'right_missing',
      missing: reach.missing.map(({ scope, action }) => `scope=${scope}, action=${action ?? '*'}`),
    })
  }
}

/** Refuses what lies in none of the realms that the request is bound to. */
export const keepWithin = (
  what: 'token' | 'user' | 'realm',
  realms: readonly string[],
  { within }: Facts,
): Result<true, AdminFailure> => (isWithin(realms, within) ? ok(true) : err({ code: 'right_elsewhere', what }))

/** What `keepWithin` says, where the store found out. */
export const ELSEWHERE = { code: 'right_elsewhere', what: 'token' } as const satisfies AdminFailure

/** The resolvers whose users lie within: those of a realm that the request is bound to, or all. */
export function resolversWithin({ resolvers, realms }: Settings, { within }: Facts): readonly string[] {
  const holding = (resolver: string) =>
    realms.filter((realm) => realm.resolvers.includes(resolver)).map((realm) => realm.name)
  return resolvers.map(({ name }) => name).filter((name) => isWithin(holding(name), within))
}

/**
 * Refuses an API token that is bound to something whatever administrators log in by: their realm, and the resolvers in
 * it with their users. It would make one who is bound to nothing.
 *
 * @param resolver null: the realm itself
 */
export function keepFromAdmins(resolver: string | null, settings: Settings, { by }: Facts): Result<true, AdminFailure> {
  // Of every administrator, `realm` is the realm of administrators.
  const admins = by?.grant ? (findRealm(settings, by.realm)?.resolvers ?? []) : null
  if (admins === null || (resolver !== null && !admins.includes(resolver))) return ok(true)
  return err({ code: 'right_missing', missing: ['scope=system, action=write'] })
}
