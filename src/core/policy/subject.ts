/** The policy that holds for one user, realm, client and moment. */
import type { Settings } from '../settings.ts'
import type { LocalTime } from '../time.ts'
import type { UserRecord } from '../users.ts'
import { type Policy, policyOf } from './policy.ts'

export type Asked = {
  readonly user: Pick<UserRecord, 'login' | 'resolver' | 'attributes'> | null
  readonly realm: string | null
  readonly client: string
  readonly time: LocalTime
}

export function policyFor(settings: Settings, { user, realm, client, time }: Asked): Policy {
  const matchUser = user && {
    login: user.login,
    realm: realm ?? '',
    resolver: user.resolver,
    attributes: user.attributes,
  }
  return policyOf(settings.policies, { user: matchUser, realm, client, time })
}
