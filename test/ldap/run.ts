/**
 * `npm run test:ldap [-- NAME]`: the LDAP resolver against a real OpenLDAP server, Debian's slapd. Where it is missing it
 * is installed if that is allowed; else the tests are skipped, and say so.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { hasSlapd } from './slapd.ts'

const ROOT = resolve(import.meta.dirname, '../..')

if (!hasSlapd() && process.getuid?.() === 0) install()
if (hasSlapd()) {
  const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', 'test/ldap/vitest.config.ts']
  const { status } = spawnSync(process.execPath, [...vitest, ...process.argv.slice(2)], { cwd: ROOT, stdio: 'inherit' })
  process.exitCode = status ?? 1
} else {
  console.error('*** SKIPPED: npm run test:ldap needs OpenLDAP, and it is not installed. ***')
  console.error('*** Nothing of LDAP was tested against a real server. On Debian: apt-get install slapd ldap-utils ***')
}

function install(): void {
  // Run level 1: the package must not start a server of its own.
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  try {
    execFileSync('apt-get', ['update', '-qq'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
    execFileSync('apt-get', ['install', '-y', '-qq', 'slapd', 'ldap-utils'], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  } catch (error) {
    console.error(`slapd could not be installed: ${error instanceof Error ? error.message : error}`)
  }
}
