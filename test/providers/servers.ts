/** Which servers the tests here are run against, of what packages of Debian they are, and whether they are there. */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

export type ServerName = 'postfix' | 'kannel' | 'smsc'

/** What each needs: packages, and a file of each. */
export const SERVERS: Readonly<
  Record<ServerName, { readonly packages: readonly string[]; readonly files: readonly string[] }>
> = {
  postfix: { packages: ['postfix', 'dovecot-core'], files: ['/usr/sbin/postfix', '/usr/sbin/dovecot'] },
  kannel: { packages: ['kannel', 'kannel-extras'], files: ['/usr/sbin/bearerbox', '/usr/lib/kannel/test/fakesmsc'] },
  smsc: { packages: ['libnet-smpp-perl'], files: ['/usr/share/perl5/Net/SMPP.pm'] },
}

export const isRoot = process.getuid?.() === 0

/** Why a server cannot be started here; null: it can. */
export function missing(name: ServerName): string | null {
  const { packages, files } = SERVERS[name]
  const absent = packages.filter((_, n) => !existsSync(files[n] ?? ''))
  if (absent.length > 0) return `needs the Debian package ${absent.join(', ')}`
  return name === 'postfix' && !isRoot ? 'needs root, as its master does' : null
}

/** Installs what is missing, where root and apt are at hand; a failure shows as a server that is missing still. */
export function install(): void {
  const names = Object.keys(SERVERS) as ServerName[] // its own keys
  const packages = names.filter((name) => missing(name) !== null).flatMap((name) => SERVERS[name].packages)
  if (packages.length === 0 || !isRoot || !existsSync('/usr/bin/apt-get')) return
  const apt = (...args: string[]) =>
    spawnSync('apt-get', args, { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  console.log(`installing ${packages.join(', ')}`)
  apt('update')
  apt('install', '-y', '--no-install-recommends', ...packages)
}
