/** Users and realms in privacyIDEA's words. */
import { type Pattern, readPattern } from '../../../core/pattern.ts'
import { isWithin } from '../../../core/policy/reach.ts'
import type { ConfigEntry, Settings } from '../../../core/settings.ts'
import type { UserRecord } from '../../../core/users.ts'
import type { Facts } from '../../../flows/facts.ts'
import { FILTERS } from '../../../flows/user-list.ts'
import type { UserSelection } from '../../../flows/users.ts'
import type { UserFilter } from '../../../ports/users.ts'
import type { JsonObject } from '../../json.ts'
import { type Params, param } from '../../params.ts'

/** `user@realm` names a realm only where there is one, so that logins that are e-mail addresses survive (contract A.1). */
export function userOf(params: Params): UserSelection | null {
  const user = param(params, 'user')
  if (user === null || user === '') return null
  return {
    user,
    realm: param(params, 'realm') ?? undefined,
    resConf: param(params, 'resolver') ?? undefined,
    onlyKnownRealm: true,
  }
}

export const encodeUser = ({ attributes, resolver, login, userId }: UserRecord): JsonObject => ({
  ...attributes,
  ...{ username: login, userid: userId, resolver, editable: false },
})

/** Filters of `GET /user/`: attributes, in which `*` stands for any text. */
export const userFilter = (params: Params): UserFilter =>
  Object.fromEntries(
    [...params].flatMap(([name, value]) => {
      const key = name === 'user' ? 'username' : name
      return FILTERS.some((filter) => filter === key) && typeof value === 'string' ? [[key, value]] : []
    }),
  )

/** A text in which `*` stands for any other. */
export const pattern = (text: string): Pattern => readPattern(text, { any: '*', one: null })

/** Those within reach. */
export const encodeRealms = ({ realms, resolvers }: Settings, { within }: Facts): JsonObject =>
  Object.fromEntries(
    realms
      .filter(({ name }) => isWithin([name], within))
      .map((realm) => [
        realm.name,
        {
          default: realm.isDefault,
          resolver: realm.resolvers.map((name) => ({
            name,
            type: resolvers.find((resolver) => resolver.name === name)?.type ?? '',
            priority: '',
          })),
        },
      ]),
  )

/** Secrets are neither shown nor told apart by their lengths. */
const CENSORED = '__CENSORED__'

const shown = ({ value, type }: ConfigEntry): string => (type === 'password' ? CENSORED : value)

export const encodeConfig = ({ config }: Settings): JsonObject =>
  Object.fromEntries([...config].map(([key, entry]) => [key, shown(entry)]))

/** null: there is no such entry. */
export function encodeEntry({ config }: Settings, key: string): string | null {
  const entry = config.get(key)
  return entry ? shown(entry) : null
}
