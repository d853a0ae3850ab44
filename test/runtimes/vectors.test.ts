/** RFC vectors, sealing and passwords on every runtime; what one seals or hashes, the others read. */
import type { Miniflare } from 'miniflare'
import { afterAll, describe, expect, it } from 'vitest'
import { RFC4226, RFC6238 } from '../support/rfc4226.ts'
import { startRuntime } from '../support/runtimes.ts'
import { startWorker } from '../support/workerd.ts'
import { type Made, make, type Outcome, read } from './vectors/vectors.ts'

let miniflare: Miniflare | undefined
afterAll(() => miniflare?.dispose())

describe.each(['node', 'deno', 'bun', 'workerd'] as const)('on %s', (runtime) => {
  it('the vectors of RFC 4226 and RFC 6238 come out, and what another runtime sealed and hashed is read', async () => {
    const made = await make()

    const outcome = runtime === 'workerd' ? await inWorkerd(made) : await inChild(runtime, made)

    expect(outcome.rfc4226).toEqual(RFC4226.vectors.map(({ otp }) => otp))
    expect(outcome.rfc6238).toEqual(RFC6238.map(({ otp }) => otp))
    expect(outcome.read).toEqual(outcome.read.map(() => true))
    expect(outcome.read.length).toBeGreaterThan(4)
    expect(await read(outcome.made)).toEqual(outcome.read)
  })
})

async function inChild(runtime: 'node' | 'deno' | 'bun', made: Made): Promise<Outcome> {
  const child = await startRuntime(runtime, {
    script: new URL('vectors/main.ts', import.meta.url),
    env: { MADE: JSON.stringify(made) },
    ready: /^outcome (.*)$/,
  })
  await child.exited
  return JSON.parse(child.match[1] ?? '') as Outcome // written by vectors/main.ts
}

async function inWorkerd(made: Made): Promise<Outcome> {
  miniflare = await startWorker(new URL('vectors/worker.ts', import.meta.url))
  const response = await miniflare.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(made) })
  return (await response.json()) as Outcome // written by vectors/worker.ts
}
