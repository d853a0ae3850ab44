/**
 * Sessions of users in self-service (contract 10.1): a random text in the hands of the client, whose hash is a row of the
 * database with user, state, client and expiry. So every node knows it, it survives a restart, and logout ends it. With
 * each change of its state it gets another text, and nobody who knew the old one has a part in what was proved since.
 */
import { selfserviceExpiry } from '../core/setting-keys.ts'
import { type Settings, settingOf } from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import type { AuditRow } from '../ports/audit.ts'
import type { Edges } from '../ports/edges.ts'
import type { UserSession } from '../ports/self-service.ts'
import type { Store } from '../ports/store.ts'
import type { Audit } from './audit.ts'
import { hex, sha256 } from './digest.ts'
import type { Facts } from './facts.ts'

/** A user in the realm in which the login took place. */
export type RealmUser = { readonly user: UserRecord; readonly realm: string }
/** What the client is given, and for how long. */
export type IssuedUserSession = { readonly text: string; readonly expiresAt: number }

export type SelfSessions = {
  /** @param row null: the request has its row of the audit already */
  readonly begin: (
    who: RealmUser & { readonly settings: Settings },
    state: UserSession['state'],
    facts: Facts,
    row: AuditRow | null,
  ) => Promise<IssuedUserSession>
  /** null for anything but a session that lives and was begun by this client. */
  readonly read: (text: string, facts: Facts) => Promise<UserSession | null>
  /** null: it has moved or ended meanwhile. */
  readonly move: (
    seen: UserSession,
    to: Pick<UserSession, 'state' | 'transactionId'>,
    facts: Facts,
  ) => Promise<IssuedUserSession | null>
  readonly end: (sessions: readonly UserSession[], facts: Facts) => Promise<void>
}

type Parts = { readonly store: Store; readonly edges: Pick<Edges, 'random'>; readonly audit: Audit }

export function createSelfSessions({ store, edges, audit }: Parts): SelfSessions {
  const newText = (): string => hex(edges.random(32))

  return {
    begin: async ({ user, realm, settings }, state, facts, row) => {
      const text = newText()
      const { resolver, userId, login } = user
      const expiresAt = facts.now + settingOf(settings, selfserviceExpiry)
      const session = { resolver, userId, login, realm, client: facts.client, state, transactionId: '', expiresAt }
      await store.beginUserSession({ id: await sha256(text), ...session }, row)
      return { text, expiresAt }
    },

    read: async (text, facts) =>
      /^[0-9a-f]{64}$/.test(text) ? store.findUserSession(await sha256(text), facts.client, facts.now) : null,

    move: async (seen, to, facts) => {
      const text = newText()
      const moved = await store.moveUserSession(seen, { id: await sha256(text), ...to }, facts.now)
      return moved === 'done' ? { text, expiresAt: seen.expiresAt } : null
    },

    end: async (sessions, facts) => {
      const { login: user = '', realm = '' } = sessions[0] ?? {}
      const row = await audit.row(facts, { success: true, user, realm })
      await store.endUserSessions(
        sessions.map(({ id }) => id),
        row,
      )
    },
  }
}
