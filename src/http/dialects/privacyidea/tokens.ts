/** /token in privacyIDEA's words (contract A.13): the names of fields, both ways. */
import type { Challenge } from '../../../core/challenge.ts'
import { hasDynamicAddress, readValidityDate } from '../../../core/token.ts'
import { findTokenType } from '../../../core/tokens/index.ts'
import type { EnrollCommand } from '../../../flows/enroll.ts'
import type { Selection, ShownToken } from '../../../flows/token-choice.ts'
import type { ShowCommand } from '../../../flows/token-show.ts'
import type { Json, JsonObject } from '../../json.ts'
import { type Params, param } from '../../params.ts'
import { decodeDate, encodeDate, encodeMoment } from './dates.ts'
import { pattern, userOf } from './users.ts'

/** Where messages go, by token type: our name and theirs, and their flag for the user's present address. */
const ADDRESSES = {
  email: { ours: 'email_address', theirs: 'email', dynamic: 'dynamic_email' },
  sms: { ours: 'phone', theirs: 'phone', dynamic: 'dynamic_phone' },
} as const

const isTrue = (text: string | null): boolean => ['1', 'true', 'yes', 'on'].includes(text?.trim().toLowerCase() ?? '')

export function decodeInit(params: Params, prefixes: ReadonlyMap<string, string>): EnrollCommand {
  const name = param(params, 'type')?.toLowerCase() ?? 'hotp'
  const type = findTokenType(name)?.name as keyof typeof ADDRESSES | undefined // both lists are of the same types
  const user = userOf(params)
  const genkey = param(params, 'genkey')
  const date = (key: string): string | null => {
    const text = param(params, key)
    return text ? decodeDate(text) : null
  }
  return {
    type: name,
    user,
    realm: user ? null : param(params, 'realm'),
    serial: param(params, 'serial') || null,
    prefix: prefixes.get(name) ?? null,
    addresses: {
      email_address: param(params, 'email') ?? undefined,
      phone: param(params, 'phone') ?? undefined,
    },
    dynamicAddress: type !== undefined && isTrue(param(params, ADDRESSES[type].dynamic)),
    secret: param(params, 'otpkey') || null,
    generateSecret: genkey === null ? null : isTrue(genkey) ? '1' : '0',
    hash: param(params, 'hashlib') || null,
    digits: param(params, 'otplen') || null,
    pin: param(params, 'pin') ?? param(params, 'otppin'),
    description: param(params, 'description'),
    validFrom: date('validity_period_start'),
    validUntil: date('validity_period_end'),
  }
}

/** No seed and no QR code: nobody needs the secret of a token whose OTPs are sent. */
export const encodeInit = ({ serial }: { readonly serial: string }): JsonObject => ({ serial, rollout_state: ENROLLED })
const ENROLLED = 'enrolled'

/** @param serial of the path, which wins over the parameter */
export function decodeSelection(params: Params, serial: string | undefined): Selection {
  const named = serial || param(params, 'serial') || null
  // A token that is named is meant, whoever is named beside it.
  return named === null ? { serials: null, user: userOf(params) } : { serials: [named], user: null }
}

/** What the database can choose by; the rest is left to `chooseTokens`. */
export function decodeShow(params: Params): ShowCommand {
  const user = userOf(params)
  const serial = param(params, 'serial')
  const realm = param(params, 'tokenrealm') ?? (user ? null : param(params, 'realm'))
  const order = param(params, 'sortby') ?? ''
  return {
    where: {
      ...(!serial ? {} : serial.includes('*') ? { serialPatterns: [serial] } : { serials: [serial] }),
      ...(realm ? { realms: [realm.toLowerCase()] } : {}),
    },
    user,
    order: Object.hasOwn(ORDERS, order) ? (ORDERS[order] ?? 'id') : 'id',
    descending: param(params, 'sortdir') === 'desc',
    ...{ page: null, pageSize: null },
  }
}
const ORDERS: Readonly<Record<string, ShowCommand['order']>> = {
  ...{ serial: 'serial', tokentype: 'type', description: 'description', failcount: 'failCount', active: 'active' },
  ...{ count: 'counter', user_id: 'userId', resolver: 'resolver' },
}

/** The filters that go by what a token is. */
export function chooseTokens(tokens: readonly ShownToken[], params: Params): readonly ShownToken[] {
  const types = (param(params, 'type_list') ?? param(params, 'type') ?? '').toLowerCase().split(',').filter(Boolean)
  const flag = (name: string): boolean | null => (param(params, name) ? isTrue(param(params, name)) : null)
  const [active, assigned] = [flag('active'), flag('assigned')]
  const like = (name: string) => (param(params, name) ? pattern(param(params, name) ?? '') : null)
  const [description, resolver, userId] = [like('description'), like('resolver'), like('userid')]
  const [infoKey, infoValue] = [param(params, 'infokey'), param(params, 'infovalue')]
  const state = param(params, 'rollout_state')
  return tokens.filter(
    (token) =>
      (types.length === 0 || types.some((type) => pattern(type).matches(token.type))) &&
      (active === null || token.active === active) &&
      (assigned === null || (token.owner !== null) === assigned) &&
      (description?.matches(token.description) ?? true) &&
      (resolver === null || userOf(params) !== null || resolver.matches(token.owner?.resolver ?? '')) &&
      (userId?.matches(token.owner?.userId ?? '') ?? true) &&
      (!infoKey || encodeInfo(token)[infoKey] === (infoValue ?? '')) &&
      (!state || state === ENROLLED),
  )
}

/** A page of a list, 15 a page unless told. */
export function pageOf<T>(items: readonly T[], params: Params) {
  const number = (name: string, otherwise: number): number => {
    const text = param(params, name) ?? ''
    return /^[1-9]\d{0,8}$/.test(text) ? Number(text) : otherwise
  }
  const [current, size] = [number('page', 1), number('pagesize', 15)]
  return {
    shown: items.slice((current - 1) * size, current * size),
    paging: {
      ...{ count: items.length, current },
      prev: current > 1 ? current - 1 : null,
      next: current * size < items.length ? current + 1 : null,
    },
  }
}

export const encodeToken = (token: ShownToken): JsonObject => ({
  ...{ id: token.id, serial: token.serial, tokentype: token.type, description: token.description },
  ...{ active: token.active, revoked: false, locked: false, rollout_state: ENROLLED },
  ...{ failcount: token.failCount, maxfail: token.maxFailCount, otplen: token.digits },
  ...{ count: token.counter, count_window: token.countWindow, sync_window: token.syncWindow },
  ...{ user_id: token.owner?.userId ?? '', resolver: token.owner?.resolver ?? '', username: token.user?.login ?? '' },
  user_realm: token.owner ? (token.realms[0] ?? '') : '',
  user_editable: false,
  realms: token.realms,
  tokengroup: [],
  info: encodeInfo(token),
})

/** Texts alone: java-client cannot read anything else there (contract 0, trap 4). */
function encodeInfo(token: ShownToken): Readonly<Record<string, string>> {
  const names = ADDRESSES[token.type as keyof typeof ADDRESSES] ?? null // undefined for a type that is not ours
  const entries = Object.entries(token.info).flatMap(([key, value]): readonly (readonly [string, string])[] => {
    if (key === 'dynamic_address') return names && hasDynamicAddress(token) ? [[names.dynamic, '1']] : []
    if (key === names?.ours) return [[names.theirs, String(value)]]
    const at = key.startsWith('validity_period_') ? readValidityDate(String(value)) : null
    return [[key, at === null ? String(value) : encodeDate(at)]]
  })
  return Object.fromEntries(entries)
}

/** Their names of settings, and ours. */
const SETTINGS: Readonly<Record<string, string>> = {
  ...{ pin: 'pin', otppin: 'pin', description: 'description', hashlib: 'hashlib', max_failcount: 'maxfailcount' },
  ...{ count_window: 'counterwindow', sync_window: 'syncwindow', count_auth_max: 'countauthmax' },
  ...{ count_auth_success_max: 'countauthsuccessmax' },
  ...{ validity_period_start: 'validityperiodstart', validity_period_end: 'validityperiodend' },
}

export const decodeSettings = (params: Params): Readonly<Record<string, string>> =>
  Object.fromEntries(
    Object.entries(SETTINGS).flatMap(([theirs, ours]) => {
      const text = param(params, theirs)
      if (text === null) return []
      return [[ours, theirs.startsWith('validity_period_') ? decodeDate(text) : text]]
    }),
  )

/** `challenge` is what the client was told, and `data`, which would hold an OTP, is empty: none is kept. */
export function encodeChallenge(challenge: Challenge): Json {
  return {
    transaction_id: challenge.transactionId.split('.')[0] ?? '',
    ...{ serial: challenge.serial, challenge: challenge.message, data: '' },
    ...{ otp_received: challenge.attempts > 0, received_count: challenge.attempts },
    otp_valid: challenge.state === 'accepted',
    ...{ timestamp: encodeMoment(challenge.createdAt), expiration: encodeMoment(challenge.expiresAt) },
  }
}
