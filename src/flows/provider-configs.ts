/**
 * Configurations of providers: read when they are saved, opened and masked when they are shown. The same for a provider
 * that is set by its name and for one that stands in LinOTP's old configuration keys.
 */
import type { AdminFailure } from '../core/failures.ts'
import { withTimeout } from '../core/legacy-providers.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ProviderRecord } from '../core/settings.ts'
import type { Edges } from '../ports/edges.ts'
import type { FindProvider, Provider, RawConfig } from '../ports/provider.ts'
import { place, type Vault } from '../ports/vault.ts'
import { maskConfig, unmaskConfig } from './provider-masks.ts'
import type { SettingsCache } from './settings.ts'
import type { Templates } from './templates.ts'

/** What a configuration is for. `before`: what masks in it stand for. */
export type ConfigTarget = {
  readonly provider: Provider
  readonly name: string
  readonly timeout: string
  readonly before: ProviderRecord | undefined
}

export type ProviderConfigs = {
  /**
   * @param text JSON as posted; null: the parameter is absent
   * @param field its name, under which problems are told as `field.key`
   * @returns the configuration with its secrets, and the names of keys that are kept but not understood
   */
  readonly read: (
    text: string | null,
    target: ConfigTarget,
    field: string,
  ) => Promise<Result<{ readonly config: RawConfig; readonly warnings: readonly string[] }, AdminFailure>>
  /** null when the keys at hand do not open it. */
  readonly open: (record: ProviderRecord) => Promise<RawConfig | null>
  /** With `***` where a secret stands; empty when it cannot be opened. */
  readonly shown: (record: ProviderRecord) => Promise<RawConfig>
}

type Parts = {
  readonly vault: Vault
  readonly edges: Edges
  readonly findProvider: FindProvider
  readonly settings: SettingsCache
  readonly templates: Templates
}

export function createProviderConfigs({ vault, edges, findProvider, settings, templates }: Parts): ProviderConfigs {
  return { read, open, shown }

  async function read(text: string | null, target: ConfigTarget, field: string): ReturnType<ProviderConfigs['read']> {
    const { provider, before } = target
    const posted = readObject(text, field)
    if (!posted.ok) return posted
    const refuse = ({ key, rule }: { key: string; rule: string }) =>
      err({ code: 'parameter_invalid', field: `${field}.${key}`, rule } as const)
    const known = before && before.class !== '' ? await open(before) : null
    const sameClass = before !== undefined && findProvider(before.type, before.class) === provider
    const config = unmaskConfig(posted.value, known, { provider, sameClass })
    if (!config.ok) return refuse(config.error)
    const checked = await provider.read(withTimeout(config.value, target), edges)
    if (!checked.ok) return refuse(checked.error)
    const { template } = provider.defaults(checked.value.config)
    if (template !== undefined) {
      const loaded = await templates.load(template, [], (await settings.fresh()).version)
      if (!loaded.ok) return refuse({ key: 'TEMPLATE', rule: loaded.error.rule })
    }
    return ok({ config: config.value, warnings: checked.value.warnings })
  }

  async function open(record: ProviderRecord): Promise<RawConfig | null> {
    const plain = await vault.open(record.sealedConfig, place.provider(record.type, record.name))
    // It was an object when it was sealed.
    return plain.ok ? (JSON.parse(new TextDecoder().decode(plain.value)) as RawConfig) : null
  }

  async function shown(record: ProviderRecord): Promise<RawConfig> {
    return maskConfig((await open(record)) ?? {}, findProvider(record.type, record.class))
  }
}

function readObject(text: string | null, field: string): Result<RawConfig, AdminFailure> {
  if (text === null || text.trim() === '') return err({ code: 'parameter_missing', field })
  const refuse = (rule: string, key = '') => err({ code: 'parameter_invalid', field: `${field}${key}`, rule } as const)
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse('must be a JSON object')
    const broken = brokenText(value)
    if (broken !== null) return refuse('must be whole characters, without halves of surrogate pairs', broken)
    return ok(value as RawConfig) // checked above
  } catch {
    const hint = /^\s*\{\s*'/.test(text) ? ': JSON wants double quotes' : ''
    return refuse(`must be a JSON object${hint}`)
  }
}

/** The path of a key or text that holds half a character, which no mail, header or database takes; null: there is none. */
function brokenText(value: unknown): string | null {
  if (typeof value === 'string') return value.isWellFormed() ? null : ''
  if (typeof value !== 'object' || value === null) return null
  for (const [key, inner] of Object.entries(value)) {
    const broken = key.isWellFormed() ? brokenText(inner) : ''
    if (broken !== null) return `.${key.toWellFormed()}${broken}`
  }
  return null
}
