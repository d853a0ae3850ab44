/**
 * Rights of administrators (contract 6.8, 6.9). What administrators may do is worked out in reach.ts; which call needs
 * which right stands in http/rights.ts.
 */
import { type Action, bool, idle, inScope, type Scope } from './action.ts'

const admin = inScope('admin')
const system = inScope('system')
const audit = inScope('audit')
const tools = inScope('tools')

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
const NO_CALL: readonly string[] = ['setMOTPPIN', 'getotp', 'migrate_resolver', 'import_users']

const declared = [
  ...ADMIN.map(([name, meaning]) => admin(name, bool, false, meaning)),
  system('read', bool, false, 'Read the configuration.'),
  system('write', bool, false, 'Change the configuration, administrators and API tokens.'),
  audit('view', bool, false, 'Search, export and verify the audit.'),
  tools('migrate_resolver', bool, false, 'Move tokens from one resolver to another.'),
  tools('import_users', bool, false, 'Import users from a file.'),
] as readonly Action[] // a list of all kinds of values; each is only ever read through its own declaration

export const rights: readonly Action[] = declared.map((action) =>
  NO_CALL.includes(action.name) ? idle(action, 'there is no such call') : action,
)

/** The scopes that say what administrators may do. */
export const RIGHT_SCOPES = ['admin', 'system', 'audit', 'tools'] as const satisfies readonly Scope[]
export type RightScope = (typeof RIGHT_SCOPES)[number]
export const isRightScope = (text: string): text is RightScope => (RIGHT_SCOPES as readonly string[]).includes(text)

export const adminActions: readonly string[] = ADMIN.map(([name]) => name)
