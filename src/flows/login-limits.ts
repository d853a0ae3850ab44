/**
 * Login limits: how many passwords may be wrong before no more are compared for a while. A login is paid for before the
 * password is looked at, in one statement, and a right one gets the payment back; so no number of requests at once is
 * compared more often than the limit says.
 *
 * Three limits count side by side: one name from one network, one network whatever the names, one name from wherever.
 * The last one alone would let a stranger keep somebody out, so it does not hold for networks from which somebody
 * of that name has logged in before. All of it counts names that exist and names that do not.
 */
import { clientNetwork } from '../core/limits.ts'
import {
  loginAttempts,
  loginAttemptsOfAddress,
  loginAttemptsOfName,
  loginPeriod,
  type Setting,
  selfserviceAttempts,
  selfserviceAttemptsOfName,
  selfservicePeriod,
} from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import type { Seconds } from '../core/time.ts'
import type { AuditRow } from '../ports/audit.ts'
import type { Store } from '../ports/store.ts'
import { sha256 } from './digest.ts'
import type { Facts } from './facts.ts'
import type { SettingsCache } from './settings.ts'

/** How long a network is remembered from which a login came. */
const KNOWN_FOR: Seconds = 90 * 86_400

export type LoginLimits = {
  /** False: too many were wrong; nothing may be compared. */
  readonly pay: (username: string, facts: Facts) => Promise<boolean>
  /** After a right password, with the audit row of the login unless that is written elsewhere. */
  readonly settle: (username: string, facts: Facts, audit: AuditRow | null) => Promise<void>
  /** When no password could be compared. */
  readonly payBack: (username: string, facts: Facts) => Promise<void>
}

/** Whose logins are counted, by which settings. */
type Kind = {
  /** Part of every key. */
  readonly scope: readonly string[]
  readonly attempts: Setting<number>
  /** null: many log in from one address, that of a portal. */
  readonly ofAddress: Setting<number> | null
  readonly ofName: Setting<number>
  readonly period: Setting<number>
}

export const ADMIN_LOGINS: Kind = {
  scope: [],
  attempts: loginAttempts,
  ofAddress: loginAttemptsOfAddress,
  ofName: loginAttemptsOfName,
  period: loginPeriod,
}
export const SELF_LOGINS: Kind = {
  scope: ['selfservice'],
  attempts: selfserviceAttempts,
  ofAddress: null,
  ofName: selfserviceAttemptsOfName,
  period: selfservicePeriod,
}

type Parts = { readonly store: Store; readonly settings: SettingsCache }

export function createLoginLimits({ store, settings: cache }: Parts, kind: Kind): LoginLimits {
  return {
    pay: async (username, { client, now }) => {
      const [settings, keys] = [await cache.fresh(), await keysOf(kind, username, client)]
      const limit = (key: string, setting: Setting<number>, unless?: string) => {
        const most = settingOf(settings, setting)
        return most === 0 ? [] : [{ key, limit: most, ...(unless === undefined ? {} : { unless }) }]
      }
      const limits = [
        ...limit(keys.pair, kind.attempts),
        ...(kind.ofAddress ? limit(keys.network, kind.ofAddress) : []),
        ...limit(keys.name, kind.ofName, keys.known),
      ]
      return store.payLogin(limits, now, now + settingOf(settings, kind.period))
    },

    settle: async (username, { client, now }, audit) => {
      const keys = await keysOf(kind, username, client)
      const known = { key: keys.known, until: now + KNOWN_FOR }
      await store.settleLogin({ cleared: [keys.pair], paidBack: [keys.network, keys.name], known }, audit)
    },

    payBack: async (username, { client }) => {
      const keys = await keysOf(kind, username, client)
      const paidBack = [keys.pair, keys.network, keys.name]
      await store.settleLogin({ cleared: [], paidBack, known: null }, null)
    },
  }
}

/**
 * One spelling of a name for all that a directory or a database may take for it: letters of any case and width, with
 * accents or without (RFC 4518 §2.3, collations), blanks around it and several for one.
 */
const nameKey = (username: string): string =>
  username
    .normalize('NFKD')
    .replace(/[\p{M}\p{C}]/gu, '')
    .toLowerCase()
    .replace(/\s+/g, ' ')
    .trim()

async function keysOf({ scope }: Kind, username: string, client: string) {
  const [name, network] = [nameKey(username), clientNetwork(client)]
  const key = (...parts: readonly string[]) => sha256(JSON.stringify([...scope, ...parts]))
  return {
    pair: await key('pair', name, network),
    network: await key('network', network),
    name: await key('name', name),
    known: await key('known', name, network),
  }
}
