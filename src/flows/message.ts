/**
 * Message: what one OTP is told in, rendered anew for each provider that is tried, since subject, sender and template are
 * the provider's. Nothing rendered here is kept or logged.
 */
import {
  type FilledMail,
  fillMailTemplate,
  type MailTemplate,
  mailValues,
  minutesOf,
  substitute,
} from '../core/mail-template.ts'
import type { ProviderRecord } from '../core/settings.ts'
import { asHeader, fill, type TextValues } from '../core/template.ts'
import { type Instant, mailDate, type Seconds } from '../core/time.ts'
import type { Log } from '../ports/edges.ts'
import type { Message, MessageDefaults } from '../ports/provider.ts'
import type { Render } from './deliver.ts'
import type { Templates } from './templates.ts'

export type MessagePlan = {
  /** Id of the request, for the log. */
  readonly request: string
  readonly id: string
  readonly to: string
  /** Of the policy: the text, which holds `<otp>`, and the subject, empty where there is none. */
  readonly text: string
  readonly subject: string
  readonly values: TextValues
  /** Of the recipient, the best first. */
  readonly languages: readonly string[]
  /** Of the settings. */
  readonly version: number
  readonly now: Instant
  readonly validity: (provider: ProviderRecord) => Seconds
}

/** What a policy without a text says; a text of its own would be missed where a template takes its place. */
const BARE_TEXT = '<otp>'

export const createMessages =
  ({ templates, log }: { readonly templates: Templates; readonly log: Log }) =>
  (plan: MessagePlan): Render => {
    const { id, to, values, languages, version } = plan
    let told = false

    return async (defaults, provider) => {
      const text = withOrigin(fill(plan.text, values), defaults, values.otp)
      if (defaults.template === undefined)
        return { id, to, subject: asHeader(fill(plan.subject || defaults.subject, values)), text }
      const loaded = await templates.load(defaults.template, languages, version)
      if (!loaded.ok) return loaded.error
      if (!told) tellIgnored(loaded.value)
      told = true
      return { id, to, ...fromTemplate(plan, loaded.value, { defaults, provider, text }) }
    }

    function tellIgnored({ text }: MailTemplate): void {
      const ignored = [
        ...(text !== null && plan.text !== BARE_TEXT ? ['emailtext'] : []),
        ...(plan.subject !== '' ? ['emailsubject'] : []),
      ]
      if (ignored.length > 0)
        log.info('policy_ignored', {
          ...{ request: plan.request, serial: values.serial },
          ...{ actions: ignored.join(', '), because: 'TEMPLATE' },
        })
    }
  }

/** The last line ties an OTP to one site: https://wicg.github.io/sms-one-time-codes/ */
const withOrigin = (text: string, { origin }: MessageDefaults, otp: string): string =>
  origin === undefined ? text : `${text}\n\n@${origin} #${otp}`

type Chosen = { readonly defaults: MessageDefaults; readonly provider: ProviderRecord; readonly text: string }

function fromTemplate(
  { to, values, now, validity }: MessagePlan,
  template: MailTemplate,
  { defaults, provider, text }: Chosen,
): Omit<Message, 'id' | 'to'> {
  const own = {
    otp: values.otp,
    serial: values.serial,
    transactionid: values.transactionId,
    minutes: minutesOf(validity(provider)),
    From: defaults.from ?? '',
    To: to,
    Date: mailDate(now),
  }
  // The provider's subject, not the policy's (contract 5.4); it may hold placeholders itself.
  const subject = asHeader(substitute(defaults.subject, mailValues(values.attributes, own)))
  return assemble(template, fillMailTemplate(template, mailValues(values.attributes, { ...own, Subject: subject })), {
    subject,
    text,
  })
}

/** @param without what stands where the template has nothing */
export function assemble(
  { from, images }: MailTemplate,
  { subject, text, html, headers, replyTo }: FilledMail,
  without: { readonly subject: string; readonly text: string },
): Omit<Message, 'id' | 'to'> {
  return {
    subject: subject || without.subject,
    text: text ?? without.text,
    headers,
    ...(from && { from }),
    ...(replyTo && { replyTo }),
    ...(html !== null && { html, images }),
  }
}
