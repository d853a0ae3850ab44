/**
 * Rights of users over their own tokens and of administrators (contract 6.7 to 6.9). They
 * can be stored, shown and checked; what they permit and forbid is not enforced yet.
 */
import { type Action, bool, idle, inScope, int, str } from './action.ts'

const selfservice = inScope('selfservice')
const admin = inScope('admin')
const system = inScope('system')
const audit = inScope('audit')

const SELFSERVICE: readonly (readonly [string, string])[] = [
  ['enrollEMAIL', 'Enrol an e-mail token.'],
  ['enrollSMS', 'Enrol an SMS token.'],
  ['assign', 'Take a token that nobody owns.'],
  ['unassign', 'Give a token back.'],
  ['enable', 'Enable a token.'],
  ['disable', 'Disable a token.'],
  ['delete', 'Delete a token.'],
  ['reset', 'Set the fail count of a token to 0.'],
  ['resync', 'Resynchronise a token.'],
  ['verify', 'Verify a token by an OTP.'],
  ['setOTPPIN', 'Set the PIN of a token.'],
  ['setDescription', 'Set the description of a token.'],
  ['getserial', 'Find a token by an OTP.'],
  ['history', "See one's own entries in the audit."],
  ['mfa_login', 'Ask for an OTP at login.'],
  ['mfa_3_fields', 'Ask for user, password and OTP at once.'],
  ['mfa_passOnNoToken', 'Let users without a token in with their password.'],
]
const SELFSERVICE_NUMBERS: readonly (readonly [string, string])[] = [
  ['otp_pin_minlength', 'Shortest PIN.'],
  ['otp_pin_maxlength', 'Longest PIN.'],
]
const SELFSERVICE_TEXTS: readonly (readonly [string, string])[] = [
  ['otp_pin_contents', 'Classes of characters in a PIN: c, n, s, o; + and - before them.'],
  ['footer_text', 'Text at the foot of the pages.'],
  ['imprint_url', 'Address of the imprint.'],
  ['privacy_notice_url', 'Address of the privacy notice.'],
]
const ADMIN =
  'initEMAIL initSMS enable disable set setOTPPIN setMOTPPIN resync reset assign unassign import remove userlist tokenowner ' +
  'checkstatus manageToken getserial copytokenpin copytokenuser losttoken getotp show'
const EDIT = { ...int(0, 1), allowed: [0, 1] }

const declared = [
  ...SELFSERVICE.map(([name, meaning]) => selfservice(name, bool, false, meaning)),
  selfservice('edit_email', EDIT, 1, 'May the address be changed at enrolment? 1 or 0.'),
  selfservice('edit_sms', EDIT, 1, 'May the number be changed at enrolment? 1 or 0.'),
  ...SELFSERVICE_NUMBERS.map(([name, meaning]) => selfservice(name, int(0, 99), 0, meaning)),
  ...SELFSERVICE_TEXTS.map(([name, meaning]) => selfservice(name, str, '', meaning)),
  ...ADMIN.split(' ').map((name) => admin(name, bool, false, `The call /admin/${name} or what goes by that name.`)),
  system('read', bool, false, 'Read the configuration.'),
  system('write', bool, false, 'Change the configuration.'),
  audit('view', bool, false, 'Search the audit.'),
] as readonly Action[] // a list of all kinds of values; each is only ever read through its own declaration

export const rights: readonly Action[] = declared.map((action) => idle(action, 'rights are not enforced yet'))
