/** Send limits beyond one token: in which buckets a message is counted. What is sent to is known there by its MAC alone. */
import { type Bucket, bucketsOf, clientNetwork } from '../core/limits.ts'
import { normalAddress } from '../core/policy/destinations.ts'
import { sendLimits } from '../core/setting-keys.ts'
import { type Settings, settingOf } from '../core/settings.ts'
import type { UserRecord } from '../core/users.ts'
import type { Vault } from '../ports/vault.ts'
import type { Facts } from './facts.ts'

export type SendBuckets = (
  settings: Settings,
  message: { readonly to: string | null; readonly owner: UserRecord | null },
  facts: Facts,
) => Promise<readonly Bucket[]>

export function createSendBuckets(vault: Pick<Vault, 'mac'>): SendBuckets {
  return async (settings, { to, owner }, { now, client }) => {
    const address = settingOf(settings, sendLimits.address)
    return [
      ...(owner === null
        ? []
        : bucketsOf(`send:user:${owner.resolver}/${owner.userId}`, settingOf(settings, sendLimits.user), now)),
      ...(to === null || address.length === 0
        ? []
        : bucketsOf(`send:address:${await vault.mac('send-address', normalAddress(to))}`, address, now)),
      ...bucketsOf(`send:client:${clientNetwork(client)}`, settingOf(settings, sendLimits.client), now),
      ...bucketsOf('send:total', settingOf(settings, sendLimits.total), now),
    ]
  }
}

/** For the operator: which limit it was. */
export const limitName = (bucket: string | null): string =>
  bucket === null ? 'send_limit' : `send_limit_${bucket.split(':')[1] === 'total' ? '' : 'per_'}${bucket.split(':')[1]}`
