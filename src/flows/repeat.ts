/**
 * Repeat: a client that asks again under an idempotency key, because the first answer was lost on the way, is told what
 * it was told. Nothing is compared again and nothing is counted.
 *
 * The key alone opens nothing: it is claimed together with everything that was asked, the pass included, and with who
 * asked, where that is an API key. What the first
 * request was told is read from its row of the audit, which was written in the transaction of its verdict; so a yes is
 * repeated only when there was one, and only while its challenge would still be valid. A request under way is waited for.
 */
import type { Instant, Seconds } from '../core/time.ts'
import type { Token } from '../core/token.ts'
import { findTokenType } from '../core/tokens/index.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store, StoredVerdict } from '../ports/store.ts'
import type { Vault } from '../ports/vault.ts'
import { over } from './await-delivery.ts'
import type { CheckCommand, Verdict } from './check.ts'
import type { Facts } from './facts.ts'
import { promptOf } from './trigger.ts'

/** Between two looks at what became of the first request. */
const PAUSE: Seconds = 0.2

export type Earlier = {
  /** null: it is still under way, or was lost with its process. */
  readonly verdict: StoredVerdict | null
  readonly requestId: string
}
/** null: this request is the first with its key, or has none. */
export type FindEarlier = (command: CheckCommand, facts: Facts) => Promise<Earlier | null>

type Parts = { readonly store: Store; readonly vault: Vault; readonly edges: Edges }

/** @param patience seconds that a request may take at most */
export function createFindEarlier({ store, vault, edges }: Parts, patience: Seconds): FindEarlier {
  return async (command, facts) => {
    const { idempotencyKey, action, requestId, now, asker } = facts
    if (idempotencyKey === undefined || idempotencyKey === '') return null
    const key = await vault.mac(
      'idempotency',
      JSON.stringify([idempotencyKey, action, asked(command), asker?.keyId ?? null]),
    )
    const first = await store.claim({ key, requestId, now })
    return first === requestId ? null : { requestId: first, verdict: await awaitVerdict(first, now) }
  }

  async function awaitVerdict(requestId: string, now: Instant): Promise<StoredVerdict | null> {
    const end = edges.deadline(patience)
    let verdict = await store.verdictOf(requestId, now)
    while (isUnderWay(verdict) && !end.aborted) {
      await over(edges.deadline(PAUSE))
      verdict = await store.verdictOf(requestId, now)
    }
    return verdict
  }
}

const isUnderWay = (verdict: StoredVerdict | null): boolean =>
  verdict === null || verdict.opened.some(({ challenge }) => challenge.delivery === 'pending')

const asked = ({ user, serial, tokenType, pass, transactionId, proposed }: CheckCommand) => [
  ...[user?.user, user?.realm, user?.resConf, serial, tokenType, pass, transactionId, proposed.text, proposed.fallback],
]

/** The first verdict in the words of a check; null: it let somebody in who has no token, which is to be asked again. */
export function repeated({ verdict }: Earlier, tokens: readonly Token[]): Verdict | null {
  if (verdict?.success && verdict.actionDetail === 'passed_without_token') return null
  const token = tokens.find(({ serial }) => serial === verdict?.acceptedSerial)
  if (verdict?.success && token) return { kind: 'accepted', token, lengths: null }
  const [first] = verdict?.opened ?? []
  // A right answer whose challenge has ended meanwhile is as good as none.
  if (!verdict || !first) return { kind: 'rejected', reason: 'challenge_lost', tokens: [] }
  const { transactionId, parentId } = first.challenge
  return {
    kind: 'challenged',
    parentId: transactionId === parentId ? null : parentId,
    challenges: verdict.opened.map(({ challenge, token: { serial, type, description } }) => ({
      ...{ serial, type, description },
      transactionId: challenge.transactionId,
      message: challenge.message,
      prompt: promptOf(challenge, findTokenType(type)),
      alreadySent: false,
    })),
  }
}
