/**
 * Status: what became of a transaction (contract 2.8). Shows challenges to whoever knows the PIN; as in LinOTP a wrong
 * PIN is no failure of the token. It is one of the client, where these are limited.
 */
import type { Challenge } from '../core/challenge.ts'
import type { Bucket } from '../core/limits.ts'
import { satisfies } from '../core/pass.ts'
import { otpPin } from '../core/policy/actions.ts'
import { policyFor } from '../core/policy/subject.ts'
import { throttleOf } from '../core/throttle.ts'
import type { Token } from '../core/token.ts'
import type { PasswordMatches } from '../ports/passwords.ts'
import type { Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import { FOREIGN, isTokenWithin, queriesWithin, type TurnedAway, UNBOUND } from './admission.ts'
import type { Audit } from './audit.ts'
import { type Directories, reasonsOf } from './directories.ts'
import type { Facts } from './facts.ts'
import { failuresOf } from './gather.ts'
import { passwordOf } from './password.ts'
import type { SettingsCache } from './settings.ts'
import { findByQueries, movedQueries, type UserSelection } from './users.ts'

export type StatusCommand = {
  readonly transactionId: string
  readonly pass: string
  readonly user: UserSelection | null
  readonly serial: string | null
}
export type StatusEntry = { readonly challenge: Challenge; readonly token: Token }
export type StatusOutcome = { readonly kind: 'told'; readonly entries: readonly StatusEntry[] }
export type Status = (command: StatusCommand, facts: Facts) => Promise<StatusOutcome | TurnedAway>

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly passwordMatches: PasswordMatches
  readonly directories: Directories
}

export function createStatus(parts: Parts): Status {
  const { store, vault, audit, settings: cache } = parts
  return async ({ transactionId, pass, user: named, serial }, facts) => {
    const settings = await cache.fresh()
    const admission = (await facts.asker?.admit(settings, facts.now)) ?? UNBOUND
    if (admission.refusal) return { kind: 'turned_away', refusal: admission.refusal }
    const found = await store.findChallenges(transactionId, facts.now)
    const entries = found.filter(({ token }) => isTokenWithin(token, settings, admission))
    const queries = named ? movedQueries(named, settings, facts) : null
    const meant = queries?.ok ? queries.value : []
    const places = queriesWithin(meant, admission)
    const leftOut = entries.length < found.length || places.length < meant.length
    const directories = parts.directories.askedBy(facts)
    const { user, query, unavailable } = await findByQueries({ ...parts, directories }, settings, places)
    const realm = query?.realm.name ?? null
    // Whom nobody knows is asked about as `check` does, so that time does not tell.
    const asked = user ?? (query ? { login: query.login, resolver: '', attributes: {} } : null)
    // Without a user it is the PIN of the token, whatever policy says (contract 2.8).
    const rule = asked
      ? policyFor(settings, { user: asked, realm, client: facts.client, time: facts.time }).value(otpPin)
      : 'token_pin'
    // A directory that has just failed is not waited for once more.
    const resolvers = places
      .flatMap((each) => each.resolvers)
      .filter((name) => !unavailable.some(({ resolver }) => resolver === name))
    const password = passwordOf({ ...parts, directories }, { settings, user, resolvers })

    const visible = await Promise.all(
      entries.map(async ({ challenge, token }) => {
        const pin = await vault.openPin(token.sealedPin, place.pin(token.serial))
        const right = pin.ok && (await satisfies(rule, pass, { pin: pin.value, password: password.matches }))
        const owned =
          named === null ||
          (user !== null && token.owner?.userId === user.userId && token.owner.resolver === user.resolver)
        return right && owned && (serial === null || token.serial === serial) && isSent(challenge)
      }),
    )
    const failures = failuresOf(settings, facts)
    const full = await isFull(failures, facts)
    const shown = entries.filter((_, index) => visible[index] && !full)
    const down = user ? password.failure() : (unavailable[0] ?? password.failure())
    const isWrong = shown.length === 0 && !full && !down && entries.some(({ challenge }) => isSent(challenge))
    const row = await audit.row(facts, {
      success: shown.length > 0,
      ...(leftOut && shown.length === 0 ? { actionDetail: FOREIGN } : {}),
      ...(full ? { actionDetail: 'client_limit_reached' } : {}),
      ...(down ? { actionDetail: 'resolver_unavailable', info: reasonsOf([down]) } : {}),
      user: named?.user ?? '',
      realm: realm ?? '',
      serial: shown.map(({ token }) => token.serial).join(' '),
      tokenType: [...new Set(shown.map(({ token }) => token.type))].join(' '),
    })
    if (isWrong)
      await store.reject({
        now: facts.now,
        throttle: throttleOf(settings),
        failed: [],
        judged: [],
        guessed: [],
        failures,
        audit: row,
      })
    else await store.writeAudit(row)
    return { kind: 'told', entries: shown }
  }

  async function isFull(buckets: readonly Bucket[], { now }: Facts): Promise<boolean> {
    if (buckets.length === 0) return false
    return (await store.gather({ users: [], serial: null, tokenType: null, buckets, now })).full
  }
}

const isSent = ({ delivery }: Challenge): boolean => delivery !== 'undelivered'
