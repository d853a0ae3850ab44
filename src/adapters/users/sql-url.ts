/**
 * Where a database is, as LinOTP's configurations say it: a URL of SQLAlchemy (`postgresql+psycopg2://user:password@host:
 * port/database?parameter=value`, https://docs.sqlalchemy.org/en/20/core/engines.html#database-urls), or its parts.
 */
import { err, ok, type Result } from '../../core/result.ts'
import type { ConfigProblem } from '../../ports/provider.ts'

export type Place = {
  readonly dialect: 'postgresql' | 'mysql' | 'sqlite' | 'libsql'
  /** `http` and `https` of a libSQL server. */
  readonly scheme: string
  readonly user: string
  readonly password: string
  readonly host: string
  readonly port: number | undefined
  readonly database: string
  readonly parameters: ReadonlyMap<string, string>
}

const DIALECTS: Readonly<Record<string, Place['dialect']>> = {
  postgresql: 'postgresql',
  postgres: 'postgresql',
  mysql: 'mysql',
  mariadb: 'mysql',
  sqlite: 'sqlite',
  libsql: 'libsql',
  http: 'libsql',
  https: 'libsql',
}
export const DRIVERS = 'must be one of postgresql, mysql, mariadb, sqlite and libsql'

/** The name of the database's kind is what stands before `+`; which client LinOTP took for it is of no interest. */
export const dialectOf = (driver: string): Place['dialect'] | undefined => {
  const name = /^([a-z]+)(?:\+\w+)?$/i.exec(driver.trim())?.[1]?.toLowerCase() ?? ''
  return Object.hasOwn(DIALECTS, name) ? DIALECTS[name] : undefined
}

const PARTS =
  /^([\w+]+):\/\/(?:([^:/@]*)(?::([^@]*))?@)?(?:\[([^\]/?]+)\]|([^/:?]*))(?::(\d*))?(?:\/([^?]*))?(?:\?(.*))?$/su

/** Reads `Connect`. Never throws. */
export function readUrl(text: string): Result<Place, ConfigProblem> {
  const wrong = (rule: string) => err({ key: 'Connect', rule })
  const parts = PARTS.exec(text.trim())
  if (!parts) return wrong('must be a URL such as postgresql://user:password@host/database')
  const [, driver = '', user = '', password = '', address, host = '', port, database = '', query = ''] = parts
  const dialect = dialectOf(driver)
  if (!dialect) return wrong(DRIVERS)
  if (port && (Number(port) < 1 || Number(port) > 65535)) return wrong('must have a port from 1 to 65535')
  try {
    const parameters = readParameters(query)
    if (!parameters) return wrong('must have parameters of the form name=value, with & between them')
    return ok({
      dialect,
      scheme: driver.toLowerCase(),
      user: decodeURIComponent(user),
      password: decodeURIComponent(password),
      host: address ?? decodeURIComponent(host),
      port: port ? Number(port) : undefined,
      // SQLAlchemy takes the path of a file as it is.
      database: dialect === 'sqlite' ? database : decodeURIComponent(database),
      parameters,
    })
  } catch {
    return wrong('must have %25 for each % that stands for itself')
  }
}

/** `a=b&c=d`, maybe with `?` before it; null when it is something else. @throws for a wrong `%` */
export function readParameters(text: string): ReadonlyMap<string, string> | null {
  const pairs = text.trim().replace(/^\?/, '').split('&').filter(Boolean)
  const parameters = new Map<string, string>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) return null
    parameters.set(pair.slice(0, at).trim().toLowerCase(), decodeURIComponent(pair.slice(at + 1).trim()))
  }
  return parameters
}
