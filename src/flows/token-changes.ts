/** Changes of tokens: remove, enable, disable, reset, set, validity, realms, the PIN of another token (contract 7.1). */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findRealm, type Settings } from '../core/settings.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { InfoPatch, TokenChange } from '../ports/store.ts'
import { place } from '../ports/vault.ts'
import { checkDestination } from './destination.ts'
import type { Facts } from './facts.ts'
import { ELSEWHERE, keepWithin } from './rights.ts'
import {
  type Choice,
  policyOfToken,
  type Selection,
  type ShownToken,
  serialsOf,
  type TokenParts,
} from './token-choice.ts'
import { limitsOf } from './token-limits.ts'
import { committed, pairOf } from './token-owners.ts'
import { readValidity, SETTERS } from './token-settings.ts'

/** Settings of `admin/set`, by the names of the contract, in lower case. */
export type TokenSettings = Readonly<Record<string, string>>
export type SetResult = { readonly name: string; readonly count: number }

export function createTokenChanges({ store, vault, settings: cache }: TokenParts, choice: Choice) {
  return { remove, setActive, reset, set, setUserPin, setValidity, setRealms, copyPin }

  async function remove(selection: Selection, facts: Facts): Promise<Result<number, AdminFailure>> {
    const chosen = await choice.choose(selection, facts)
    if (!chosen.ok) return chosen
    return counted(await store.removeTokens(serialsOf(chosen.value), await choice.row(facts, chosen.value), facts))
  }

  async function setActive(selection: Selection, active: boolean, facts: Facts): Promise<Result<number, AdminFailure>> {
    const chosen = await choice.choose(selection, facts)
    if (!chosen.ok) return chosen
    const settings = await cache.known()
    const changes = chosen.value.map(({ serial, revision }) => ({ serial, revision, set: { active } }))
    // Only a token that was not active takes a place of its realm.
    const joining = chosen.value
      .filter((token) => active && !token.active)
      .map((token) => ({ token: { ...token, active }, policy: policyOfToken(settings, token, facts) }))
    const limits = limitsOf(joining, ['activeInRealm'])
    const { within } = facts
    return committed(
      await store.changeTokens(changes, await choice.row(facts, chosen.value), { limits, within }),
      changes,
    )
  }

  async function reset(selection: Selection, facts: Facts): Promise<Result<number, AdminFailure>> {
    const chosen = await choice.choose(selection, facts)
    if (!chosen.ok) return chosen
    return counted(await store.resetFailCounts(serialsOf(chosen.value), await choice.row(facts, chosen.value), facts))
  }

  async function set(
    selection: Selection,
    given: TokenSettings,
    facts: Facts,
  ): Promise<Result<readonly SetResult[], AdminFailure>> {
    const names = Object.keys(given).filter((name) => Object.hasOwn(SETTERS, name))
    if (names.length === 0)
      return err({ code: 'settings_missing', known: Object.values(SETTERS).map((setter) => setter.name) })
    const chosen = await choice.choose(selection, facts)
    if (!chosen.ok) return chosen
    const settings = await cache.known()
    const changes: TokenChange[] = []
    for (const token of chosen.value) {
      const read = readSettings(token, given, names)
      if (!read.ok) return read
      const destination = await newDestination(settings, token, read.value, facts)
      if (!destination.ok) return destination
      const { serial, revision } = token
      const pin = given.pin
      const sealed = pin === undefined ? {} : { sealedPin: await vault.sealPin(pin, place.pin(serial)) }
      changes.push({ serial, revision, set: { ...read.value, ...sealed } })
    }
    const row = await choice.row(facts, chosen.value, { info: names.join(', ') })
    const done = committed(await store.changeTokens(changes, row, facts), changes)
    return done.ok ? ok(names.map((name) => ({ name: SETTERS[name]?.name ?? name, count: done.value }))) : done
  }

  /** The second PIN of types that have one, which none of ours does. */
  async function setUserPin(serial: string, facts: Facts): Promise<Result<never, AdminFailure>> {
    const tokens = await choice.bySerials([serial], facts)
    if (!tokens.ok) return tokens
    const rule = `is a PIN of mOTP tokens, ${serial} is of type ${tokens.value[0]?.type}; admin/set sets the PIN`
    return err({ code: 'parameter_invalid', field: 'userpin', rule })
  }

  /** @param given by lower-case name; `unlimited` takes a limit away. @returns the serials that were changed */
  async function setValidity(
    serials: readonly string[],
    given: Readonly<Record<string, string>>,
    facts: Facts,
  ): Promise<Result<readonly string[], AdminFailure>> {
    const info = readValidity(given)
    if (!info.ok) return info
    const tokens = await choice.bySerials(serials, facts)
    if (!tokens.ok) return tokens
    const changes = tokens.value.map(({ serial, revision }) => ({ serial, revision, set: { info: info.value } }))
    const row = await choice.row(facts, tokens.value, { info: Object.keys(info.value).join(', ') })
    const done = committed(await store.changeTokens(changes, row, facts), changes)
    return done.ok ? ok(serialsOf(tokens.value)) : done
  }

  /**
   * Names that are no realm are passed over, as in LinOTP. Who is bound to realms moves
   * tokens between these alone.
   */
  async function setRealms(
    serial: string,
    names: readonly string[],
    facts: Facts,
  ): Promise<Result<number, AdminFailure>> {
    const tokens = await choice.bySerials([serial], facts)
    if (!tokens.ok) return tokens
    const settings = await cache.fresh()
    const realms = [...new Set(names.flatMap((name) => findRealm(settings, name.trim())?.name ?? []))]
    const touched = [...tokens.value.flatMap((token) => token.realms), ...realms].map((realm) => [realm])
    for (const lies of [realms, ...touched]) {
      const reached = keepWithin('realm', lies, facts)
      if (!reached.ok) return reached
    }
    const changes = tokens.value.map(({ revision }) => ({ serial, revision, set: { realms } }))
    const joining = tokens.value.map((token) => {
      const entered = realms.filter((realm) => !token.realms.includes(realm))
      return {
        token: { ...token, realms: entered },
        policy: policyOfToken(settings, { ...token, realms: entered }, facts),
      }
    })
    const row = await choice.row(facts, tokens.value, { realm: realms[0] ?? '', info: realms.join(', ') })
    const limits = limitsOf(joining, ['activeInRealm'])
    const { within } = facts
    return committed(await store.changeTokens(changes, row, { limits, within }), changes)
  }

  /** The salted hash goes over as it is; it is sealed anew, for the place where it then stands. */
  async function copyPin(from: string, to: string, facts: Facts): Promise<Result<number, AdminFailure>> {
    const pair = await pairOf(choice, from, to, facts)
    if (!pair.ok) return pair
    const [source, target] = pair.value
    const sealedPin = await copyOfPin(vault, source, target.serial)
    if (sealedPin === null)
      return err({ code: 'parameter_invalid', field: 'from', rule: 'must have a PIN that the keys at hand can open' })
    const { serial, revision } = target
    const changes = [{ serial, revision, set: { sealedPin } }]
    const row = await choice.row(facts, [target], { info: `from ${source.serial}` })
    return committed(await store.changeTokens(changes, row, { unchanged: [source], within: facts.within }), changes)
  }

  async function newDestination(settings: Settings, token: ShownToken, { info }: TokenChange['set'], facts: Facts) {
    const type = findTokenType(token.type)
    const address = type && info?.[type.addressField]
    if (!type || address === undefined) return ok(null)
    // Where a directory is down the policies for its user are not known.
    const owner = await choice.ownerOf(token, facts)
    if (!owner.ok) return owner
    return checkDestination(type, policyOfToken(settings, token, facts), String(address))
  }
}

const counted = (count: number | 'elsewhere'): Result<number, AdminFailure> =>
  count === 'elsewhere' ? err(ELSEWHERE) : ok(count)

/** The PIN of a token, sealed for the place of another one; null when it cannot be opened. */
export async function copyOfPin(
  vault: TokenParts['vault'],
  source: Pick<ShownToken, 'serial' | 'sealedPin'>,
  serial: string,
): Promise<string | null> {
  const opened = await vault.open(source.sealedPin, place.pin(source.serial))
  return opened.ok ? vault.seal(opened.value, place.pin(serial)) : null
}

function readSettings(
  token: ShownToken,
  given: TokenSettings,
  names: readonly string[],
): Result<TokenChange['set'], AdminFailure> {
  let change: TokenChange['set'] = {}
  for (const name of names) {
    const setter = SETTERS[name]
    if (!setter) continue
    const invalid = (rule: string) => err({ code: 'parameter_invalid', field: setter.name, rule } as const)
    if (setter.only && setter.only !== token.type)
      return invalid(`is a setting of ${setter.only} tokens, ${token.serial} is of type ${token.type}`)
    const read = setter.read(given[name] ?? '')
    if (!read.ok) return invalid(read.error)
    const info: InfoPatch = { ...change.info, ...read.value.info }
    change = { ...change, ...read.value, ...(Object.keys(info).length > 0 ? { info } : {}) }
  }
  return ok(change)
}
