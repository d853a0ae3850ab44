/** Builds what the package carries: JavaScript with types in `dist/`, the Worker as one file in `dist/worker/`. */
import { execFile } from 'node:child_process'
import { chmod, rm } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { bundleWorker } from '../src/testing/worker-bundle.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const dist = join(root, 'dist')
const tsc = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

await rm(dist, { recursive: true, force: true })
await Promise.all([
  promisify(execFile)(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root }).catch(({ stdout }) => {
    throw new Error(`tsc found errors:\n${stdout}`)
  }),
  bundleWorker(join(dist, 'worker')),
])
await chmod(join(dist, 'runtimes/node.js'), 0o755)
