/** The actions that flows ask about (contract 6.4 to 6.6). */
import type { PinRule } from '../pass.ts'
import {
  type Action,
  bool,
  days,
  idle,
  inScope,
  int,
  languageTag,
  oneOf,
  pattern,
  str,
  type ValueKind,
} from './action.ts'
import { destinations } from './destinations.ts'
import { notifications } from './notification.ts'
import { rates } from './rate.ts'
import { rights } from './rights.ts'
import { selfserviceActions } from './selfservice.ts'

const authentication = inScope('authentication')
const authorization = inScope('authorization')

export const emailProvider = authentication(
  'email_provider',
  str,
  '',
  'E-mail providers to try, in order; empty: the default provider.',
)
export const smsProvider = authentication(
  'sms_provider',
  str,
  '',
  'SMS providers to try, in order; empty: the default provider.',
)
export const emailText = authentication('emailtext', str, '<otp>', 'Text of the mail.')
export const emailSubject = authentication(
  'emailsubject',
  str,
  '',
  "Subject of the mail; empty: the provider's EMAIL_SUBJECT.",
)
export const smsText = authentication('smstext', str, '<otp>', 'Text of the SMS.')
export const enforceSmsText = authentication(
  'enforce_smstext',
  bool,
  false,
  'Ignore the texts that clients propose with data or message.',
)
export const dynamicEmailAddress = authentication(
  'dynamic_email_address',
  bool,
  false,
  "Send to the user's present address instead of the token's.",
)
export const dynamicMobileNumber = authentication(
  'sms_dynamic_mobile_number',
  bool,
  false,
  "Send to the user's present mobile number instead of the token's.",
)
export const triggerSms = authentication(
  'trigger_sms',
  bool,
  false,
  'Let check_s with a challenge parameter send an SMS without a PIN.',
)
export const autoSms = authentication('autosms', bool, false, 'Send the next SMS as soon as an OTP was accepted.')
export const challengeResponse = idle(
  authentication('challenge_response', str, '', 'Types that work by challenge.'),
  'e-mail and SMS tokens always work by challenge',
)
export const passthru = authentication('passthru', bool, false, 'Let users without a token in with their password.')
export const passOnNoToken = authentication('passOnNoToken', bool, false, 'Let users without a token in.')
export const maxAttempts = authentication(
  'max_attempts',
  int(0, 1_000_000) as ValueKind<number | null>, // null stands for "no policy says so"
  null,
  'Answers allowed per challenge, 0 for no limit of its own; unset: the system setting max_attempts.',
)
export const sendLimit = authentication(
  'send_limit',
  rates,
  [],
  'Messages per token, at most: 5/10m for five in ten minutes; several, as in 5/10m 20/1d, hold all at once.',
)
export const language = authentication(
  'language',
  languageTag,
  '',
  'Language of mails from templates, as in de or pt-BR, before what the user or the client asks for.',
)
export const allowedDestinations = authentication(
  'allowed_destinations',
  destinations,
  [],
  'Where messages may go, separated by blanks: *@example.org, *@*.example.org for what is below it, +49*. Others get none.',
)
export const otpPin = authentication(
  'otppin',
  oneOf<PinRule>({
    0: 'token_pin',
    1: 'password',
    2: 'only_otp',
    3: 'ignore_pin',
    token_pin: 'token_pin',
    password: 'password',
    only_otp: 'only_otp',
    ignore_pin: 'ignore_pin',
  }),
  'token_pin',
  'What stands for the PIN: the PIN of the token, the password of the user, nothing, or anything.',
)

export const authorize = authorization(
  'authorize',
  bool,
  false,
  'Once any policy has it, only users for whom one matches get in.',
)
export const tokenTypes = authorization('tokentype', str, '', 'Types that may log in, separated by blanks; * for all.')
export const tokenSerial = authorization('serial', pattern, '', 'A regular expression that the serial must contain.')
export const setRealm = authorization('setrealm', str, '', 'The realm that users are looked for in instead.')
export const detailOnSuccess = authorization(
  'detail_on_success',
  bool,
  false,
  'Add user and token to the reply of a successful check.',
)
export const detailOnFail = authorization(
  'detail_on_fail',
  bool,
  false,
  'Add the reason to the reply of a failed check.',
)

const enrollment = inScope('enrollment')
/** null stands for "no policy says so": there is no limit. */
const limit = int(0, 1_000_000) as ValueKind<number | null>

export const tokenCount = enrollment('tokencount', limit, null, 'Active tokens of a realm, at most.')
export const maxToken = enrollment('maxtoken', limit, null, 'Tokens of a user, at most.')
export const maxTokenEmail = enrollment('maxtokenEMAIL', limit, null, 'E-mail tokens of a user, at most.')
export const maxTokenSms = enrollment('maxtokenSMS', limit, null, 'SMS tokens of a user, at most.')
export const randomPin = enrollment(
  'otp_pin_random',
  int(0, 64),
  0,
  'Length of the random PIN that a new token gets, save by autoenrollment; 0: none.',
)
export const randomPinContent = enrollment(
  'otp_pin_random_content',
  str,
  'cCn',
  'Characters of a random PIN: c small letters, C capital letters, n digits, s signs.',
)
export const autoEnrollment = enrollment(
  'autoenrollment',
  str,
  '',
  'Types that a user without a token is enrolled for at login: email, sms, both in order, or *.',
)
export const purgeRolloutToken = enrollment(
  'purge_rollout_token',
  bool,
  false,
  'Remove the roll-out tokens of a user who logs in with another token.',
)
export const lostTokenValid = enrollment(
  'lostTokenValid',
  days,
  { days: 10 },
  'How long the replacement of a lost token is valid: days until the end of the last one, or a time like 12h.',
)
/** Tokens that stand for a password there are none. */
const lostTokenPasswords: readonly Action[] = [
  enrollment('lostTokenPWLen', int(1, 128), 10, 'Length of the password of a lost token.'),
  enrollment('lostTokenPWContents', str, '', 'Classes of characters of the password of a lost token.'),
].map((action) =>
  idle(action as Action, 'a lost token is replaced by one whose OTPs go by e-mail or SMS, never by a password'),
) // each has its own kind

/** LinOTP assigns a token that nobody owns to the user who sends its OTP (contract 2.1, steps 5 and 7). */
const autoAssignment: readonly Action[] = (
  [
    ['autoassignment', bool, false, 'Give a token that nobody owns to the user who sends password and OTP of it.'],
    ['autoassignment_without_password', bool, false, 'The same for an OTP alone.'],
    ['autoassignment_forward', bool, false, 'The same where requests are forwarded.'],
    ['ignore_autoassignment_pin', bool, false, 'Leave the PIN of such a token as it is.'],
    ['autoassignment_from_realm', str, '', 'The realm whose tokens are given away.'],
  ] as const
).map(([name, value, byDefault, meaning]) =>
  idle(
    enrollment<string | boolean>(name, value as ValueKind<string | boolean>, byDefault, meaning), // each has its own kind
    'the OTP of an e-mail or SMS token exists once it was sent to its owner, and these have none',
  ),
)

const asked = [
  emailProvider,
  smsProvider,
  emailText,
  emailSubject,
  smsText,
  enforceSmsText,
  dynamicEmailAddress,
  dynamicMobileNumber,
  triggerSms,
  autoSms,
  challengeResponse,
  passthru,
  passOnNoToken,
  maxAttempts,
  sendLimit,
  language,
  allowedDestinations,
  otpPin,
  authorize,
  tokenTypes,
  tokenSerial,
  setRealm,
  detailOnSuccess,
  detailOnFail,
  tokenCount,
  maxToken,
  maxTokenEmail,
  maxTokenSms,
  randomPin,
  randomPinContent,
  autoEnrollment,
  purgeRolloutToken,
  lostTokenValid,
  ...lostTokenPasswords,
  ...autoAssignment,
] as readonly Action[] // a list of all kinds of values; each is only ever read through its own declaration

/** Every action that a policy may name. */
export const actions: readonly Action[] = [...asked, ...selfserviceActions, ...notifications, ...rights]

export const findAction = (scope: string, name: string): Action | undefined =>
  actions.find((action) => action.scope === scope && action.name === name)
