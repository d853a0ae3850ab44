/**
 * Admin client: what commands ask of a server, in the words of otpost. The only place of the command line that knows
 * LinOTP's parameters and members (contract 4.3, 7.1, 7.9). The same for a server in this process and a remote one.
 */
import * as v from 'valibot'
import { createAuditClient } from './audit-client.ts'
import { createKeyClient } from './key-client.ts'
import type { Call } from './request.ts'
import { createTemplateClient } from './template-client.ts'
import { createTokenClient } from './token-client.ts'
import { createUserClient } from './user-client.ts'

const Admin = v.object({ username: v.string(), createdAt: v.number() })
const ApiToken = v.object({
  ...{ id: v.string(), admin: v.string(), name: v.string(), createdAt: v.number() },
  // What a server of an older version does not tell.
  ...{ scope: v.optional(v.array(v.string()), []), realms: v.optional(v.array(v.string()), []) },
  ...{ expiresAt: v.optional(v.nullable(v.number()), null), lastUsedAt: v.optional(v.nullable(v.number()), null) },
})
const text = v.optional(v.string(), '')
const User = v.object({
  ...{ username: v.string(), userid: text, email: text, givenname: text, surname: text },
  ...{ phone: text, mobile: text, description: text, resolver: text },
})
const Realm = v.object({ realmname: v.string(), useridresolver: v.array(v.string()), default: v.optional(v.string()) })
const Provider = v.object({
  ...{ Class: v.string(), Timeout: v.string(), Default: v.boolean() },
  ...{ Config: v.optional(v.string()), Managed: v.optional(v.boolean(), false) },
})
const Rests = v.array(v.object({ type: v.string(), name: v.string(), until: v.number(), reason: v.string() }))
const Tries = v.array(v.object({ provider: v.string(), status: v.string(), reason: v.string() }))
const Shown = v.object({
  data: v.array(
    v.object({
      'LinOtp.TokenSerialnumber': v.string(),
      'LinOtp.TokenType': v.string(),
      'LinOtp.TokenDesc': v.string(),
      'LinOtp.TokenInfo': v.string(),
      'LinOtp.RealmNames': v.array(v.string()),
      'LinOtp.Isactive': v.boolean(),
      'LinOtp.FailCount': v.number(),
      'LinOtp.MaxFail': v.number(),
      'LinOtp.OtpLen': v.number(),
      'LinOtp.Count': v.number(),
      'LinOtp.CreationDate': v.string(),
      'User.username': v.string(),
    }),
  ),
})

const Addresses = v.object({ email_address: v.optional(v.string()), phone: v.optional(v.string()) })

const Policy = v.object({
  ...{ name: v.string(), scope: v.string(), action: v.string(), realm: v.string(), user: v.string() },
  ...{ client: v.string(), time: v.string(), active: v.string() },
})
const Removed = v.object({ delPolicy: v.object({ result: v.record(v.string(), v.boolean()) }) })
const Explained = v.object({
  userFound: v.boolean(),
  decided: v.array(
    v.object({
      ...{ scope: v.string(), action: v.string(), written: v.string(), policy: v.string() },
      passedOver: v.array(v.object({ policy: v.string(), written: v.string(), because: v.string() })),
      idle: v.nullable(v.string()),
    }),
  ),
  silent: v.array(v.object({ policy: v.string(), because: v.string() })),
  remarks: v.array(v.string()),
})

export type PolicyFields = Readonly<Partial<v.InferOutput<typeof Policy>>>
export type ExplainedPolicies = v.InferOutput<typeof Explained>
export type AdminRecord = v.InferOutput<typeof Admin>
export type ApiTokenRecord = v.InferOutput<typeof ApiToken>
export type NewApiToken = {
  readonly username: string
  readonly name: string
  /** Rights it is bound to, separated by blanks or commas. */
  readonly scope?: string | undefined
  readonly realm?: string | undefined
  readonly expires?: string | undefined
}
export type UserRecord = v.InferOutput<typeof User>
export type RealmRecord = { readonly name: string; readonly resolvers: readonly string[]; readonly isDefault: boolean }
export type ProviderType = 'email' | 'sms'
export type ProviderRecord = {
  readonly type: ProviderType
  readonly name: string
  readonly class: string
  readonly timeout: number
  readonly isDefault: boolean
  /** It shows no configuration, and asks for a password when it is changed. */
  readonly managed: boolean
  /** Secrets are masked by the server. */
  readonly config: unknown
  /** It did not take a message, and is asked last until then, in seconds since 1970; null: it does not rest. */
  readonly rest: { readonly until: number; readonly reason: string } | null
}
export type TokenRecord = {
  readonly serial: string
  readonly type: string
  readonly description: string
  readonly user: string
  readonly realms: readonly string[]
  /** Where the OTPs go: an e-mail address or a phone number. */
  readonly address: string | null
  readonly active: boolean
  readonly failCount: number
  readonly maxFailCount: number
  readonly digits: number
  readonly counter: number
  /** RFC 3339; null when the server does not know. */
  readonly createdAt: string | null
}
/** `username` and the like with `*` for any text. */
export type UserFilter = {
  readonly realm?: string | undefined
  readonly resConf?: string | undefined
  readonly username?: string | undefined
}
/** Each may hold `*` for any text. */
export type TokenFilter = {
  readonly user?: string | undefined
  readonly realm?: string | undefined
  readonly serial?: string | undefined
  /** Text in description, serial or type; or one of LinOTP's words, as in `/:active:/`. */
  readonly filter?: string | undefined
}
export type NewToken = {
  readonly type: string
  readonly user: string
  readonly realm?: string | undefined
  readonly email?: string | undefined
  readonly phone?: string | undefined
  readonly pin?: string | undefined
  readonly serial?: string | undefined
  readonly description?: string | undefined
}
export type NewProvider = {
  readonly type: ProviderType
  readonly name: string
  readonly class: string
  readonly config: Readonly<Record<string, unknown>>
  readonly timeout: number
  readonly isDefault: boolean
  /** Password of a managed provider. */
  readonly managed?: string | undefined
}
export type ResolverText = {
  readonly name: string
  readonly label: string
  readonly content: string
  readonly replaces: boolean
}

export type AdminClient = ReturnType<typeof createAdminClient>

const PROVIDER_TYPES: readonly ProviderType[] = ['email', 'sms']

export function createAdminClient(call: Call) {
  return {
    audit: createAuditClient(call),
    keys: createKeyClient(call),
    templates: createTemplateClient(call),
    users: createUserClient(call),
    /** Changes of tokens. */
    manage: createTokenClient(call),
    admins: async () => parse(v.array(Admin), await value('GET', '/otpost/admins')),
    addAdmin: (username: string, password: string) => done('/otpost/admins', { username, password }),
    setAdminPassword: (username: string, password: string) =>
      done(`/otpost/admins/${encodeURIComponent(username)}/password`, { password }),
    removeAdmin: async (username: string) =>
      void (await call('DELETE', `/otpost/admins/${encodeURIComponent(username)}`)),
    apiTokens: async () => parse(v.array(ApiToken), await value('GET', '/otpost/api-tokens')),
    addApiToken: async (wanted: NewApiToken) =>
      parse(v.object({ id: v.string(), token: v.string() }), await value('POST', '/otpost/api-tokens', wanted)),
    revokeApiToken: async (id: string) => void (await call('DELETE', `/otpost/api-tokens/${encodeURIComponent(id)}`)),

    /** The server's database is a copy of an earlier one. */
    restored: async () =>
      parse(v.object({ tokens: v.number(), challenges: v.number() }), await value('POST', '/otpost/restored')),

    resolvers: async () =>
      Object.keys(parse(v.record(v.string(), v.unknown()), await value('GET', '/system/getResolvers'))),
    saveResolver: ({ name, label, content, replaces }: ResolverText) =>
      done('/system/setResolver', {
        ...{ name, type: 'passwdresolver', fileName: label, 'passwdresolver.content': content },
        previous_name: replaces ? name : undefined,
      }),
    realms: async () =>
      Object.values(parse(v.record(v.string(), Realm), await value('GET', '/system/getRealms'))).map(readRealm),
    saveRealm: (realm: string, resolvers: readonly string[]) =>
      done('/system/setRealm', { realm, resolvers: resolvers.join(',') }),
    listUsers: async (filter: UserFilter = {}) =>
      parse(v.array(User), await value('GET', '/admin/userlist', filter)).map((user) => ({
        ...user,
        resolver: lastPart(user.resolver),
      })),

    tokens: async (filter: TokenFilter): Promise<readonly TokenRecord[]> =>
      parse(Shown, await value('GET', '/admin/show', filter)).data.map(readToken),
    enroll: async ({ email, ...token }: NewToken) => {
      const { detail } = await call('POST', '/admin/init', { ...token, email_address: email })
      return parse(v.object({ serial: v.string() }), detail).serial
    },

    providers: async (): Promise<readonly ProviderRecord[]> => {
      const rests = parse(Rests, await value('GET', '/otpost/providers/rests'))
      const found = (await Promise.all(PROVIDER_TYPES.map(providersOf))).flat()
      return found.map((one) => {
        const rest = rests.find(({ type, name }) => type === one.type && name === one.name)
        return { ...one, rest: rest ? { until: rest.until, reason: rest.reason } : null }
      })
    },
    /** @returns why it was not removed, in the server's words; null: it was */
    removeProvider: async (type: ProviderType, name: string, managed?: string): Promise<string | null> => {
      const answer = await call('POST', '/system/delProvider', { type, name, managed })
      if (answer.value === true) return null
      const read = v.safeParse(v.object({ message: v.string() }), answer.detail)
      return read.success ? read.output.message.replace(/\s*\n/g, ' ') : `there is no ${type} provider ${name}`
    },
    saveProvider: ({ name, type, class: className, config, timeout, isDefault, managed }: NewProvider) =>
      done('/system/setProvider', {
        ...{ type, name, class: className, config: JSON.stringify(config), timeout: String(timeout) },
        default: isDefault ? 'true' : undefined,
        managed,
      }),
    testProvider: async (type: ProviderType, name: string, to: string) => {
      const answer = await call('POST', '/system/testProvider', { type, name, to })
      return { delivered: answer.value === true, tries: parse(v.object({ tries: Tries }), answer.detail).tries }
    },

    setDefaultProvider: async (type: ProviderType, name: string) =>
      (await value('POST', '/system/setDefaultProvider', { type, name })) === true,

    /** All entries or none. */
    setConfig: (entries: Readonly<Record<string, string>>) => done('/system/setConfig', entries),

    policies: async () =>
      Object.values(
        parse(v.record(v.string(), Policy), await value('GET', '/system/getPolicy', { display_inactive: '1' })),
      ),
    /** @param enforce store it although it may lock administrators out */
    savePolicy: (policy: PolicyFields, enforce = false) =>
      done('/system/setPolicy', { ...policy, enforce: enforce ? 'true' : undefined }),
    /** @returns false when there is none with this name */
    removePolicy: async (name: string, enforce = false) => {
      const fields = { name, enforce: enforce ? 'true' : undefined }
      return Object.keys(parse(Removed, await value('POST', '/system/delPolicy', fields)).delPolicy.result).length > 0
    },
    explainPolicies: async (who: { user: string; realm: string; client: string }) =>
      parse(Explained, await value('GET', '/otpost/policies/explain', who)),
  }

  async function providersOf(type: ProviderType): Promise<readonly Omit<ProviderRecord, 'rest'>[]> {
    const found = parse(v.record(v.string(), Provider), await value('GET', '/system/getProvider', { type }))
    return Object.entries(found).map(([name, one]) => ({
      ...{ type, name, class: one.Class, timeout: Number(one.Timeout), isDefault: one.Default },
      managed: one.Managed,
      config: one.Config === undefined ? null : readJson(one.Config),
    }))
  }

  async function value(...request: Parameters<Call>): Promise<unknown> {
    return (await call(...request)).value
  }

  async function done(path: string, fields: Parameters<Call>[2]): Promise<void> {
    await call('POST', path, fields)
  }
}

function parse<S extends v.GenericSchema>(schema: S, given: unknown): v.InferOutput<S> {
  const read = v.safeParse(schema, given)
  if (read.success) return read.output
  throw new Error(
    `the server's answer cannot be read (${v.getDotPath(read.issues[0]) ?? 'value'}): is it another version of otpost?`,
  )
}

/** `useridresolver.PasswdIdResolver.IdResolver.name` is `name`. */
const lastPart = (spec: string): string => spec.split('.').at(-1) ?? ''

const readRealm = (realm: v.InferOutput<typeof Realm>): RealmRecord => ({
  name: realm.realmname,
  resolvers: realm.useridresolver.map(lastPart),
  isDefault: realm.default === 'true',
})

function readToken(shown: v.InferOutput<typeof Shown>['data'][number]): TokenRecord {
  const info = v.safeParse(Addresses, readJson(shown['LinOtp.TokenInfo']))
  const created = new Date(shown['LinOtp.CreationDate'])
  return {
    serial: shown['LinOtp.TokenSerialnumber'],
    type: shown['LinOtp.TokenType'],
    description: shown['LinOtp.TokenDesc'],
    user: shown['User.username'],
    realms: shown['LinOtp.RealmNames'],
    address: info.success ? (info.output.email_address ?? info.output.phone ?? null) : null,
    active: shown['LinOtp.Isactive'],
    failCount: shown['LinOtp.FailCount'],
    maxFailCount: shown['LinOtp.MaxFail'],
    digits: shown['LinOtp.OtpLen'],
    counter: shown['LinOtp.Count'],
    createdAt: Number.isNaN(created.getTime()) ? null : created.toISOString(),
  }
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null // an empty text, where there is nothing to tell
  }
}
