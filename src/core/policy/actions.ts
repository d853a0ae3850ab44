/** The actions that flows ask about (contract 6.4). */
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
