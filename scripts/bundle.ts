/** Bundles the Worker as `wrangler deploy` would, says how big it is, and fails when it has grown too much. */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { bundleWorker } from '../src/testing/worker-bundle.ts'

/** Cloudflare takes 3 MiB on the free plan; ours is a limit on surprise. */
const MAX_KIB = 400

const folder = fileURLToPath(new URL('../.build/worker', import.meta.url))
const bytes = await readFile(await bundleWorker(folder))
const kib = (size: number) => Math.round(size / 1024)
const [raw, gzipped] = [kib(bytes.length), kib(gzipSync(bytes, { level: 9 }).length)]

console.log(`Worker: ${raw} KiB, ${gzipped} KiB gzipped (at most ${MAX_KIB})`)
if (gzipped > MAX_KIB) process.exitCode = 1
