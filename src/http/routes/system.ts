/** /system: configuration, providers, realms and resolvers (contract 4.3, 7.9, 8.1). What changes something is POST only. */
import { type Context, Hono } from 'hono'
import type { AdminFailure } from '../../core/failures.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { ConfigAdmin, ConfigInput } from '../../flows/config-admin.ts'
import type { ProviderAdmin } from '../../flows/provider-admin.ts'
import type { TestProvider } from '../../flows/provider-test.ts'
import type { RealmAdmin } from '../../flows/realm-admin.ts'
import type { ResolverAdmin } from '../../flows/resolver-admin.ts'
import { encodeProviders } from '../dialects/linotp/admin.ts'
import type { Json } from '../dialects/linotp/envelope.ts'
import {
  decodeResolver,
  encodeRealms,
  encodeResolver,
  encodeResolvers,
  encodeTested,
  resolverName,
} from '../dialects/linotp/users.ts'
import type { Env } from '../env.ts'
import { lowerCased, type Params, param } from '../params.ts'
import { page, type Respond, required } from '../reply.ts'

export type SystemFlows = {
  readonly config: ConfigAdmin
  readonly providers: ProviderAdmin
  readonly testProvider: TestProvider
  readonly realms: RealmAdmin
  readonly resolvers: ResolverAdmin
}

type Ctx = Context<Env>
type Handler = (c: Ctx, params: Params) => Promise<Response>

/** Entries of `setDefault` (contract 8.1). */
const DEFAULTS = [
  'DefaultMaxFailCount',
  'DefaultSyncWindow',
  'DefaultCountWindow',
  'DefaultOtpLen',
  'DefaultResetFailCount',
]

export function systemRoutes(
  { config, providers, testProvider, realms, resolvers }: SystemFlows,
  respond: Respond,
): Hono<Env> {
  const routes = new Hono<Env>()
  const facts = (c: Ctx) => c.get('facts')

  const reading: Readonly<Record<string, Handler>> = {
    '/getConfig': async (c, params) => {
      const key = param(params, 'key')
      if (key === null)
        return respond(c, ok(await config.list(facts(c))), (entries) => ({ value: Object.fromEntries(entries) }))
      const shown = key.replace(/^enclinotp\./, 'linotp.')
      return respond(c, ok(await config.get(key, facts(c))), (value) => ({ value: { [`getConfig ${shown}`]: value } }))
    },
    '/getProvider': async (c, params) => {
      const named = required(params, 'type')
      const result = named.ok ? await providers.list(named.value.type, param(params, 'name'), facts(c)) : named
      return respond(c, result, (found) => ({ value: encodeProviders(found) }))
    },
    '/getRealms': async (c, params) =>
      respond(c, ok(await realms.settings(facts(c))), (settings) => ({
        value: encodeRealms(settings, realms.adminRealm, param(params, 'realm')),
      })),
    '/getDefaultRealm': async (c) =>
      respond(c, ok(await realms.settings(facts(c))), (settings) => {
        const name = settings.realms.find((realm) => realm.isDefault)?.name
        return { value: name === undefined ? {} : encodeRealms(settings, realms.adminRealm, name) }
      }),
    '/getResolvers': async (c) =>
      respond(c, ok(await realms.settings(facts(c))), (settings) => ({
        value: encodeResolvers(settings, realms.adminRealm),
      })),
    '/getResolver': async (c, params) => {
      const named = required(lowerCased(params), 'resolver')
      if (!named.ok) return respond(c, named, () => ({ value: null }))
      const name = resolverName(named.value.resolver)
      const found = await resolvers.show(name, facts(c))
      const settings = await realms.known()
      return respond(c, ok(found), (shown) => ({ value: encodeResolver(name, shown, settings, realms.adminRealm) }))
    },
  }

  const changing: Readonly<Record<string, Handler>> = {
    '/setConfig': async (c, params) => {
      const entries = configEntries(params)
      const result = entries.ok ? await config.set(entries.value, facts(c)) : entries
      const keyed = param(params, 'key') !== null
      return respond(c, result, (done) => ({
        value: confirm(done, ({ key, value }) => `setConfig ${keyed ? key : `${key}:${value}`}`),
      }))
    },
    '/setDefault': async (c, params) => {
      const given = lowerCased(params)
      const entries = DEFAULTS.flatMap((key): ConfigInput[] => {
        const value = param(given, key.toLowerCase())
        return value === null ? [] : [{ key, value }]
      })
      const result =
        entries.length > 0
          ? await config.set(entries, facts(c))
          : err({ code: 'settings_missing', known: DEFAULTS } as const)
      return respond(c, result, () => ({ value: confirm(entries, ({ key }) => `set ${key}`) }))
    },
    '/delConfig': async (c, params) => {
      const named = required(params, 'key')
      if (named.ok) await config.remove(named.value.key, facts(c))
      return respond(c, named, ({ key }) => ({ value: { [`delConfig ${key}`]: true } }))
    },

    '/setProvider': async (c, params) => {
      const named = required(params, 'type', 'name', 'class', 'timeout')
      if (!named.ok) return respond(c, named, () => ({ value: null }))
      const isDefault = param(params, 'default')?.toLowerCase() === 'true'
      const given = { config: param(params, 'config'), managed: param(params, 'managed') ?? '', isDefault }
      const result = await providers.save({ ...named.value, ...given }, facts(c))
      return respond(c, result, (warnings) => {
        // The reply is LinOTP's to the letter; who looks at headers learns of keys that nothing reads.
        if (warnings.length > 0) c.header('otpost-warning', `unknown keys: ${encodeURI(warnings.join(', '))}`)
        return { value: true }
      })
    },
    '/delProvider': async (c, params) => {
      const named = required(params, 'type', 'name')
      const managed = param(params, 'managed') ?? ''
      const result = named.ok ? await providers.remove({ ...named.value, managed }, facts(c)) : named
      return respond(c, result, (done) => {
        if (done === 'default') return { value: false, detail: { message: 'Default provider could not be deleted!' } }
        if (typeof done === 'string') return { value: done === 'done' }
        const message = `Unable to delete - provider used in policies!\n[${done.usedBy.join(', ')}]`
        return { value: false, detail: { message } }
      })
    },
    '/setDefaultProvider': async (c, params) => {
      const named = required(params, 'type', 'name')
      const result = named.ok ? await providers.setDefault(named.value.type, named.value.name, facts(c)) : named
      const message = `Unknown provider! '${param(params, 'name')}'`
      return respond(c, result, (done) => ({ value: done === 'done', detail: done === 'unknown' ? { message } : null }))
    },
    '/testProvider': async (c, params) => {
      const named = required(params, 'type', 'name')
      const to = param(params, 'to') || null
      const result = named.ok ? await testProvider({ ...named.value, to }, facts(c)) : named
      // Without `to` LinOTP has no test for these classes and says so with false.
      return respond(c, result, (tested) => ({
        value: tested?.delivered ?? false,
        detail: tested ? { tries: tested.tries } : null,
      }))
    },

    '/setResolver': async (c, params) => {
      const named = required(params, 'name', 'type')
      if (!named.ok) return respond(c, named, () => ({ value: null }))
      const command = decodeResolver(named.value.name, named.value.type, params)
      return respond(c, await resolvers.save(command, facts(c)), (warnings) => {
        if (warnings.length > 0) c.header('otpost-warning', encodeURI(warningText(warnings)))
        return { value: true }
      })
    },
    '/testResolver': async (c, params) => {
      const named = required(params, 'name')
      const result = named.ok
        ? await resolvers.test(resolverName(named.value.name), param(params, 'user') || null, facts(c))
        : named
      return respond(c, result, (tested) => ({ value: encodeTested(tested) }))
    },
    '/delResolver': async (c, params) => {
      const named = required(lowerCased(params), 'resolver')
      const result = named.ok ? await resolvers.remove(resolverName(named.value.resolver), facts(c)) : named
      return respond(c, result, (done) => ({ value: done }))
    },
    '/setRealm': async (c, params) => {
      const named = required(params, 'realm', 'resolvers')
      const names = named.ok ? named.value.resolvers.split(',').map(resolverName).filter(Boolean) : []
      const result = named.ok ? await realms.saveRealm(named.value.realm, names, facts(c)) : named
      return respond(c, result, (done) => ({ value: done }))
    },
    '/delRealm': async (c, params) => {
      const named = required(params, 'realm')
      const result = named.ok ? await realms.deleteRealm(named.value.realm, facts(c)) : named
      return respond(c, result, (done) => ({ value: { delRealm: { result: done } } }))
    },
    '/setDefaultRealm': async (c, params) => {
      const name = param(lowerCased(params), 'realm') ?? ''
      return respond(c, ok(await realms.setDefaultRealm(name, facts(c))), (done) => ({ value: done }))
    },
  }

  for (const [path, handler] of Object.entries(reading))
    routes.on(['GET', 'POST'], [path, `${path}/*`], (c) => handler(c, c.get('params')))
  for (const [path, handler] of Object.entries(changing)) routes.post(path, (c) => handler(c, c.get('params')))
  for (const path of [...Object.keys(reading), ...Object.keys(changing)]) routes.all(path, (c) => page(c, 405))
  return routes
}

/** `key`, `value`[, `type`, `description`], or any number of `name=value` with `name.type=password` beside them. */
function configEntries(params: Params): Result<readonly ConfigInput[], AdminFailure> {
  const key = param(params, 'key')
  const [type, description] = [param(params, 'type') ?? '', param(params, 'description') ?? '']
  if (key !== null) {
    const value = param(params, 'value')
    return value === null ? err({ code: 'parameter_missing', field: 'value' }) : ok([{ key, value, type, description }])
  }
  const names = [...params.keys()].filter((name) => name !== 'session' && name !== 'csrf_token')
  const entries = names
    .filter((name) => !(name.endsWith('.type') && params.has(name.slice(0, -5))))
    .map((name) => ({ key: name, value: param(params, name) ?? '', type: param(params, `${name}.type`) ?? '' }))
  return ok(entries)
}

const confirm = (entries: readonly ConfigInput[], name: (entry: ConfigInput) => string): Json =>
  Object.fromEntries(entries.map((entry) => [name(entry), true]))

/** @param warnings names of keys that are not understood, and sentences that begin with the key they are about */
function warningText(warnings: readonly string[]): string {
  const unknown = warnings.filter((warning) => !warning.includes(': '))
  const doubts = warnings.filter((warning) => warning.includes(': '))
  return [...(unknown.length > 0 ? [`unknown keys: ${unknown.join(', ')}`] : []), ...doubts].join('; ')
}
