import { describe, expect, it } from 'vitest'
import { type Tally, walk } from './walk.ts'

/** About four seconds on two calm cores. `npm run test:model` goes on for longer. */
const STEPS = 1_600
const SHIPPED_STEPS = 400
/** The last one is another each time; a mismatch names it. */
const SEEDS = [1, 2, 3, Math.floor(Math.random() * 2 ** 31)]

const share = (tallies: readonly Tally[], ending: string): number =>
  tallies.flatMap(Object.entries).reduce((sum, [name, n]) => sum + (name.endsWith(ending) ? n : 0), 0)

describe('a random walk', () => {
  it(`goes as the rules say for ${STEPS} steps, reply by reply and row by row`, { timeout: 300_000 }, async () => {
    const goOn = (steps: number) => steps < STEPS / SEEDS.length

    const walks = await Promise.all(SEEDS.map((seed) => walk({ seed, database: 'kept', goOn })))

    expect(walks.reduce((sum, { steps }) => sum + steps, 0)).toBe(STEPS)
    // No walk is worth anything that never gets anywhere.
    const tallies = walks.map(({ tally }) => tally)
    expect(share(tallies, ': accepted')).toBeGreaterThan(STEPS / 80)
    expect(share(tallies, ': sent') + share(tallies, 'several sent')).toBeGreaterThan(STEPS / 80)
    expect(share(tallies, 'already sent')).toBeGreaterThan(0)
  })

  it(`goes the same way for ${SHIPPED_STEPS} steps on the database client that is shipped`, {
    timeout: 120_000,
  }, async () => {
    const { steps } = await walk({ seed: 4, database: 'shipped', goOn: (done) => done < SHIPPED_STEPS })

    expect(steps).toBe(SHIPPED_STEPS)
  })
})
