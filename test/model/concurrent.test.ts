import { expect, it } from 'vitest'
import { crowd } from './crowd.ts'

const CLIENTS = 8
/** About five seconds on two calm cores. */
const REQUESTS = 1_000
const SEED = Math.floor(Math.random() * 1_000_000)

it(`keeps every invariant for ${REQUESTS} requests of ${CLIENTS} clients at once on one file`, {
  timeout: 180_000,
}, async () => {
  const { accepted, sent, refused } = await crowd({ seed: SEED, clients: CLIENTS, requests: REQUESTS })

  expect(accepted).toBeGreaterThan(REQUESTS / 50)
  expect(sent).toBeGreaterThan(REQUESTS / 50)
  expect(refused).toBeGreaterThan(accepted)
})
