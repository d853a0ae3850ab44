/** An attack: what is tried, how often, and what got through. */

/** `quick` is what runs on every change. */
export type Profile = 'full' | 'quick'

export type Outcome = {
  readonly tries: number
  /** What must not have happened, one line each. */
  readonly through: readonly string[]
  /** Seen beside it, for the reader. */
  readonly note?: string
}

export type Attack = {
  readonly name: string
  /** Where it was carried out. */
  readonly on: string
  readonly run: (profile: Profile, say: (progress: string) => void) => Promise<Outcome>
}

/** All at once. */
export const atOnce = <T>(count: number, act: (n: number) => Promise<T>): Promise<readonly T[]> =>
  Promise.all(Array.from({ length: count }, (_, n) => act(n)))

export const pick = <T>(items: readonly T[], random: () => number): T => {
  const item = items[Math.floor(random() * items.length)]
  if (item === undefined) throw new Error('nothing to pick from')
  return item
}

/** Mulberry32: small, and the same for the same seed. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
