/**
 * Configuration of SMTPEmailProvider: which keys there are, what they may say, and what this runtime can do of it.
 *
 * Keys and defaults are LinOTP's (contract/linotp.md §4.5 and §4.6). Ours alone: `PORT` as a synonym of `SMTP_PORT`,
 * `TLS_INSECURE` and `TLS_CA`, since LinOTP verifies no certificates and we always do; `MAX_CONNECTIONS`.
 */
import { isIP } from 'node:net'
import * as v from 'valibot'
import { booleanWord, headerText, wholeNumber } from '../../core/fields.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import type { ConfigProblem, ReadConfig } from '../../ports/provider.ts'
import { type Sender, seconds, sender, template } from './fields.ts'

/** A PEM text, or the name of the file that holds it. Files are read again for each message: they are renewed. */
export type PemSource = { readonly pem: string } | { readonly file: string }

export type SmtpConfig = {
  readonly host: string
  readonly port: number
  /** `none` is clear text for good; neither of the others ever falls back to it. */
  readonly encryption: 'none' | 'starttls' | 'implicit'
  readonly login: { readonly user: string; readonly password: string } | undefined
  /** The address is the envelope sender too. */
  readonly from: Sender
  readonly subject: string
  readonly template: string | undefined
  /** Seconds, maybe with a fraction: for the connection (rounded up there), and for each silence in the dialogue. */
  readonly timeout: number
  readonly verifyCertificate: boolean
  /** At once, from this process; Infinity where no connection outlives its request. */
  readonly maxConnections: number
  /** Trusted instead of the public authorities. */
  readonly authority: PemSource | undefined
  /** Key and certificate we present, in one file or in two. */
  readonly client: { readonly certificate: PemSource; readonly key: PemSource } | undefined
}

const HOST = 'must be a host name or an IP address'
const hostName = v.pipe(
  v.string(HOST),
  v.transform((text) => (/^\[.*\]$/.test(text) ? text.slice(1, -1) : text)),
  v.check((text) => isIP(text) !== 0 || /^(?:[\w.-]|[^\p{ASCII}\s\p{C}])+$/u.test(text), HOST),
)

const password = v.pipe(
  v.union([v.string(), v.number()], 'must be text'),
  v.transform(String),
  v.check((text) => !text.includes('\0'), 'must not contain NUL'),
)

const text = v.string('must be text')

/** Few enough for the limits of usual servers (Postfix takes 50 of one client). */
const DEFAULT_CONNECTIONS = 10

/** In the order in which problems are reported. */
const FIELDS = {
  SMTP_SERVER: hostName,
  SMTP_PORT: v.optional(wholeNumber(1, 65535)),
  PORT: v.optional(wholeNumber(1, 65535)),
  SMTP_USER: v.optional(headerText),
  SMTP_PASSWORD: v.optional(password, ''),
  START_TLS: v.optional(booleanWord, false),
  USE_SSL: v.optional(booleanWord, false),
  CERTFILE: v.optional(headerText),
  KEYFILE: v.optional(headerText),
  EMAIL_FROM: v.optional(sender, 'linotp@example.com'),
  EMAIL_SUBJECT: v.optional(headerText, 'Your OTP'),
  TEMPLATE: v.optional(template),
  TIMEOUT: v.optional(seconds, 5),
  TLS_INSECURE: v.optional(booleanWord, false),
  TLS_CA: v.optional(text),
  MAX_CONNECTIONS: v.optional(wholeNumber(1, 100)),
}
const Fields = v.object(FIELDS)
type Fields = v.InferOutput<typeof Fields>

/** Merged in by whoever loads a provider (contract §4.5); neither of them is ours to read. */
const KEYS_OF_THE_CALLER = ['timeout', 'Managed']

/** Reads and checks a configuration; an empty string or null counts as absent. Never throws. */
export async function readSmtpConfig(
  raw: Readonly<Record<string, unknown>>,
  edges: Edges,
): Promise<Result<ReadConfig<SmtpConfig>, ConfigProblem>> {
  const given = Object.entries(raw).filter(([, value]) => value !== '' && value !== null && value !== undefined)
  const warnings = given
    .map(([key]) => key)
    .filter((key) => !Object.hasOwn(FIELDS, key) && !KEYS_OF_THE_CALLER.includes(key))
  if (!given.some(([key]) => key === 'SMTP_SERVER')) return err({ key: 'SMTP_SERVER', rule: 'is required' })

  const read = v.safeParse(Fields, Object.fromEntries(given), { abortEarly: true })
  if (!read.success) return err(problemOf(read.issues[0]))

  const config = configOf(read.output, edges)
  const problem =
    beyondRuntime(read.output, config, edges) ??
    contradiction(read.output) ??
    (await unusableFile(read.output, config, edges))
  return problem ? err(problem) : ok({ config, warnings })
}

/** The text of a PEM source. @throws when its file cannot be read */
export async function readPem(source: PemSource, edges: Edges): Promise<string> {
  if ('pem' in source) return source.pem
  if (!edges.readFile) throw new Error('this runtime reads no files')
  return edges.readFile(source.file)
}

function problemOf(issue: v.BaseIssue<unknown>): ConfigProblem {
  return { key: String(issue.path?.[0]?.key ?? ''), rule: issue.message }
}

function configOf(fields: Fields, { capabilities }: Edges): SmtpConfig {
  const encryption = fields.USE_SSL ? 'implicit' : fields.START_TLS ? 'starttls' : 'none'
  const key = fields.KEYFILE ?? fields.CERTFILE
  return {
    host: fields.SMTP_SERVER,
    port: fields.SMTP_PORT ?? fields.PORT ?? { implicit: 465, starttls: 587, none: 25 }[encryption],
    encryption,
    login: fields.SMTP_USER === undefined ? undefined : { user: fields.SMTP_USER, password: fields.SMTP_PASSWORD },
    from: fields.EMAIL_FROM,
    subject: fields.EMAIL_SUBJECT,
    template: fields.TEMPLATE,
    timeout: fields.TIMEOUT,
    verifyCertificate: !fields.TLS_INSECURE,
    maxConnections: capabilities.sharedConnections ? (fields.MAX_CONNECTIONS ?? DEFAULT_CONNECTIONS) : Infinity,
    authority: fields.TLS_CA === undefined ? undefined : pemOrFile(fields.TLS_CA),
    client: fields.CERTFILE && key ? { certificate: { file: fields.CERTFILE }, key: { file: key } } : undefined,
  }
}

function pemOrFile(value: string): PemSource {
  return value.includes('-----BEGIN ') ? { pem: value } : { file: value }
}

function contradiction(fields: Fields): ConfigProblem | undefined {
  if (fields.PORT !== undefined && fields.SMTP_PORT !== undefined && fields.PORT !== fields.SMTP_PORT) {
    return { key: 'PORT', rule: 'must be the same as SMTP_PORT, or absent' }
  }
  if (fields.KEYFILE !== undefined && fields.CERTFILE === undefined) {
    return { key: 'KEYFILE', rule: 'must be given together with CERTFILE' }
  }
  return undefined
}

/** What `edges.capabilities` rules out. Asked when a configuration is saved, so that no message fails for it later. */
function beyondRuntime(fields: Fields, config: SmtpConfig, edges: Edges): ConfigProblem | undefined {
  const { smtpPort25, tlsOptions, files, sharedConnections } = edges.capabilities
  const noFiles = 'must not name a file: this runtime reads no files'
  const rules: readonly [refused: boolean, key: string, rule: string][] = [
    [
      !smtpPort25 && config.port === 25,
      'SMTP_PORT',
      'must not be 25, which is closed to this runtime; 587 with START_TLS and 465 with USE_SSL are open',
    ],
    [!tlsOptions && fields.TLS_INSECURE, 'TLS_INSECURE', 'must be false: this runtime verifies every certificate'],
    [!tlsOptions && !!fields.TLS_CA, 'TLS_CA', 'must be absent: this runtime trusts the public authorities only'],
    [!tlsOptions && !!fields.CERTFILE, 'CERTFILE', 'must be absent: this runtime presents no client certificate'],
    [!tlsOptions && !!fields.KEYFILE, 'KEYFILE', 'must be absent: this runtime presents no client certificate'],
    [
      !sharedConnections && fields.MAX_CONNECTIONS !== undefined,
      'MAX_CONNECTIONS',
      'must be absent: this runtime shares no connections between requests',
    ],
    [!files && !!config.authority && 'file' in config.authority, 'TLS_CA', noFiles],
    [!files && !!fields.CERTFILE, 'CERTFILE', noFiles],
    [!files && !!fields.KEYFILE, 'KEYFILE', noFiles],
  ]
  const found = rules.find(([refused]) => refused)
  return found && { key: found[1], rule: found[2] }
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED )?CERTIFICATE-----[^-]+-----END (?:TRUSTED )?CERTIFICATE-----/
/** Encrypted keys are left out on purpose: nobody could give their password. */
const PRIVATE_KEY = /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----[^-]+-----END (?:RSA |EC )?PRIVATE KEY-----/

async function unusableFile(fields: Fields, config: SmtpConfig, edges: Edges): Promise<ConfigProblem | undefined> {
  const sources: readonly [key: string, source: PemSource | undefined, form: RegExp, rule: string][] = [
    ['TLS_CA', config.authority, CERTIFICATE, 'must be a PEM certificate, or a file that holds one'],
    ['CERTFILE', config.client?.certificate, CERTIFICATE, 'must be a file that holds a PEM certificate'],
    [
      fields.KEYFILE === undefined ? 'CERTFILE' : 'KEYFILE',
      config.client?.key,
      PRIVATE_KEY,
      'must be a file that holds a PEM private key without a password',
    ],
  ]
  for (const [key, source, form, rule] of sources) {
    if (!source) continue
    const pem = await readPem(source, edges).catch(() => undefined)
    if (pem === undefined) return { key, rule: 'must be a file that can be read' }
    if (!form.test(pem)) return { key, rule }
  }
  return undefined
}
