/**
 * Sessions of administrators: a signed token (JWT, RFC 7519) that every node with the same keys can read and that
 * survives a restart; logout is remembered in the database. API tokens for scripts are random and stored hashed.
 */
import { sign, verify } from 'hono/jwt'
import * as v from 'valibot'
import { equalInConstantTime } from '../core/hotp.ts'
import type { Instant, Seconds } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import { createQueue } from './queue.ts'

export const SESSION_LIFETIME: Seconds = 1800
/** A session with less than this left is made anew in passing (contract 1.6). */
const REFRESH_BELOW: Seconds = 300
/** Local administrators live in this realm and resolver, which LinOTP's audit shows. */
const REALM = 'linotp_admins'
export const fullName = (username: string): string => `${username}@${REALM} (LinOTP_local_admins)`

const Claims = v.object({ sub: v.string(), jti: v.string(), csrf: v.string(), exp: v.number(), pwd: v.string() })

export type Session = {
  readonly id: string
  readonly username: string
  readonly csrf: string
  readonly expiresAt: Instant
  /** Which password was given: the session ends with it, and with the administrator who had it. */
  readonly password: string
}
export type IssuedSession = { readonly token: string; readonly csrf: string }

export type Sessions = {
  /** null: wrong name or password, which take the same time. `busy`: too many are trying. */
  readonly login: (username: string, password: string, facts: Facts) => Promise<IssuedSession | 'busy' | null>
  /** null for anything but a live session of an administrator who still exists. */
  readonly read: (token: string, now: Instant) => Promise<Session | null>
  /** A new token when the session is about to end, else null. */
  readonly renew: (session: Session, now: Instant) => Promise<IssuedSession | null>
  readonly logout: (session: Session, facts: Facts) => Promise<void>
  /** The administrator that an API token stands for. */
  readonly readApiToken: (token: string) => Promise<string | null>
}

type Parts = { readonly store: Store; readonly vault: Vault; readonly edges: Edges; readonly audit: Audit }

export function createSessions({ store, vault, edges, audit }: Parts): Sessions {
  const oneByOne = createQueue(edges)
  let decoy: string | undefined

  return { login, read, renew, logout, readApiToken }

  async function login(username: string, password: string, facts: Facts): Promise<IssuedSession | 'busy' | null> {
    const checked = await oneByOne(facts.client, async () => {
      decoy ??= await vault.hashPassword('')
      const admin = await store.findAdmin(username)
      const matches = await vault.passwordMatches(password, admin?.passwordHash ?? decoy)
      return { right: matches && admin !== null, hash: admin?.passwordHash ?? '' }
    })
    if (checked === 'busy') {
      await audit.write(facts, { success: false, user: username, realm: REALM, actionDetail: 'too_many_logins' })
      return 'busy'
    }
    const { right, hash } = checked
    await audit.write(
      { ...facts, administrator: right ? fullName(username) : '' },
      { success: right, user: username, realm: REALM },
    )
    return right ? issue(username, await fingerprint(hash), facts.now) : null
  }

  async function issue(username: string, password: string, now: Instant): Promise<IssuedSession> {
    const [key] = await vault.signingKeys('session')
    const csrf = randomText(16)
    const token = await sign(
      { sub: username, jti: randomText(16), csrf, pwd: password, iat: now, exp: now + SESSION_LIFETIME },
      key,
      'HS256',
    )
    return { token, csrf }
  }

  async function read(token: string, now: Instant): Promise<Session | null> {
    for (const key of await vault.signingKeys('session')) {
      // The clock is ours, so expiry is checked below. verify throws for everything that is not signed with this key.
      const payload = await verify(token, key, { alg: 'HS256', exp: false, nbf: false, iat: false }).catch(() => null)
      const claims = v.safeParse(Claims, payload)
      if (!claims.success) continue
      const { sub: username, jti: id, csrf, exp: expiresAt, pwd: password } = claims.output
      const hash = now < expiresAt ? await store.sessionPassword(id, username) : null
      if (hash === null || (await fingerprint(hash)) !== password) return null
      return { id, username, csrf, expiresAt, password }
    }
    return null
  }

  async function renew(session: Session, now: Instant): Promise<IssuedSession | null> {
    return session.expiresAt - now < REFRESH_BELOW ? issue(session.username, session.password, now) : null
  }

  async function logout(session: Session, facts: Facts): Promise<void> {
    await store.endSession(session.id, session.expiresAt, await audit.row(facts, { success: true }))
  }

  async function readApiToken(token: string): Promise<string | null> {
    const match = /^otpost_([0-9a-f]{12})_([0-9a-f]{64})$/.exec(token)
    if (!match) return null
    const [, id = '', secret = ''] = match
    const found = await store.findApiToken(id)
    return found && equalInConstantTime(found.hash, await hashApiToken(secret)) ? found.admin : null
  }

  function randomText(bytes: number): string {
    return hex(edges.random(bytes))
  }
}

export const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')

/** Of a password's hash, whose salt is random: 64 bits tell passwords apart and say nothing about them. */
const fingerprint = async (hash: string): Promise<string> => (await sha256(hash)).slice(0, 16)

/** The secret part has 256 random bits, so one round of SHA-256 is enough. */
export const hashApiToken = (secret: string): Promise<string> => sha256(secret)

export const sha256 = async (text: string): Promise<string> =>
  hex(new Uint8Array(await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))))
