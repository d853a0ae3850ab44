/** What `startOtpost` gives to a test. */
/// <reference lib="esnext.disposable" preserve="true" />
import type { CaughtMail } from '../ports/catcher.ts'

export type TestRuntime = 'miniflare' | 'node'

export type StartOptions = {
  /** `node`, unless told: in this process, over an SQLite file. `miniflare`: in workerd, over D1. */
  readonly runtime?: TestRuntime
  /** Settings of the process, as in `.env`: `{ OTPOST_SEND_DEADLINE: '2' }`. */
  readonly variables?: Readonly<Record<string, string>>
}

/** Reply of /validate/check. `value` says whether the pass was right; `detail` is there when a message was sent. */
export type CheckReply = {
  readonly result: { readonly status: boolean; readonly value: boolean }
  readonly detail?: ChallengeDetail
}
export type ChallengeDetail = {
  readonly transactionid: string
  readonly message: string
  /** One challenge was opened. */
  readonly linotp_tokenserial?: string
  readonly linotp_tokentype?: string
  readonly info?: string
  /** Several were, by serial. */
  readonly challenges?: Readonly<Record<string, ChallengeDetail>>
}

/** Reply of /admin and /system, whatever it says: a refusal has `status: false` and an error. */
export type AdminReply = {
  readonly result: {
    readonly status: boolean
    readonly value?: unknown
    readonly error?: { readonly code: number; readonly message: string }
  }
  readonly detail?: Readonly<Record<string, unknown>>
}

export type Params = Readonly<Record<string, string | number | boolean | readonly string[]>>

export type NewUser = {
  readonly login: string
  readonly email?: string
  readonly name?: string
  readonly mobile?: string
}
export type NewToken = {
  readonly user?: string
  readonly realm?: string
  readonly email: string
  readonly pin?: string
  readonly serial?: string
  /** Secret in hex, 16 to 64 bytes; a random one unless told. */
  readonly otpkey?: string
  /** Length of the OTP, 6 unless configured otherwise. */
  readonly digits?: number
}

/** The administrator. Every function but `call` throws what the server refused. */
export type AdminClient = {
  /** Saves an e-mail provider; `config` as in the administration guide, keys like SMTP_SERVER. */
  readonly setProvider: (
    name: string,
    config: Readonly<Record<string, unknown>>,
    options?: { readonly default?: boolean; readonly timeout?: number; readonly class?: string },
  ) => Promise<void>
  readonly setConfig: (entries: Readonly<Record<string, string | number | boolean>>) => Promise<void>
  readonly setRealm: (name: string, resolvers: readonly string[]) => Promise<void>
  /** Makes the resolver, or replaces its users by these. Resolver `enrolled` belongs to `enroll`. */
  readonly importUsers: (resolver: string, users: readonly NewUser[]) => Promise<void>
  /** Makes an e-mail token. @returns its serial */
  readonly init: (token: NewToken) => Promise<string>
  readonly remove: (serial: string) => Promise<void>
  /** Fail count back to 0. */
  readonly reset: (serial: string) => Promise<void>
  /** The token's fields as /admin/show tells them, `LinOtp.FailCount` and so on. */
  readonly show: (serial: string) => Promise<Readonly<Record<string, unknown>>>
  /** Posts to any path of the administration, `/system/getConfig`, and returns the reply as it is. */
  readonly call: (path: string, params?: Params) => Promise<AdminReply>
}

export type Enrolment = {
  readonly serial: string
  readonly user: string
  readonly realm: string
  readonly pin: string
  readonly email: string
}

export type TestOtpost = AsyncDisposable & {
  /** Without a slash at the end. */
  readonly url: string
  readonly runtime: TestRuntime
  readonly admin: AdminClient
  /**
   * Makes an e-mail token, and its user in realm `test` when there is no such user yet. What is not told: a new user,
   * `LOGIN@example.org`, PIN `1234`.
   */
  readonly enroll: (wanted?: {
    readonly user?: string
    readonly email?: string
    readonly pin?: string
  }) => Promise<Enrolment>
  /**
   * The OTP from the next mail to `address` that was not handed out before, now or when it comes.
   * @throws when none comes within `timeoutMs` (5000), with the warnings and errors that the server logged
   */
  readonly nextOtp: (address: string, options?: { readonly timeoutMs?: number }) => Promise<string>
  /** Posts to /validate/check. */
  readonly check: (params: Params) => Promise<CheckReply>
  /** All mails so far, the oldest first. */
  readonly mails: () => readonly CaughtMail[]
  /** Ends the server and removes all that it kept. May be called again. */
  readonly stop: () => Promise<void>
}
