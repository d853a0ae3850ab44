/** /admin and /system in LinOTP's words: tokens, realms, resolvers and providers as its clients read them. */
import { findRealm, type Settings } from '../../../core/settings.ts'
import type { Token } from '../../../core/token.ts'
import { tokenTypes } from '../../../core/tokens/index.ts'
import type { UserRecord } from '../../../core/users.ts'
import type { EnrollCommand } from '../../../flows/enroll.ts'
import type { ShownProvider } from '../../../flows/provider-admin.ts'
import type { Selection, ShowCommand, Shown, ShownToken } from '../../../flows/token-admin.ts'
import { type Params, param, paramList } from '../../params.ts'
import { withoutFormulas } from './csv.ts'
import type { Json, JsonObject } from './envelope.ts'

const SPEC = 'useridresolver.PasswdIdResolver.IdResolver.'

/** `useridresolver.PasswdIdResolver.IdResolver.name` or the bare name. */
export const resolverName = (spec: string): string => spec.trim().split('.').at(-1) ?? ''
export const resolverSpec = (name: string): string => `${SPEC}${name}`

const userOf = (params: Params): Selection['user'] => {
  const user = param(params, 'user')
  if (user === null || user === '') return null
  return { user, realm: param(params, 'realm') ?? undefined, resConf: param(params, 'resConf') ?? undefined }
}

export const decodeSelection = (params: Params): Selection => ({
  serials: paramList(params, 'serial'),
  user: userOf(params),
})

export function decodeShow(params: Params): ShowCommand {
  const number = (name: string): number | null => {
    const text = param(params, name)
    return text !== null && /^\d{1,9}$/.test(text) ? Math.max(1, Number(text)) : null
  }
  return {
    ...decodeSelection(params),
    realm: param(params, 'realm', 'viewrealm'),
    sortBy: param(params, 'sortby'),
    descending: param(params, 'sortdir') === 'desc',
    page: number('page'),
    pageSize: number('pagesize'),
  }
}

export function decodeInit(params: Params): EnrollCommand {
  return {
    type: param(params, 'type') ?? 'hmac',
    user: userOf(params),
    realm: userOf(params) ? null : param(params, 'realm'),
    serial: param(params, 'serial') || null,
    prefix: param(params, 'prefix'),
    addresses: Object.fromEntries(
      tokenTypes.map((type) => [type.addressField, param(params, type.addressField) ?? undefined]),
    ),
    secret: param(params, 'otpkey') || null,
    generateSecret: param(params, 'genkey'),
    hash: param(params, 'hashlib') || null,
    digits: param(params, 'otplen') || null,
    pin: param(params, 'pin'),
    description: param(params, 'description'),
  }
}

/** `{"data": […], "resultset": {…}}`; without paging the page is as large as the result. */
export function encodeShown({ tokens, total, page, pages, settings }: Shown, params: Params): JsonObject {
  const pageSize = param(params, 'page') === null ? tokens.length : Number(param(params, 'pagesize') ?? 50)
  return {
    data: tokens.map((token) =>
      encodeToken(token, settings, (param(params, 'user_fields') ?? '').split(',').filter(Boolean)),
    ),
    resultset: { pages, pagesize: pageSize, tokens: total, page },
  }
}

function encodeToken(token: ShownToken, settings: Settings, fields: readonly string[]): JsonObject {
  const { owner, user } = token
  const resolver = settings.resolvers.find(({ name }) => name === owner?.resolver)
  const attributes = new Map(Object.entries(user?.attributes ?? {}))
  const gone = owner === null ? '' : '/:no user info:/'
  return {
    'LinOtp.TokenId': token.id,
    'LinOtp.TokenDesc': token.description,
    'LinOtp.TokenSerialnumber': token.serial,
    'LinOtp.TokenType': token.type,
    'LinOtp.TokenInfo': encodeInfo(token),
    'LinOtp.IdResolver': resolver?.data.fileName ?? '',
    'LinOtp.IdResClass': owner === null ? '' : resolverSpec(owner.resolver),
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
  return withoutFormulas(String(value ?? '').replace(/\n/g, ' '))
}

/** TokenInfo is JSON in a text, one member a line. */
function encodeInfo(token: Token): string {
  const members = Object.entries(token.info).map(([key, value]) => `${JSON.stringify(key)}: ${JSON.stringify(value)}`)
  return members.length === 0 ? '' : `{\n${members.join(',\n')}\n}`
}

const gmt = (at: number | null): string => (at === null ? '' : new Date(at * 1000).toUTCString())

/** @param adminRealm name of the realm of administrators */
export function encodeRealms(settings: Settings, adminRealm: string, only: string | null): JsonObject {
  const realms = settings.realms.filter((realm) => only === null || realm.name === only.toLowerCase())
  return Object.fromEntries(
    realms.map(({ name, resolvers, isDefault }) => [
      name,
      {
        realmname: name,
        entry: `linotp.useridresolver.group.${name}`,
        useridresolver: resolvers.map(resolverSpec),
        ...(isDefault ? { default: 'true' } : {}),
        admin: name === adminRealm,
      },
    ]),
  )
}

const inRealm = (settings: Settings, realm: string, resolver: string): boolean =>
  findRealm(settings, realm)?.resolvers.includes(resolver) ?? false

export function encodeResolvers(settings: Settings, adminRealm: string): JsonObject {
  return Object.fromEntries(
    settings.resolvers.map(({ name, type }) => [
      name,
      {
        resolvername: name,
        entry: `linotp.passwdresolver.fileName.${name}`,
        type,
        spec: resolverSpec(name),
        admin: inRealm(settings, adminRealm, name),
        immutable: false,
      },
    ]),
  )
}

export function encodeResolver(settings: Settings, adminRealm: string, name: string): Json {
  const resolver = settings.resolvers.find((one) => one.name === name)
  if (!resolver) return { type: null, data: {}, resolver: name }
  const { type, data } = resolver
  return {
    type,
    data,
    resolver: name,
    spec: resolverSpec(name),
    admin: inRealm(settings, adminRealm, name),
    immutable: false,
  }
}

export const encodeUser = (user: UserRecord): JsonObject => ({
  ...user.attributes,
  resolver: resolverSpec(user.resolver),
})

export function encodeProviders(providers: readonly ShownProvider[]): JsonObject {
  return Object.fromEntries(
    providers.map(({ name, class: className, timeout, config, isDefault }) => [
      name,
      {
        ...{ Class: className, Timeout: timeout },
        ...(config === null ? { Managed: true } : { Config: config }),
        Default: isDefault,
      },
    ]),
  )
}
