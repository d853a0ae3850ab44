/**
 * `npm run test:sql`: the SQL resolver against PostgreSQL and MariaDB of Debian's packages. As root, missing packages are
 * installed; else what needs them is left out, and said aloud.
 */
import { spawnSync } from 'node:child_process'
import { join, resolve } from 'node:path'
import { mariadbPrograms, postgresqlPrograms } from '../test/sql/servers.ts'

const ROOT = resolve(import.meta.dirname, '..')
const missing = (): readonly string[] => [
  ...(postgresqlPrograms() === null ? ['postgresql'] : []),
  ...(mariadbPrograms() ? [] : ['mariadb-server']),
]

if (missing().length > 0 && process.getuid?.() === 0) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  for (const args of [['update'], ['install', '-y', '--no-install-recommends', ...missing()]])
    spawnSync('apt-get', args, { stdio: 'inherit', env })
}
const absent = missing()
if (absent.length > 0)
  console.warn(`\n*** SKIPPED: nothing is tested that needs ${absent.join(' and ')}: install the Debian package ***\n`)
if (absent.length < 2) {
  const vitest = join(ROOT, 'node_modules/vitest/vitest.mjs')
  const args = [vitest, 'run', '--config', 'vitest.sql.config.ts', ...process.argv.slice(2)]
  process.exitCode = spawnSync(process.execPath, args, { cwd: ROOT, stdio: 'inherit' }).status ?? 1
}
