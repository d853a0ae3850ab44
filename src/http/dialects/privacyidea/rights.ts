/**
 * Which right each call of administration needs on privacyIDEA's wire. The rights are the same on both wires, since the
 * administrators are; what has no line here is answered by nothing but an error.
 */
import type { Needed, Right } from '../../../core/policy/reach.ts'
import { type Params, param } from '../../params.ts'
import { decodeSettings } from './tokens.ts'

const right = (scope: Right['scope'], action: string | null): Needed => [[{ scope, action }]]
const admin = (action: string): Needed => right('admin', action)
const READ: Needed = right('system', 'read')
const READ_OR_USERLIST: Needed = [
  [
    { scope: 'system', action: 'read' },
    { scope: 'admin', action: 'userlist' },
  ],
]

/** The PIN has a right of its own; every other setting needs `set`. */
function set(params: Params): Needed {
  const names = Object.keys(decodeSettings(params))
  const others = names.length === 0 || names.some((name) => name !== 'pin')
  return [...(names.includes('pin') ? admin('setOTPPIN') : []), ...(others ? admin('set') : [])]
}

const init = (params: Params): Needed => admin(`init${(param(params, 'type') ?? 'hotp').toUpperCase()}`)

/** With and without the serial in the path. */
const bySerial = (call: string, needed: NeededHere): Readonly<Record<string, NeededHere>> => ({
  [call]: needed,
  [`${call}/:serial`]: needed,
})
type NeededHere = Needed | ((params: Params) => Needed)

const RIGHTS: Readonly<Record<string, NeededHere>> = {
  'GET /auth/rights': [],
  'GET /validate/triggerchallenge': admin('triggerchallenge'),
  'POST /validate/triggerchallenge': admin('triggerchallenge'),

  'GET /token': right('admin', null),
  'GET /token/': right('admin', null),
  'POST /token/init': init,
  ...bySerial('POST /token/enable', admin('enable')),
  ...bySerial('POST /token/disable', admin('disable')),
  ...bySerial('POST /token/reset', admin('reset')),
  ...bySerial('POST /token/set', set),
  ...bySerial('POST /token/setpin', admin('setOTPPIN')),
  ...bySerial('POST /token/description', admin('set')),
  ...bySerial('POST /token/assign', admin('assign')),
  ...bySerial('POST /token/unassign', admin('unassign')),
  'DELETE /token/:serial': admin('remove'),
  ...bySerial('GET /token/challenges', admin('checkstatus')),
  'GET /token/challenges/': admin('checkstatus'),

  'GET /system': READ,
  'GET /system/': READ,
  'GET /system/:key': READ,
  'GET /realm': READ_OR_USERLIST,
  'GET /realm/': READ_OR_USERLIST,
  'GET /user': admin('userlist'),
  'GET /user/': admin('userlist'),
}

export function neededBy(call: string, params: Params): Needed | undefined {
  const needed = Object.hasOwn(RIGHTS, call) ? RIGHTS[call] : undefined
  return typeof needed === 'function' ? needed(params) : needed
}
