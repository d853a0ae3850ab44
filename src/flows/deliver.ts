/**
 * Deliver: takes one message to the first provider that accepts it.
 *
 * Providers are tried in the order of policy, those that failed a short while ago last. `unavailable` goes on to the
 * next, `accepted` and `refused` end the walk. All tries share one deadline, and no provider may use up what those after it
 * need: of two the first has two thirds of it, in whole seconds. Nothing here knows an OTP by name: it is inside the rendered message.
 */
import { withTimeout } from '../core/legacy-providers.ts'
import type { ProviderKey, ProviderRecord } from '../core/settings.ts'
import type { Seconds } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'
import type { Delivery, FindProvider, Message, MessageDefaults, Send } from '../ports/provider.ts'
import { place, type Vault } from '../ports/vault.ts'
import type { Facts } from './facts.ts'

export type Try = { readonly provider: string; readonly status: string; readonly reason: string }
export type DeliveryResult = {
  readonly delivered: boolean
  readonly provider: ProviderRecord | null
  readonly tries: readonly Try[]
  /** Providers that are to rest. */
  readonly failed: readonly ProviderRecord[]
}

/** Resting providers go to the end: they are still asked when nothing else is left. */
export function restingLast(
  providers: readonly ProviderRecord[],
  resting: readonly ProviderKey[],
): readonly ProviderRecord[] {
  const rests = ({ type, name }: ProviderRecord) => resting.some((key) => key.type === type && key.name === name)
  return [...providers.filter((provider) => !rests(provider)), ...providers.filter(rests)]
}

/** Renders the message for one provider, whose configuration may hold words of its own; or says why it cannot. */
export type Render = (
  defaults: MessageDefaults,
  provider: ProviderRecord,
) => Message | Promise<Message | { readonly reason: string }>
export type Deliver = (
  providers: readonly ProviderRecord[],
  render: Render,
  facts: Pick<Facts, 'requestId'>,
) => Promise<DeliveryResult>

type OpenProvider = { readonly send: Send; readonly defaults: MessageDefaults }

export function createDeliver(
  findProvider: FindProvider,
  parts: { readonly vault: Vault; readonly edges: Edges },
  deadline: Seconds,
): Deliver {
  const { vault, edges } = parts
  // Keyed by the sealed text, which has a fresh nonce each time a configuration is saved: a changed one is another key.
  // The class of `imported_default` changes on its own.
  const opened = new Map<string, OpenProvider>()

  return async (providers, render, { requestId: request }) => {
    const steps = providers.length + 1
    const ends = providers.map((_, n) => edges.deadline(Math.ceil((deadline * (n + 2)) / steps)))
    const tries: Try[] = []
    const failed: ProviderRecord[] = []
    for (const [n, provider] of providers.entries()) {
      const end = ends[n]
      if (!end || end.aborted) break
      const { type, name } = provider
      edges.log.debug('provider_asked', { request, type, provider: name, class: provider.class })
      const stop = edges.metrics?.time('message')
      const delivery = await attempt(provider, render, end)
      stop?.({ type, provider: name })
      edges.metrics?.count('messages', { type, provider: name, outcome: delivery.status })
      tries.push({
        provider: provider.name,
        status: delivery.status,
        reason: 'reason' in delivery ? delivery.reason : '',
      })
      if (delivery.status === 'accepted') {
        edges.log.debug('provider_answered', { request, type, provider: name, status: delivery.status })
        return { delivered: true, provider, tries, failed }
      }
      edges.log.warn('delivery_failed', { request, provider: name, status: delivery.status, reason: delivery.reason })
      if (delivery.status === 'refused') break
      if (!delivery.recipientOnly) failed.push(provider)
    }
    return { delivered: false, provider: null, tries, failed }
  }

  async function attempt(provider: ProviderRecord, render: Render, signal: AbortSignal): Promise<Delivery> {
    try {
      const found = await openProvider(provider)
      if ('reason' in found) return { status: 'unavailable', reason: found.reason }
      const message = await render(found.defaults, provider)
      return 'reason' in message ? { status: 'unavailable', reason: message.reason } : await found.send(message, signal)
    } catch (error) {
      // A provider must not throw; if one does, the challenge still has to be noted as undelivered. The text of the
      // error may hold anything, so only its kind is kept.
      return { status: 'unavailable', reason: `provider_broken_${error instanceof Error ? error.name : 'unknown'}` }
    }
  }

  async function openProvider(record: ProviderRecord): Promise<OpenProvider | { readonly reason: string }> {
    const key = `${record.class}\n${record.sealedConfig}`
    const known = opened.get(key)
    if (known) return known
    const type = findProvider(record.type, record.class)
    if (!type) return { reason: 'provider_class_unknown' }
    const plain = await vault.open(record.sealedConfig, place.provider(record.type, record.name))
    if (!plain.ok) return { reason: `config_${plain.error}` }
    // A stored configuration was parsed when it was saved; it is an object.
    const raw = JSON.parse(new TextDecoder().decode(plain.value)) as Record<string, unknown>
    const read = await type.read(withTimeout(raw, record), edges)
    if (!read.ok) return { reason: `config_invalid_${read.error.key}` }
    const made = { send: type.create(read.value.config, edges), defaults: type.defaults(read.value.config) }
    if (opened.size >= 64) opened.clear()
    opened.set(key, made)
    return made
  }
}
