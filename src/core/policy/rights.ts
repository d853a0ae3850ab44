/**
 * Rights of users over their own tokens and of administrators (contract 6.7 to 6.9), and the rules of lost tokens. What
 * administrators may do is worked out in reach.ts; which call needs which right stands in http/rights.ts.
 */
import { type Action, bool, idle, inScope, int, type Scope, str } from './action.ts'

const selfservice = inScope('selfservice')
const admin = inScope('admin')
const system = inScope('system')
const audit = inScope('audit')
const tools = inScope('tools')
const enrollment = inScope('enrollment')

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
const ADMIN: readonly (readonly [string, string])[] = [
  ['initEMAIL', 'Enrol e-mail tokens, also again.'],
  ['initSMS', 'Enrol SMS tokens, also again.'],
  ['enable', 'Enable tokens.'],
  ['disable', 'Disable tokens.'],
  ['set', 'Change settings of tokens, whichever they are; the PIN needs setOTPPIN.'],
  ['setOTPPIN', 'Set the PIN of tokens.'],
  ['setMOTPPIN', 'Set the PIN of mOTP tokens.'],
  ['resync', 'Resynchronise tokens.'],
  ['reset', 'Set the fail count of tokens to 0.'],
  ['assign', 'Give tokens to users.'],
  ['unassign', 'Take tokens from users.'],
  ['import', 'Import tokens from files.'],
  ['remove', 'Delete tokens.'],
  ['userlist', 'List users.'],
  ['tokenowner', 'Ask who owns a token.'],
  ['checkstatus', 'Look at the challenges of tokens.'],
  ['triggerchallenge', 'Open challenges of users and tokens without a PIN.'],
  ['manageToken', 'Change the realms of tokens; it takes the right in the old and in the new ones.'],
  ['getserial', 'Find a token by an OTP.'],
  ['copytokenpin', 'Copy the PIN of one token to another.'],
  ['copytokenuser', 'Copy the owner of one token to another.'],
  ['losttoken', 'Replace a lost token.'],
  ['getotp', 'Ask for OTPs.'],
  ['show', 'See tokens; every other right of this scope includes it.'],
]
/** Names of LinOTP for calls that are not here. */
const NO_CALL: readonly string[] = [
  ...['setMOTPPIN', 'import', 'getotp', 'migrate_resolver', 'import_users'],
  ...['resync', 'assign', 'unassign', 'checkstatus', 'manageToken', 'getserial'],
  ...['copytokenpin', 'copytokenuser', 'losttoken'],
]
const ENROLLMENT_TEXTS: readonly (readonly [string, string])[] = [
  ['lostTokenPWContents', 'Classes of characters of the password of a lost token.'],
  ['lostTokenValid', 'How long the replacement of a lost token is valid.'],
]
const EDIT = { ...int(0, 1), allowed: [0, 1] }

const declared = [
  ...SELFSERVICE.map(([name, meaning]) => selfservice(name, bool, false, meaning)),
  selfservice('edit_email', EDIT, 1, 'May the address be changed at enrolment? 1 or 0.'),
  selfservice('edit_sms', EDIT, 1, 'May the number be changed at enrolment? 1 or 0.'),
  ...SELFSERVICE_NUMBERS.map(([name, meaning]) => selfservice(name, int(0, 99), 0, meaning)),
  ...SELFSERVICE_TEXTS.map(([name, meaning]) => selfservice(name, str, '', meaning)),
  ...ADMIN.map(([name, meaning]) => admin(name, bool, false, meaning)),
  system('read', bool, false, 'Read the configuration.'),
  system('write', bool, false, 'Change the configuration, administrators and API tokens.'),
  audit('view', bool, false, 'Search, export and verify the audit.'),
  tools('migrate_resolver', bool, false, 'Move tokens from one resolver to another.'),
  tools('import_users', bool, false, 'Import users from a file.'),
  enrollment('lostTokenPWLen', int(1, 128), 10, 'Length of the password of a lost token.'),
  ...ENROLLMENT_TEXTS.map(([name, meaning]) => enrollment(name, str, '', meaning)),
] as readonly Action[] // a list of all kinds of values; each is only ever read through its own declaration

export const rights: readonly Action[] = declared.map((action) => {
  if (action.scope === 'enrollment') return idle(action, 'lost tokens cannot be replaced yet')
  if (action.scope === 'selfservice') return idle(action, 'rights of users are not enforced yet')
  return NO_CALL.includes(action.name) ? idle(action, 'there is no such call') : action
})

/** The scopes that say what administrators may do. */
export const RIGHT_SCOPES = ['admin', 'system', 'audit', 'tools'] as const satisfies readonly Scope[]
export type RightScope = (typeof RIGHT_SCOPES)[number]
export const isRightScope = (text: string): text is RightScope => (RIGHT_SCOPES as readonly string[]).includes(text)

export const adminActions: readonly string[] = ADMIN.map(([name]) => name)
