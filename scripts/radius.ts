/**
 * Tests with a real FreeRADIUS and PAM: `npm run test:radius`. What is missing is installed where that is possible
 * (apt-get, as root); else nothing is tested, and that is said aloud, since a machine without these programs is no
 * reason for a build to fail.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** What each of Debian's packages is needed for. */
const NEEDED: Readonly<Record<string, () => boolean>> = {
  freeradius: () => isProgram('freeradius'),
  'freeradius-rest': () => existsSync('/usr/lib/freeradius/rlm_rest.so'),
  'freeradius-utils': () => isProgram('radclient'),
  // Below the folder of the machine's architecture.
  'libpam-radius-auth': () =>
    readdirSync('/lib').some((folder) => existsSync(join('/lib', folder, 'security/pam_radius_auth.so'))),
  pamtester: () => isProgram('pamtester'),
}
const isProgram = (name: string): boolean =>
  [...(process.env.PATH ?? '').split(':'), '/usr/sbin'].some((folder) => existsSync(join(folder, name)))
const missing = (): readonly string[] => Object.keys(NEEDED).filter((name) => !NEEDED[name]?.())
const isRoot = process.getuid?.() === 0

if (missing().length > 0 && isRoot && isProgram('apt-get')) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const run = (...args: readonly string[]) => spawnSync('apt-get', args, { env, stdio: 'inherit' })
  run('update', '-qq')
  run('install', '-y', '-qq', '--no-install-recommends', ...missing())
}

const lacking = missing()
if (lacking.length > 0 || !isRoot) {
  const why =
    lacking.length > 0 ? `these packages are missing: ${lacking.join(' ')}` : 'it takes root to add a PAM service'
  console.error(`\n*** RADIUS AND PAM WERE NOT TESTED: ${why} ***\n`)
} else {
  const vitest = resolve(import.meta.dirname, '../node_modules/vitest/vitest.mjs')
  const config = resolve(import.meta.dirname, '../test/radius/vitest.config.ts')
  const { status } = spawnSync(process.execPath, [vitest, 'run', '--config', config], {
    // Debian has freeradius where only root looks.
    env: { ...process.env, PATH: `${process.env.PATH ?? ''}:/usr/sbin` },
    stdio: 'inherit',
  })
  process.exitCode = status ?? 1
}
