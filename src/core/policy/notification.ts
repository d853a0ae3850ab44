/** Mails about what happened to a token (contract 6.9): scope notification. They can be stored and are shown. */
import { type Action, idle, inScope, str } from './action.ts'

const notification = inScope('notification')

export const notifications: readonly Action<string>[] = (
  [
    ['enrollment', 'Provider, as in email::name, of the mail that tells users of a new token.'],
    ['autoenrollment', 'The same for a token that was enrolled at login.'],
    ['setPin', 'The same for a PIN that was set.'],
  ] as const
).map(([name, meaning]) => idle(notification(name, str, '', meaning), 'notifications are not sent'))
