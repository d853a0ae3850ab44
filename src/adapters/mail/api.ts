/**
 * What mail APIs over HTTPS have in common: their keys, one bounded request for one mail, and words for what became of
 * it. Everything about one API stands in its own file.
 */
import * as v from 'valibot'
import { headerText, isEmailAddress } from '../../core/fields.ts'
import { apiRoot, headerToken } from '../../core/http-fields.ts'
import type { MailHeader } from '../../core/mail-template.ts'
import { err, ok, type Result } from '../../core/result.ts'
import type { Edges } from '../../ports/edges.ts'
import { exchange, type HttpReply, type HttpRequest } from '../../ports/http-exchange.ts'
import {
  type ConfigProblem,
  type Delivery,
  defineProvider,
  type Message,
  type Provider,
  type RawConfig,
  type ReadConfig,
} from '../../ports/provider.ts'
import { mailDefaults, type Sender, seconds, sender, template } from './fields.ts'

export const mailKeys = {
  EMAIL_SUBJECT: v.optional(headerText, 'Your OTP'),
  TEMPLATE: v.optional(template),
  TIMEOUT: v.optional(seconds, 5),
} as const

/** @param root where the API is when `URL` names no other region or stand-in */
export const apiKeys = (root: string) => ({
  API_KEY: headerToken,
  EMAIL_FROM: sender,
  URL: v.optional(apiRoot, root),
  ...mailKeys,
})

/** Its entries stand in the order in which problems are reported. */
type ConfigSchema<C> = v.GenericSchema<unknown, C> & { readonly entries: v.ObjectEntries }
type MailConfig = {
  readonly EMAIL_FROM?: Sender | undefined
  readonly EMAIL_SUBJECT: string
  readonly TEMPLATE?: string | undefined
  readonly TIMEOUT: number
}

type ApiRequest = Omit<HttpRequest, 'timeout'>

export type MailApi<C extends MailConfig> = {
  readonly name: string
  readonly config: ConfigSchema<C>
  readonly secretKeys: readonly string[]
  readonly boundKeys: readonly string[]
  readonly sample: RawConfig
  /** What contradicts itself although each key is good. */
  readonly contradiction?: (config: C) => ConfigProblem | undefined
  /** A recipient that the API is known not to serve. */
  readonly unreachable?: (mail: Message) => Delivery | undefined
  /** `mail.to` is one address and `mail.subject` one line. */
  readonly request: (config: C, mail: Message, edges: Edges) => ApiRequest | Promise<ApiRequest>
  /** What the reply says; the texts of servers may quote anything, so no reason is taken from them as it stands. */
  readonly verdict: (reply: HttpReply, mail: Message, config: C) => Delivery
}

export function defineMailApi<C extends MailConfig>(api: MailApi<C>): Provider {
  return defineProvider<C>({
    name: api.name,
    classNames: [api.name],
    secretKeys: api.secretKeys,
    boundKeys: api.boundKeys,
    sample: api.sample,
    defaults: ({ EMAIL_SUBJECT, EMAIL_FROM, TEMPLATE }) => mailDefaults(EMAIL_SUBJECT, EMAIL_FROM, TEMPLATE),
    read: async (raw) => readMailConfig(api, raw),

    create: (config, edges) => async (message, signal) => {
      // Some APIs take lists of addresses.
      if (!isEmailAddress(message.to)) return refused('address_invalid')
      const unreachable = api.unreachable?.(message)
      if (unreachable) return unreachable
      const mail = { ...message, subject: oneLine(message.subject) }
      const request = await api.request(config, mail, edges)
      const reply = await exchange(edges, { ...request, timeout: config.TIMEOUT }, signal)
      return reply.ok ? api.verdict(reply.value, mail, config) : unavailable(reply.error)
    },
  })
}

export const oneLine = (text: string): string => text.replace(/\p{Cc}+/gu, ' ')
/** Headers of a mail beside those that an API has a field for: no answering machine shall answer it (RFC 3834 §5). */
export const headersOf = (mail: Message): readonly MailHeader[] => [
  { name: 'Auto-Submitted', value: 'auto-generated' },
  ...(mail.headers ?? []),
]

/** Merged in by whoever loads a provider (contract §4.5). */
const KEYS_OF_THE_CALLER = ['timeout', 'Managed']

export function readMailConfig<C extends MailConfig>(
  { config: schema, contradiction }: Pick<MailApi<C>, 'config' | 'contradiction'>,
  raw: RawConfig,
): Result<ReadConfig<C>, ConfigProblem> {
  const given = Object.entries(raw).filter(([, value]) => value !== '' && value !== null && value !== undefined)
  const read = v.safeParse(schema, Object.fromEntries(given))
  if (!read.success) {
    const [issue] = read.issues
    const missing = issue.received === 'undefined' && issue.path?.length === 1
    return err({ key: v.getDotPath(issue) ?? 'config', rule: missing ? 'is required' : issue.message })
  }
  const problem = contradiction?.(read.output)
  if (problem) return err(problem)
  const known = [...Object.keys(schema.entries), ...KEYS_OF_THE_CALLER]
  return ok({ config: read.output, warnings: given.map(([key]) => key).filter((key) => !known.includes(key)) })
}

export const unavailable = (reason: string): Delivery => ({ status: 'unavailable', reason })
export const refused = (reason: string): Delivery => ({ status: 'refused', reason })

/** @param id the server's own name for the mail, if it looks like one */
export const accepted = (mail: Message, id?: string | null): Delivery => ({
  status: 'accepted',
  reference: id && /^[\w<>@.+-]{1,200}$/.test(id) ? id : mail.id,
})

/** A status that says no more than itself. 401 is a missing or wrong key everywhere. */
export const failed = ({ status }: HttpReply): Delivery =>
  unavailable(status === 401 ? 'auth_failed' : `http_${status}`)

/** null when the body is no JSON, or not of this form. */
export function readBody<S extends v.GenericSchema<unknown, unknown>>(
  schema: S,
  reply: HttpReply,
): v.InferOutput<S> | null {
  try {
    const read = v.safeParse(schema, JSON.parse(reply.body))
    return read.success ? read.output : null
  } catch {
    return null // no JSON
  }
}
