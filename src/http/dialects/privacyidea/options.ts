/** The process settings of privacyIDEA's dialect. Each error names the variable and the rule. */
import { err, ok, type Result } from '../../../core/result.ts'
import { tokenTypes } from '../../../core/tokens/index.ts'
import { type ProxyList, readAddresses } from '../../middleware/facts.ts'
import { DEFAULT_AGENTS, type DecodingOf, readAgents } from './agents.ts'
import { isPem } from './signature.ts'

export type Options = {
  /** How the values of an agent are to be decoded. */
  readonly decodingOf: DecodingOf
  /** Prefix of new serials, by token type. */
  readonly prefixes: ReadonlyMap<string, string>
  /** What whoever asks for a user that nobody knows hears: error 904, or an ordinary no. */
  readonly unknownUser: 'error' | 'reject'
  /** Who may name another client's address with `client`. */
  readonly mayNameClient: ProxyList
  /** Key that signs replies, PKCS #8; null: they are not signed. */
  readonly signingKey: string | null
}

const DEFAULT_PREFIXES = [
  ['email', 'PIEM'],
  ['sms', 'PISM'],
] as const

export function readOptions(variables: Readonly<Record<string, string | undefined>>): Result<Options, string> {
  const decodingOf = readAgents(variables.OTPOST_PI_ENCODED_TWICE ?? DEFAULT_AGENTS)
  if (!decodingOf.ok) return err(`OTPOST_PI_ENCODED_TWICE: ${decodingOf.error}`)
  const prefixes = readPrefixes(variables.OTPOST_PI_SERIAL_PREFIXES ?? '')
  if (!prefixes.ok) return err(`OTPOST_PI_SERIAL_PREFIXES: ${prefixes.error}`)
  const unknownUser = variables.OTPOST_PI_UNKNOWN_USER ?? 'error'
  if (unknownUser !== 'error' && unknownUser !== 'reject') return err('OTPOST_PI_UNKNOWN_USER must be error or reject')
  const mayNameClient = readAddresses(variables.OTPOST_PI_OVERRIDE_CLIENT ?? '')
  if (!mayNameClient.ok) return err(`OTPOST_PI_OVERRIDE_CLIENT: ${mayNameClient.error}`)
  const signingKey = variables.OTPOST_PI_SIGNING_KEY ?? null
  if (signingKey !== null && !isPem(signingKey))
    return err('OTPOST_PI_SIGNING_KEY must be an RSA private key in PEM (PKCS #8, BEGIN PRIVATE KEY)')
  return ok({
    decodingOf: decodingOf.value,
    prefixes: new Map<string, string>([...DEFAULT_PREFIXES, ...prefixes.value]),
    unknownUser,
    mayNameClient: mayNameClient.value,
    signingKey,
  })
}

function readPrefixes(text: string): Result<ReadonlyMap<string, string>, string> {
  const prefixes = new Map<string, string>()
  for (const entry of text.split(/[\s,]+/).filter(Boolean)) {
    const [type = '', prefix = '', ...more] = entry.split('=')
    if (!tokenTypes.some(({ name }) => name === type) || !/^[\w-]{1,16}$/.test(prefix) || more.length > 0)
      return err(`'${entry}' must be a token type and 1 to 16 letters, digits, _ or -, as in email=PIEM`)
    prefixes.set(type, prefix)
  }
  return ok(prefixes)
}
