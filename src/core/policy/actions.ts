/** The actions that flows ask about (contract 6.4). */
import type { PinRule } from '../pass.ts'
import { defineAction } from './action.ts'

export const emailProvider = defineAction<string>({
  name: 'email_provider',
  scope: 'authentication',
  default: '',
  meaning: 'Names of the e-mail providers to try, in order; empty: the default provider.',
})

export const emailText = defineAction<string>({
  name: 'emailtext',
  scope: 'authentication',
  default: '<otp>',
  meaning: 'Text of the message.',
})

export const emailSubject = defineAction<string>({
  name: 'emailsubject',
  scope: 'authentication',
  default: '',
  meaning: "Subject of the message; empty: the provider's EMAIL_SUBJECT.",
})

export const dynamicEmailAddress = defineAction<boolean>({
  name: 'dynamic_email_address',
  scope: 'authentication',
  default: false,
  meaning: "Send to the user's present address instead of the token's.",
})

export const maxAttempts = defineAction<number | null>({
  name: 'max_attempts',
  scope: 'authentication',
  default: null,
  meaning: 'Answers allowed per challenge, 0 for no limit of its own; unset: the system setting max_attempts.',
})

export const smsProvider = defineAction<string>({
  name: 'sms_provider',
  scope: 'authentication',
  default: '',
  meaning: 'Names of the SMS providers to try, in order; empty: the default provider.',
})

export const smsText = defineAction<string>({
  name: 'smstext',
  scope: 'authentication',
  default: '<otp>',
  meaning: 'Text of the SMS.',
})

export const enforceSmsText = defineAction<boolean>({
  name: 'enforce_smstext',
  scope: 'authentication',
  default: false,
  meaning: 'Ignore the texts that clients propose with data or message.',
})

export const dynamicMobileNumber = defineAction<boolean>({
  name: 'sms_dynamic_mobile_number',
  scope: 'authentication',
  default: false,
  meaning: "Send to the user's present mobile number instead of the token's.",
})

export const triggerSms = defineAction<boolean>({
  name: 'trigger_sms',
  scope: 'authentication',
  default: false,
  meaning: 'Let check_s with a challenge parameter send an SMS without a PIN.',
})

export const otpPin = defineAction<PinRule>({
  name: 'otppin',
  scope: 'authentication',
  default: 'token_pin',
  meaning: 'What stands for the PIN: the PIN of the token, the password of the user, nothing, or anything.',
})
