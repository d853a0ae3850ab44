/**
 * Configuration of a SQL resolver: which keys there are, what they may say, and what this runtime can do of it.
 *
 * Keys are LinOTP's (contract 7.9). Ours alone: `PASSWORD_HASH` and `SALT_POSITION` for passwords whose text does not say
 * how it was made, `TLS_CA` and `TLS_INSECURE` as mail providers have them, `MAX_CONNECTIONS`.
 */
import * as v from 'valibot'
import { booleanWord, headerText, wholeNumber } from '../../core/fields.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import type { ConfigProblem, RawConfig, ReadConfig } from '../../ports/provider.ts'
import { readMap } from './sql-map.ts'
import { PASSWORD_HASHES, type PasswordsOf } from './sql-passwords.ts'
import { type Pem, readPlace, type SqlPlace } from './sql-place.ts'
import { isName, type SqlTable } from './sql-statement.ts'
import { whereProblem } from './sql-where.ts'

export type SqlConfig = PasswordsOf & {
  readonly place: SqlPlace
  readonly table: SqlTable
  /** At most so many users in a list; what is asked for, where it is absent. */
  readonly limit: number | undefined
  readonly maxConnections: number
}

const text = v.pipe(
  v.union([v.string(), v.number()], 'must be text'),
  v.transform(String),
  v.check((value) => !value.includes('\0'), 'must not contain NUL'),
)
const TABLE = 'must be the name of a table or view, maybe with a schema and a dot before it'
const table = v.pipe(
  v.string(TABLE),
  v.trim(),
  v.transform((name) => name.split('.')),
  v.check((names) => names.length <= 2 && names.every(isName), TABLE),
)

/** In the order in which problems are reported. Encoding has no effect: servers are asked for UTF-8. */
const FIELDS = {
  Connect: v.optional(headerText),
  Driver: v.optional(headerText),
  Server: v.optional(headerText),
  Port: v.optional(wholeNumber(1, 65535)),
  Database: v.optional(headerText),
  User: v.optional(headerText),
  Password: v.optional(text),
  conParams: v.optional(headerText),
  Table: table,
  Map: v.union([v.string(), v.record(v.string(), v.unknown())], 'must be a JSON object: column by attribute'),
  Where: v.optional(v.string('must be text')),
  Limit: v.optional(wholeNumber(1, 1_000_000)),
  Encoding: v.optional(v.pipe(headerText, v.regex(/^[\w.:-]+$/, 'must be the name of a character set'))),
  TLS_CA: v.optional(v.string('must be text')),
  TLS_INSECURE: v.optional(booleanWord, false),
  PASSWORD_HASH: v.optional(v.picklist(PASSWORD_HASHES, `must be one of ${PASSWORD_HASHES.join(', ')}`), 'named'),
  SALT_POSITION: v.optional(v.picklist(['before', 'after'], 'must be before or after'), 'before'),
  MAX_CONNECTIONS: v.optional(wholeNumber(1, 100), 5),
}
const Fields = v.object(FIELDS)
export type Fields = v.InferOutput<typeof Fields>

/** Reads and checks a configuration; an empty string or null counts as absent. Never throws. */
export async function readSqlConfig(
  raw: RawConfig,
  edges: Edges,
): Promise<Result<ReadConfig<SqlConfig>, ConfigProblem>> {
  if (!edges.openSql)
    return err({
      key: 'Connect',
      rule: 'must be absent: this runtime connects to no SQL database; sqlresolver needs Node, Deno or Bun',
    })
  const given = Object.entries(raw).filter(([, value]) => value !== '' && value !== null && value !== undefined)
  const warnings = given.map(([key]) => key).filter((key) => !Object.hasOwn(FIELDS, key))
  for (const key of ['Table', 'Map'])
    if (!given.some(([name]) => name === key)) return err({ key, rule: 'is required' })
  const read = v.safeParse(Fields, Object.fromEntries(given), { abortEarly: true })
  if (!read.success) return err({ key: String(read.issues[0].path?.[0]?.key ?? ''), rule: read.issues[0].message })

  const fields = read.output
  const place = readPlace(fields)
  if (!place.ok) return place
  const map = readMap(fields.Map)
  if (!map.ok) return map
  const dialect = place.value.target.dialect
  const where = fields.Where?.trim() || undefined
  const unusable = where === undefined ? null : whereProblem(where, dialect)
  if (unusable !== null) return err({ key: 'Where', rule: unusable })
  const config = {
    place: place.value,
    table: { dialect, table: fields.Table, where, ...map.value },
    limit: fields.Limit,
    passwordHash: fields.PASSWORD_HASH,
    saltPosition: fields.SALT_POSITION,
    maxConnections: fields.MAX_CONNECTIONS,
  }
  const problem = contradiction(config) ?? (await unusablePem(place.value, edges))
  return problem ? err(problem) : ok({ config, warnings })
}

function contradiction({ table: { password, salt }, passwordHash }: SqlConfig): ConfigProblem | null {
  if (salt !== undefined && password === undefined) return { key: 'Map', rule: 'must have password beside salt' }
  const isDigest = passwordHash !== 'named' && passwordHash !== 'plain'
  if (salt !== undefined && !isDigest)
    return { key: 'PASSWORD_HASH', rule: 'must be one of md5, sha1, sha256, sha512 when Map has salt' }
  if (passwordHash !== 'named' && password === undefined)
    return { key: 'PASSWORD_HASH', rule: 'must be absent when Map has no password' }
  return null
}

/** The text of a certificate or a key. @throws when its file cannot be read */
export async function readPem(source: Pem, { readFile }: Edges): Promise<string> {
  if (!('file' in source)) return source.pem
  if (!readFile) throw new Error('this runtime reads no files')
  return readFile(source.file)
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----/
const PRIVATE_KEY = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----/

async function unusablePem({ tls }: SqlPlace, edges: Edges): Promise<ConfigProblem | null> {
  const sources: readonly [source: Pem | undefined, form: RegExp, what: string][] = [
    [tls?.authority, CERTIFICATE, 'a PEM certificate'],
    [tls?.client?.certificate, CERTIFICATE, 'a PEM certificate'],
    [tls?.client?.key, PRIVATE_KEY, 'a PEM private key without a password'],
  ]
  for (const [source, form, what] of sources) {
    if (!source) continue
    const pem = await readPem(source, edges).catch(() => null)
    if (pem === null) return { key: source.key, rule: 'must name files that can be read' }
    if (!form.test(pem)) return { key: source.key, rule: `must hold ${what}, or name a file that does` }
  }
  return null
}
