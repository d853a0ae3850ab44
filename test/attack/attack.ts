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

/** What an attack is started with. */
export type Start = {
  readonly profile: Profile
  /** Whatever is random follows from it. */
  readonly seed: number
  readonly say: (progress: string) => void
}

export type Attack = {
  readonly name: string
  /** Where it is carried out. */
  readonly on: string
  readonly run: (start: Start) => Promise<Outcome>
}

/** Attacks in order, and what is left to tidy up behind the last one that was carried out. */
export type Stage = { readonly attacks: readonly Attack[]; readonly close: () => Promise<void> }

/** Attacks that share a place, which is opened for the first one. */
export function stage<T extends { readonly close: () => Promise<void> }>(
  on: string,
  open: () => Promise<T>,
  attacks: readonly { readonly name: string; readonly run: (place: T, start: Start) => Promise<Outcome> }[],
): Stage {
  let place: Promise<T> | undefined
  return {
    attacks: attacks.map(({ name, run }) => ({
      ...{ name, on },
      run: async (start) => {
        place ??= open()
        return run(await place, start)
      },
    })),
    close: async () => {
      // A place that could not be opened has told so with each attack.
      await place?.then(
        (opened) => opened.close(),
        () => undefined,
      )
    },
  }
}

/** Attacks that see to their places themselves. */
export const alone = (attacks: readonly Attack[]): Stage => ({ attacks, close: async () => {} })

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
