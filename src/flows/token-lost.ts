/**
 * A lost token is replaced by a new one of the same user with the same PIN, whose OTPs go by mail or SMS, for a while; the
 * lost one is disabled in the same transaction (contract 7.3).
 *
 * LinOTP falls back to a token that stands for a password where it knows no address. Here there is no such token: whoever
 * asks for one is told what is missing.
 */
import type { AdminFailure } from '../core/failures.ts'
import { lostTokenValid } from '../core/policy/actions.ts'
import { err, ok, type Result } from '../core/result.ts'
import { tokenDefaults } from '../core/settings.ts'
import type { Instant } from '../core/time.ts'
import { validityDate } from '../core/token.ts'
import { findTokenType, tokenTypes } from '../core/tokens/index.ts'
import { place } from '../ports/vault.ts'
import { checkDestination } from './destination.ts'
import type { Facts } from './facts.ts'
import { SECRET_BYTES, windowsOf } from './new-token.ts'
import { ELSEWHERE } from './rights.ts'
import { copyOfPin } from './token-changes.ts'
import { CHANGED_MEANWHILE, type Choice, policyOfToken, type TokenParts } from './token-choice.ts'

export type LostCommand = {
  readonly serial: string
  readonly type: string | null
  /** By the parameter of each type (`email`, `mobile`); without one the user's own address. */
  readonly addresses: Readonly<Record<string, string | undefined>>
}
export type Replacement = {
  readonly serial: string
  readonly type: string
  /** `dd/mm/yy HH:MM`, UTC. */
  readonly validUntil: string
}

const DAY = 86_400

export function createTokenLost({ store, vault, edges, settings: cache }: TokenParts, choice: Choice) {
  return { lost }

  async function lost(command: LostCommand, facts: Facts): Promise<Result<Replacement, AdminFailure>> {
    const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
    const tokens = await choice.bySerials([command.serial], facts)
    if (!tokens.ok) return tokens
    const [token] = tokens.value
    const owner = token ? await choice.ownerOf(token, facts) : ok(null)
    if (!owner.ok) return owner
    if (!token?.owner || !owner.value) return invalid('serial', 'must be a token that somebody owns')
    const type = findTokenType(command.type ?? '')
    if (!type) {
      const names = tokenTypes.map(({ name }) => name).join(' or ')
      return invalid('type', `must be ${names}: there are no tokens that stand for a password`)
    }
    const given = command.addresses[type.addressAttribute]
    const address = type.readAddress(given || (owner.value.attributes[type.addressAttribute] ?? ''))
    if (address === null)
      return invalid(type.addressAttribute, given ? type.addressRule : 'must be given: the user has none')
    const settings = await cache.fresh()
    const policy = policyOfToken(settings, token, facts)
    const allowed = checkDestination(type, policy, address)
    if (!allowed.ok) return allowed

    const serial = `lost${token.serial}`
    const sealedPin = await copyOfPin(vault, token, serial)
    if (sealedPin === null) return invalid('serial', 'must have a PIN that the keys at hand can open')
    const span = policy.value(lostTokenValid)
    const end = 'days' in span ? endOfDay(facts.now + span.days * DAY) : facts.now + span.seconds
    const validUntil = validityDate(end)
    if (validUntil === null) return invalid('lostTokenValid', 'must end before the year 2100')
    const replacement = {
      ...{ serial, type: type.name, description: `temporary replacement of ${token.serial}`.slice(0, 80) },
      sealedSecret: await vault.seal(edges.random(SECRET_BYTES), place.secret(serial)),
      ...{ sealedPin, digits: tokenDefaults(settings).digits, hash: 'sha1' as const, ...windowsOf(settings) },
      ...{ active: true, owner: token.owner, realms: token.realms, createdAt: facts.now },
      info: { [type.addressField]: address, hashlib: 'sha1', validity_period_end: validUntil },
    }
    const row = await choice.row(facts, [token], { serial: `${token.serial} ${serial}`, info: `until ${validUntil}` })
    const done = await store.replaceToken(replacement, token, row, facts)
    if (done === 'done') return ok({ serial, type: type.name, validUntil })
    if (done === 'elsewhere') return err(ELSEWHERE)
    return done === 'lost'
      ? err(CHANGED_MEANWHILE)
      : invalid('serial', `must not be replaced already: ${serial} exists`)
  }
}

const endOfDay = (at: Instant): Instant => at - (at % DAY) + DAY - 60
