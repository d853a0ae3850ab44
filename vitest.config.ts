import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { defineConfig } from 'vitest/config'

/** Mail templates as text, as wrangler has them. */
const templates = {
  name: 'templates',
  transform: (code: string, id: string) => (id.endsWith('.eml') ? `export default ${JSON.stringify(code)}` : undefined),
}

/** These set variables of the process, which Miniflare reads once in its life. */
const ALONE = ['test/runtimes/smtp.test.ts', 'test/testing/*.test.ts']
/** These start many processes or go on for long: npm run test:slow. */
const SLOW = [
  'test/cli/{audit,commands-local,commands-remote,keys-backup,log,memory,metrics,serve,start-broken,tls}.test.ts',
  ...['test/processes/*.test.ts', 'test/model/*.test.ts', 'test/pack.test.ts'],
  ...['test/adapters/mail-smtp-many.test.ts', 'test/contract/store-http.test.ts', 'test/flows/audit-memory.test.ts'],
]
/** These have servers of other people to run: npm run test:providers, test:radius, test:sql. */
const ELSEWHERE = ['test/sql/**', 'test/providers/**', 'test/radius/**']

export default defineConfig({
  plugins: [templates],
  test: {
    environment: 'node',
    // Halves the start of the many processes that tests of the command line run.
    env: { NODE_COMPILE_CACHE: join(tmpdir(), 'otpost-compile-cache') },
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // Three on two processors: many tests wait for others' time.
    maxWorkers: 3,
    projects: [
      {
        extends: true,
        test: {
          name: 'shared',
          include: ['test/**/*.test.ts', 'src/**/*.test.ts'],
          exclude: [...ALONE, ...SLOW, ...ELSEWHERE],
          // No file leaves anything behind in its process.
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE, isolate: true } },
      { extends: true, test: { name: 'slow', include: SLOW, isolate: false } },
    ],
  },
})
