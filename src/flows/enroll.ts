/**
 * Enrol: makes a token, or gives an existing one a new secret (contract 3.2).
 *
 * The order of the checks is what clients see: type, user, serial of another type, address, then the rest.
 */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { Settings } from '../core/settings.ts'
import { hasDynamicAddress, type Token, VERIFICATION } from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { Edges } from '../ports/edges.ts'
import type { OwnedToken, Store } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit } from './audit.ts'
import type { Directories } from './directories.ts'
import type { Facts } from './facts.ts'
import {
  createNewToken,
  descriptionOf,
  type EnrollCommand,
  readParameters,
  SECRET_BYTES,
  type Target,
  targetOf,
  targetWithin,
} from './new-token.ts'
import { ELSEWHERE, keepWithin } from './rights.ts'
import type { SettingsCache } from './settings.ts'
import { limitsOf } from './token-limits.ts'
import { findUser } from './users.ts'

export type { EnrollCommand }

export type Enrolled = Result<{ readonly serial: string }, AdminFailure>
export type Enroll = (command: EnrollCommand, facts: Facts) => Promise<Enrolled>

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
  readonly directories: Directories
}

const TRIES = 10

export function createEnroll({ store, vault, edges, audit, settings: cache, directories }: Parts): Enroll {
  const { newToken, newSerial, pinOf } = createNewToken({ vault, random: edges.random })

  return async (command, facts) => {
    const settings = await cache.fresh()
    const type = findTokenType(command.type)
    if (!type) return err({ code: 'token_type_unknown', type: command.type })
    const reached = targetWithin(command, settings, facts)
    if (!reached.ok) return reached
    const user = command.user
      ? await findUser({ store, directories: directories.askedBy(facts) }, settings, command.user)
      : null
    if (user && !user.ok) return user
    const [existing] =
      command.serial === null || command.self ? [] : await store.findTokens({ serials: [command.serial] })
    const touched = existing ? keepWithin('token', existing.realms, facts) : ok(true)
    if (!touched.ok) return touched
    if (existing && existing.type !== type.name)
      return err({ code: 'token_type_conflict', serial: existing.serial, type: existing.type })
    const read = readParameters(command, type, settings)
    if (!read.ok) return read
    const owned = existing && !user ? await withOwner(existing, settings, facts) : ok(existing ?? null)
    if (!owned.ok) return owned
    const found = { type, user: user?.ok ? user.value : null, parameters: read.value, existing: owned.value }
    const target = targetOf(command, found, settings, facts)
    if (!target.ok) return target
    return existing ? reinit(existing, target.value, command, facts) : create(target.value, command, settings, facts)
  }

  /** Whose policies hold for it, must be known. */
  async function withOwner(
    token: OwnedToken,
    settings: Settings,
    facts: Facts,
  ): Promise<Result<OwnedToken, AdminFailure>> {
    const elsewhere = token.owner && !token.user ? [token.owner] : []
    const { users, unavailable } = await directories.askedBy(facts).findById(settings, elsewhere)
    const [failure] = unavailable
    return failure
      ? err({ code: 'resolver_unavailable', ...failure })
      : ok({ ...token, user: token.user ?? users[0] ?? null })
  }

  async function create(target: Target, command: EnrollCommand, settings: Settings, facts: Facts): Promise<Enrolled> {
    const { type, details } = target
    const count = command.serial === null ? await store.countTokens(type.name) : 0
    for (let tries = 0; tries < TRIES; tries++) {
      const serial = command.serial ?? newSerial(command.prefix ?? type.serialPrefix, count + 1)
      const token = await newToken(serial, target, command, settings, facts)
      const done = await store.createToken(token, await audit.row(facts, { ...details, serial }))
      if (done === 'done') return ok({ serial })
      if (done !== 'taken') return err({ code: 'token_limit_reached', limit: done })
      // Somebody made a token with this serial in the meantime: another number, or a clear refusal.
      if (command.serial !== null) break
    }
    const rule = command.self ? 'must not be taken' : 'must not be taken by a request at the same time'
    return err({ code: 'parameter_invalid', field: 'serial', rule })
  }

  async function reinit(token: Token, target: Target, command: EnrollCommand, facts: Facts): Promise<Enrolled> {
    const { digits, hash } = target.parameters
    // What it was before must not outlive what it is made now.
    const info = { ...(hasDynamicAddress(token) ? { dynamic_address: 0 } : {}), ...target.parameters.info }
    const { serial, revision } = token
    const sealedSecret = await vault.seal(target.parameters.secret ?? edges.random(SECRET_BYTES), place.secret(serial))
    const pin = pinOf(command, target.policy)
    const sealedPin = pin === null ? token.sealedPin : await vault.sealPin(pin, place.pin(serial))
    const change = {
      ...{
        serial,
        type: token.type,
        revision,
        sealedSecret,
        sealedPin,
        // An administrator vouches for the address.
        info: { ...info, [VERIFICATION]: null },
        description: descriptionOf(command, target.parameters),
      },
      digits: command.digits === null ? token.digits : digits,
      hash: command.hash === null ? token.hash : hash,
      owner: target.owner ?? token.owner,
      realms: target.owner || command.realm ? target.realms : token.realms,
    }
    // It counts where it is new: for another owner, and in realms that it enters.
    const isSame = token.owner?.userId === change.owner?.userId && token.owner?.resolver === change.owner?.resolver
    const entered = change.realms.filter((realm) => !token.realms.includes(realm))
    const joining = { ...token, owner: isSame ? null : change.owner, realms: entered }
    const kinds = ['ofUser', 'ofUserAndType', 'activeInRealm'] as const
    const limits = limitsOf([{ token: joining, policy: target.policy }], kinds)
    const row = await audit.row(facts, { ...target.details, serial })
    const done = await store.reinitToken(change, row, { limits, within: facts.within })
    if (done === 'done') return ok({ serial })
    if (done === 'elsewhere') return err(ELSEWHERE)
    if (done !== 'lost') return err({ code: 'token_limit_reached', limit: done })
    return err({
      code: 'parameter_invalid',
      field: 'serial',
      rule: 'must not be changed by a request at the same time',
    })
  }
}
