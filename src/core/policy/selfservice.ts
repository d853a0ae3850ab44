/** What users may do with their own tokens, and how they log in to do it (contract 6.7): scope selfservice. */
import { type Action, bool, inScope, int, str, type ValueKind } from './action.ts'

const selfservice = inScope('selfservice')
const right = (name: string, meaning: string) => selfservice(name, bool, false, meaning)

export const mayEnrollEmail = right('enrollEMAIL', 'Enrol an e-mail token.')
export const mayEnrollSms = right('enrollSMS', 'Enrol an SMS token.')
export const mayVerify = right('verify', 'Verify a token by an OTP.')
export const mayAssign = right('assign', 'Take a token that nobody owns.')
export const mayUnassign = right('unassign', 'Give a token back.')
export const mayDelete = right('delete', 'Delete a token.')
export const mayDisable = right('disable', 'Disable a token.')
export const mayEnable = right('enable', 'Enable a token.')
export const mayReset = right('reset', 'Set the fail count of a token to 0.')
export const mayResync = right('resync', 'Resynchronise a token.')
export const maySetPin = right(
  'setOTPPIN',
  'Set the PIN of a token; enrolment needs a PIN then, and takes none without.',
)
export const maySetDescription = right('setDescription', 'Set the description of a token.')
export const mayFindSerial = right('getserial', 'Find a token that nobody owns by an OTP.')
export const mayReadHistory = right('history', "See one's own entries in the audit.")
export const mfaLogin = right('mfa_login', 'Ask for an OTP at login.')
export const mfaThreeFields = right('mfa_3_fields', 'Ask for user, password and OTP at once.')
export const mfaPassOnNoToken = right('mfa_passOnNoToken', 'Let users without a token in with their password.')

const EDIT = { ...int(0, 1), allowed: [0, 1] }
export const editEmail = selfservice('edit_email', EDIT, 1, 'May the address be changed at enrolment? 1 or 0.')
export const editSms = selfservice('edit_sms', EDIT, 1, 'May the number be changed at enrolment? 1 or 0.')

/** null stands for "no policy says so": PINs may be as long as they like. */
const pinLength = int(0, 99) as ValueKind<number | null>
export const pinMinLength = selfservice('otp_pin_minlength', pinLength, null, 'Shortest PIN.')
export const pinMaxLength = selfservice('otp_pin_maxlength', pinLength, null, 'Longest PIN.')
export const pinContents = selfservice(
  'otp_pin_contents',
  str,
  '',
  'Classes of characters in a PIN: c letters, n digits, s signs, o others. Each must occur; -cn: and no other; +cn: one of them, and no other.',
)
export const footerText = selfservice('footer_text', str, '', 'Text at the foot of the pages.')
export const imprintUrl = selfservice('imprint_url', str, '', 'Address of the imprint.')
export const privacyNoticeUrl = selfservice('privacy_notice_url', str, '', 'Address of the privacy notice.')

/** In the order in which a user is told of them. */
export const selfRights: readonly Action<boolean>[] = [
  mayEnrollEmail,
  mayEnrollSms,
  mayVerify,
  mayAssign,
  mayUnassign,
  mayDelete,
  mayDisable,
  mayEnable,
  mayReset,
  mayResync,
  maySetPin,
  maySetDescription,
  mayFindSerial,
  mayReadHistory,
  mfaLogin,
  mfaThreeFields,
  mfaPassOnNoToken,
]

export const selfserviceActions = [
  ...selfRights,
  editEmail,
  editSms,
  pinMinLength,
  pinMaxLength,
  pinContents,
  footerText,
  imprintUrl,
  privacyNoticeUrl,
] as readonly Action[] // a list of all kinds of values; each is only ever read through its own declaration
