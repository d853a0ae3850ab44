/**
 * Failures of a directory as a fixed word, and at most the number of an LDAP result (RFC 4511 appendix A). Nothing else
 * of what a server said gets through: it may quote a name or a password.
 */
import type { Result } from '../../core/result.ts'
import { socketReason } from '../../ports/socket-reasons.ts'

export type LdapFailure = {
  readonly reason: string
  /** Code of the result, where a server gave one. */
  readonly result?: number
  /** Another server may do better: this one was not reached, went away, or said that it cannot. */
  readonly elsewhere: boolean
}
export type FromServer<T> = Promise<Result<T, LdapFailure>>

export const BUSY = 51
export const UNAVAILABLE = 52

const REASONS_OF_RESULTS: Readonly<Record<number, string>> = {
  3: 'time_limit',
  8: 'encryption_required',
  10: 'referral',
  11: 'admin_limit',
  13: 'encryption_required',
  32: 'base_unknown',
  34: 'dn_invalid',
  49: 'bind_refused',
  50: 'access_denied',
  [BUSY]: 'busy',
  [UNAVAILABLE]: 'unavailable',
}

export const failed = (reason: string): LdapFailure => ({ reason, elsewhere: true })

/** @param result code of an LDAP result other than success */
export const resultFailure = (result: number): LdapFailure => ({
  reason: REASONS_OF_RESULTS[result] ?? `result_${result}`,
  result,
  elsewhere: result === BUSY || result === UNAVAILABLE,
})

/** Why no connection came about. @param encrypted whether TLS was being set up */
export function connectionFailure(error: unknown, encrypted: boolean): LdapFailure {
  const code = codeOf(error)
  const known = typeof code === 'string' ? socketReason(code) : undefined
  return failed(known ?? (encrypted ? 'tls_failed' : 'connection_failed'))
}

/** Code of a result, where ldapts rejected for one. */
export function resultOf(error: unknown): number | undefined {
  const code = codeOf(error)
  return typeof code === 'number' ? code & 0xff : undefined // one byte, which ldapts takes for signed
}

function codeOf(error: unknown): string | number | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined
  return typeof error.code === 'string' || typeof error.code === 'number' ? error.code : undefined
}
