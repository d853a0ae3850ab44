/**
 * CloudflareEmailProvider: mail through Cloudflare's Email Service, by the Worker's own `send_email` binding.
 *
 * Message and errors: https://developers.cloudflare.com/email-service/api/send-emails/workers-api/. The domain of
 * EMAIL_FROM must be onboarded there. `E_RECIPIENT_SUPPRESSED` is a verdict on the recipient: the address bounced or
 * complained before. What a call was doing when the deadline came nobody can tell; it cannot be stopped.
 */
import * as v from 'valibot'
import { isEmailAddress } from '../../core/fields.ts'
import { err } from '../../core/result.ts'
import type { MailBinding } from '../../ports/edges.ts'
import { type Delivery, defineProvider, type Message } from '../../ports/provider.ts'
import { accepted, mailKeys, oneLine, readMailConfig, refused, unavailable } from './api.ts'
import { mailDefaults, type Sender, sender } from './fields.ts'

const BINDING = 'must be the name of a send_email binding'
const Config = v.object({
  BINDING: v.optional(v.pipe(v.string(BINDING), v.regex(/^\w{1,64}$/, BINDING)), 'EMAIL'),
  EMAIL_FROM: sender,
  ...mailKeys,
})
type CloudflareConfig = v.InferOutput<typeof Config>

/** Names that are passed on to operators; any other is left out. */
const NAMES: readonly string[] = [
  ...['E_VALIDATION_ERROR', 'E_FIELD_MISSING', 'E_SENDER_NOT_VERIFIED', 'E_SENDER_DOMAIN_NOT_AVAILABLE'],
  ...['E_RECIPIENT_NOT_ALLOWED', 'E_CONTENT_TOO_LARGE', 'E_RATE_LIMIT_EXCEEDED', 'E_DAILY_LIMIT_EXCEEDED'],
  ...['E_DELIVERY_FAILED', 'E_INTERNAL_SERVER_ERROR'],
]

export const provider = defineProvider<CloudflareConfig>({
  name: 'CloudflareEmailProvider',
  classNames: ['CloudflareEmailProvider'],
  secretKeys: [],
  boundKeys: [],
  sample: { BINDING: 'EMAIL', EMAIL_FROM: 'One-time passwords <otp@example.org>' },
  defaults: ({ EMAIL_SUBJECT, EMAIL_FROM, TEMPLATE }) => mailDefaults(EMAIL_SUBJECT, EMAIL_FROM, TEMPLATE),

  read: async (raw, edges) => {
    const read = readMailConfig<CloudflareConfig>({ config: Config }, raw)
    if (!read.ok) return read
    if (!edges.mailBinding)
      return err({ key: 'BINDING', rule: 'must be used on Cloudflare Workers, no other runtime has it' })
    if (!edges.mailBinding(read.value.config.BINDING))
      return err({ key: 'BINDING', rule: 'must be the name of a send_email binding in wrangler.toml' })
    return read
  },

  create: (config, edges) => async (message, signal) => {
    if (!isEmailAddress(message.to)) return refused('address_invalid')
    if (signal.aborted) return unavailable('deadline')
    const binding = edges.mailBinding?.(config.BINDING)
    if (!binding) return unavailable('binding_missing')
    const limit = edges.deadline(Math.ceil(config.TIMEOUT))
    const stop = AbortSignal.any([signal, limit])
    const { promise: stopped, resolve } = Promise.withResolvers<Delivery>()
    const onAbort = () => resolve(unavailable(signal.aborted ? 'deadline' : 'timeout'))
    stop.addEventListener('abort', onAbort, { once: true })
    try {
      return await Promise.race([stopped, call(binding, config, message)])
    } finally {
      stop.removeEventListener('abort', onAbort)
    }
  },
})

/** Never rejects. */
async function call(binding: MailBinding, { EMAIL_FROM }: CloudflareConfig, message: Message): Promise<Delivery> {
  try {
    const sent = await binding.send({
      from: person(message.from ?? EMAIL_FROM),
      to: message.to,
      subject: oneLine(message.subject),
      text: message.text,
      // Of others the service knows a list: https://developers.cloudflare.com/email-service/reference/headers/
      headers: Object.fromEntries([
        ['X-Auto-Response-Suppress', 'All'],
        ...(message.headers ?? []).filter(({ name }) => /^x-/i.test(name)).map(({ name, value }) => [name, value]),
      ]),
      ...(message.replyTo && { replyTo: person(message.replyTo) }),
      ...(message.html !== undefined && { html: message.html }),
      ...(message.images && {
        attachments: message.images.map(({ cid, type, name, content }) => ({
          ...{ content, type, filename: name, disposition: 'inline' as const, contentId: cid },
        })),
      }),
    })
    return accepted(message, sent?.messageId)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'E_RECIPIENT_SUPPRESSED') return refused('recipient_suppressed')
    return unavailable(NAMES.includes(code) ? `cloudflare_${code.slice('E_'.length).toLowerCase()}` : 'binding_failed')
  }
}

const person = ({ name, address }: Sender) => (name === '' ? address : { email: address, name })
