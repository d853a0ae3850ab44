/**
 * Mail catcher port: a place where mails end instead of being sent on, for a first look, the demo and tests.
 * It shows OTPs to whoever can reach it, so it belongs on a developer's own machine and nowhere else.
 */
import type { Instant } from '../core/time.ts'

/** One message as it came over SMTP, envelope and content. */
export type CaughtMail = {
  /** Grows with every mail of this catcher, also across `clear`; never handed out twice. */
  readonly id: string
  readonly receivedAt: Instant
  /** Reverse-path of the envelope (RFC 5321 §4.1.1.2), empty for a bounce. Not the From header. */
  readonly from: string
  /** Recipients of the envelope (RFC 5321 §4.1.1.3). Not the To header. */
  readonly to: readonly string[]
  readonly subject: string
  /** Text part, decoded; the HTML source when there is no text part. Without trailing line breaks. */
  readonly text: string
  /** The whole message with its headers, read as UTF-8. */
  readonly raw: string
}

export type WaitOptions = {
  /** Id of a mail; only later ones count. Without it a mail that is already there counts, the newest first. */
  readonly after?: string
  /** Milliseconds, 5000 unless told. */
  readonly timeoutMs?: number
}

export type MailCatcher = {
  /** Loopback address the SMTP server listens on. */
  readonly host: string
  readonly port: number
  /** In the order of arrival, the oldest first. */
  readonly mails: () => readonly CaughtMail[]
  /**
   * The mail to `address`, compared without regard to case: at once when it is there, else when it comes.
   * Without `after` that is the newest one there is, with `after` the first one that followed it.
   *
   * @throws an error that names the address, when the time is up or the catcher is closed
   */
  readonly waitFor: (address: string, options?: WaitOptions) => Promise<CaughtMail>
  /** Forgets the mails. Those who wait go on waiting. */
  readonly clear: () => void
  /** Stops listening and drops open connections; those who wait are refused. */
  readonly close: () => Promise<void>
}
