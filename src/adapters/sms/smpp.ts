/**
 * SMPPSMSProvider: an SMS centre, by SMPP 3.4 (contract 4.13), on runtimes that have the library for it.
 *
 * A text goes out in the GSM alphabet or UCS-2, never with letters left out, and a long one in parts that the phone puts
 * together again (3GPP TS 23.040 §9.2.3.24.1). Accounts are often allowed one session: `MAX_CONNECTIONS` are open at
 * once, and each is handed on to the next message that waits. Clause numbers are those of SMPP 3.4 issue 1.2.
 */
import * as v from 'valibot'
import { booleanWord, wholeNumber } from '../../core/fields.ts'
import { err, ok, type Result } from '../../core/result.ts'
import { smsParts } from '../../core/sms-parts.ts'
import type { Edges } from '../../ports/edges.ts'
import { createLine } from '../../ports/line.ts'
import { type ConfigProblem, type Delivery, defineProvider, type Message, type Send } from '../../ports/provider.ts'
import type { SmppFields, SmppReply, SmppSession } from '../../ports/smpp.ts'
import { timeout, unavailable } from './gateway.ts'
import { forbidden, formatNumber, numberKeys } from './number.ts'
import { originKeys, smsDefaults } from './origin.ts'
import { readConfig } from './read.ts'
import { CERTIFICATE, readPem } from './route.ts'

const HOST = 'must be a host name or an IP address'
const host = v.pipe(v.string(HOST), v.trim(), v.regex(/^(?:[\w.-]+|[\da-f:.]+|\[[\da-f:.]+\])$/i, HOST))

/** §3.1, C-Octet String. */
function octets(max: number) {
  const rule = `must be at most ${max} ASCII characters`
  return v.pipe(
    v.union([v.string(), v.number()], rule),
    v.transform(String),
    v.check((text) => text.length <= max && /^[\x20-\x7e]*$/.test(text), rule),
  )
}
const octet = wholeNumber(0, 255)

/** Texts of Latin-1 may be asked for, as LinOTP has them; the GSM alphabet is what every centre must know. */
const ENCODINGS = ['GSM7', 'ISO8859-1', 'UCS2'] as const
const ENCODING = `must be one of ${ENCODINGS.join(', ')}`
const encoding = v.pipe(
  v.string(ENCODING),
  v.transform((name) => name.toUpperCase().replace(/^ISO[-_]?8859[-_]1$|^LATIN[-_]?1$/, 'ISO8859-1')),
  v.picklist(ENCODINGS, ENCODING),
)

const Config = v.looseObject({
  server: host,
  port: v.optional(wholeNumber(1, 65535), 5100),
  system_id: octets(15),
  // The specification has room for 8; there are centres that give out longer ones.
  password: octets(64),
  system_type: v.optional(octets(12), ''),
  source_addr: octets(20),
  source_addr_ton: v.optional(octet, 1),
  source_addr_npi: v.optional(octet, 1),
  dest_addr_ton: v.optional(octet, 1),
  dest_addr_npi: v.optional(octet, 1),
  target_encoding: v.optional(encoding, 'GSM7'),
  use_ssl: v.optional(booleanWord, false),
  TLS_CA: v.optional(v.string('must be text')),
  TIMEOUT: v.optional(timeout),
  MAX_CONNECTIONS: v.optional(wholeNumber(1, 100), 1),
  ...numberKeys,
  ...originKeys,
})
type SmppConfig = v.InferOutput<typeof Config>

/** For the connection, and for each silence, in seconds. */
const DEFAULT_TIMEOUT = 5

const INTERFACE_VERSION = 0x34
/** §5.2.19 */
const DATA_CODING = { GSM7: 0, 'ISO8859-1': 3, UCS2: 8 } as const
/** Their number is one octet of the header. */
const MAX_PARTS = 255
/** §5.1.3: ESME_RINVDSTADR. Those about its type and plan are about our configuration. */
const INVALID_RECIPIENT = 0x0b

export const provider = defineProvider<SmppConfig>({
  name: 'SMPPSMSProvider',
  classNames: [
    'SMPPSMSProvider',
    'linotp.provider.smsprovider.SMPPSMSProvider',
    'smsprovider.SMPPSMSProvider.SMPPSMSProvider',
    'smsprovider.SMPPSMSProvider',
  ],
  secretKeys: ['password'],
  boundKeys: ['server', 'port', 'system_id', 'use_ssl', 'TLS_CA'],
  sample: {
    server: 'smsc.example.org',
    port: 3550,
    use_ssl: true,
    system_id: 'otp',
    password: 'secret',
    source_addr: 'otpost',
    source_addr_ton: 5,
    source_addr_npi: 0,
  },
  defaults: smsDefaults,

  read: async (raw, edges) => {
    if (!edges.openSmpp)
      return err({ key: 'server', rule: 'cannot be reached: this runtime speaks no SMPP, only gateways over HTTP' })
    const read = readConfig(Config, raw, Object.keys(Config.entries))
    const problem = read.ok ? await unusableAuthority(read.value.config, edges) : null
    return problem ? err(problem) : read
  },

  create: sendOverSmpp,
})

async function unusableAuthority({ TLS_CA, use_ssl }: SmppConfig, edges: Edges): Promise<ConfigProblem | null> {
  if (TLS_CA === undefined) return null
  if (!use_ssl) return { key: 'TLS_CA', rule: 'must be given together with use_ssl' }
  const pem = await readPem(TLS_CA, edges).catch(() => null)
  if (pem === null) return { key: 'TLS_CA', rule: 'must be a file that can be read' }
  const isCertificate = CERTIFICATE.every((pattern) => pattern.test(pem))
  return isCertificate ? null : { key: 'TLS_CA', rule: 'must be a PEM certificate, or a file that holds one' }
}

type Attempt = { readonly delivery: Delivery; readonly session: SmppSession | null }

function sendOverSmpp(config: SmppConfig, edges: Edges): Send {
  const line = createLine<SmppSession>(config.MAX_CONNECTIONS, 'smpp', edges.metrics)

  return async (message, signal) => {
    const number = formatNumber(message.to, config)
    if (!number.ok) return forbidden(number.error)
    const to = addressOf(number.value, config)
    if (to.length > 20) return forbidden('number_not_e164')
    const handed = await line.enter(signal)
    if (handed === 'aborted') return unavailable('deadline')

    const { promise: deadline, resolve } = Promise.withResolvers<Attempt>()
    const onAbort = () => resolve({ delivery: unavailable('deadline'), session: null })
    signal.addEventListener('abort', onAbort, { once: true })
    if (signal.aborted) onAbort()
    let session: SmppSession | null = null
    try {
      const attempt = await Promise.race([deadline, deliver({ config, edges, handed }, { ...message, to }, signal)])
      session = attempt.session
      return attempt.delivery
    } finally {
      signal.removeEventListener('abort', onAbort)
      line.leave(session)
    }
  }
}

/** §4.4.1: digits alone. The `+` says what TON 1 says already, and stays where that is not said. */
const addressOf = (number: string, { dest_addr_ton: ton }: SmppConfig): string =>
  number.replace(ton === 1 ? /\D/g : /[^\d+]/g, '')

type Parts = { readonly config: SmppConfig; readonly edges: Edges; readonly handed: SmppSession | null }

/** One attempt. When `signal` aborts the socket is destroyed, and the result no longer counts. */
async function deliver(parts: Parts, message: Message, signal: AbortSignal): Promise<Attempt> {
  const opened = await bound(parts, signal)
  if (!opened.ok) return { delivery: opened.error, session: null }
  const session = opened.value
  const requests = submissions(parts, message)
  if (requests.length > MAX_PARTS) return { delivery: unavailable('text_too_long'), session }
  for (const fields of requests) {
    const failure = await ask(parts, session, signal, 'submit_sm', fields)
    // After a status the session is as good as before; after a failure it is gone.
    if (failure) return { delivery: failure, session: session.isOpen() ? session : null }
  }
  return { delivery: { status: 'accepted', reference: message.id }, session }
}

/** The session that was handed on if it is still open, else a new one. */
async function bound(parts: Parts, signal: AbortSignal): Promise<Result<SmppSession, Delivery>> {
  const { config, edges, handed } = parts
  if (handed?.isOpen()) return ok(handed)
  let authority: string | undefined
  try {
    if (config.TLS_CA !== undefined) authority = await readPem(config.TLS_CA, edges)
  } catch {
    return err(unavailable('pem_unreadable')) // the text of the error names the file
  }
  const limit = patience(parts)
  const target = {
    host: config.server.replace(/^\[|\]$/g, ''),
    port: config.port,
    tls: config.use_ssl ? { ...(authority !== undefined && { authority }) } : null,
  }
  const opened = await edges.openSmpp?.(target, AbortSignal.any([signal, limit]))
  if (!opened?.ok) return err(unavailable(limit.aborted ? 'timeout' : (opened?.error ?? 'smpp_missing')))
  const session = opened.value
  const { system_id, password, system_type } = config
  const login = { system_id, password, system_type, interface_version: INTERFACE_VERSION }
  const failure = await ask(parts, session, signal, 'bind_transceiver', login)
  if (!failure) return ok(session)
  session.close()
  return err(failure)
}

/** @returns undefined when the centre did as it was asked */
async function ask(
  parts: Parts,
  session: SmppSession,
  signal: AbortSignal,
  ...[command, fields]: readonly ['bind_transceiver' | 'submit_sm', SmppFields]
): Promise<Delivery | undefined> {
  const limit = patience(parts)
  const reply = await session.request(command, fields, AbortSignal.any([signal, limit]))
  if (!reply.ok) return unavailable(limit.aborted ? 'timeout' : reply.error)
  if (reply.value.status === 0) return undefined
  const reason = reasonOf(reply.value)
  const isVerdict = command === 'submit_sm' && reply.value.status === INVALID_RECIPIENT
  return isVerdict ? { status: 'refused', reason } : unavailable(reason)
}

const patience = ({ config, edges }: Parts): AbortSignal => edges.deadline(Math.ceil(config.TIMEOUT ?? DEFAULT_TIMEOUT))

/** The name, else the number, up to the last that §5.1.3 sets aside for centres: what is beyond could be anything. */
function reasonOf({ status, name }: SmppReply): string {
  if (name !== null) return name.toLowerCase()
  return status <= 0x4ff ? `status_${String(status).padStart(3, '0')}` : 'status_unknown'
}

/**
 * One submit_sm for each part. A text in Latin-1 is cut as it goes on the air, where the centre puts it into the GSM
 * alphabet or UCS-2.
 */
function submissions({ config, edges }: Parts, { to, text }: Message): readonly SmppFields[] {
  const wanted = config.target_encoding
  const fits = { GSM7: smsParts(text).encoding === 'gsm7', 'ISO8859-1': /^[\0-\xff]*$/.test(text), UCS2: true }
  const coding = fits[wanted] ? wanted : 'UCS2'
  const { parts } = smsParts(text, coding === 'UCS2')
  const [reference = 0] = edges.random(1)
  return parts.map((message, n) => ({
    source_addr_ton: config.source_addr_ton,
    source_addr_npi: config.source_addr_npi,
    source_addr: config.source_addr,
    dest_addr_ton: config.dest_addr_ton,
    dest_addr_npi: config.dest_addr_npi,
    destination_addr: to,
    data_coding: DATA_CODING[coding],
    short_message: {
      message,
      ...(parts.length > 1 && { udh: Uint8Array.of(5, 0, 3, reference, parts.length, n + 1) }),
    },
  }))
}
