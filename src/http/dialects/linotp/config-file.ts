/**
 * What LinOTP hands out of its configuration, as a file: replies of `system/getConfig`, `system/getProvider` and
 * `system/getPolicy` (contract 4.3, 6.1, 8.1), alone or in a list, the `policy.cfg` of its export, and lines of
 * `key = value` with the keys of its database, where all of it stands under names like `linotp.EmailProvider`.
 */
import type { PolicyRecord } from '../../../core/policy/policy.ts'
import { readPolicyFile, toPolicy } from './policies.ts'

export type ExportedProvider = {
  readonly name: string
  readonly class: string
  /** JSON text; null: LinOTP does not show it. */
  readonly config: string | null
  readonly timeout: string | null
  readonly isDefault: boolean
}
export type LinotpExport = {
  /** By keys without `linotp.`. */
  readonly config: ReadonlyMap<string, string>
  readonly providers: readonly ExportedProvider[]
  readonly policies: readonly PolicyRecord[]
}

const NOTHING: LinotpExport = { config: new Map(), providers: [], policies: [] }

/** null: it is none of these. */
export function readLinotpFile(text: string): LinotpExport | null {
  const trimmed = text.replace(/^\ufeff/, '').trim()
  if (!/^[{[]/.test(trimmed)) return readLines(trimmed)
  try {
    return readDocument(JSON.parse(trimmed))
  } catch {
    // A policy file begins with a bracket too.
    return readLines(trimmed)
  }
}

/** Values that LinOTP has encrypted (`iv:text` in hexadecimal), and what otpost has sealed: nobody else can read them. */
export const isEncrypted = (value: string): boolean =>
  /^[0-9a-f]{32}:(?:[0-9a-f]{2})+$/i.test(value) || /^v1(?:\.[\w-]+){3}$/.test(value)

type Members = Readonly<Record<string, unknown>>

const isMembers = (value: unknown): value is Members =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readDocument(document: unknown): LinotpExport | null {
  if (Array.isArray(document)) {
    const parts = document.map(readDocument)
    return parts.reduce<LinotpExport | null>((all, part) => (all && part ? join(all, part) : null), NOTHING)
  }
  if (!isMembers(document)) return null
  const { result } = document
  const value = isMembers(result) && 'value' in result ? result.value : document
  if (!isMembers(value)) return null
  const members = Object.entries(value)
  if (members.every(([, one]) => isMembers(one) && typeof one.Class === 'string'))
    return { ...NOTHING, providers: members.map(([name, one]) => toProvider(name, one as Members)) } // seen above
  if (members.every(([, one]) => isMembers(one) && typeof one.scope === 'string'))
    return { ...NOTHING, policies: members.map(([name, one]) => toPolicy(name, textsOf(one as Members))) } // seen above
  if (members.every(([, one]) => typeof one !== 'object' || one === null))
    return fromConfig(members.flatMap(([key, one]) => (one === null ? [] : [[key, String(one)]])))
  return null
}

function toProvider(name: string, { Class, Config, Timeout, Default }: Members): ExportedProvider {
  return {
    name,
    class: String(Class),
    config: typeof Config === 'string' ? Config : null,
    timeout: Timeout === undefined ? null : String(Timeout),
    isDefault: Default === true,
  }
}

const textsOf = (members: Members): ReadonlyMap<string, string> =>
  new Map(Object.entries(members).map(([key, value]) => [key, String(value ?? '')]))

/** Lines before the first `[section]` are configuration, sections are policies. */
function readLines(text: string): LinotpExport | null {
  const lines = text.split(/\r?\n/)
  const first = lines.findIndex((line) => /^\s*\[.*\]\s*$/.test(line))
  const entries = lines.slice(0, first < 0 ? lines.length : first).flatMap((line): [string, string][] => {
    const equals = line.indexOf('=')
    return equals < 1 || /^\s*[#;]/.test(line) ? [] : [[line.slice(0, equals).trim(), line.slice(equals + 1).trim()]]
  })
  const policies = first < 0 ? [] : readPolicyFile(lines.slice(first).join('\n'))
  if (entries.length + policies.length === 0) return null
  const read = fromConfig(entries)
  return { ...read, policies: [...read.policies, ...policies] }
}

/** Policies stand among the entries of the configuration as `Policy.<name>.<attribute>`. */
function fromConfig(entries: readonly (readonly string[])[]): LinotpExport {
  const config = new Map<string, string>()
  const policies = new Map<string, Map<string, string>>()
  for (const [given = '', value = ''] of entries) {
    const key = given.replace(/^(?:enc)?linotp\./, '')
    const [, name, attribute] = /^Policy\.([^.]+)\.([^.]+)$/.exec(key) ?? []
    if (name === undefined || attribute === undefined) config.set(key, value)
    else policies.set(name, (policies.get(name) ?? new Map<string, string>()).set(attribute, value))
  }
  return { config, providers: [], policies: [...policies].map(([name, fields]) => toPolicy(name, fields)) }
}

const join = (a: LinotpExport, b: LinotpExport): LinotpExport => ({
  config: new Map([...a.config, ...b.config]),
  providers: [...a.providers, ...b.providers],
  policies: [...a.policies, ...b.policies],
})
