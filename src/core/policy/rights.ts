/**
 * Rights of administrators (contract 6.8, 6.9). They can be stored, shown and checked; what they permit and forbid is not
 * enforced yet.
 */
import { type Action, bool, idle, inScope } from './action.ts'

const admin = inScope('admin')
const system = inScope('system')
const audit = inScope('audit')

const ADMIN =
  'initEMAIL initSMS enable disable set setOTPPIN setMOTPPIN resync reset assign unassign import remove userlist tokenowner ' +
  'checkstatus manageToken getserial copytokenpin copytokenuser losttoken getotp show'
const declared = [
  ...ADMIN.split(' ').map((name) => admin(name, bool, false, `The call /admin/${name} or what goes by that name.`)),
  system('read', bool, false, 'Read the configuration.'),
  system('write', bool, false, 'Change the configuration.'),
  audit('view', bool, false, 'Search the audit.'),
] as readonly Action[] // a list of all kinds of values; each is only ever read through its own declaration

export const rights: readonly Action[] = declared.map((action) => idle(action, 'rights are not enforced yet'))
