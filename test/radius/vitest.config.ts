import { defineConfig } from 'vitest/config'

/** Needs programs that most machines do not have; scripts/radius.ts sees to them. */
export default defineConfig({
  test: {
    include: ['test/radius/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    fileParallelism: false,
  },
})
