/**
 * Await delivery: of equal triggers at once one sends, the others wait here until it has noted what became of its
 * message, so that nobody is told "already submitted" of a message that nobody took.
 *
 * They look into the database rather than at each other: the sender may be another process, and on Workers no request
 * may wait for another. It costs only those who lost the race, and no longer than the message itself may take.
 */
import type { Challenge, DeliveryState } from '../core/challenge.ts'
import type { Instant, Seconds } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'
import type { Store } from '../ports/store.ts'

/** Between two looks, doubled up to the longest. Whole milliseconds. */
const FIRST_PAUSE: Seconds = 0.125
const LONGEST_PAUSE: Seconds = 1

/** @returns what is known in the end; `pending` where the sender was lost, or is very late */
export type AwaitDelivery = (challenge: Challenge, now: Instant) => Promise<DeliveryState>

/** @param lostAfter a challenge that is pending for longer was lost with its process */
export function createAwaitDelivery(
  { store, edges }: { readonly store: Pick<Store, 'deliveryState'>; readonly edges: Edges },
  lostAfter: Seconds,
): AwaitDelivery {
  return async ({ id, delivery, createdAt }, now) => {
    // The sender's clock may be another, or ours may have been set meanwhile.
    const end = edges.deadline(Math.min(lostAfter, Math.max(0, createdAt + lostAfter - now)))
    let state = delivery
    for (let pause = FIRST_PAUSE; state === 'pending' && !end.aborted; pause = Math.min(2 * pause, LONGEST_PAUSE)) {
      await over(edges.deadline(pause))
      state = await store.deliveryState(id)
    }
    return state
  }
}

/** Settles when the signal does. */
export const over = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
