/** The e-mail token: its OTP travels in a mail. NIST SP 800-63B §5.1.3.1 does not accept e-mail as out-of-band channel. */
import { isEmailAddress } from '../../fields.ts'
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
  sent: 'e-mail sent successfully',
  alreadySent: 'e-mail with otp already submitted',
})
