import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Mail templates as text, as wrangler has them. */
const templates = {
  name: 'templates',
  transform: (code: string, id: string) => (id.endsWith('.eml') ? `export default ${JSON.stringify(code)}` : undefined),
}

export default defineConfig({
  plugins: [templates],
  test: {
    environment: 'node',
    // Halves the start of the many processes that tests of the command line run.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'otpost-compile-cache') },
    include: ['test/**/*.test.ts', 'src/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Three on two processors: many tests wait for others' time. No file leaves anything behind in its process.
    maxWorkers: 3,
    isolate: false,
  },
})
