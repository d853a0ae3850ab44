/**
 * Audit: one row per request, written in the transaction of the change it tells of. Rows hold codes and names, never an
 * OTP, a PIN or a message. Each is sealed with a MAC over everything but its number.
 */
import type { AuditEntry, AuditRow, Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { Facts } from './facts.ts'

export type Audit = {
  /** Makes a row of this request, to be written with its change. */
  readonly row: (facts: Facts, entry: AuditDetails) => Promise<AuditRow>
  /** Writes a row on its own: for reads and refusals. */
  readonly write: (facts: Facts, entry: AuditDetails) => Promise<void>
}
export type AuditDetails = Omit<AuditEntry, 'requestId' | 'at' | 'action' | 'administrator' | 'client'>

/** Longest texts that are kept; the rest is cut with an ellipsis (contract 9). */
const LIMITS = {
  action: 60,
  serial: 255,
  tokenType: 80,
  user: 255,
  realm: 255,
  administrator: 255,
  actionDetail: 512,
  info: 512,
  client: 80,
} as const

export function createAudit(store: Store, vault: Vault): Audit {
  const row = async (facts: Facts, entry: AuditDetails): Promise<AuditRow> => {
    const { requestId, now: at, action, administrator, client } = facts
    const texts = { ...EMPTY, ...entry, action, administrator, client }
    const kept = { ...texts, ...cutAll(texts), requestId, at, success: entry.success }
    return { ...kept, mac: await vault.mac('audit', macText(kept)) }
  }
  return { row, write: async (facts, entry) => store.writeAudit(await row(facts, entry)) }
}

const EMPTY = { serial: '', tokenType: '', user: '', realm: '', actionDetail: '', info: '' }

type Texts = Record<keyof typeof LIMITS, string>

const cutAll = (texts: Texts): Texts => ({
  action: cut(texts.action, LIMITS.action),
  serial: cut(texts.serial, LIMITS.serial),
  tokenType: cut(texts.tokenType, LIMITS.tokenType),
  user: cut(texts.user, LIMITS.user),
  realm: cut(texts.realm, LIMITS.realm),
  administrator: cut(texts.administrator, LIMITS.administrator),
  actionDetail: cut(texts.actionDetail, LIMITS.actionDetail),
  info: cut(texts.info, LIMITS.info),
  client: cut(texts.client, LIMITS.client),
})

const cut = (text: string, limit: number): string => (text.length <= limit ? text : `${text.slice(0, limit - 1)}…`)

/** The text under the MAC: every column but the number, in a fixed order. */
export const macText = (row: Omit<AuditRow, 'mac'>): string =>
  JSON.stringify([
    row.requestId,
    row.at,
    row.action,
    row.success,
    row.serial,
    row.tokenType,
    row.user,
    row.realm,
    row.administrator,
    row.actionDetail,
    row.info,
    row.client,
  ])
