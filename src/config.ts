/** Process settings, from environment variables or bindings. Each error names the variable and the rule. */
import * as v from 'valibot'
import { wholeNumber } from './core/fields.ts'
import { err, ok, type Result } from './core/result.ts'
import type { Seconds } from './core/time.ts'
import { type ProxyList, readAddresses } from './http/middleware/facts.ts'
import { DEFAULT_MOUNTS, type Mount, readMounts } from './http/mounts.ts'
import { LOG_LEVELS, type LogLevel } from './ports/edges.ts'

export type Config = {
  /** `file:…`, `libsql://…`, `https://…` or `http://…`; null: the embedded file of the data folder, or D1. */
  readonly databaseUrl: string | null
  readonly databaseToken: string | null
  /** Flush each commit (FULL), or leave it to the system (NORMAL). Embedded file only. */
  readonly synchronous: 'FULL' | 'NORMAL'
  readonly keys: string | null
  readonly adminPassword: string | null
  /** Realm whose users administer, beside the local administrators. */
  readonly adminRealm: string
  /** Folder of mail templates, looked through before those that come with otpost. */
  readonly templates: string | null
  readonly publicHttps: boolean
  readonly proxies: ProxyList
  /** Which dialect answers under which path. */
  readonly mounts: readonly Mount[]
  /** How long one request may spend on sending. */
  readonly sendDeadline: Seconds
  /** The lowest level of the log. */
  readonly logLevel: LogLevel
}

export type Variables = Readonly<Record<string, string | undefined>>

const Schema = v.object({
  OTPOST_DATABASE_URL: v.optional(
    v.pipe(
      v.string(),
      v.regex(/^(file:|libsql:|https?:)/, 'must begin with file:, libsql:, https: or http:'),
      // `fetch` takes none, and repeats the whole address in what it says of that.
      v.regex(/^(?!\w+:\/\/[^/?#]*@)/, 'must hold no user or password; a token goes into OTPOST_DATABASE_TOKEN'),
    ),
  ),
  OTPOST_DATABASE_TOKEN: v.optional(v.string()),
  OTPOST_SQLITE_SYNCHRONOUS: v.optional(v.picklist(['FULL', 'NORMAL'], 'must be FULL or NORMAL'), 'FULL'),
  OTPOST_KEYS: v.optional(v.string()),
  OTPOST_ADMIN_PASSWORD: v.optional(v.pipe(v.string(), v.minLength(8, 'must have at least 8 characters'))),
  OTPOST_ADMIN_REALM: v.optional(
    v.pipe(v.string(), v.toLowerCase(), v.regex(/^[\w.-]{1,64}$/, 'must be 1 to 64 letters, digits, _ . or -')),
    'linotp_admins',
  ),
  OTPOST_TEMPLATES: v.optional(v.string()),
  OTPOST_PUBLIC_URL: v.optional(v.pipe(v.string(), v.url('must be a URL'))),
  OTPOST_TRUSTED_PROXIES: v.optional(v.string(), ''),
  OTPOST_DIALECTS: v.optional(v.string(), DEFAULT_MOUNTS),
  OTPOST_SEND_DEADLINE: v.optional(wholeNumber(1, 60), 8),
  OTPOST_LOG_LEVEL: v.optional(
    v.pipe(v.string(), v.toLowerCase(), v.picklist(LOG_LEVELS, `must be one of ${LOG_LEVELS.join(', ')}`)),
    'info',
  ),
})

/** An empty variable counts as absent. */
export function readConfig(variables: Variables): Result<Config, string> {
  const given = Object.fromEntries(Object.entries(variables).filter(([, value]) => value !== undefined && value !== ''))
  const read = v.safeParse(Schema, given)
  if (!read.success) {
    const [issue] = read.issues
    return err(`${v.getDotPath(issue) ?? 'configuration'} ${issue.message}`)
  }
  const o = read.output
  const proxies = readAddresses(o.OTPOST_TRUSTED_PROXIES)
  if (!proxies.ok) return err(`OTPOST_TRUSTED_PROXIES: ${proxies.error}`)
  const mounts = readMounts(o.OTPOST_DIALECTS, given)
  if (!mounts.ok) return mounts
  return ok({
    databaseUrl: o.OTPOST_DATABASE_URL ?? null,
    databaseToken: o.OTPOST_DATABASE_TOKEN ?? null,
    synchronous: o.OTPOST_SQLITE_SYNCHRONOUS,
    keys: o.OTPOST_KEYS ?? null,
    adminPassword: o.OTPOST_ADMIN_PASSWORD ?? null,
    adminRealm: o.OTPOST_ADMIN_REALM,
    templates: o.OTPOST_TEMPLATES ?? null,
    publicHttps: o.OTPOST_PUBLIC_URL?.startsWith('https:') ?? false,
    proxies: proxies.value,
    mounts: mounts.value,
    sendDeadline: o.OTPOST_SEND_DEADLINE,
    logLevel: o.OTPOST_LOG_LEVEL,
  })
}
