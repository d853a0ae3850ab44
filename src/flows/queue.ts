/**
 * Queue: work that is slow on purpose (password hashes) runs one at a time, so that a flood of it slows down itself and
 * nothing else.
 *
 * Who waits looks again by a timer of its own: on Workers one request must not resolve a promise of another. A request
 * may be cancelled in the middle there, so a place that shows no sign of life is given up.
 */
import { isWithin, type Seconds } from '../core/time.ts'
import type { Edges } from '../ports/edges.ts'

/** @param client whose work it is: nobody takes more than a few places. @returns `busy` when there is no place left */
export type Queue = <T>(client: string, work: () => Promise<T>) => Promise<T | 'busy'>

const PLACES = 32
const PLACES_OF_ONE = 4
const LOOK_AGAIN: Seconds = 0.025
const FORGOTTEN_AFTER: Seconds = 4

type Place = { readonly client: string; seenAt: number }

export function createQueue({ clock, deadline }: Pick<Edges, 'clock' | 'deadline'>): Queue {
  let places: readonly Place[] = []

  return async (client, work) => {
    forget()
    if (places.length >= PLACES || places.filter((place) => place.client === client).length >= PLACES_OF_ONE)
      return 'busy'
    const mine: Place = { client, seenAt: clock() }
    places = [...places, mine]
    try {
      while (places[0] !== mine) {
        await new Promise((resolve) => deadline(LOOK_AGAIN).addEventListener('abort', resolve))
        mine.seenAt = clock()
        forget()
        // Given up by others, as after a standstill of the whole process: all of them at once would be the flood.
        if (!places.includes(mine)) return 'busy'
      }
      return await work()
    } finally {
      places = places.filter((place) => place !== mine)
    }
  }

  function forget(): void {
    const now = clock()
    places = places.filter(({ seenAt }) => isWithin(FORGOTTEN_AFTER, seenAt, now))
  }
}
