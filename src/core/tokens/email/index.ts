/** The e-mail token: its OTP travels in a mail. NIST SP 800-63B §5.1.3.1 does not accept e-mail as out-of-band channel. */
import { isEmailAddress } from '../../fields.ts'
import { IMPORTED_DEFAULT } from '../../legacy-providers.ts'
import { dynamicEmailAddress, emailProvider, emailSubject, emailText, maxTokenEmail } from '../../policy/actions.ts'
import { editEmail, mayEnrollEmail } from '../../policy/selfservice.ts'
import { emailBlocking, emailPrompt } from '../../setting-keys.ts'
import { defineTokenType } from '../token-type.ts'

export const email = defineTokenType({
  name: 'email',
  serialPrefix: 'LSEM',
  channel: 'email',
  addressField: 'email_address',
  addressAttribute: 'email',
  readAddress: (text) => (isEmailAddress(text.trim()) ? text.trim() : null),
  addressRule: 'must be one e-mail address, like ada@example.org',
  counterStep: 2,
  lenientAnswers: false,
  actions: {
    ...{ providers: emailProvider, dynamicAddress: dynamicEmailAddress, limit: maxTokenEmail },
    ...{ selfEnroll: mayEnrollEmail, selfEdit: editEmail },
  },
  // Proposed texts do not reach mails. A text without the OTP gets it at its end, with no blank (contract 5.2).
  template: (policy) => {
    const text = policy.value(emailText)
    return { text: text.includes('<otp>') ? text : `${text}<otp>`, subject: policy.value(emailSubject) }
  },
  // The time-out of the legacy provider is the blocking time, and bounds nothing.
  validityBound: (_, provider) => (provider && provider.name !== IMPORTED_DEFAULT ? Number(provider.timeout) : null),
  stamp: () => ({}),
  settings: { blocking: emailBlocking, prompt: emailPrompt },
  sent: 'e-mail sent successfully',
  alreadySent: 'e-mail with otp already submitted',
})
