/**
 * Which tokens an administrator means. Every call that changes tokens, or tells of one, chooses them here before it does
 * so, and is refused when one of them lies out of his reach; only lists (token-show.ts), the search by OTP and imports
 * select for themselves.
 */
import type { AdminFailure } from '../core/failures.ts'
import { isWithin } from '../core/policy/reach.ts'
import { policyFor } from '../core/policy/subject.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import type { Token } from '../core/token.ts'
import type { UserRecord } from '../core/users.ts'
import type { Edges } from '../ports/edges.ts'
import type { AuditRow, OwnedToken, Store, TokenSelection } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import type { Audit, AuditDetails } from './audit.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import { ELSEWHERE } from './rights.ts'
import type { SettingsCache } from './settings.ts'
import { findUser, type UserSelection, userWithin, withOwners } from './users.ts'

/** Tokens by serial, by owner, or both. */
export type Selection = { readonly serials: readonly string[] | null; readonly user: UserSelection | null }
/** A token with its owner as the resolver knows it; null: nobody owns it, or nobody knows the owner. */
export type ShownToken = OwnedToken

export type TokenParts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Pick<Edges, 'random'>
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly directories: Directories
}

export const CHANGED_MEANWHILE = {
  code: 'parameter_invalid',
  field: 'serial',
  rule: 'must not be changed by a request at the same time',
} as const

export type Choice = ReturnType<typeof createChoice>

export function createChoice({ store, audit, settings: cache, directories }: TokenParts) {
  const sourcesOf = (facts: Facts) => ({ store, directories: directories.askedBy(facts) })

  return { choose, bySerials, select, user, ownerOf, row }

  /** Without serial and user none are meant, never all. */
  async function choose(selection: Selection, facts: Facts): Promise<Result<readonly ShownToken[], AdminFailure>> {
    if (selection.serials === null && selection.user === null) return ok([])
    const settings = await cache.fresh()
    const reached = selection.user ? userWithin(selection.user, settings, facts) : ok(true)
    if (!reached.ok) return reached
    const selected = await select(settings, selection, facts)
    if (!selected.ok) return selected
    return allWithin(
      await withOwners(directories.askedBy(facts), settings, await store.findTokens(selected.value)),
      facts,
    )
  }

  /** All of these tokens, in this order, or the first serial that there is not. */
  async function bySerials(
    given: readonly string[],
    facts: Facts,
  ): Promise<Result<readonly ShownToken[], AdminFailure>> {
    const wanted = [...new Set(given)]
    const known = await withOwners(
      directories.askedBy(facts),
      await cache.fresh(),
      await store.findTokens({ serials: wanted }),
    )
    const found = new Map(known.map((token) => [token.serial, token]))
    const tokens: ShownToken[] = []
    for (const serial of wanted) {
      const token = found.get(serial)
      if (!token) return err({ code: 'token_unknown', serial })
      tokens.push(token)
    }
    return allWithin(tokens, facts)
  }

  async function select(
    settings: Settings,
    { serials, user: named }: Selection,
    facts: Facts,
  ): Promise<Result<TokenSelection, AdminFailure>> {
    const bySerial = serials === null ? {} : { serials }
    if (named === null) return ok(bySerial)
    const found = await findUser(sourcesOf(facts), settings, named)
    if (!found.ok) return found
    const { userId, resolver } = found.value
    return ok({ ...bySerial, owners: [{ userId, resolver }] })
  }

  async function user(named: UserSelection, facts: Facts): Promise<Result<UserRecord, AdminFailure>> {
    const settings = await cache.fresh()
    const reached = userWithin(named, settings, facts)
    return reached.ok ? findUser(sourcesOf(facts), settings, named) : reached
  }

  /** Nobody's, or somebody's who cannot be asked for now: these are two answers. */
  async function ownerOf(token: ShownToken, facts: Facts): Promise<Result<UserRecord | null, AdminFailure>> {
    const elsewhere = token.owner && !token.user ? [token.owner] : []
    const [failure] = (await directories.askedBy(facts).findById(await cache.known(), elsewhere)).unavailable
    return failure ? err({ code: 'resolver_unavailable', ...failure }) : ok(token.user)
  }

  /** The row of a call over these tokens; user and realm are those of the first one unless told. */
  function row(facts: Facts, tokens: readonly ShownToken[], more: Partial<AuditDetails> = {}): Promise<AuditRow> {
    return audit.row(facts, { ...detailsOf(tokens), ...more })
  }
}

/** All of the tokens, if none lies elsewhere. */
const allWithin = (tokens: readonly ShownToken[], { within }: Facts): Result<readonly ShownToken[], AdminFailure> =>
  tokens.every((token) => isWithin(token.realms, within)) ? ok(tokens) : err(ELSEWHERE)

export const detailsOf = (tokens: readonly ShownToken[]): AuditDetails => ({
  success: tokens.length > 0,
  serial: serialsOf(tokens).join(' '),
  tokenType: [...new Set(tokens.map((token) => token.type))].join(' '),
  user: tokens[0]?.user?.login ?? '',
  realm: tokens[0]?.realms[0] ?? '',
})

export const serialsOf = (tokens: readonly Token[]): readonly string[] => tokens.map((token) => token.serial)

/** The policy that holds for a token: that of its owner in its first realm. */
export const policyOfToken = (settings: Settings, token: ShownToken, { client, time }: Facts) =>
  policyFor(settings, { user: token.user, realm: token.realms[0] ?? null, client, time })
