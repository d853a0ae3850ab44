/** Puts the parts together. It decides nothing. */
import type { Hono } from 'hono'
import { countedLog } from './adapters/log/counted.ts'
import { mailProviders } from './adapters/mail/index.ts'
import { provider as smtpMail } from './adapters/mail/smtp.ts'
import { smsProviders } from './adapters/sms/index.ts'
import { measured } from './adapters/store/measured.ts'
import { createStore, SCHEMA_VERSION } from './adapters/store/store.ts'
import { createPasswordMatches, FORMATS } from './adapters/users/crypt.ts'
import { resolverClasses } from './adapters/users/index.ts'
import type { Keyring, MasterKeys } from './adapters/vault/keys.ts'
import { createVault } from './adapters/vault/webcrypto.ts'
import type { Config } from './config.ts'
import { errorCodes, requestIdParameter, samlAttributes } from './core/setting-keys.ts'
import { settingOf } from './core/settings.ts'
import { createAdminRealm } from './flows/admin-realm.ts'
import { createAdmins } from './flows/admins.ts'
import { createAdmission } from './flows/admission.ts'
import { createProveApiToken } from './flows/api-tokens.ts'
import { createAudit } from './flows/audit.ts'
import { createAuditAdmin } from './flows/audit-admin.ts'
import { createPrune } from './flows/audit-prune.ts'
import { createSeal } from './flows/audit-seal.ts'
import { createVerify } from './flows/audit-verify.ts'
import { createListChallenges } from './flows/challenge-admin.ts'
import { createChallengeFor } from './flows/challenge-for.ts'
import { createCheck } from './flows/check.ts'
import { createConfigAdmin } from './flows/config-admin.ts'
import { createDeliver } from './flows/deliver.ts'
import { createDirectories } from './flows/directories.ts'
import { createEnroll } from './flows/enroll.ts'
import { createGather } from './flows/gather.ts'
import { createHousekeeping, type Housekeeping } from './flows/housekeeping.ts'
import { checkKeys, createKeyAdmin } from './flows/keys.ts'
import { createLogin } from './flows/login.ts'
import { ADMIN_LOGINS, createLoginLimits, SELF_LOGINS } from './flows/login-limits.ts'
import { createMessages } from './flows/message.ts'
import { createPolicyAdmin } from './flows/policy-admin.ts'
import { createProviderAdmin } from './flows/provider-admin.ts'
import { createProviderConfigs } from './flows/provider-configs.ts'
import { createProviderTest } from './flows/provider-test.ts'
import { createRealmAdmin } from './flows/realm-admin.ts'
import { createResolverAdmin } from './flows/resolver-admin.ts'
import { createResolverConfigs } from './flows/resolver-configs.ts'
import { createRestored } from './flows/restored.ts'
import { createEntitle } from './flows/rights.ts'
import { createSelfContexts } from './flows/self-context.ts'
import { createSelfEnroll } from './flows/self-enroll.ts'
import { createSelfHistory } from './flows/self-history.ts'
import { createSelfLogin } from './flows/self-login.ts'
import { createSelfOtps } from './flows/self-otps.ts'
import { createSelfSessions } from './flows/self-session.ts'
import { createSelfTokens } from './flows/self-tokens.ts'
import { createFindSelf } from './flows/self-user.ts'
import { createSelfVerify } from './flows/self-verify.ts'
import { createSessions } from './flows/sessions.ts'
import { createSettingsCache } from './flows/settings.ts'
import { createStatus } from './flows/status.ts'
import { createTemplateAdmin } from './flows/template-admin.ts'
import { createTemplates } from './flows/templates.ts'
import { createTokenAdmin } from './flows/token-admin.ts'
import { createTrigger } from './flows/trigger.ts'
import { createUserAdmin } from './flows/user-admin.ts'
import { createImportUsers } from './flows/user-import.ts'
import { createUserList } from './flows/user-list.ts'
import { namedUser } from './flows/users.ts'
import { createApp } from './http/app.ts'
import type { Env } from './http/env.ts'
import { administrationBase } from './http/mounts.ts'
import type { Edges } from './ports/edges.ts'
import { noMetrics } from './ports/metrics.ts'
import { type FindProvider, findIn } from './ports/provider.ts'
import type { Batch, Store } from './ports/store.ts'
import { type FindResolver, findIn as findClassIn } from './ports/users.ts'

const PROVIDERS = { email: mailProviders, sms: smsProviders(smtpMail) }
/** The classes of providers that there are. */
export const findProvider: FindProvider = (type, className) => findIn(PROVIDERS[type], className)

/** The classes of directories that there are. */
export const findResolver: FindResolver = (type) => findClassIn(resolverClasses, type)

export type Otpost = {
  readonly app: Hono<Env>
  readonly store: Store
  /** As in `administrationBase`. */
  readonly administration: string
  /** Every hour and at the start; nothing needs it to be correct. */
  readonly housekeeping: Housekeeping
  /** Lets go of connections that would keep the process alive. */
  readonly close: () => Promise<void>
}

export function compose(batch: Batch, keys: MasterKeys | Keyring, given: Edges, config: Config): Otpost {
  const metrics = given.metrics ?? noMetrics
  const edges = { ...given, metrics, log: countedLog(given.log, metrics) }
  const store = createStore(measured(batch, metrics))
  const vault = createVault(keys, edges.random)
  const audit = createAudit(store, vault, edges.host ?? edges.capabilities.runtime)
  const directories = createDirectories({ vault, edges, findResolver })
  const settings = createSettingsCache(store, directories.sync)
  const passwordMatches = createPasswordMatches([
    ...FORMATS,
    (text) => (text.startsWith('$scrypt$') ? (password) => vault.passwordMatches(password, text) : null),
  ])
  const deliver = createDeliver(findProvider, { vault, edges }, config.sendDeadline)
  const templates = createTemplates(store, edges)
  const configs = createProviderConfigs({ vault, edges, findProvider, settings, templates })
  const messages = createMessages({ templates, log: edges.log })
  const trigger = createTrigger({ store, audit, vault, deliver, messages, edges }, config.sendDeadline)
  const admins = createAdmins({ store, vault, edges, audit, settings })
  const adminRealm = createAdminRealm(config.adminRealm, { store, settings, passwordMatches, directories })
  const proveApiToken = createProveApiToken(store)
  const sessions = createSessions({ store, vault, edges, audit, adminRealm, proveApiToken })
  const limits = createLoginLimits({ store, settings }, ADMIN_LOGINS)
  const enroll = createEnroll({ store, vault, edges, audit, settings, directories })
  const seal = createSeal({ store, vault, edges })
  const verify = createVerify({ store, vault })
  const prune = createPrune({ store, vault, audit, seal, verify })
  const check = createCheck(
    { store, vault, edges, settings, audit, trigger, enroll, passwordMatches, directories },
    config.sendDeadline + 2,
  )
  const gather = createGather({ store, vault, edges, settings, directories })
  const selfSessions = createSelfSessions({ store, edges, audit })
  const flows = {
    check,
    admission: createAdmission({ store, settings, audit, edges, proveApiToken }),
    challengeFor: createChallengeFor({ store, vault, edges, settings, audit, trigger, directories }),
    listChallenges: createListChallenges({ store, audit }),
    status: createStatus({ store, vault, audit, settings, passwordMatches, directories }),
    enroll,
    tokens: createTokenAdmin({ store, vault, edges, audit, settings, directories }),
    providers: createProviderAdmin({ store, vault, edges, audit, settings, findProvider, configs }),
    testProvider: createProviderTest({ store, audit, settings, deliver, messages }),
    config: createConfigAdmin({ store, vault, audit, settings, configs, findProvider }),
    realms: createRealmAdmin({ store, audit, settings, adminRealm }),
    resolvers: createResolverAdmin({
      ...{ store, edges, audit, settings, directories, findResolver },
      configs: createResolverConfigs({ vault, edges, findResolver }),
      types: resolverClasses.map(({ name }) => name),
    }),
    localUsers: createUserAdmin({ store, vault, edges, audit, settings }),
    importUsers: createImportUsers({ store, vault, edges, audit, settings }),
    users: createUserList({ store, audit, settings, directories }),
    sessions,
    login: createLogin({ store, vault, edges, audit, adminRealm, limits, sessions }),
    entitle: createEntitle(settings),
    policies: createPolicyAdmin({ store, edges, audit, settings, directories, adminRealm }),
    templates: createTemplateAdmin({ store, edges, audit, settings, templates, directories }),
    admins,
    keys: createKeyAdmin({ store, vault, audit, seal, log: edges.log }),
    restored: createRestored({ store, audit }),
    audits: createAuditAdmin({ store, vault, audit, seal, verify, prune }),
    selfSessions,
    findSelf: createFindSelf(gather),
    selfLogin: createSelfLogin({
      ...{ store, edges, audit, gather, check, sessions: selfSessions, passwordMatches, directories },
      limits: createLoginLimits({ store, settings }, SELF_LOGINS),
    }),
    selfContexts: createSelfContexts(settings),
    selfTokens: createSelfTokens({ store, vault, audit }),
    selfEnroll: createSelfEnroll(enroll),
    selfVerify: createSelfVerify({ store, audit, check }),
    selfOtps: createSelfOtps({ store, vault, edges, audit }),
    selfHistory: createSelfHistory({ store, edges, audit }),
  }

  /** The schema is there, and somebody can log in. */
  async function notReady(): Promise<string | null> {
    const version = await store.schemaVersion()
    if (version === null || version < SCHEMA_VERSION)
      return `the database has schema ${version ?? 'none'}, this otpost needs ${SCHEMA_VERSION}: run the migrations`
    if (version > SCHEMA_VERSION)
      return `the database has schema ${version}, this otpost knows ${SCHEMA_VERSION}: deploy a newer otpost`
    const wrong = await checkKeys({ store, vault }, edges.clock())
    if (wrong !== null) return wrong
    // Hashing a password is heavy work, and this is asked at each start of an isolate.
    if (config.adminPassword !== null && (await store.listAdmins()).length === 0)
      await admins.addFirst('admin', config.adminPassword, edges.clock())
    for (const { dialect } of config.mounts) {
      const problem = await dialect.problem?.()
      if (problem) return problem
    }
    return null
  }

  const app = createApp({
    edges,
    audit,
    flows,
    notReady,
    namedUser: async (selection) => namedUser(selection, await settings.known()),
    errorsSetting: async () => settingOf(await settings.known(), errorCodes),
    requestIdParameter: async () => settingOf(await settings.known(), requestIdParameter),
    samlAttributes: async () => settingOf(await settings.known(), samlAttributes),
    mounts: config.mounts,
    proxies: config.proxies,
    publicHttps: config.publicHttps,
  })
  const administration = administrationBase(config.mounts)
  const housekeeping = createHousekeeping({ store, edges, settings, seal, prune })
  return { app, store, administration, housekeeping, close: directories.close }
}
