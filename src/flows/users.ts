/** Finding the user that an administrator named. */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import { type UserRecord, userQueries } from '../core/users.ts'
import type { Store } from '../ports/store.ts'
import type { Facts } from './facts.ts'
import { keepWithin } from './rights.ts'

export type UserSelection = {
  readonly user: string
  readonly realm?: string | undefined
  readonly resConf?: string | undefined
  /** As in `UserRequest`. */
  readonly onlyKnownRealm?: boolean
}

/** User and realm as the audit has them when a request was refused: as they were asked for. */
export function namedUser(
  selection: UserSelection,
  settings: Settings,
): { readonly user: string; readonly realm: string } {
  const queries = userQueries(selection, settings)
  const [first] = queries.ok ? queries.value : []
  return { user: first?.login ?? selection.user, realm: first?.realm.name ?? selection.realm ?? '' }
}

/**
 * Refuses a user in a realm that the request is not bound to. Every realm in which the user would be looked for must be
 * within, since only then it does not matter where he is found.
 */
export function userWithin(selection: UserSelection, settings: Settings, facts: Facts): Result<true, AdminFailure> {
  const queries = userQueries(selection, settings)
  const realms = queries.ok ? queries.value.map(({ realm }) => realm.name) : ['']
  for (const realm of realms) {
    const reached = keepWithin('user', [realm], facts)
    if (!reached.ok) return reached
  }
  return ok(true)
}

/** The one user that is meant; several different ones count as none (contract 7.8). */
export async function findUser(
  store: Pick<Store, 'findUsers'>,
  settings: Settings,
  selection: UserSelection,
): Promise<Result<UserRecord, AdminFailure>> {
  const queries = userQueries(selection, settings)
  if (!queries.ok) return err({ code: 'user_unknown', user: selection.user })
  for (const { login, resolvers } of queries.value) {
    const [user, ...others] = await store.findUsers(resolvers, login)
    if (!user) continue
    return others.some((other) => other.userId !== user.userId)
      ? err({ code: 'user_unknown', user: selection.user })
      : ok(user)
  }
  return err({ code: 'user_unknown', user: selection.user })
}
