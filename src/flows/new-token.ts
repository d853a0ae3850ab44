/**
 * New tokens: what a request or a row of a file says is read here, and becomes a token that can be stored. Enrolment one
 * by one and by the thousand share it, so both have the same rules.
 */
import * as v from 'valibot'
import type { AdminFailure } from '../core/failures.ts'
import { wholeNumber } from '../core/fields.ts'
import { maxToken, randomPin, randomPinContent, tokenCount } from '../core/policy/actions.ts'
import type { Policy } from '../core/policy/policy.ts'
import { policyFor } from '../core/policy/subject.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findRealm, realmsWith, type Settings, tokenDefaults } from '../core/settings.ts'
import {
  type HashName,
  type InfoValue,
  readValidityDate,
  type Token,
  VALIDITY_RULE,
  VERIFICATION,
} from '../core/token.ts'
import { isRollout, ROLLOUT, readScope, scopeOf } from '../core/token-scope.ts'
import type { TokenType } from '../core/tokens/token-type.ts'
import type { UserRecord } from '../core/users.ts'
import type { Random } from '../ports/edges.ts'
import type { NewToken, OwnedToken, TokenLimits } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { AuditDetails } from './audit.ts'
import { checkDestination } from './destination.ts'
import { hex } from './digest.ts'
import type { Facts } from './facts.ts'
import { keepWithin } from './rights.ts'
import { type UserSelection, userWithin } from './users.ts'

export type EnrollCommand = {
  readonly type: string
  readonly user: UserSelection | null
  /** A realm without a user: the token is put into it. */
  readonly realm: string | null
  readonly serial: string | null
  readonly prefix: string | null
  /** Where messages go; null: the parameter is absent. */
  readonly addresses: Readonly<Record<string, string | undefined>>
  readonly secret: string | null
  readonly generateSecret: string | null
  readonly hash: string | null
  readonly digits: string | null
  readonly pin: string | null
  /** The PIN stays as it is given where policy says that new tokens get a random one. */
  readonly keepsPin?: boolean
  readonly description: string | null
  /** JSON: where the token may be used; null: everywhere (contract 3.2). */
  readonly scope?: string | null
  /** The token is for getting started in the portal only. */
  readonly rollout?: boolean
  /** Messages go to the user's present address; one of the token's own may be left out. */
  readonly dynamicAddress?: boolean
  /** `dd/mm/yy HH:MM` in UTC. */
  readonly validFrom?: string | null
  readonly validUntil?: string | null
  /** The user may own so many tokens with this one, whatever policy says. */
  readonly atMost?: number
  /** A user enrols it, who was found already: never in place of another token, and under the policies of this realm. */
  readonly self?: { readonly realm: string; readonly unverified: boolean }
}

/** What was read and looked up, ready to be stored. */
export type Target = {
  readonly type: TokenType
  readonly owner: Token['owner']
  readonly realms: readonly string[]
  readonly parameters: Parameters
  readonly details: AuditDetails
  readonly policy: Policy
}

export const SECRET_BYTES = 20 // RFC 4226 §4 R6: at least 16, better 20

/** The user's realm and the realm that is named must be within reach. */
export function targetWithin(command: EnrollCommand, settings: Settings, facts: Facts): Result<true, AdminFailure> {
  if (command.user) return userWithin(command.user, settings, facts)
  return command.realm ? keepWithin('realm', [command.realm.toLowerCase()], facts) : ok(true)
}

type Found = {
  readonly type: TokenType
  /** The owner, looked up. */
  readonly user: UserRecord | null
  readonly parameters: Parameters
  /** The token that gets another secret, and who owns it so far; null: it is a new one. */
  readonly existing: Pick<OwnedToken, 'realms' | 'user'> | null
}

/** Realms and policy for what was read. */
export function targetOf(
  command: EnrollCommand,
  { type, user, parameters, existing }: Found,
  settings: Settings,
  facts: Facts,
): Result<Target, AdminFailure> {
  const named = realmsOf(settings, user?.resolver ?? null, command.realm)
  if (!named.ok) return named
  // A new token that nobody owns lies in all realms of an administrator who is bound to some, or he would lose it.
  const [own = []] = facts.within ?? []
  const realms = user || existing || named.value.length > 0 ? named.value : own
  const realm = command.self?.realm ?? realms[0] ?? existing?.realms[0] ?? null
  const subject = user ?? existing?.user ?? null
  const policy = policyFor(settings, { user: subject, realm, client: facts.client, time: facts.time })
  const { address } = parameters
  const destination = address === null || command.dynamicAddress ? ok(null) : checkDestination(type, policy, address)
  if (!destination.ok) return destination
  const owner = user && { userId: user.userId, resolver: user.resolver }
  const details = { success: true, tokenType: type.name, user: subject?.login ?? '', realm: realm ?? '' }
  return ok({ type, owner, realms, parameters, details, policy })
}

export function createNewToken({ vault, random }: { readonly vault: Vault; readonly random: Random }) {
  return { newToken, newSerial, pinOf }

  async function newToken(
    serial: string,
    { type, owner, realms, parameters, policy }: Target,
    command: EnrollCommand,
    settings: Settings,
    facts: Facts,
  ): Promise<NewToken> {
    const { digits, hash, info, secret } = parameters
    const limits = creationLimits(type, policy, command.atMost ?? null)
    return {
      ...{ serial, type: type.name, description: descriptionOf(command, parameters) ?? '' },
      sealedSecret: await vault.seal(secret ?? random(SECRET_BYTES), place.secret(serial)),
      sealedPin: await vault.sealPin(pinOf(command, policy) ?? '', place.pin(serial)),
      ...{ digits, hash, ...windowsOf(settings), active: true, owner, realms, info, createdAt: facts.now, limits },
    }
  }

  /** The PIN of the request, or, where policy says so, a random one that nobody is told (contract 6.6). */
  function pinOf(command: EnrollCommand, policy: Policy): string | null {
    const length = command.keepsPin ? 0 : policy.value(randomPin)
    if (length === 0) return command.pin
    const wanted = policy.value(randomPinContent)
    const characters =
      CLASSES.filter(([name]) => wanted.includes(name))
        .map(([, text]) => text)
        .join('') || DIGITS
    let pin = ''
    // Bytes that would favour the first characters are thrown away.
    const fair = 256 - (256 % characters.length)
    while (pin.length < length)
      for (const byte of random(length)) if (byte < fair) pin += characters[byte % characters.length]
    return pin.slice(0, length)
  }

  /** `<PREFIX><NNNN><HHHH>`: a running number of at least four digits, then random hex up to eight characters (contract 7.4). */
  function newSerial(prefix: string, number: number): string {
    const digits = String(number).padStart(4, '0')
    const missing = Math.max(0, 8 - digits.length)
    return `${prefix}${digits}${hex(random(4)).toUpperCase().slice(0, missing)}`
  }
}

/** Windows and the number of failures of a new token. */
export function windowsOf(settings: Settings): Pick<NewToken, 'countWindow' | 'syncWindow' | 'maxFailCount'> {
  const { countWindow, syncWindow, maxFailCount } = tokenDefaults(settings)
  return { countWindow, syncWindow, maxFailCount }
}

/** A token for getting started is called so, unless it has a description (contract 3.2). */
export const descriptionOf = ({ description }: EnrollCommand, { info }: Parameters): string | null =>
  description || (isRollout(scopeOf(info)) ? 'rollout token' : description)

const DIGITS = '0123456789'
/** Classes of characters of a random PIN, by the letters of `otp_pin_random_content`. */
const CLASSES: readonly (readonly [string, string])[] = [
  ['c', 'abcdefghijklmnopqrstuvwxyz'],
  ['C', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'],
  ['n', DIGITS],
  ['s', '.,:;-_<>+*!/()=?$&#'],
]

/** What policy says about numbers of tokens; `null` is no limit. */
function creationLimits(type: TokenType, policy: Policy, atMost: number | null): TokenLimits {
  const [ofUser, ofUserAndType, activeInRealm] = [
    policy.value(maxToken),
    policy.value(type.actions.limit),
    policy.value(tokenCount),
  ]
  return {
    ...(ofUser === null && atMost === null ? {} : { ofUser: Math.min(ofUser ?? Infinity, atMost ?? Infinity) }),
    ...(ofUserAndType === null ? {} : { ofUserAndType }),
    ...(activeInRealm === null ? {} : { activeInRealm }),
  }
}

export type Parameters = {
  /** null: the token has none of its own. */
  readonly address: string | null
  readonly info: Readonly<Record<string, InfoValue>>
  readonly secret: Uint8Array | null
  readonly hash: HashName
  readonly digits: number
}

export function readParameters(
  command: EnrollCommand,
  type: TokenType,
  settings: Settings,
): Result<Parameters, AdminFailure> {
  const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
  const given = command.addresses[type.addressField]
  const dynamic = command.dynamicAddress === true
  if (given === undefined && !dynamic) return err({ code: 'parameter_missing', field: type.addressField })
  if (dynamic && command.user === null) return err({ code: 'parameter_missing', field: 'user' })
  const none = given === undefined || (dynamic && given === '')
  const address = none ? null : type.readAddress(given)
  if (address === null && !none) return invalid(type.addressField, type.addressRule)
  if (command.serial !== null && !/^[^\s,*\p{C}]{1,40}$/u.test(command.serial))
    return invalid('serial', 'must be 1 to 40 characters without blanks, commas and asterisks')
  if (command.prefix !== null && !/^[\w-]{0,16}$/.test(command.prefix))
    return invalid('prefix', 'must be at most 16 letters, digits, _ or -')

  if (command.secret !== null && command.generateSecret === '1') return err({ code: 'secret_conflict' })
  if (command.generateSecret !== null && !['0', '1'].includes(command.generateSecret))
    return invalid('genkey', 'must be 0 or 1')
  const secret = command.secret === null ? null : readSecret(command.secret)
  if (typeof secret === 'string') return invalid('otpkey', secret)

  const digits = v.safeParse(wholeNumber(4, 10), command.digits ?? tokenDefaults(settings).digits)
  if (!digits.success) return invalid('otplen', digits.issues[0].message)
  const hash = v.safeParse(v.picklist(['sha1', 'sha256', 'sha512']), command.hash?.toLowerCase() ?? 'sha1')
  if (!hash.success) return invalid('hashlib', 'must be sha1, sha256 or sha512')
  if ((command.pin?.length ?? 0) > 256) return invalid('pin', 'must have at most 256 characters')
  if ((command.description?.length ?? 0) > 80) return invalid('description', 'must have at most 80 characters')
  const scope = command.scope ? readScope(command.scope) : command.rollout ? ok(ROLLOUT) : ok(null)
  if (!scope.ok) return invalid('scope', scope.error)
  const validity = readValidity(command)
  if (!validity.ok) return validity
  const info = {
    ...(address === null ? {} : { [type.addressField]: address }),
    ...{ hashlib: hash.output, ...validity.value },
    ...(dynamic ? { dynamic_address: 1 } : {}),
    ...(scope.value === null ? {} : { scope: scope.value }),
    ...(command.self?.unverified ? { [VERIFICATION]: 'pending' } : {}),
  }
  return ok({ address, secret, digits: digits.output, hash: hash.output, info })
}

function readValidity({ validFrom, validUntil }: EnrollCommand): Result<Record<string, string>, AdminFailure> {
  const validity: Record<string, string> = {}
  for (const [key, text] of [
    ['validity_period_start', validFrom],
    ['validity_period_end', validUntil],
  ] as const) {
    if (text === null || text === undefined) continue
    if (readValidityDate(text) === null) return err({ code: 'parameter_invalid', field: key, rule: VALIDITY_RULE })
    validity[key] = text
  }
  return ok(validity)
}

/** Hex digits, blanks and `-` between them allowed; 16 to 64 bytes. A text as result is the rule that was broken. */
function readSecret(text: string): Uint8Array | string {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^([0-9a-f]{2})+$/i.test(digits)) return 'must be hexadecimal digits'
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  return bytes.length < 16 || bytes.length > 64 ? 'must be 16 to 64 bytes long (RFC 4226 §4 R6)' : bytes
}

/** The realms that hold the owner's resolver, and the one that was named. */
function realmsOf(
  settings: Settings,
  resolver: string | null,
  named: string | null,
): Result<readonly string[], AdminFailure> {
  const own = resolver === null ? [] : realmsWith(settings, resolver)
  if (named === null || named === '') return ok(own)
  const realm = findRealm(settings, named)
  if (!realm) return err({ code: 'realm_unknown', realm: named })
  return ok([...new Set([...own, realm.name])])
}
