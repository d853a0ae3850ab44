/**
 * Master keys: are they the ones of this database, what does each of them seal, and sealing anew with the first one.
 *
 * A key that seals something has a *canary* in the database, a fixed text that it has sealed. So a wrong or a missing key
 * is found at the start, and not by the first user whose token cannot be read. Rotation goes slice by slice: it may be
 * stopped, and goes on where values of other keys are left; each slice is one batch.
 */
import type { Instant } from '../core/time.ts'
import type { Log } from '../ports/edges.ts'
import type { KeyUse, Resealed, SealedKind, SealedValue, Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Seal } from './audit-seal.ts'
import type { Facts } from './facts.ts'

export type ListedKey = {
  readonly id: string
  /** This server has it. */
  readonly known: boolean
  /** It seals what is new. */
  readonly current: boolean
  /** How much can be read by it alone, by kind. */
  readonly uses: Readonly<Record<string, number>>
}

/** Where a rotation stands: what comes after this value of this kind is still to be looked at. */
export type RotationPoint = { readonly kind: SealedKind; readonly after: string }
export type Slice = {
  readonly resealed: number
  /** Cannot be opened, and so was left alone. The log names them. */
  readonly unreadable: number
  /** null: that was the last slice. */
  readonly next: RotationPoint | null
}

export type KeyAdmin = {
  readonly list: (facts: Facts) => Promise<readonly ListedKey[]>
  readonly rotate: (from: RotationPoint | null, facts: Facts) => Promise<Slice>
  /** Seals the audit with the first key and forgets keys that seal nothing. @returns what is left, as `list` does */
  readonly finish: (facts: Facts) => Promise<readonly ListedKey[]>
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly audit: Audit
  readonly seal: Seal
  readonly log: Log
}

const KINDS: readonly SealedKind[] = ['config', 'provider', 'resolver', 'secret', 'pin']
export const isSealedKind = (text: string): text is SealedKind => KINDS.some((kind) => kind === text)
/** Values in one slice: far below what a Worker may take for a request. */
const SLICE = 250
const CANARY = 'otpost'

const PLACES: Readonly<Record<SealedKind, (name: string) => string>> = {
  secret: place.secret,
  pin: place.pin,
  config: place.config,
  provider: (name) => {
    const [type, ...rest] = name.split(':')
    return place.provider(type === 'sms' ? 'sms' : 'email', rest.join(':'))
  },
  resolver: place.resolver,
}

export function createKeyAdmin({ store, vault, audit, seal, log }: Parts): KeyAdmin {
  return {
    list: async (facts) => {
      const listed = await listKeys()
      await audit.write(facts, { success: true })
      return listed
    },
    rotate,
    finish: async (facts) => {
      await seal.checkpoint(facts.now)
      await seal.reseal()
      const [current] = vault.keyIds()
      await store.addKey({ id: current, canary: await canaryOf(vault), createdAt: facts.now })
      const row = await audit.row(facts, { success: true, info: current })
      const forgotten = await store.forgetKeys([current], row)
      if (forgotten.length > 0) log.info('keys_forgotten', { request: facts.requestId, keys: forgotten.join(' ') })
      return listKeys()
    },
  }

  async function listKeys(): Promise<readonly ListedKey[]> {
    const [uses, noted] = [await store.keyUses(), await store.readKeys()]
    const known = vault.keyIds()
    const ids = new Set([...known, ...noted.map(({ id }) => id), ...uses.map(({ id }) => id)])
    return [...ids].map((id) => ({
      id,
      known: known.includes(id),
      current: id === known[0],
      uses: usesOf(uses, id),
    }))
  }

  async function rotate(from: RotationPoint | null, facts: Facts): Promise<Slice> {
    const { kind, after } = from ?? { kind: KINDS[0] ?? 'secret', after: '' }
    const [current] = vault.keyIds()
    const found = await store.sealedOtherwise(current, kind, after, SLICE)
    const again = await Promise.all(found.map((value) => sealAgain(value, facts)))
    const values = again.filter((one) => one !== null)
    const row = await audit.row(facts, { success: true, info: `${kind}: ${values.length} with key ${current}` })
    const resealed = await store.resealValues(values, row)
    return { resealed, unreadable: found.length - values.length, next: nextPoint(kind, found) }
  }

  async function sealAgain(value: SealedValue, { requestId: request }: Facts): Promise<Resealed | null> {
    const where = PLACES[value.kind](value.name)
    const opened = await vault.open(value.sealed, where)
    if (opened.ok) return { ...value, after: await vault.seal(opened.value, where) }
    log.error('value_unreadable', { request, kind: value.kind, name: value.name, reason: opened.error })
    return null
  }
}

/** Several uses are of one kind where they stand in several tables. */
function usesOf(uses: readonly KeyUse[], id: string): Readonly<Record<string, number>> {
  const sums: Record<string, number> = {}
  for (const use of uses) if (use.id === id) sums[use.kind] = (sums[use.kind] ?? 0) + use.count
  return sums
}

function nextPoint(kind: SealedKind, found: readonly SealedValue[]): RotationPoint | null {
  const last = found.at(-1)
  if (last && found.length === SLICE) return { kind, after: last.name }
  const next = KINDS[KINDS.indexOf(kind) + 1]
  return next ? { kind: next, after: '' } : null
}

/**
 * Are the keys those of this database? A new database takes the first one; one that has no canaries yet is tried by a
 * value that it holds.
 *
 * @returns null, or one sentence for the operator
 */
export async function checkKeys(
  { store, vault }: { readonly store: Pick<Store, 'readKeys' | 'addKey' | 'someSealed'>; readonly vault: Vault },
  now: Instant,
): Promise<string | null> {
  const noted = await store.readKeys()
  for (const { id, canary } of noted) {
    const opened = await vault.open(canary, place.canary(id))
    if (opened.ok) continue
    return opened.error === 'key_unknown'
      ? `key '${id}' is missing: this database is sealed with it, and it is not among the keys of this server`
      : `key '${id}' is not the one of that name which this database is sealed with`
  }
  const [current] = vault.keyIds()
  if (noted.some(({ id }) => id === current)) return null
  const value = noted.length === 0 ? await store.someSealed() : null
  if (value !== null) {
    const opened = await vault.open(value.sealed, PLACES[value.kind](value.name))
    if (!opened.ok) return 'the keys are not those of this database: what it holds cannot be read with them'
  }
  await store.addKey({ id: current, canary: await canaryOf(vault), createdAt: now })
  return null
}

const canaryOf = (vault: Vault): Promise<string> =>
  vault.seal(new TextEncoder().encode(CANARY), place.canary(vault.keyIds()[0]))
