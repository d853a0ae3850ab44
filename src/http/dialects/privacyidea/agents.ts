/**
 * Agents: which clients encode their values twice (contract 0, trap 1). privacyIDEA decodes nearly everybody's values a
 * second time, which breaks the passwords of those that encode once; here it is a list, and who is not on it encodes once.
 */
import { err, ok, type Result } from '../../../core/result.ts'

/** What an agent's values need after the decoding that all get; null: nothing. */
export type DecodeAgain = ((value: string, decodePercent: (text: string) => string) => string) | null
export type DecodingOf = (userAgent: string) => DecodeAgain

/**
 * `name`: exactly this agent, without a version, and a `+` is a plus. `name/*`: in any version, and encoded as java-client
 * does, which makes a `+` of a blank before it encodes again.
 */
export const DEFAULT_AGENTS =
  'FreeRADIUS privacyIDEA-Keycloak/* entraid-via-keycloak/* privacyIDEA-ADFS/* privacyIDEA-Shibboleth/*'

export function readAgents(text: string): Result<DecodingOf, string> {
  const entries = text.split(/[\s,]+/).filter(Boolean)
  const wrong = entries.find((entry) => !/^[\w!#$%&'*+.^`|~-]+(\/\*)?$/.test(entry))
  if (wrong !== undefined) return err(`'${wrong}' must be the name of an agent, or a name and /*`)
  const [whole, families] = [
    entries.filter((entry) => !entry.endsWith('/*')).map((entry) => entry.toLowerCase()),
    entries.filter((entry) => entry.endsWith('/*')).map((entry) => entry.slice(0, -2).toLowerCase()),
  ]
  return ok((userAgent) => {
    const agent = userAgent.trim().toLowerCase()
    if (families.some((name) => agent === name || agent.startsWith(`${name}/`)))
      return (value, decodePercent) => decodePercent(value.replaceAll('+', ' '))
    return whole.includes(agent) ? (value, decodePercent) => decodePercent(value) : null
  })
}
