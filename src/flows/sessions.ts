/**
 * Sessions of administrators: a signed token (JWT, RFC 7519) that every node with the same keys can read and that
 * survives a restart; logout is remembered in the database. API tokens stand for administrators as well.
 */
import { verify } from 'hono/jwt'
import * as v from 'valibot'
import { administers } from '../core/policy/grant.ts'
import type { Administrator } from '../core/policy/reach.ts'
import { type Instant, liesAhead, type Seconds } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { AdminRealm } from './admin-realm.ts'
import { type ProveApiToken, parseApiToken } from './api-tokens.ts'
import type { Audit } from './audit.ts'
import { hex, sha256 } from './digest.ts'
import type { Facts } from './facts.ts'
import { signToken } from './session-token.ts'

export const SESSION_LIFETIME: Seconds = 1800
/** A session with less than this left is made anew in passing (contract 1.6). */
const REFRESH_BELOW: Seconds = 300
/**
 * Where no password is stored, as in a directory, its change cannot be seen: such a session is made anew no longer than
 * this after the login.
 */
const LONGEST_UNSEEN: Seconds = 8 * 3600

/** As LinOTP's audit writes administrators. */
export const fullName = ({ login, realm, resolver }: Administrator): string => `${login}@${realm} (${resolver})`

const Claims = v.object({
  ...{ sub: v.string(), jti: v.string(), csrf: v.string(), exp: v.number(), iat: v.number(), pwd: v.string() },
  /** Absent from tokens of an older version. */
  ...{ sid: v.optional(v.string()), auth_time: v.optional(v.number()) },
  /** Absent for a local administrator. */
  ...{ resolver: v.optional(v.string()), uid: v.optional(v.string()) },
})

export type Session = {
  /** That of the login, also when the token was made anew: logout ends all of them. */
  readonly id: string
  readonly administrator: Administrator
  readonly csrf: string
  readonly expiresAt: Instant
  /** When the password was given. */
  readonly loginAt: Instant
  /** Which password was given: the session ends with it, and with the administrator who had it; empty: none is stored. */
  readonly password: string
}
export type IssuedSession = { readonly token: string; readonly csrf: string }

export type Sessions = {
  /** @param passwordHash of the password that was given; null: none is stored */
  readonly issue: (administrator: Administrator, passwordHash: string | null, now: Instant) => Promise<IssuedSession>
  /** null for anything but a live session of an administrator who still exists. `version`: of the settings. */
  readonly read: (
    token: string,
    now: Instant,
  ) => Promise<{ readonly session: Session; readonly version: number } | null>
  /** A new token when the session is about to end, else null. */
  readonly renew: (session: Session, now: Instant) => Promise<IssuedSession | null>
  readonly logout: (session: Session, facts: Facts) => Promise<void>
  /** The administrator that an API token stands for; null also for one that is only a key for /validate. */
  readonly readApiToken: (
    token: string,
    now: Instant,
  ) => Promise<{ readonly administrator: Administrator; readonly version: number } | null>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly audit: Audit
  readonly adminRealm: AdminRealm
  readonly proveApiToken: ProveApiToken
}

export function createSessions({ store, vault, edges, audit, adminRealm, proveApiToken }: Parts): Sessions {
  return { issue, read, renew, logout, readApiToken }

  async function issue(administrator: Administrator, passwordHash: string | null, now: Instant) {
    const password = passwordHash === null ? '' : await fingerprint(passwordHash)
    return makeToken({ id: randomText(16), administrator, password, loginAt: now }, now)
  }

  async function makeToken(
    { id, administrator, password, loginAt }: Pick<Session, 'id' | 'administrator' | 'password' | 'loginAt'>,
    now: Instant,
  ): Promise<IssuedSession> {
    const { login, resolver, userId } = administrator
    const [key] = await vault.signingKeys('session')
    const csrf = randomText(16)
    const claims = {
      ...{ sub: login, jti: randomText(16), csrf, pwd: password, iat: now, exp: now + SESSION_LIFETIME },
      ...{ sid: id, auth_time: loginAt, ...(userId === null ? {} : { resolver, uid: userId }) },
    }
    const token = await signToken(claims, key)
    return { token, csrf }
  }

  async function read(token: string, now: Instant) {
    for (const key of await vault.signingKeys('session')) {
      // The clock is ours, so expiry is checked below. verify throws for everything that is not signed with this key.
      const payload = await verify(token, key, { alg: 'HS256', exp: false, nbf: false, iat: false }).catch(() => null)
      const claims = v.safeParse(Claims, payload)
      if (!claims.success) continue
      const { jti, sid: id = jti, csrf, exp: expiresAt, iat, auth_time: loginAt = iat, pwd: password } = claims.output
      if (now >= expiresAt || liesAhead(iat, now)) return null
      const administrator = administratorOf(claims.output)
      const { login, resolver, userId } = administrator
      const found = await store.readSession(id, userId === null ? { username: login } : { resolver, userId, login })
      if (!found || !(await isHis(found.passwordHash, password, administrator))) return null
      if (userId !== null && !(await adminRealm.holds(resolver, found.version))) return null
      return { session: { id, administrator, csrf, expiresAt, loginAt, password }, version: found.version }
    }
    return null
  }

  function administratorOf({ sub, resolver, uid }: v.InferOutput<typeof Claims>): Administrator {
    return resolver === undefined || uid === undefined
      ? adminRealm.local(sub)
      : { ...adminRealm.local(sub), resolver, userId: uid }
  }

  /** A local administrator always has a password; of a user in a directory none is stored. */
  async function isHis(stored: string | null, password: string, { userId }: Administrator): Promise<boolean> {
    if (stored === null) return userId !== null && password === ''
    return (await fingerprint(stored)) === password
  }

  async function renew(session: Session, now: Instant) {
    const { administrator, password, loginAt, expiresAt } = session
    if (expiresAt - now >= REFRESH_BELOW) return null
    if (password === '' && now - loginAt >= LONGEST_UNSEEN) return null
    if (password === '' && !(await adminRealm.finds(administrator))) return null
    return makeToken(session, now)
  }

  async function logout(session: Session, facts: Facts): Promise<void> {
    // A token that was made anew may last longer than this one, but no longer than one that was made just now.
    await store.endSession(session.id, facts.now + SESSION_LIFETIME, await audit.row(facts, { success: true }))
  }

  async function readApiToken(text: string, now: Instant) {
    const written = parseApiToken(text)
    if (!written) return null
    const { token, version } = await proveApiToken(written, now)
    if (!token || !administers(token.grant)) return null
    return { administrator: { ...adminRealm.local(token.admin), grant: token.grant }, version }
  }

  function randomText(bytes: number): string {
    return hex(edges.random(bytes))
  }
}

/** Of a password's hash, whose salt is random: 64 bits tell passwords apart and say nothing about them. */
const fingerprint = async (hash: string): Promise<string> => (await sha256(hash)).slice(0, 16)
