/** Hands out the OTP of each mail once. */
import type { CaughtMail, MailCatcher } from '../ports/catcher.ts'

/** @param advice what the server has to say when no mail came */
export function otpReader(catcher: MailCatcher, advice: () => string) {
  /** Per address the last mail handed out, once it is known: callers take turns. */
  const turns = new Map<string, Promise<string | undefined>>()

  return async (address: string, options: { readonly timeoutMs?: number } = {}): Promise<string> => {
    const key = address.toLowerCase()
    const before = turns.get(key) ?? Promise.resolve(undefined)
    const mail = before.then((last) => catcher.waitFor(address, { ...options, after: last ?? '0' }))
    // Without a mail the turn passes on as it was.
    turns.set(
      key,
      mail.then(
        ({ id }) => id,
        () => before,
      ),
    )
    return otpOf(await mail.catch(explain))
  }

  function explain(cause: Error): never {
    throw new Error([cause.message, advice()].filter(Boolean).join('\n'), { cause })
  }
}

/** Six digits, which is what tokens have unless told; else four to ten of them. */
function otpOf(mail: CaughtMail): string {
  const [otp] = /(?<!\d)\d{6}(?!\d)/.exec(mail.text) ?? /(?<!\d)\d{4,10}(?!\d)/.exec(mail.text) ?? []
  if (otp === undefined) throw new Error(`the mail to ${mail.to.join(', ')} has no OTP in it: ${mail.text}`)
  return otp
}
