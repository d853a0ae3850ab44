/** Mounts: which dialect answers under which path, as OTPOST_DIALECTS says: `/=linotp,/pi=privacyidea`. */
import { err, ok, type Result } from '../core/result.ts'
import type { ConfiguredDialect, Dialect } from './dialect.ts'
import { dialects } from './dialects/index.ts'

export type Mount = Pick<Dialect, 'name' | 'administers'> & {
  /** Empty for the root, else with a slash before it and none behind. */
  readonly base: string
  readonly dialect: ConfiguredDialect
}

export const DEFAULT_MOUNTS = '/=linotp,/pi=privacyidea'

const VARIABLE = 'OTPOST_DIALECTS'
const PATH = /^\/$|^(\/[\w-]+){1,8}$/
/** Served whatever is mounted: the health check, and the mails that `npm start` catches. */
const OWN_SEGMENTS = ['healthcheck', 'dev']

/** @returns the mounts in the order they were written, or what is wrong, with the name of the variable */
export function readMounts(
  text: string,
  variables: Readonly<Record<string, string | undefined>>,
): Result<readonly Mount[], string> {
  const mounts: Mount[] = []
  for (const entry of text.split(/[\s,]+/).filter(Boolean)) {
    const mount = readMount(entry, variables)
    if (!mount.ok) return mount
    if (mounts.some(({ base }) => base === mount.value.base))
      return err(`${VARIABLE}: ${mount.value.base || '/'} is mounted twice`)
    mounts.push(mount.value)
  }
  if (mounts.some(({ administers }) => administers)) return ok(mounts)
  const needed = dialects.filter(({ administers }) => administers).map(({ name }) => name)
  return err(`${VARIABLE} must mount ${needed.join(' or ')}, which administers otpost, as in ${DEFAULT_MOUNTS}`)
}

function readMount(entry: string, variables: Readonly<Record<string, string | undefined>>): Result<Mount, string> {
  const [path = '', name = '', ...more] = entry.split('=')
  if (!PATH.test(path) || more.length > 0)
    return err(`${VARIABLE}: '${entry}' must be a path and a dialect, as in /pi=privacyidea`)
  const dialect = dialects.find((one) => one.name === name)
  if (!dialect)
    return err(`${VARIABLE}: there is no dialect '${name}', only ${dialects.map((one) => one.name).join(' and ')}`)
  const taken = [...OWN_SEGMENTS, ...dialects.flatMap(({ segments }) => segments)]
  const segment = path.split('/').find((one) => taken.includes(one.toLowerCase()))
  if (segment !== undefined) return err(`${VARIABLE}: ${path} must not hold '${segment}', which otpost itself serves`)
  const configured = dialect.configure(variables)
  if (!configured.ok) return configured
  const { administers } = dialect
  return ok({ name, administers, base: path === '/' ? '' : path, dialect: configured.value })
}

/** Where the administration lies that the command line speaks: empty for the root, else a path. */
export const administrationBase = (mounts: readonly Mount[]): string =>
  mounts.find(({ administers }) => administers)?.base ?? ''

/** Whose path it is: of nested mounts the innermost; undefined where nothing is mounted. */
export const mountAt = (mounts: readonly Mount[], path: string): Mount | undefined =>
  mounts
    .filter(({ base }) => path === base || path.startsWith(`${base}/`))
    .toSorted((a, b) => b.base.length - a.base.length)[0]
