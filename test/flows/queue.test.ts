import { describe, expect, it } from 'vitest'
import { createQueue } from '../../src/flows/queue.ts'

/** A queue with a clock of its own, whose work lasts until it is told to end. */
function setUp() {
  let now = 1_800_000_000
  const running: string[] = []
  const ends: (() => void)[] = []
  const enter = createQueue({ clock: () => now, deadline: (after) => AbortSignal.timeout(after * 1000) })
  const work = (client: string) =>
    enter(client, async () => {
      running.push(client)
      await new Promise<void>((resolve) => ends.push(resolve))
      return client
    })
  return { work, running, ends, pass: (seconds: number) => (now += seconds) }
}

describe('queue', () => {
  it('runs one after the other, in the order of arrival, and refuses the fifth of one client', async () => {
    const { work, running, ends } = setUp()
    const all = ['a', 'b', 'a', 'a', 'a', 'a'].map(work)

    for (let n = 0; n < 5; n++) {
      await expect.poll(() => running.length).toBe(n + 1)
      ends[n]?.()
    }

    expect(await Promise.all(all)).toEqual(['a', 'b', 'a', 'a', 'a', 'busy'])
  })

  it('gives up who shows no sign of life, and lets no crowd in after a standstill', async () => {
    const { work, running, ends, pass } = setUp()
    const all = ['a', 'b', 'c', 'd'].map(work)
    await expect.poll(() => running).toEqual(['a'])

    pass(10)

    await expect.poll(() => running.length).toBe(2)
    for (const end of ends) end()
    const outcomes = await Promise.all(all)
    expect(outcomes.filter((outcome) => outcome === 'busy')).toHaveLength(2)
    expect(running).toHaveLength(2)
  })
})
