/**
 * LinOTP's old configuration keys of providers, when setConfig sets them (contract 4.2): a configuration is read as
 * setProvider reads it, so that `imported_default` is never a provider that cannot send.
 */
import type { AdminFailure } from '../core/failures.ts'
import { IMPORTED_DEFAULT, legacyClass, legacyKeys, PROVIDER_TYPES } from '../core/legacy-providers.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ProviderRecord, ProviderType, Settings } from '../core/settings.ts'
import type { FindProvider, Provider } from '../ports/provider.ts'
import type { ProviderConfigs } from './provider-configs.ts'
import { maskConfig } from './provider-masks.ts'

/** What is kept of a configuration, with its secrets, and what is shown of it. */
export type LegacyConfig = { readonly kept: string; readonly shown: string }

type Parts = { readonly configs: ProviderConfigs; readonly findProvider: FindProvider }
type Entries = ReadonlyMap<string, string>

/**
 * @param posted entries by their plain keys
 * @returns the configurations among them, by key
 */
export async function readLegacyConfigs(
  posted: Entries,
  settings: Settings,
  parts: Parts,
): Promise<Result<ReadonlyMap<string, LegacyConfig>, AdminFailure>> {
  const read = new Map<string, LegacyConfig>()
  for (const type of PROVIDER_TYPES) {
    const found = await readLegacyConfig(type, posted, settings, parts)
    if (!found.ok) return found
    if (found.value) read.set(legacyKeys[type].config, found.value)
  }
  return ok(read)
}

async function readLegacyConfig(
  type: ProviderType,
  posted: Entries,
  settings: Settings,
  { configs, findProvider }: Parts,
): Promise<Result<LegacyConfig | null, AdminFailure>> {
  const keys = legacyKeys[type]
  const before = settings.providers.find((one) => one.type === type && one.name === IMPORTED_DEFAULT)
  const [className, text] = [posted.get(keys.class), posted.get(keys.config)]
  // A class alone makes no provider, and may be any text.
  if (text === undefined && (className === undefined || !before)) return ok(null)
  const provider = findProvider(type, className ?? legacyClass(type, settings.config))
  if (!provider)
    return err({ code: 'parameter_invalid', field: keys.class, rule: `must be a class of ${type} providers` })
  if (text === undefined) return fits(before, provider)
  const read = await configs.read(text, { provider, name: IMPORTED_DEFAULT, timeout: '', before }, keys.config)
  if (!read.ok) return read
  const { config } = read.value
  const kept = JSON.stringify(config)
  const shown = JSON.stringify(maskConfig(config, provider))
  // As it was written, where there is nothing to fill in and nothing to hide.
  return ok({ kept: kept === JSON.stringify(JSON.parse(text)) ? text : kept, shown: kept === shown ? text : shown })

  /** Another class for the configuration that is there. */
  async function fits(record: ProviderRecord | undefined, next: Provider): Promise<Result<null, AdminFailure>> {
    const config = record && (await configs.open(record))
    if (!config) return ok(null)
    const target = { provider: next, name: IMPORTED_DEFAULT, timeout: '', before: undefined }
    const read = await configs.read(JSON.stringify(config), target, keys.config)
    if (read.ok || read.error.code !== 'parameter_invalid') return ok(null)
    const { field, rule } = read.error
    return err({
      code: 'parameter_invalid',
      field: keys.class,
      rule: `must fit the configuration, or come with another one: ${field} ${rule}`,
    })
  }
}
