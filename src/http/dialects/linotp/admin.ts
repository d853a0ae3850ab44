/** /admin and /system in LinOTP's words: enrolment, realms, resolvers and providers as its clients read them. */
import type { Settings } from '../../../core/settings.ts'
import { tokenTypes } from '../../../core/tokens/index.ts'
import type { UserRecord } from '../../../core/users.ts'
import type { EnrollCommand } from '../../../flows/enroll.ts'
import type { ShownProvider } from '../../../flows/provider-admin.ts'
import type { UserSelection } from '../../../flows/users.ts'
import { type Params, param } from '../../params.ts'
import type { Json, JsonObject } from './envelope.ts'

const SPEC = 'useridresolver.PasswdIdResolver.IdResolver.'

/** `useridresolver.PasswdIdResolver.IdResolver.name` or the bare name. */
export const resolverName = (spec: string): string => spec.trim().split('.').at(-1) ?? ''
export const resolverSpec = (name: string): string => `${SPEC}${name}`

export const userOf = (params: Params): UserSelection | null => {
  const user = param(params, 'user')
  if (user === null || user === '') return null
  return { user, realm: param(params, 'realm') ?? undefined, resConf: param(params, 'resConf') ?? undefined }
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
    scope: param(params, 'scope') || null,
    rollout: param(params, 'rollout') !== null,
  }
}

export function encodeRealms(settings: Settings, only: string | null): JsonObject {
  const realms = settings.realms.filter((realm) => only === null || realm.name === only.toLowerCase())
  return Object.fromEntries(
    realms.map(({ name, resolvers, isDefault }) => [
      name,
      {
        realmname: name,
        entry: `linotp.useridresolver.group.${name}`,
        useridresolver: resolvers.map(resolverSpec),
        ...(isDefault ? { default: 'true' } : {}),
        admin: false,
      },
    ]),
  )
}

export function encodeResolvers(settings: Settings): JsonObject {
  return Object.fromEntries(
    settings.resolvers.map(({ name, type }) => [
      name,
      {
        resolvername: name,
        entry: `linotp.passwdresolver.fileName.${name}`,
        type,
        spec: resolverSpec(name),
        admin: false,
        immutable: false,
      },
    ]),
  )
}

export function encodeResolver(settings: Settings, name: string): Json {
  const resolver = settings.resolvers.find((one) => one.name === name)
  if (!resolver) return { type: null, data: {}, resolver: name }
  const { type, data } = resolver
  return { type, data, resolver: name, spec: resolverSpec(name), admin: false, immutable: false }
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
