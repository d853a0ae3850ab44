/** Housekeeping: what is done every hour, at the start of a process, and by a cron trigger on Workers. */
import { auditRetention } from '../core/setting-keys.ts'
import { settingOf } from '../core/settings.ts'
import { type Seconds, utcTime } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'
import type { Prune } from './audit-prune.ts'
import type { Seal } from './audit-seal.ts'
import { hex } from './digest.ts'
import type { SettingsCache } from './settings.ts'

/** Rows that went, and rows of the audit that were sealed. */
export type Kept = { readonly swept: number; readonly sealed: number; readonly pruned: number }
export type Housekeeping = () => Promise<Kept>

type Parts = {
  readonly store: Store
  readonly edges: Pick<Edges, 'clock' | 'random' | 'log'>
  readonly settings: SettingsCache
  readonly seal: Seal
  readonly prune: Prune
}

const DAY: Seconds = 86_400

export function createHousekeeping({ store, edges, settings, seal, prune: { prune, finish } }: Parts): Housekeeping {
  return async () => {
    const now = edges.clock()
    const swept = await store.sweep(now)
    const sealed = await seal.checkpoint(now)
    await seal.reseal()
    await finish()
    return { swept, sealed, pruned: await retain(now) }
  }

  /** The setting `audit_retention_days`, as a request of its own. */
  async function retain(now: number): Promise<number> {
    const days = settingOf(await settings.fresh(), auditRetention)
    const { rows } = await store.auditBounds()
    if (days === 0 || rows.last === 0) return 0
    const before = now - days * DAY
    const [oldest] = await store.readCheckpoints((await store.readCuts()).at(-1)?.checkpoint ?? 0, 1)
    if (!oldest || oldest.newest >= before) return 0
    const facts = {
      requestId: hex(edges.random(16)),
      now,
      time: utcTime(now),
      client: '',
      action: 'housekeeping',
      administrator: '',
    }
    const done = await prune({ before, force: false }, facts)
    if (!done.ok) {
      edges.log.error('audit_not_pruned', { reason: done.error.code })
      return 0
    }
    return done.value.last === 0 ? 0 : done.value.last - done.value.first + 1
  }
}
