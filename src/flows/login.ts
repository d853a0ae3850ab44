/** Login of administrators: a local one, or a user of the realm of administrators, by name and password. */
import { clientNetwork } from '../core/limits.ts'
import type { Administrator } from '../core/policy/reach.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { AdminRealm } from './admin-realm.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import type { LoginLimits } from './login-limits.ts'
import { createQueue } from './queue.ts'
import { fullName, type IssuedSession, type Sessions } from './sessions.ts'

/**
 * null: wrong name or password, which take the same time. `busy`: too many are trying at this moment. `limited`: too many
 * were wrong a short while ago, and nothing was compared.
 */
export type Login = (
  username: string,
  password: string,
  facts: Facts,
) => Promise<IssuedSession | 'busy' | 'limited' | null>

type Parts = {
  readonly store: Pick<Store, 'findAdmin'>
  readonly vault: Vault
  readonly edges: Edges
  readonly audit: Audit
  readonly adminRealm: AdminRealm
  readonly limits: LoginLimits
  readonly sessions: Pick<Sessions, 'issue'>
}

type Found = { readonly administrator: Administrator; readonly passwordHash: string | null }

const REFUSED = { busy: 'too_many_logins', limited: 'too_many_failures' } as const

export function createLogin({ store, vault, edges, audit, adminRealm, limits, sessions }: Parts): Login {
  const oneByOne = createQueue(edges)
  let decoy: string | undefined

  return async (username, password, facts) => {
    const found = await oneByOne(clientNetwork(facts.client), async () =>
      (await limits.pay(username, facts)) ? find(username, password, facts) : 'limited',
    )
    const who = { user: username, realm: adminRealm.name }
    if (found === null || typeof found === 'string') {
      const why = found === null ? {} : { actionDetail: REFUSED[found] }
      await audit.write({ ...facts, administrator: '' }, { success: false, ...who, ...why })
      return found
    }
    const { administrator, passwordHash } = found
    const by = { ...facts, administrator: fullName(administrator) }
    await limits.settle(username, facts, await audit.row(by, { success: true, ...who }))
    return sessions.issue(administrator, passwordHash, facts.now)
  }

  async function find(username: string, password: string, facts: Facts): Promise<Found | null> {
    decoy ??= await vault.hashPassword('')
    const admin = await store.findAdmin(username)
    const matches = await vault.passwordMatches(password, admin?.passwordHash ?? decoy)
    // The right password of one administrator is nobody else's business, so it goes no further.
    if (matches && admin) return { administrator: adminRealm.local(username), passwordHash: admin.passwordHash }
    return adminRealm.logIn(username, password, facts)
  }
}
