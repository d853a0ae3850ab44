/**
 * Configuration of ldapresolver: which keys there are, what they may say, and what this runtime can do of it.
 *
 * Keys are LinOTP's (contract/linotp.md §7.9). Ours alone: `TLS_CA`, since we verify certificates unless
 * `only_trusted_certs` says otherwise; `CACERTIFICATE` is another name for it.
 */
import ipaddr from 'ipaddr.js'
import * as v from 'valibot'
import { booleanWord, wholeNumber } from '../../core/fields.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import type { ConfigProblem, RawConfig, ReadConfig } from '../../ports/provider.ts'
import { type FilterTemplate, isAttribute, readFilter, takesLogin } from './ldap-filter.ts'
import { type IdAttribute, idAttribute } from './ldap-ids.ts'

export type LdapServer = {
  readonly host: string
  readonly port: number
  /** `none` is clear text for good; neither of the others ever falls back to it. */
  readonly encryption: 'none' | 'starttls' | 'implicit'
}

/** A PEM text, or the name of the file that holds it. Files are read again for each connection: they are renewed. */
export type PemSource = { readonly pem: string } | { readonly file: string }

export type LdapConfig = {
  /** Tried in this order. */
  readonly servers: readonly LdapServer[]
  readonly base: string
  /** Who searches; nobody is an anonymous search. */
  readonly account: { readonly name: string; readonly password: string } | undefined
  readonly loginAttribute: string
  /** Takes the login; whoever fits it with any login is a user. */
  readonly loginFilter: FilterTemplate
  readonly listFilter: FilterTemplate
  /** Names of our attributes, and the directory's for each. */
  readonly attributes: Readonly<Record<string, string>>
  readonly id: IdAttribute
  /** Seconds: to connect, over all servers, and for each answer. Fractions are rounded up. */
  readonly timeout: number
  readonly sizeLimit: number
  readonly verifyCertificate: boolean
  /** Trusted instead of the public authorities. */
  readonly authority: PemSource | undefined
}

const text = v.string('must be text')
const required = v.pipe(text, v.trim(), v.nonEmpty('is required'))

const SERVERS = 'must be ldap:// or ldaps:// with a host and maybe a port; several are separated by commas'
const SERVER = /^(ldaps?):\/\/(\[[\da-f:.]+\]|[^\s/:?#@[\]\p{C}]+)(?::(\d{1,5}))?\/?$/iu
const MAX_SERVERS = 8
type ServerUri = { readonly secure: boolean; readonly host: string; readonly port: number }
const servers = v.pipe(
  required,
  v.transform((uris) => uris.split(',').map((uri) => readServer(uri.trim()))),
  v.check((list) => list.every((server) => server !== null), SERVERS),
  v.transform((list) => list.filter((server) => server !== null)),
  v.maxLength(MAX_SERVERS, `must name at most ${MAX_SERVERS} servers`),
)

function readServer(uri: string): ServerUri | null {
  const [, scheme, host, written] = SERVER.exec(uri) ?? []
  if (scheme === undefined || host === undefined) return null
  const secure = scheme.toLowerCase() === 'ldaps'
  const port = written === undefined ? (secure ? 636 : 389) : Number(written)
  if (port < 1 || port > 65535) return null
  return { secure, host: host.replace(/^\[|\]$/g, ''), port }
}

const ATTRIBUTE = 'must be the name of an LDAP attribute'
const attribute = v.pipe(required, v.check(isAttribute, ATTRIBUTE))

const filter = v.pipe(
  required,
  v.rawTransform<string, FilterTemplate>(({ dataset, addIssue, NEVER }) => {
    const read = readFilter(dataset.value)
    if (read.ok) return read.value
    addIssue({ message: read.error })
    return NEVER
  }),
)

const USERINFO = 'must be a JSON object of attributes, such as {"email": "mail", "mobile": "mobile"}'
const userinfo = v.pipe(
  v.unknown(),
  v.transform((value) => (typeof value === 'string' ? parseJson(value) : value)),
  v.custom<Record<string, unknown>>((value) => typeof value === 'object' && !!value && !Array.isArray(value), USERINFO),
  v.transform((map) => Object.entries(map).filter(([, name]) => name !== '' && name !== null)),
  v.check((entries) => entries.every(([, name]) => typeof name === 'string' && isAttribute(name)), USERINFO),
  v.transform(
    (entries): Readonly<Record<string, string>> => Object.fromEntries(entries.map(([k, n]) => [k, String(n)])),
  ),
)

function parseJson(value: string): unknown {
  try {
    return JSON.parse(value)
  } catch {
    return undefined // the next check refuses it
  }
}

const NAME = 'must be a DN, such as cn=otpost,dc=example,dc=com, or user@domain, or DOMAIN\\user'
const accountName = v.pipe(
  text,
  v.trim(),
  // Anything else could be the name of a SASL mechanism or nobody's name: that would be no login.
  v.check((name) => /[^\s].*[=@\\]|[=@\\].*[^\s]/.test(name) && !name.includes('\0'), NAME),
)
const password = v.pipe(v.union([text, v.number()], 'must be text'), v.transform(String))

const SECONDS = 'must be a number of seconds above 0 and not above 600'
const seconds = v.pipe(
  v.union([v.number(), v.string()], SECONDS),
  v.transform((value) => (/^\s*\d*\.?\d+\s*$/.test(String(value)) ? Number(value) : 0)),
  v.check((value) => value > 0 && value <= 600, SECONDS),
)

/** In the order in which problems are reported. */
const FIELDS = {
  LDAPURI: servers,
  LDAPBASE: v.pipe(required, v.includes('=', 'must be a DN, such as ou=people,dc=example,dc=com')),
  BINDDN: v.optional(accountName),
  BINDPW: v.optional(password),
  LOGINNAMEATTRIBUTE: attribute,
  LDAPSEARCHFILTER: filter,
  LDAPFILTER: v.pipe(filter, v.check(takesLogin, 'must hold %s, which stands for the login')),
  USERINFO: userinfo,
  UIDTYPE: v.optional(attribute, 'DN'),
  TIMEOUT: v.optional(seconds, 5),
  SIZELIMIT: v.optional(wholeNumber(1, 100_000), 500),
  NOREFERRALS: v.optional(booleanWord, true),
  EnforceTLS: v.optional(booleanWord, false),
  only_trusted_certs: v.optional(booleanWord, true),
  PROXY: v.optional(booleanWord, false),
  TLS_CA: v.optional(text),
  CACERTIFICATE: v.optional(text),
}
const REQUIRED = ['LDAPURI', 'LDAPBASE', 'LOGINNAMEATTRIBUTE', 'LDAPSEARCHFILTER', 'LDAPFILTER', 'USERINFO']
const Fields = v.object(FIELDS)
type Fields = v.InferOutput<typeof Fields>

/** Reads and checks a configuration; an empty string or null counts as absent. Never throws. */
export async function readLdapConfig(
  raw: RawConfig,
  edges: Edges,
): Promise<Result<ReadConfig<LdapConfig>, ConfigProblem>> {
  const given = Object.entries(raw).filter(([, value]) => value !== '' && value !== null && value !== undefined)
  const unknown = given.map(([key]) => key).filter((key) => !Object.hasOwn(FIELDS, key))
  const missing = REQUIRED.find((key) => !given.some(([name]) => name === key))
  if (missing) return err({ key: missing, rule: 'is required' })

  const read = v.safeParse(Fields, Object.fromEntries(given), { abortEarly: true })
  if (!read.success) {
    const [issue] = read.issues
    return err({ key: String(issue.path?.[0]?.key ?? ''), rule: issue.message })
  }
  const config = configOf(read.output)
  const problem =
    contradiction(read.output) ??
    beyondRuntime(read.output, config, edges) ??
    (await unusableAuthority(read.output, config, edges))
  return problem ? err(problem) : ok({ config, warnings: [...unknown, ...doubtful(read.output, config)] })
}

/** The text of a PEM source. @throws when its file cannot be read */
export async function readPem(source: PemSource, edges: Edges): Promise<string> {
  if ('pem' in source) return source.pem
  if (!edges.readFile) throw new Error('this runtime reads no files')
  return edges.readFile(source.file)
}

/** Hashes of passwords and their kin, which some configurations name and nobody needs: they are not even asked for. */
const PASSWORD_ATTRIBUTE =
  /^(?:userPassword|authPassword|unicodePwd|dBCSPwd|(?:samba|ipa)(?:NT|LM)(?:Password|Hash)|krbPrincipalKey)(?:;|$)/i
const isHarmless = ([, name]: readonly [string, string]): boolean => !PASSWORD_ATTRIBUTE.test(name)

function configOf(fields: Fields): LdapConfig {
  const authority = fields.TLS_CA ?? fields.CACERTIFICATE
  return {
    servers: fields.LDAPURI.map(({ secure, host, port }) => ({
      host,
      port,
      encryption: secure ? 'implicit' : fields.EnforceTLS ? 'starttls' : 'none',
    })),
    base: fields.LDAPBASE,
    account: fields.BINDDN === undefined ? undefined : { name: fields.BINDDN, password: fields.BINDPW ?? '' },
    loginAttribute: fields.LOGINNAMEATTRIBUTE,
    loginFilter: fields.LDAPFILTER,
    listFilter: fields.LDAPSEARCHFILTER,
    attributes: Object.fromEntries(Object.entries(fields.USERINFO).filter(isHarmless)),
    id: idAttribute(fields.UIDTYPE),
    timeout: fields.TIMEOUT,
    sizeLimit: fields.SIZELIMIT,
    verifyCertificate: fields.only_trusted_certs,
    authority: authority === undefined ? undefined : pemOrFile(authority),
  }
}

function pemOrFile(value: string): PemSource {
  return value.includes('-----BEGIN ') ? { pem: value } : { file: value }
}

function contradiction(fields: Fields): ConfigProblem | undefined {
  // A bind without a password succeeds as nobody (RFC 4513 §5.1.2), so it would prove nothing and find little.
  if (fields.BINDDN !== undefined && !fields.BINDPW) return { key: 'BINDPW', rule: 'is required with BINDDN' }
  if (fields.BINDDN === undefined && fields.BINDPW) return { key: 'BINDDN', rule: 'is required with BINDPW' }
  if (fields.TLS_CA !== undefined && fields.CACERTIFICATE !== undefined) {
    return { key: 'CACERTIFICATE', rule: 'must be absent where TLS_CA is given, which means the same' }
  }
  return undefined
}

/** What `edges.capabilities` rules out. Asked when a configuration is saved, so that no login fails for it later. */
function beyondRuntime(fields: Fields, config: LdapConfig, { capabilities }: Edges): ConfigProblem | undefined {
  const authorityKey = authorityKeyOf(fields)
  const { tlsOptions, files, runtime } = capabilities
  const rules: readonly [refused: boolean, key: string, rule: string][] = [
    [
      !tlsOptions && config.servers.some(({ encryption }) => encryption !== 'implicit'),
      'LDAPURI',
      'must be ldaps:// for each server: this runtime speaks LDAP over TLS from the first byte only',
    ],
    [
      runtime === 'workers' && config.servers.some(({ host }) => !isPublicHost(host)),
      'LDAPURI',
      'must name public hosts: this runtime reaches no private network',
    ],
    [
      !tlsOptions && !config.verifyCertificate,
      'only_trusted_certs',
      'must be true: this runtime verifies every certificate',
    ],
    [
      !tlsOptions && !!config.authority,
      authorityKey,
      'must be absent: this runtime trusts the public authorities only',
    ],
    [
      !files && !!config.authority && 'file' in config.authority,
      authorityKey,
      'must not name a file: this runtime reads no files',
    ],
  ]
  const found = rules.find(([refused]) => refused)
  return found && { key: found[1], rule: found[2] }
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/

async function unusableAuthority(fields: Fields, config: LdapConfig, edges: Edges): Promise<ConfigProblem | undefined> {
  if (!config.authority) return undefined
  const key = authorityKeyOf(fields)
  const pem = await readPem(config.authority, edges).catch(() => undefined)
  if (pem === undefined) return { key, rule: 'must be a PEM certificate, or a file that can be read' }
  return CERTIFICATE.test(pem) ? undefined : { key, rule: 'must be a PEM certificate, or a file that holds one' }
}

const authorityKeyOf = (fields: Fields): string => (fields.TLS_CA === undefined ? 'CACERTIFICATE' : 'TLS_CA')

/** What works, but hardly as it was meant. */
function doubtful(fields: Fields, config: LdapConfig): readonly string[] {
  const clear = config.servers.filter(({ encryption, host }) => encryption === 'none' && !isLoopback(host))
  return [
    ...clear.map(
      ({ host }) => `LDAPURI: passwords cross the network to ${host} in clear text; use ldaps:// or EnforceTLS`,
    ),
    ...(config.verifyCertificate
      ? []
      : ['only_trusted_certs: certificates are not verified, so whoever is in between can read passwords']),
    ...(Object.entries(fields.USERINFO).every(isHarmless)
      ? []
      : ['USERINFO: attributes that hold passwords are not read; passwords are tried by a bind']),
    ...(fields.NOREFERRALS ? [] : ['NOREFERRALS: referrals are never followed']),
    ...(fields.PROXY ? ['PROXY: is of no effect'] : []),
  ]
}

/** RFC 6761 §6.3, RFC 1122 §3.2.1.3, RFC 4291 §2.5.3. */
const isLoopback = (host: string): boolean =>
  ipaddr.isValid(host) ? ipaddr.process(host).range() === 'loopback' : /^(?:.+\.)?localhost\.?$/i.test(host)

/** Names that end in a zone of their own are not resolved by public servers; names without a dot neither. */
function isPublicHost(host: string): boolean {
  if (ipaddr.isValid(host)) return ipaddr.process(host).range() === 'unicast'
  return /[^.]\.[^.]/.test(host) && !/\.(?:localhost|local|internal|intranet|lan|home|corp|home\.arpa)\.?$/i.test(host)
}
