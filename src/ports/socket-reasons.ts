/** What happened to a socket, in a word: by the codes that Node, Deno and Bun put on their errors. */

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection_refused',
  ENOTFOUND: 'name_unknown',
  ENODATA: 'name_unknown',
  EAI_AGAIN: 'name_unknown',
  EAI_FAIL: 'name_unknown',
  EAI_NODATA: 'name_unknown',
  EAI_NONAME: 'name_unknown',
  ETIMEDOUT: 'timeout',
  EHOSTUNREACH: 'host_unreachable',
  ENETUNREACH: 'host_unreachable',
  EADDRNOTAVAIL: 'host_unreachable',
  ECONNRESET: 'connection_closed',
  ECONNABORTED: 'connection_closed',
  EPIPE: 'connection_closed',
}

/** @returns undefined for a code that says nothing of the connection: of TLS, for one */
export const socketReason = (code: string): string | undefined =>
  Object.hasOwn(REASONS, code) ? REASONS[code] : undefined

/** Why no connection came about. @param secure whether it was to be a TLS connection from the first byte */
export function connectionReason(error: unknown, secure: boolean): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (typeof code !== 'string') return 'connection_failed'
  return socketReason(code) ?? (secure ? 'tls_failed' : 'connection_failed')
}
