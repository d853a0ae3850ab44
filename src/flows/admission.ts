/**
 * Admission: who may ask at /validate, by address and by API key, where the settings say so. It is decided before anybody
 * is looked for.
 *
 * Twice, so that it costs nobody a round trip who has no key: at the door by the settings that this process knows, and
 * where a flow has learned what holds now (`Asker`), by that. A key is read once for both, unless the body came slowly,
 * and nobody is turned away by settings that have moved.
 */

import { isKey } from '../core/policy/grant.ts'
import type { Condition } from '../core/policy/match.ts'
import { validateApiKey, validateClients } from '../core/setting-keys.ts'
import { realmsWith, type Settings, settingOf } from '../core/settings.ts'
import type { Instant, Seconds } from '../core/time.ts'
import type { Token } from '../core/token.ts'
import type { UserQuery } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import { type ProveApiToken, type ProvenToken, parseApiToken } from './api-tokens.ts'
import type { Audit } from './audit.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'

/** `api_key_wrong`: unknown, revoked or expired; `api_key_right_missing`: an API token that is no key. */
export type RefusalReason = 'client_not_allowed' | 'api_key_missing' | 'api_key_wrong' | 'api_key_right_missing'
export type Refusal = { readonly reason: RefusalReason; readonly keyId: string | null }
export type TurnedAway = { readonly kind: 'turned_away'; readonly refusal: Refusal }

export type Admitted = {
  readonly refusal: null
  /** Whose users and tokens alone may be asked for; null: everybody's. */
  readonly realms: readonly string[] | null
}
export type Admission = Admitted | { readonly refusal: Refusal }
/** Whoever does not come through the door: users of self-service, administrators. */
export const UNBOUND: Admitted = { refusal: null, realms: null }

/** Who asks, as far as the door can tell. */
export type Asker = {
  /** Of the key that came along, right or wrong; null: none, or what is none. */
  readonly keyId: string | null
  /** @param at when the request was there */
  readonly admit: (settings: Settings, at: Instant) => Promise<Admission>
  /** Id of the key by which the client was let in, for the audit; null where none was needed. */
  readonly letInBy: () => string | null
}

export type AtDoor = {
  /** The key as it was sent; null: none. */
  readonly presented: string | null
  /** Others prove in another way who they are. */
  readonly needsKey: boolean
}

export type AdmissionFlow = {
  readonly ask: (at: AtDoor, facts: Facts) => Promise<Asker | Refusal>
  /** Tells of a refusal in audit, log and metrics. */
  readonly note: (refusal: Refusal, facts: Facts) => Promise<void>
}

type Parts = {
  readonly store: Pick<Store, 'findApiToken'>
  readonly settings: SettingsCache
  readonly audit: Audit
  readonly edges: Edges
  readonly proveApiToken: ProveApiToken
}

/** For how long a key is what it was: the body may come slowly, and the key be revoked meanwhile. */
const KEY_HOLDS: Seconds = 5

export function createAdmission({ store, settings: cache, audit, edges, proveApiToken }: Parts): AdmissionFlow {
  return {
    ask: async ({ presented, needsKey }, { client, now }) => {
      const written = presented === null ? null : parseApiToken(presented)
      const keyId = written?.id ?? null
      const refused = (reason: RefusalReason): Admission => ({ refusal: { reason, keyId } })
      let reading: { readonly at: Instant; readonly proven: Promise<ProvenToken> } | undefined
      let letInBy: string | null = null
      /** Without a key it tells the version of the settings alone. */
      const read = (at: Instant): Promise<ProvenToken> => {
        if (!reading || at - reading.at > KEY_HOLDS)
          reading = { at, proven: written ? proveApiToken(written, at) : store.findApiToken('', at) }
        return reading.proven
      }
      const admit = async (settings: Settings, at: Instant): Promise<Admission> => {
        letInBy = null
        if (!isListed(settingOf(settings, validateClients), client)) return refused('client_not_allowed')
        if (!needsKey || !settingOf(settings, validateApiKey)) return UNBOUND
        if (presented === null) return refused('api_key_missing')
        const token = written && (await read(at)).token
        if (!token) return refused('api_key_wrong')
        if (!isKey(token.grant)) return refused('api_key_right_missing')
        letInBy = keyId
        const realms = token.grant?.realms ?? []
        return { refusal: null, realms: realms.length > 0 ? realms : null }
      }
      const known = await cache.known()
      const first = await admit(known, now)
      const asker = { keyId, admit, letInBy: () => letInBy }
      if (!first.refusal && !reading) return asker
      const held = await cache.at((await read(now)).version)
      const { refusal } = held === known ? first : await admit(held, now)
      return refusal ?? asker
    },

    note: async (refusal, facts) => {
      const { reason } = refusal
      edges.log.info('check_rejected', { request: facts.requestId, client: facts.client, reason })
      edges.metrics?.count('checks', { verdict: 'rejected', reason })
      const info = refusal.keyId === null ? '' : keyNamed(refusal.keyId)
      await audit.write(facts, { success: false, actionDetail: reason, info })
    },
  }
}

const isListed = (clients: Condition<string> | null, client: string): boolean => clients === null || clients(client) > 0

/** What stands in the audit where a key asks for somebody, or for a token, of realms that are not its own. */
export const FOREIGN = 'realm_not_permitted'
/** The key as the audit has it: by its id, as lists of API tokens do. */
export const keyNamed = (id: string): string => `API key ${id}`

/** Of the places where a user may be those that the key may ask for. */
export const queriesWithin = (queries: readonly UserQuery[], { realms }: Admitted): readonly UserQuery[] =>
  realms === null ? queries : queries.filter(({ realm }) => realms.includes(realm.name))

/** A token lies in its realms; one that has none, in those of its owner. So it is served by serial as by its owner's name. */
export function isTokenWithin({ realms: own, owner }: Token, settings: Settings, { realms }: Admitted): boolean {
  if (realms === null) return true
  const lies = own.length === 0 && owner ? realmsWith(settings, owner.resolver) : own
  return lies.some((realm) => realms.includes(realm))
}
