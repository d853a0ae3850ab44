/**
 * Audit: one row per request, written in the transaction of the change it tells of. Rows hold codes and names, never an
 * OTP, a PIN or a message.
 *
 * Each row is sealed with a MAC over everything but its number, which the database gives. So that a row cannot change
 * its place unseen, it *cites* the newest row that this process has seen committed, by number and MAC: that costs no
 * statement and makes nobody wait. What is left open (requests at the same moment do not cite each other) checkpoints
 * close (audit-seal.ts); audit-verify.ts judges all of it.
 */
import { maskAddress } from '../core/mask.ts'
import type { AuditDelivery, AuditEntry, AuditRow } from '../ports/audit.ts'
import type { DeliveryNote, Store } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { keyNamed } from './admission.ts'
import type { Facts } from './facts.ts'

export type Audit = {
  /** Makes a row of this request, to be written with its change. */
  readonly row: (facts: Facts, entry: AuditDetails) => Promise<AuditRow>
  /** Writes a row on its own: for reads and refusals. */
  readonly write: (facts: Facts, entry: AuditDetails) => Promise<void>
  /** Writes a row for a request that has none yet. */
  readonly complete: (facts: Facts, entry: AuditDetails) => Promise<void>
  /** What providers said, each with its MAC. */
  readonly sealTries: (
    note: Pick<DeliveryNote, 'requestId' | 'serial' | 'at' | 'tries'>,
  ) => Promise<DeliveryNote['tries']>
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

/** @param server name of this node, for the row */
export function createAudit(store: Store, vault: Vault, server = ''): Audit {
  const row = async (facts: Facts, entry: AuditDetails): Promise<AuditRow> => {
    const { requestId, now: at, action, administrator, client } = facts
    const key = facts.asker?.letInBy() ?? null
    // First, since long texts are cut at their end.
    const info = [key === null ? '' : keyNamed(key), entry.info ?? ''].filter((text) => text !== '').join('; ')
    const texts = { ...EMPTY, ...entry, info, action, administrator, client }
    const newest = await store.newestAudit()
    const kept = {
      ...{ ...texts, ...cutAll(texts), requestId, at, success: entry.success, server: cut(server, 80) },
      cites: newest && { number: newest.number, mark: citedMark(newest.mac) },
    }
    return { ...kept, mac: await vault.mac(PURPOSE.row, macText(kept)) }
  }
  const write: Audit['write'] = async (facts, entry) => store.writeAudit(await row(facts, entry))
  return {
    row,
    write,
    complete: async (facts, entry) => {
      if (!store.wasAudited(facts.requestId)) await write(facts, entry)
    },
    sealTries: ({ tries, ...note }) =>
      Promise.all(
        tries.map(async (one) => {
          const kept = { ...one, provider: storable(one.provider), reason: storable(one.reason) }
          return { ...kept, mac: await vault.mac(PURPOSE.delivery, deliveryText({ ...note, ...kept })) }
        }),
      ),
  }
}

/** A key of its own for each kind of thing, so that no text can stand for another. */
export const PURPOSE = {
  row: 'audit',
  delivery: 'audit-delivery',
  checkpoint: 'audit-checkpoint',
  cut: 'audit-cut',
} as const

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

const cut = (text: string, limit: number): string => {
  const whole = storable(text)
  return whole.length <= limit ? whole : storable(`${whole.slice(0, limit - 1)}…`)
}

/** What every database gives back as it got it, so that the MAC still fits: no NUL, no half of a surrogate pair. */
const storable = (text: string): string => text.replaceAll('\0', '\ufffd').toWellFormed()

/** Addresses and telephone numbers in a text that somebody else has written, masked. */
export const withoutAddresses = (text: string): string =>
  text.replace(/[^\s<>,;:"'=]{1,64}@[^\s<>,;:"'=]{1,255}/g, maskAddress).replace(/\+\d[\d ()/.-]{5,30}\d/g, maskAddress)

/** A MAC without the id of its key; 96 bits of it tell rows apart whose MACs are right. */
const CITED = 16
export const macBody = (mac: string): string => mac.slice(mac.indexOf('.') + 1)
export const citedMark = (mac: string): string => macBody(mac).slice(0, CITED)

/** The text under the MAC: every column but the number, in a fixed order. Rows of schema 2 had no more than twelve. */
export function macText(row: Omit<AuditRow, 'mac'>): string {
  const { server = '', cites = null } = row
  const later = server === '' && cites === null ? [] : [server, cites?.number ?? 0, cites?.mark ?? '']
  return JSON.stringify([
    ...[row.requestId, row.at, row.action, row.success, row.serial, row.tokenType, row.user, row.realm],
    ...[row.administrator, row.actionDetail, row.info, row.client, ...later],
  ])
}

export const deliveryText = (d: Omit<AuditDelivery, 'id' | 'mac'>): string =>
  JSON.stringify([d.requestId, d.serial, d.provider, d.status, d.reason, d.at])
