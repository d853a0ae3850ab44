/** The SMS token: its OTP travels in a text message. NIST SP 800-63B §5.1.3.3 restricts the use of SMS. */
import { dynamicMobileNumber, enforceSmsText, maxTokenSms, smsProvider, smsText } from '../../policy/actions.ts'
import { editSms, mayEnrollSms } from '../../policy/selfservice.ts'
import { smsBlocking, smsPrompt, smsSend, smsTimeout } from '../../setting-keys.ts'
import { settingOf } from '../../settings.ts'
import { defineTokenType } from '../token-type.ts'

/** Digits with the signs that people put between them; at least one digit, at most 32 characters. */
const PHONE = /^(?=.*\d)[\d+ ()/.-]{1,32}$/

/**
 * UTF-16 units of a client's text, for whoever reaches /validate has its messages paid by somebody else: in UCS-2 they are
 * ten with the OTP, before names in it are filled in. No pair is cut in two.
 */
const MAX_PROPOSED = 640
const bounded = (text: string | null): string | null =>
  text?.slice(0, MAX_PROPOSED).replace(/[\ud800-\udbff]$/, '') ?? null

export const sms = defineTokenType({
  name: 'sms',
  serialPrefix: 'LSSM',
  channel: 'sms',
  addressField: 'phone',
  addressAttribute: 'mobile',
  fallbackAttribute: 'phone',
  readAddress: (text) => (PHONE.test(text.trim()) ? text.trim() : null),
  addressRule: 'must be one phone number, like +49 170 1234567',
  counterStep: 1,
  lenientAnswers: true,
  actions: {
    ...{ providers: smsProvider, dynamicAddress: dynamicMobileNumber, limit: maxTokenSms },
    ...{ selfEnroll: mayEnrollSms, selfEdit: editSms },
  },
  // A text without the OTP gets it at its beginning (contract 3.6).
  template: (policy, proposed) => {
    const ruled = policy.value(smsText)
    const own = policy.value(enforceSmsText) ? null : bounded(proposed.text)
    const text = own || (ruled !== smsText.default ? ruled : '') || bounded(proposed.fallback) || ruled
    return { text: text.includes('<otp>') ? text : `<otp> ${text}`, subject: '' }
  },
  validityBound: (settings) => settingOf(settings, smsTimeout),
  stamp: (settings, now) => ({ until: now + settingOf(settings, smsTimeout) }),
  settings: { blocking: smsBlocking, prompt: smsPrompt, send: smsSend },
  sent: 'sms submitted',
  alreadySent: 'sms with otp already submitted',
})
