/** Token administration in LinOTP's words (contract 7.1, 7.2). */
import type { Challenge } from '../../../core/challenge.ts'
import type { AdminFailure } from '../../../core/failures.ts'
import { err, ok, type Result } from '../../../core/result.ts'
import type { Settings } from '../../../core/settings.ts'
import { readValidityDate, type Token } from '../../../core/token.ts'
import type { ChallengesCommand, ShownChallenges } from '../../../flows/token-challenges.ts'
import type { Selection, ShownToken } from '../../../flows/token-choice.ts'
import type { LostCommand, Replacement } from '../../../flows/token-lost.ts'
import type { FindByOtpCommand } from '../../../flows/token-otps.ts'
import type { ShowCommand, Shown } from '../../../flows/token-show.ts'
import type { TokenOrder, TokenSelection } from '../../../ports/store.ts'
import { type Params, param, paramList } from '../../params.ts'
import { userOf } from './admin.ts'
import { withoutFormulas } from './csv.ts'
import type { Json, JsonObject } from './envelope.ts'
import { resolverSpec } from './users.ts'

export const decodeSelection = (params: Params): Selection => ({
  serials: paramList(params, 'serial'),
  user: userOf(params),
})

/** Sort keys (contract 7.2). */
const ORDERS: Readonly<Record<string, TokenOrder>> = {
  TokenDesc: 'description',
  TokenId: 'id',
  TokenType: 'type',
  TokenSerialnumber: 'serial',
  IdResolver: 'resolver',
  IdResClass: 'resolver',
  Userid: 'userId',
  FailCount: 'failCount',
  Count: 'counter',
  Isactive: 'active',
  CreationDate: 'createdAt',
  LastAuthMatch: 'lastAuthMatch',
  LastAuthSuccess: 'lastAuthSuccess',
}

/** An order by its name. */
export function readOrder(
  orders: Readonly<Record<string, TokenOrder>>,
  field: string,
  name: string | null,
  byDefault: TokenOrder,
): Result<TokenOrder, AdminFailure> {
  const key = name ?? ''
  if (key === '') return ok(byDefault)
  const order = Object.hasOwn(orders, key) ? orders[key] : undefined
  if (order) return ok(order)
  return err({ code: 'parameter_invalid', field, rule: `must be one of ${Object.keys(orders).join(', ')}` })
}

export function decodeShow(params: Params): Result<ShowCommand, AdminFailure> {
  const order = readOrder(ORDERS, 'sortby', param(params, 'sortby'), 'description')
  if (!order.ok) return order
  const page = count(params, 'page')
  return ok({
    where: {
      ...serialsOf(paramList(params, 'serial')),
      ...ownerOf(param(params, 'user') ?? ''),
      ...realmsOf(param(params, 'realm', 'viewrealm') ?? ''),
      ...filterOf(param(params, 'filter') ?? ''),
    },
    user: exactUser(params),
    order: order.value,
    descending: param(params, 'sortdir') === 'desc',
    page: page === null ? null : Math.max(0, page - 1),
    pageSize: count(params, 'pagesize') || null,
  })
}

/** A whole number; null for anything else. */
function count(params: Params, name: string): number | null {
  const text = param(params, name)
  return text !== null && /^\d{1,9}$/.test(text) ? Number(text) : null
}

export function serialsOf(serials: readonly string[] | null): TokenSelection {
  if (serials === null) return {}
  return serials.some((serial) => serial.includes('*')) ? { serialPatterns: serials } : { serials }
}

const NOBODY = ['/:no user:/', '/:none:/']
const GONE = '/:no user info:/'

function ownerOf(user: string): TokenSelection {
  if (NOBODY.includes(user)) return { assigned: false }
  if (user === GONE) return { orphaned: true }
  return user.includes('*') ? { login: user } : {}
}

function exactUser(params: Params): ShowCommand['user'] {
  const named = userOf(params)
  if (named === null || Object.keys(ownerOf(named.user)).length > 0) return null
  // Where the realm is a pattern, or none, the user is looked for in the default realm.
  const isName = !['/:no realm:/', "''"].includes(named.realm ?? '') && !named.realm?.includes('*')
  return isName ? named : { ...named, realm: undefined }
}

export function realmsOf(realm: string): TokenSelection {
  if (realm === '/:no realm:/' || realm === "''") return { realms: [] }
  return realm === '' || realm === '*' ? {} : { realms: [realm.toLowerCase()] }
}

const STATES: ReadonlyMap<string, boolean> = new Map(
  (
    [
      ['active', true],
      ['enabled', true],
      ['inactive', false],
      ['disabled', false],
    ] as const
  ).flatMap(([word, active]) => [
    [`/:${word}:/`, active],
    [`/:token is ${word}:/`, active],
  ]),
)

function filterOf(text: string): TokenSelection {
  const active = STATES.get(text.trim().toLowerCase())
  if (active !== undefined) return { active }
  return text === '' ? {} : { text }
}

const ASSIGNED: ReadonlyMap<string, boolean> = new Map([
  ['0', false],
  ['1', true],
])
export const decodeFindByOtp = (params: Params, otp: string): FindByOtpCommand => ({
  otp,
  type: param(params, 'type') || null,
  realm: param(params, 'realm') || null,
  assigned: ASSIGNED.get(param(params, 'assigned') ?? '') ?? null,
})

export const decodeLost = (params: Params): LostCommand => ({
  serial: param(params, 'serial') ?? '',
  type: param(params, 'type'),
  addresses: { email: param(params, 'email') ?? undefined, mobile: param(params, 'mobile') ?? undefined },
})

/** Nobody is told a password: there is none (contract 7.3). */
export const encodeReplacement = ({ serial, type, validUntil }: Replacement): JsonObject => ({
  serial,
  ...{ init: true, user: 1, pin: 1, valid_to: 'xxxx' },
  password: type === 'sms' ? 'Please check your phone' : 'Please check your emails',
  end_date: validUntil,
  token_typ: type,
  disable: 1,
})

/** `open` means what it says: LinOTP has it the other way round (contract 12.2 #28). */
export const decodeChallenges = (params: Params): ChallengesCommand => ({
  ...decodeSelection(params),
  transactionId: param(params, 'transactionid', 'state') || null,
  withClosed: param(params, 'open')?.toLowerCase() === 'false',
})

/** `{"values": {"<serial>": {"challenges": {…}, "tokeninfo": {…}}}}` */
export function encodeChallenges({ tokens, settings }: ShownChallenges): JsonObject {
  const values = tokens.map(({ token, challenges }) => [
    token.serial,
    {
      challenges: Object.fromEntries(challenges.map((one) => [one.transactionId, encodeChallenge(one)])),
      tokeninfo: encodeToken(token, settings, FORM),
    },
  ])
  return { values: Object.fromEntries(values) }
}

const encodeChallenge = (challenge: Challenge): JsonObject => ({
  id: challenge.id,
  transid: challenge.transactionId,
  challenge: challenge.message,
  tokenserial: challenge.serial,
  data: { counter_value: String(challenge.counter) },
  timestamp: new Date(challenge.createdAt * 1000).toISOString().slice(0, 19).replace('T', ' '),
  received_count: challenge.attempts,
  received_tan: challenge.attempts > 0,
  valid_tan: challenge.state === 'accepted',
  session: { status: challenge.state === 'open' ? 'open' : 'closed' },
})

/** How a token is written: attributes of its owner that are wanted, TokenInfo as a text or as an object. */
type Form = { readonly fields: readonly string[]; readonly infoAsObject: boolean }
const FORM: Form = { fields: [], infoAsObject: false }

/** `{"data": […], "resultset": {…}}`; without paging the page is as large as the result. */
export function encodeShown({ tokens, total, page, pages, pageSize, settings }: Shown, params: Params): JsonObject {
  const form = {
    fields: (param(params, 'user_fields') ?? '')
      .split(',')
      .map((field) => field.trim())
      .filter(Boolean),
    infoAsObject: param(params, 'tokeninfo_format')?.toLowerCase() === 'json',
  }
  return {
    data: tokens.map((token) => encodeToken(token, settings, form)),
    resultset: { pages, pagesize: pageSize, tokens: total, page: page + 1 },
  }
}

export function encodeToken(token: ShownToken, settings: Settings, { fields, infoAsObject }: Form): JsonObject {
  const { owner, user } = token
  const resolver = settings.resolvers.find(({ name }) => name === owner?.resolver)
  const attributes = new Map(Object.entries(user?.attributes ?? {}))
  const gone = owner === null ? '' : '/:no user info:/'
  return {
    'LinOtp.TokenId': token.id,
    'LinOtp.TokenDesc': token.description,
    'LinOtp.TokenSerialnumber': token.serial,
    'LinOtp.TokenType': token.type,
    'LinOtp.TokenInfo': infoAsObject ? infoObject(token) : encodeInfo(token),
    'LinOtp.IdResolver': resolver?.data.fileName ?? (owner === null ? '' : resolverSpec(settings, owner.resolver)),
    'LinOtp.IdResClass': owner === null ? '' : resolverSpec(settings, owner.resolver),
    'LinOtp.Userid': owner?.userId ?? '',
    'LinOtp.OtpLen': token.digits,
    'LinOtp.MaxFail': token.maxFailCount,
    'LinOtp.Isactive': token.active,
    'LinOtp.FailCount': token.failCount,
    'LinOtp.Count': token.counter,
    'LinOtp.CountWindow': token.countWindow,
    'LinOtp.SyncWindow': token.syncWindow,
    'LinOtp.CreationDate': gmt(token.createdAt),
    'LinOtp.LastAuthSuccess': gmt(token.lastAuthSuccess),
    'LinOtp.LastAuthMatch': gmt(token.lastAuthMatch),
    'LinOtp.RealmNames': token.realms,
    'User.description': attributes.get('description') ?? '',
    'User.userid': user?.userId ?? gone,
    'User.username': user?.login ?? gone,
    ...Object.fromEntries(fields.map((field) => [`User.${field}`, attributes.get(field) ?? ''])),
  }
}

/** LinOTP's CSV: every value in single quotes, a blank after each semicolon, Python's words for lists and truth. */
export function encodeShownCsv(shown: Shown, params: Params): string {
  const { data } = encodeShown(shown, params)
  const tokens = data as readonly JsonObject[] // encodeShown made them
  const line = (values: readonly Json[]): string => `${values.map((value) => `'${csvText(value)}'; `).join('')}\n`
  return line(Object.keys(tokens[0] ?? {})) + tokens.map((token) => line(Object.values(token))).join('')
}

function csvText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map((one) => `'${one}'`).join(', ')}]`
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value ?? '')
  // Quotes are doubled, as CSV has it, so that no value can begin another one.
  return withoutFormulas(text.replace(/[\r\n]/g, ' ')).replaceAll("'", "''")
}

/** TokenInfo is JSON in a text, one member a line. */
function encodeInfo(token: Token): string {
  const members = Object.entries(token.info).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  return members.length === 0 ? '' : `{\n${members.join(',\n')}\n}`
}

/** Dates as in ISO 8601 (contract 7.2). */
const infoObject = ({ info }: Token): JsonObject =>
  Object.fromEntries(
    Object.entries(info).map(([key, value]) => {
      const at = /^validity_period_(start|end)$/.test(key) ? readValidityDate(String(value)) : null
      return [key, at === null ? value : isoDate(at)]
    }),
  )

export const isoDate = (at: number): string => new Date(at * 1000).toISOString().replace('.000Z', '+00:00')

const gmt = (at: number | null): string => (at === null ? '' : new Date(at * 1000).toUTCString())
