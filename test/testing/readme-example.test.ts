/** The example of the README, run as a reader would: in a file of its own, by vitest. */
import { execFile } from 'node:child_process'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { readExample } from './example.ts'

const SOURCE = fileURLToPath(new URL('../../src/testing/index.ts', import.meta.url))
/** Inside the tree, so that `vitest` is found from there. */
const folder = fileURLToPath(new URL(`../../.build/readme-example-${process.pid}`, import.meta.url))
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')

beforeAll(() => mkdir(folder, { recursive: true }))
afterAll(() => rm(folder, { recursive: true, force: true }))

it('the example of the README passes', async () => {
  const config = `export default { resolve: { alias: { 'otpost/testing': ${JSON.stringify(SOURCE)} } } }\n`
  await writeFile(join(folder, 'vitest.config.js'), config)
  await writeFile(join(folder, 'example.test.ts'), await readExample())

  const { VITEST: _, ...env } = process.env
  const { stdout } = await promisify(execFile)(process.execPath, [vitest, 'run', '--root', folder], {
    env: { ...env, NO_COLOR: '1' },
  })

  expect(stdout).toMatch(/Tests +1 passed/)
})

it('is short enough to be read', async () => {
  expect((await readExample()).trim().split('\n').length).toBeLessThanOrEqual(25)
})
