/** Finding the user that an administrator named. */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import { type UserRecord, userQueries } from '../core/users.ts'
import type { Store } from '../ports/store.ts'

export type UserSelection = {
  readonly user: string
  readonly realm?: string | undefined
  readonly resConf?: string | undefined
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
