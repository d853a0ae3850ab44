/**
 * Which right each call of administration needs (contract 6.8, 6.9, 7.6, 7.7): the one table that says so. What has no
 * line here is answered by nothing but an error. Where a right reaches certain realms only, the flows keep to them.
 *
 * Keys are method and path as the routes have them.
 */
import type { Needed, Right } from '../core/policy/reach.ts'
import { SETTERS } from '../flows/token-settings.ts'
import { decodeInit } from './dialects/linotp/admin.ts'
import { lowerCased, type Params, param } from './params.ts'

type NeededBy = Needed | ((params: Params) => Needed)

const right = (scope: Right['scope'], action: string | null): Needed => [[{ scope, action }]]
const admin = (action: string): Needed => right('admin', action)

/** Every administrator, whatever his rights. */
const NONE: Needed = []
const ANY_ADMIN: Needed = right('admin', null)
const READ: Needed = right('system', 'read')
const WRITE: Needed = right('system', 'write')
/** An API token that is bound to something must not make one that is not. */
const WRITE_WHOLE: Needed = [[{ scope: 'system', action: 'write', whole: true }]]
const VIEW: Needed = right('audit', 'view')
const READ_OR_USERLIST: Needed = [
  [
    { scope: 'system', action: 'read' },
    { scope: 'admin', action: 'userlist' },
  ],
]

/** `initEMAIL`, `initSMS`: by the type that is asked for. */
const init = (params: Params): Needed => admin(`init${decodeInit(params).type.toUpperCase()}`)

/** The PIN has a right of its own; every other setting needs `set`, also those that LinOTP leaves open (12.2 #21). */
function set(params: Params): Needed {
  const names = [...lowerCased(params).keys()].filter((name) => Object.hasOwn(SETTERS, name))
  const others = names.some((name) => name !== 'pin')
  return [...(names.includes('pin') ? admin('setOTPPIN') : []), ...(others || names.length === 0 ? admin('set') : [])]
}

/** Without `to` nothing is sent; a message of trial to wherever one likes is more than reading. */
const testProvider = (params: Params): Needed => (param(params, 'to') ? WRITE : READ)

/** GET and POST. */
const both = (path: string, needed: NeededBy): Readonly<Record<string, NeededBy>> => ({
  [`GET ${path}`]: needed,
  [`POST ${path}`]: needed,
})
/** The same, also with anything behind the path. */
const loose = (path: string, needed: NeededBy) => ({ ...both(path, needed), ...both(`${path}/*`, needed) })

export const RIGHTS: Readonly<Record<string, NeededBy>> = {
  ...both('/admin/logout', NONE),

  'POST /admin/init': init,
  ...both('/admin/show', ANY_ADMIN),
  ...both('/admin/check_serial', ANY_ADMIN),
  ...both('/admin/getTokenOwner', admin('tokenowner')),
  ...both('/admin/getSerialByOtp', admin('getserial')),
  ...both('/admin/userlist', admin('userlist')),
  ...both('/admin/checkstatus', admin('checkstatus')),
  'POST /admin/remove': admin('remove'),
  'POST /admin/enable': admin('enable'),
  'POST /admin/disable': admin('disable'),
  'POST /admin/reset': admin('reset'),
  'POST /admin/resync': admin('resync'),
  'POST /admin/set': set,
  'POST /admin/setPin': admin('setOTPPIN'),
  'POST /admin/setValidity': admin('set'),
  'POST /admin/assign': admin('assign'),
  'POST /admin/unassign': admin('unassign'),
  'POST /admin/tokenrealm': admin('manageToken'),
  'POST /admin/copyTokenPin': admin('copytokenpin'),
  'POST /admin/copyTokenUser': admin('copytokenuser'),
  'POST /admin/losttoken': admin('losttoken'),
  'POST /admin/testresolver': READ,

  'GET /api/v2/tokens': ANY_ADMIN,
  'GET /api/v2/tokens/': ANY_ADMIN,
  'GET /api/v2/tokens/:serial': ANY_ADMIN,
  'GET /api/v2/realms': READ_OR_USERLIST,
  'GET /api/v2/realms/': READ_OR_USERLIST,
  'GET /api/v2/realms/:realm/users': admin('userlist'),
  'GET /api/v2/resolvers': READ_OR_USERLIST,
  'GET /api/v2/resolvers/': READ_OR_USERLIST,
  'GET /api/v2/resolvers/:resolver/users': admin('userlist'),
  'GET /api/v2/resolvers/:resolver/users/:id': admin('userlist'),
  'GET /api/v2/auditlog': VIEW,
  'GET /api/v2/auditlog/': VIEW,

  ...loose('/system/getConfig', READ),
  ...loose('/system/getProvider', READ),
  ...loose('/system/getRealms', READ),
  ...loose('/system/getDefaultRealm', READ),
  ...loose('/system/getResolvers', READ),
  ...loose('/system/getResolver', READ),
  ...loose('/system/getPolicy', READ),
  ...loose('/system/getPolicyDef', READ),
  ...both('/system/checkPolicy', READ),
  'POST /system/testProvider': testProvider,
  'POST /system/testResolver': READ,
  'POST /system/setConfig': WRITE,
  'POST /system/setDefault': WRITE,
  'POST /system/delConfig': WRITE,
  'POST /system/setProvider': WRITE,
  'POST /system/delProvider': WRITE,
  'POST /system/setDefaultProvider': WRITE,
  'POST /system/setResolver': WRITE,
  'POST /system/delResolver': WRITE,
  'POST /system/setRealm': WRITE,
  'POST /system/delRealm': WRITE,
  'POST /system/setDefaultRealm': WRITE,
  'POST /system/setPolicy': WRITE,
  'POST /system/delPolicy': WRITE,
  'POST /system/importPolicy': WRITE,

  ...both('/audit/search', VIEW),

  'GET /metrics': READ,
  'GET /otpost/admins': READ,
  'POST /otpost/admins': WRITE_WHOLE,
  'POST /otpost/admins/:username/password': WRITE_WHOLE,
  'DELETE /otpost/admins/:username': WRITE_WHOLE,
  'GET /otpost/api-tokens': READ,
  'POST /otpost/api-tokens': WRITE_WHOLE,
  'DELETE /otpost/api-tokens/:id': WRITE_WHOLE,
  'POST /otpost/tokens/import': admin('import'),
  'POST /otpost/users': WRITE,
  'POST /otpost/users/import': WRITE,
  'POST /otpost/users/:resolver/:username': WRITE,
  'DELETE /otpost/users/:resolver/:username': WRITE,
  'GET /otpost/providers/rests': READ,
  'GET /otpost/keys': READ,
  'POST /otpost/keys/rotate': WRITE,
  'POST /otpost/keys/finish': WRITE,
  'POST /otpost/restored': WRITE,
  'GET /otpost/policies/explain': READ,
  'GET /otpost/templates': READ,
  'POST /otpost/templates': WRITE,
  'DELETE /otpost/templates': WRITE,
  'GET /otpost/templates/source': READ,
  'GET /otpost/templates/preview': READ,
  'GET /otpost/audit/export': VIEW,
  'GET /otpost/audit/verify': VIEW,
  'POST /otpost/audit/checkpoint': WRITE,
  'POST /otpost/audit/prune': WRITE,
}

/** undefined: nobody has said what the call needs. */
export function neededBy(call: string, params: Params): Needed | undefined {
  const needed = Object.hasOwn(RIGHTS, call) ? RIGHTS[call] : undefined
  return typeof needed === 'function' ? needed(params) : needed
}
