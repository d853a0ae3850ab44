/**
 * Enrol: makes a token, or gives an existing one a new secret (contract 3.2).
 *
 * The order of the checks is what clients see: type, user, serial of another type, address, then the rest.
 */
import * as v from 'valibot'
import type { AdminFailure } from '../core/failures.ts'
import { wholeNumber } from '../core/fields.ts'
import { maxToken, randomPin, randomPinContent, tokenCount } from '../core/policy/actions.ts'
import type { Policy } from '../core/policy/policy.ts'
import { policyFor } from '../core/policy/subject.ts'
import { err, ok, type Result } from '../core/result.ts'
import { findRealm, type Settings, tokenDefaults } from '../core/settings.ts'
import {
  type HashName,
  hasDynamicAddress,
  readValidityDate,
  type Token,
  type TokenInfo,
  VALIDITY_RULE,
} from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { TokenType } from '../core/tokens/token-type.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store, TokenLimits } from '../ports/store.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Audit, AuditDetails } from './audit.ts'
import { checkDestination } from './destination.ts'
import type { Facts } from './facts.ts'
import { keepWithin } from './rights.ts'
import { hex } from './sessions.ts'
import type { SettingsCache } from './settings.ts'
import { findUser, type UserSelection, userWithin } from './users.ts'

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
  readonly description: string | null
  /** Messages go to the user's present address; one of the token's own may be left out. */
  readonly dynamicAddress?: boolean
  /** `dd/mm/yy HH:MM` in UTC. */
  readonly validFrom?: string | null
  readonly validUntil?: string | null
  /** The user may own so many tokens with this one, whatever policy says. */
  readonly atMost?: number
}

export type Enrolled = Result<{ readonly serial: string }, AdminFailure>
export type Enroll = (command: EnrollCommand, facts: Facts) => Promise<Enrolled>

/** What was read and looked up, ready to be stored. */
type Target = {
  readonly type: TokenType
  readonly owner: Token['owner']
  readonly realms: readonly string[]
  readonly parameters: Parameters
  readonly details: AuditDetails
  readonly policy: Policy
}

type Parts = {
  readonly store: Store
  readonly vault: Vault
  readonly edges: Edges
  readonly audit: Audit
  readonly settings: SettingsCache
}

const SECRET_BYTES = 20 // RFC 4226 §4 R6: at least 16, better 20
const TRIES = 10

export function createEnroll({ store, vault, edges, audit, settings: cache }: Parts): Enroll {
  return async (command, facts) => {
    const settings = await cache.fresh()
    const type = findTokenType(command.type)
    if (!type) return err({ code: 'token_type_unknown', type: command.type })
    const reached = targetWithin(command, settings, facts)
    if (!reached.ok) return reached
    const user = command.user ? await findUser(store, settings, command.user) : null
    if (user && !user.ok) return user
    const existing = command.serial === null ? undefined : (await store.findTokens({ serials: [command.serial] }))[0]
    const touched = existing ? keepWithin('token', existing.realms, facts) : ok(true)
    if (!touched.ok) return touched
    if (existing && existing.type !== type.name)
      return err({ code: 'token_type_conflict', serial: existing.serial, type: existing.type })
    const read = readParameters(command, type, settings)
    if (!read.ok) return read

    const named = realmsOf(settings, user?.ok ? user.value.resolver : null, command.realm)
    if (!named.ok) return named
    // A new token that nobody owns lies in all realms of an administrator who is bound to some, or he would lose it.
    const [own = []] = facts.within ?? []
    const realms = user || existing || named.value.length > 0 ? named.value : own
    const owner = user?.ok ? { userId: user.value.userId, resolver: user.value.resolver } : null
    const details = {
      success: true,
      tokenType: type.name,
      user: user?.ok ? user.value.login : '',
      realm: realms[0] ?? '',
    }
    const asked = {
      user: user?.ok ? user.value : null,
      realm: realms[0] ?? null,
      client: facts.client,
      time: facts.time,
    }
    const policy = policyFor(settings, asked)
    const { address } = read.value
    const destination = address === null || command.dynamicAddress ? ok(null) : checkDestination(type, policy, address)
    if (!destination.ok) return destination
    const target: Target = { type, owner, realms, parameters: read.value, details, policy }
    return existing ? reinit(existing, target, command, facts) : create(target, command, settings, facts)
  }

  async function create(target: Target, command: EnrollCommand, settings: Settings, facts: Facts): Promise<Enrolled> {
    const { type, owner, realms, details, policy } = target
    const pin = pinOf(command, policy)
    const { digits, hash, info } = target.parameters
    const secret = target.parameters.secret ?? edges.random(SECRET_BYTES)
    const { countWindow, syncWindow, maxFailCount } = tokenDefaults(settings)
    const count = command.serial === null ? await store.countTokens(type.name) : 0
    for (let tries = 0; tries < TRIES; tries++) {
      const serial = command.serial ?? newSerial(command.prefix ?? type.serialPrefix, count + 1)
      const sealedSecret = await vault.seal(secret, place.secret(serial))
      const sealedPin = await vault.sealPin(pin ?? '', place.pin(serial))
      const token = {
        serial,
        type: type.name,
        description: command.description ?? '',
        sealedSecret,
        sealedPin,
        digits,
        hash,
      }
      const row = {
        ...token,
        countWindow,
        syncWindow,
        maxFailCount,
        active: true,
        owner,
        realms,
        info,
        createdAt: facts.now,
        limits: limitsOf(type, policy, command.atMost ?? null),
      }
      const done = await store.createToken(row, await audit.row(facts, { ...details, serial }))
      if (done === 'done') return ok({ serial })
      if (done !== 'taken') return err({ code: 'token_limit_reached', limit: done })
      // Somebody made a token with this serial in the meantime: another number, or a clear refusal.
      if (command.serial !== null) break
    }
    return err({ code: 'parameter_invalid', field: 'serial', rule: 'must not be taken by a request at the same time' })
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
      ...{ serial, type: token.type, revision, sealedSecret, sealedPin, info, description: command.description },
      digits: command.digits === null ? token.digits : digits,
      hash: command.hash === null ? token.hash : hash,
      owner: target.owner ?? token.owner,
      realms: target.owner || command.realm ? target.realms : token.realms,
    }
    const done = await store.reinitToken(change, await audit.row(facts, { ...target.details, serial }))
    return done === 'done'
      ? ok({ serial })
      : err({ code: 'parameter_invalid', field: 'serial', rule: 'must not be changed by a request at the same time' })
  }

  /** The PIN of the request, or, where policy says so, a random one that nobody is told (contract 6.6). */
  function pinOf(command: EnrollCommand, policy: Policy): string | null {
    const length = policy.value(randomPin)
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
      for (const byte of edges.random(length)) if (byte < fair) pin += characters[byte % characters.length]
    return pin.slice(0, length)
  }

  /** `<PREFIX><NNNN><HHHH>`: a running number of at least four digits, then random hex up to eight characters (contract 7.4). */
  function newSerial(prefix: string, number: number): string {
    const digits = String(number).padStart(4, '0')
    const missing = Math.max(0, 8 - digits.length)
    return `${prefix}${digits}${hex(edges.random(4)).toUpperCase().slice(0, missing)}`
  }
}

const DIGITS = '0123456789'
/** Classes of characters of a random PIN, by the letters of `otp_pin_random_content`. */
const CLASSES: readonly (readonly [string, string])[] = [
  ['c', 'abcdefghijklmnopqrstuvwxyz'],
  ['C', 'ABCDEFGHIJKLMNOPQRSTUVWXYZ'],
  ['n', DIGITS],
  ['s', '.,:;-_<>+*!/()=?$&#'],
]

/** What policy says about numbers of tokens; `null` is no limit. */
function limitsOf(type: TokenType, policy: Policy, atMost: number | null): TokenLimits {
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

type Parameters = {
  /** null: the token has none of its own. */
  readonly address: string | null
  readonly info: TokenInfo
  readonly secret: Uint8Array | null
  readonly hash: HashName
  readonly digits: number
}

function readParameters(command: EnrollCommand, type: TokenType, settings: Settings): Result<Parameters, AdminFailure> {
  const invalid = (field: string, rule: string) => err({ code: 'parameter_invalid', field, rule } as const)
  const given = command.addresses[type.addressField]
  const dynamic = command.dynamicAddress === true
  if (given === undefined && !dynamic) return err({ code: 'parameter_missing', field: type.addressField })
  if (dynamic && command.user === null) return err({ code: 'parameter_missing', field: 'user' })
  const address = given === undefined || (dynamic && given === '') ? null : type.readAddress(given)
  if (address === null && given !== undefined && !(dynamic && given === ''))
    return invalid(type.addressField, type.addressRule)
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
  const validity: Record<string, string> = {}
  for (const [key, text] of [
    ['validity_period_start', command.validFrom],
    ['validity_period_end', command.validUntil],
  ] as const) {
    if (text === null || text === undefined) continue
    if (readValidityDate(text) === null) return invalid(key, VALIDITY_RULE)
    validity[key] = text
  }
  return ok({
    address,
    secret,
    digits: digits.output,
    hash: hash.output,
    info: {
      ...(address === null ? {} : { [type.addressField]: address }),
      ...{ hashlib: hash.output, ...validity },
      ...(dynamic ? { dynamic_address: 1 } : {}),
    },
  })
}

/** Hex digits, blanks and `-` between them allowed; 16 to 64 bytes. A text as result is the rule that was broken. */
function readSecret(text: string): Uint8Array | string {
  const digits = text.replace(/[\s-]/g, '')
  if (!/^([0-9a-f]{2})+$/i.test(digits)) return 'must be hexadecimal digits'
  const bytes = Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16))
  return bytes.length < 16 || bytes.length > 64 ? 'must be 16 to 64 bytes long (RFC 4226 §4 R6)' : bytes
}

/** The user's realm and the realm that is named must be within reach. */
function targetWithin(command: EnrollCommand, settings: Settings, facts: Facts): Result<true, AdminFailure> {
  if (command.user) return userWithin(command.user, settings, facts)
  return command.realm ? keepWithin('realm', [command.realm.toLowerCase()], facts) : ok(true)
}

/** The realms that hold the owner's resolver, and the one that was named. */
function realmsOf(
  settings: Settings,
  resolver: string | null,
  named: string | null,
): Result<readonly string[], AdminFailure> {
  const own =
    resolver === null
      ? []
      : settings.realms.filter((realm) => realm.resolvers.includes(resolver)).map((realm) => realm.name)
  if (named === null || named === '') return ok(own)
  const realm = findRealm(settings, named)
  if (!realm) return err({ code: 'realm_unknown', realm: named })
  return ok([...new Set([...own, realm.name])])
}
