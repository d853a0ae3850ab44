/** Configurations of directories: read when they are saved, sealed, and masked when they are shown. */
import type { AdminFailure } from '../core/failures.ts'
import { err, ok, type Result } from '../core/result.ts'
import type { ResolverRecord } from '../core/settings.ts'
import type { Edges } from '../ports/edges.ts'
import type { RawConfig } from '../ports/provider.ts'
import type { FindResolver, ResolverClass } from '../ports/users.ts'
import { place, type Vault } from '../ports/vault.ts'
import { MASK, maskConfig, SECRET_INSIDE, unmaskConfig } from './provider-masks.ts'

/** Parameters as LinOTP's forms have them: texts, some of which hold JSON. */
export type ResolverParams = Readonly<Record<string, string>>

export type ResolverConfigs = {
  /**
   * @param before what masks, and secrets that are left out, stand for
   * @returns the sealed configuration, and the names of keys that are kept but not understood
   */
  readonly read: (
    name: string,
    params: ResolverParams,
    target: { readonly resolver: ResolverClass; readonly before: ResolverRecord | undefined },
  ) => Promise<Result<{ readonly sealedConfig: string; readonly warnings: readonly string[] }, AdminFailure>>
  /** With `***` where a secret stands; empty when it cannot be opened. */
  readonly shown: (record: ResolverRecord) => Promise<ResolverParams>
}

type Parts = { readonly vault: Vault; readonly edges: Edges; readonly findResolver: FindResolver }

export function createResolverConfigs({ vault, edges, findResolver }: Parts): ResolverConfigs {
  return {
    read: async (name, params, { resolver, before }) => {
      const refuse = ({ key, rule }: { key: string; rule: string }) =>
        err({ code: 'parameter_invalid', field: key, rule } as const)
      const broken = Object.entries(params).find((entry) => !entry.every((text) => text.isWellFormed()))
      if (broken)
        return refuse({
          key: broken[0].toWellFormed(),
          rule: 'must be whole characters, without halves of surrogate pairs',
        })
      const known = before ? await open(before) : null
      const config = unmaskConfig(expand(withMasks(params, known, resolver)), known && expand(known), {
        provider: resolver,
        sameClass: before !== undefined,
      })
      if (!config.ok) return refuse(config.error)
      const kept = collapse(config.value)
      const checked = await resolver.read(kept, edges)
      if (!checked.ok)
        return checked.error.rule === MISSING
          ? err({ code: 'parameter_missing', field: checked.error.key })
          : refuse(checked.error)
      const sealedConfig = await vault.seal(new TextEncoder().encode(JSON.stringify(kept)), place.resolver(name))
      return ok({ sealedConfig, warnings: checked.value.warnings })
    },

    shown: async (record) => {
      const config = await open(record)
      return config ? collapse(maskConfig(expand(config), findResolver(record.type))) : {}
    },
  }

  async function open({ name, sealedConfig }: ResolverRecord): Promise<ResolverParams | null> {
    if (sealedConfig === '') return null
    const plain = await vault.open(sealedConfig, place.resolver(name))
    // It was an object of texts when it was sealed.
    return plain.ok ? (JSON.parse(new TextDecoder().decode(plain.value)) as ResolverParams) : null
  }
}

/** How classes say that a key is not there. */
const MISSING = 'is required'

/** A secret that is not posted stays what it was, as in LinOTP, whose forms leave it empty. */
function withMasks(params: ResolverParams, before: ResolverParams | null, resolver: ResolverClass): ResolverParams {
  const left = resolver.secretKeys.filter((key) => (params[key] ?? '') === '' && (before?.[key] ?? '') !== '')
  return { ...params, ...Object.fromEntries(left.map((key) => [key, MASK])) }
}

/** Headers and parameters as objects, so that each of them is masked by its name. */
const expand = (params: ResolverParams): RawConfig =>
  Object.fromEntries(
    Object.entries(params).map(([key, text]) => [key, SECRET_INSIDE.test(key) ? (readObject(text) ?? text) : text]),
  )
const collapse = (config: RawConfig): ResolverParams =>
  Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key, typeof value === 'string' ? value : JSON.stringify(value)]),
  )

function readObject(text: string): RawConfig | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : null
  } catch {
    return null // `read` of the class will say so
  }
}
