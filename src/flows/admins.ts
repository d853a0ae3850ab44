/** Administrators and their API tokens. */
import { EXPIRY_RULE, readExpiry } from '../core/expiry.ts'
import type { AdminFailure } from '../core/failures.ts'
import { readGrant } from '../core/policy/grant.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Instant } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { hashApiToken, writeApiToken } from './api-tokens.ts'
import type { Audit } from './audit.ts'
import { hex } from './digest.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'

export const MIN_PASSWORD_LENGTH = 8 // NIST SP 800-63B §5.1.1.1
const MAX_PASSWORD_LENGTH = 1024

export type WantedToken = {
  readonly username: string
  /** What it is for. */
  readonly name: string
  /** What it is bound to, as grant.ts reads it; empty: to nothing. */
  readonly scope: string
  readonly realm: string
  /** As expiry.ts reads it; empty: it lasts. */
  readonly expires: string
}

export type Admins = {
  readonly add: (username: string, password: string, facts: Facts) => Promise<Result<true, AdminFailure>>
  /** Makes the first administrator; `taken` when there is one already. */
  readonly addFirst: (username: string, password: string, now: Instant) => Promise<'done' | 'taken'>
  readonly list: Store['listAdmins']
  /** Ends the administrator's sessions. */
  readonly setPassword: (username: string, password: string, facts: Facts) => Promise<Result<true, AdminFailure>>
  readonly remove: (username: string, facts: Facts) => Promise<Result<true, AdminFailure>>
  /** The token is shown this once; only its hash is kept. */
  readonly addToken: (
    wanted: WantedToken,
    facts: Facts,
  ) => Promise<Result<{ readonly id: string; readonly token: string }, AdminFailure>>
  readonly listTokens: Store['listApiTokens']
  readonly revokeToken: (id: string, facts: Facts) => Promise<Result<true, AdminFailure>>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
}

export function createAdmins({ store, vault, edges, audit, settings }: Parts): Admins {
  return {
    add: async (username, password, facts) => {
      if (!/^[\w.@-]{1,64}$/.test(username))
        return err({
          code: 'parameter_invalid',
          field: 'username',
          rule: 'must be 1 to 64 letters, digits, _ . @ or -',
        })
      const problem = passwordProblem(password)
      if (problem) return err(problem)
      const passwordHash = await vault.hashPassword(password)
      const done = await store.addAdmin(
        { username, passwordHash, createdAt: facts.now },
        await audit.row(facts, { success: true, info: username }),
      )
      return done === 'done' ? ok(true) : err({ code: 'admin_exists', username })
    },

    addFirst: async (username, password, now) =>
      store.addFirstAdmin({ username, passwordHash: await vault.hashPassword(password), createdAt: now }),

    list: store.listAdmins,

    remove: async (username, facts) => {
      const done = await store.removeAdmin(username, await audit.row(facts, { success: true, info: username }))
      if (done === 'last')
        return err({ code: 'parameter_invalid', field: 'username', rule: 'must not be the last administrator' })
      return done === 'done' ? ok(true) : err({ code: 'admin_unknown', username })
    },

    setPassword: async (username, password, facts) => {
      const problem = passwordProblem(password)
      if (problem) return err(problem)
      const passwordHash = await vault.hashPassword(password)
      const row = await audit.row(facts, { success: true, info: username })
      const done = await store.setAdminPassword(username, passwordHash, row)
      return done === 'done' ? ok(true) : err({ code: 'admin_unknown', username })
    },

    addToken: async ({ username, name, scope, realm, expires }, facts) => {
      if (name.length > 64)
        return err({ code: 'parameter_invalid', field: 'name', rule: 'must have at most 64 characters' })
      const { realms } = await settings.fresh()
      const known = realms.map((one) => one.name)
      const grant = readGrant(scope, realm, known)
      if (!grant.ok) return err({ code: 'parameter_invalid', ...grant.error })
      const expiresAt = expires === '' ? null : readExpiry(expires, facts.now)
      if (expires !== '' && expiresAt === null)
        return err({ code: 'parameter_invalid', field: 'expires', rule: EXPIRY_RULE })
      const id = hex(edges.random(6))
      const secret = hex(edges.random(32))
      const hash = await hashApiToken(secret)
      const row = { id, admin: username, name, hash, createdAt: facts.now, grant: grant.value, expiresAt }
      const done = await store.addApiToken(row, await audit.row(facts, { success: true, info: `${username} ${id}` }))
      return done === 'done'
        ? ok({ id, token: writeApiToken({ id, secret }) })
        : err({ code: 'admin_unknown', username })
    },

    listTokens: store.listApiTokens,

    revokeToken: async (id, facts) => {
      const done = await store.revokeApiToken(id, await audit.row(facts, { success: true, info: id }))
      return done === 'done' ? ok(true) : err({ code: 'api_token_unknown', id })
    },
  }
}

function passwordProblem({ length }: string): AdminFailure | null {
  if (length >= MIN_PASSWORD_LENGTH && length <= MAX_PASSWORD_LENGTH) return null
  const rule = `must have ${MIN_PASSWORD_LENGTH} to ${MAX_PASSWORD_LENGTH} characters`
  return { code: 'parameter_invalid', field: 'password', rule }
}
