/** /admin and /system in LinOTP's words: enrolment and providers as its clients read them. */
import { tokenTypes } from '../../../core/tokens/index.ts'
import type { EnrollCommand } from '../../../flows/enroll.ts'
import type { ShownProvider } from '../../../flows/provider-admin.ts'
import type { UserSelection } from '../../../flows/users.ts'
import { type Params, param } from '../../params.ts'
import type { JsonObject } from './envelope.ts'

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
