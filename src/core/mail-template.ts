/**
 * Mail templates: a whole MIME message with `${name}` where values belong (contract 5).
 *
 * A template is taken apart before it is filled, and put together again from its parts: so no value can become a header,
 * a part or a recipient, whatever it holds. Filling is one pass of plain substitution; nothing is executed, and a value
 * that looks like a placeholder stays as it is. Pure; parsing is async only because postal-mime is.
 */
import PostalMime, { decodeWords, type Email } from 'postal-mime'
import { isEmailAddress, type Mailbox, readMailbox } from './fields.ts'
import { err, ok, type Result } from './result.ts'
import { asHeader, oneLine } from './template.ts'
import type { Seconds } from './time.ts'

export const MAX_TEMPLATE_BYTES = 256 * 1024

export type MailHeader = { readonly name: string; readonly value: string }
/** An image that the HTML shows by `cid:`. */
export type InlineImage = {
  readonly cid: string
  readonly type: string
  readonly name: string
  /** Base64. */
  readonly content: string
}

export type MailTemplate = {
  /** null: the provider's. */
  readonly subject: string | null
  /** Only where the template names one literally; null: the provider's. */
  readonly from: Mailbox | null
  readonly replyTo: Mailbox | null
  /** The other headers that a template may have. */
  readonly headers: readonly MailHeader[]
  readonly text: string | null
  readonly html: string | null
  readonly images: readonly InlineImage[]
  /** What it is written in: its Content-Language, else the `lang` of its HTML. */
  readonly language: string | null
  /** Headers that were left out and that an author would miss. */
  readonly dropped: readonly string[]
}
export type FilledMail = Pick<MailTemplate, 'subject' | 'replyTo' | 'headers' | 'text' | 'html'>

/** Made anew for each mail, so nobody misses them. */
const REPLACED = /^(?:to|date|message-id|mime-version|auto-submitted|received|content-.+)$/
/** Addresses besides ours, traces of a way it has not gone, and one service's orders to itself. */
const FOREIGN =
  /^(?:cc|bcc|sender|return-path|(?:apparently|delivered|envelope|errors|x-original)-to|return-receipt-to|disposition-notification-to|x-confirm-reading-to|resent-.+|dkim-signature|arc-.+|x-smtpapi|x-mailgun-.+)$/
const TAKEN = ['subject', 'from', 'reply-to']

/** @returns the template, or the rule that the source breaks */
export async function parseMailTemplate(source: string): Promise<Result<MailTemplate, string>> {
  if (new TextEncoder().encode(source).length > MAX_TEMPLATE_BYTES)
    return err(`must be at most ${MAX_TEMPLATE_BYTES / 1024} KiB`)
  if (source.includes('\0')) return err('must not contain NUL')
  let mail: Email
  try {
    mail = await PostalMime.parse(source.replace(/^\ufeff/, ''), {
      attachmentEncoding: 'base64',
      rfc822Attachments: true,
      maxNestingDepth: 10,
    })
  } catch {
    return err('must be a MIME message that can be parsed')
  }
  if (!mail.headers.some(({ key, value }) => /^[\w-]+$/.test(key) && value !== ''))
    return err('must begin with headers, followed by an empty line')
  const text = partOf(mail.text)
  const html = partOf(mail.html)
  if (text === null && html === null) return err('must have a part of text/plain or text/html')
  const from = readFrom(headerOf(mail, 'from'))
  if (!from.ok) return from
  const replyTo = readReplyTo(headerOf(mail, 'reply-to'))
  if (!replyTo.ok) return replyTo
  const images = readImages(mail)
  if (!images.ok) return images
  const others = mail.headers.filter(({ key }) => !TAKEN.includes(key) && !REPLACED.test(key))
  const isKept = ({ key }: { key: string }) => !FOREIGN.test(key) && /^[\w-]{1,64}$/.test(key)
  return ok({
    subject: headerOf(mail, 'subject'),
    from: from.value,
    replyTo: replyTo.value,
    headers: others
      .filter(isKept)
      .map(({ originalKey, value }) => ({ name: originalKey.trim(), value: decodeWords(value) })),
    text,
    html,
    images: images.value,
    language: headerOf(mail, 'content-language') ?? /<html\b[^>]*?\slang=["']?([\w-]+)/i.exec(html ?? '')?.[1] ?? null,
    dropped: others.filter((header) => !isKept(header)).map(({ originalKey }) => originalKey.trim()),
  })
}

const partOf = (text: string | undefined): string | null =>
  text === undefined || text.trim() === '' ? null : text.replace(/\r\n?/g, '\n').trimEnd()

/** Decoded, so that a placeholder is seen wherever it stands. Of repeated headers the first counts. */
function headerOf({ headers }: Email, name: string): string | null {
  const found = headers.find(({ key }) => key === name)?.value
  return found === undefined || found.trim() === '' ? null : asHeader(decodeWords(found))
}

/** Ours are the sender and his good name: a value never decides who a mail is from. */
function readFrom(header: string | null): Result<Mailbox | null, string> {
  if (header === null || hasPlaceholder(header)) return ok(null)
  const from = readMailbox(header)
  return isEmailAddress(from.address) ? ok(from) : err('must have one e-mail address in From, or ${From}')
}

function readReplyTo(header: string | null): Result<Mailbox | null, string> {
  if (header === null) return ok(null)
  const replyTo = readMailbox(header)
  const isGood = hasPlaceholder(replyTo.address) || isEmailAddress(replyTo.address)
  return isGood ? ok(replyTo) : err('must have one e-mail address in Reply-To')
}

function readImages({ attachments }: Email): Result<readonly InlineImage[], string> {
  const images: InlineImage[] = []
  for (const { contentId, mimeType, filename, content } of attachments) {
    const cid = contentId?.replace(/^<|>$/g, '') ?? ''
    if (!/^image\/(?:png|jpeg|gif|webp)$/.test(mimeType) || !/^[\w.@+-]{1,127}$/.test(cid))
      return err('must have no attachments but PNG, JPEG, GIF and WebP images with a Content-ID')
    const name = (filename || cid).replace(/[^\w.-]/g, '_').slice(-64)
    images.push({ cid, type: mimeType, name, content: typeof content === 'string' ? content : '' })
  }
  return ok(images)
}

const PLACEHOLDER = /\$\{(\w+)\}/g
const hasPlaceholder = (text: string): boolean => text.search(PLACEHOLDER) >= 0

/** Values by the names that templates know them by. */
export type MailValues = Readonly<Record<string, string>>

/** Values of ours, which no attribute can take the place of. */
export const OWN_NAMES = ['otp', 'serial', 'transactionid', 'minutes', 'Subject', 'From', 'To', 'Date'] as const
export type OwnValues = Readonly<Record<(typeof OWN_NAMES)[number], string>>

/** No resolver of ours hands these out; a new one that forgets this does no harm. */
const SECRET_ATTRIBUTES = /^(?:cryptpass|password|passwordHash|userPassword)$/i

/** Attributes of the owner and our own values, each one line. */
export function mailValues(attributes: Readonly<Record<string, string>>, own: Partial<OwnValues>): MailValues {
  const shown = Object.entries(attributes).filter(([name]) => !SECRET_ATTRIBUTES.test(name))
  return Object.fromEntries([...shown, ...Object.entries(own)].map(([name, value]) => [name, oneLine(value)]))
}

/** Whole minutes, rounded down but never to none. */
export const minutesOf = (validity: Seconds): string => String(Math.max(1, Math.floor(validity / 60)))

/** Fills `${name}` in one pass; an unknown name stays as it is. */
export const substitute = (text: string, values: MailValues, encode = (value: string) => value): string =>
  text.replace(PLACEHOLDER, (whole, name: string) => (Object.hasOwn(values, name) ? encode(values[name] ?? '') : whole))

/** Harmless in text and in attributes, quoted or not, save that a blank ends one without quotes. */
const escapeHtml = (value: string): string => value.replace(/[&<>"'`=]/g, (c) => `&#${c.charCodeAt(0)};`)

export function fillMailTemplate(template: MailTemplate, values: MailValues): FilledMail {
  const { subject, replyTo, headers, text, html } = template
  const header = (value: string) => asHeader(substitute(value, values))
  return {
    subject: subject === null ? null : header(subject),
    replyTo: replyTo === null ? null : fillMailbox(replyTo, header),
    headers: headers.map(({ name, value }) => ({ name, value: header(value) })),
    text: text === null ? null : substitute(text, values),
    html: html === null ? null : substitute(html, values, escapeHtml),
  }
}

/** An address that a value has turned into none is left out. */
function fillMailbox({ name, address }: Mailbox, header: (value: string) => string): Mailbox | null {
  const filled = { name: header(name), address: header(address) }
  return isEmailAddress(filled.address) ? filled : null
}

/** What somebody who saves a template should know. `names`: attributes that users have. */
export function templateWarnings(template: MailTemplate, names: readonly string[]): readonly string[] {
  const { subject, replyTo, headers, text, html, dropped } = template
  const parts = [subject, replyTo?.name, replyTo?.address, ...headers.map(({ value }) => value), text, html]
  const used = new Set(parts.flatMap((part) => [...(part ?? '').matchAll(PLACEHOLDER)].map(([, name = '']) => name)))
  const known: readonly string[] = [...OWN_NAMES, ...names]
  const missing = [text, html].some((part) => part !== null && !part.includes('${otp}'))
  return [
    ...(missing ? [`there is no \${otp} in ${bothOrOne(text, html)}`] : []),
    ...[...used].filter((name) => !known.includes(name)).map((name) => `\${${name}} is unknown and stays as it is`),
    ...(/<otp>|&lt;otp&gt;/i.test(`${text}${html}`) ? ['<otp> is not replaced in templates: write ${otp}'] : []),
    ...dropped.map((name) => `the header ${name} is left out`),
    ...(html !== null && text === null ? ['there is no text part: the text of the policy takes its place'] : []),
  ]
}

const bothOrOne = (text: string | null, html: string | null): string => {
  const without = [
    text?.includes('${otp}') === false && 'the text part',
    html?.includes('${otp}') === false && 'the HTML',
  ]
  return without.filter(Boolean).join(' and ')
}

export const TEMPLATE_NAME =
  "a name of letters, digits and '_', '.' and '-', in folders where there are '/' between, not longer than 128 characters"
const NAME = /^[\w.-]+(?:\/[\w.-]+)*$/

/** A relative path that stays where it begins: no segment is `.` or `..`. */
export const isTemplateName = (name: string): boolean =>
  name.length <= 128 && NAME.test(name) && !name.split('/').some((segment) => /^\.+$/.test(segment))

const SCHEME = 'file://'
/** The name in `file://name`; null when it is none. */
export function readTemplateName(template: string): string | null {
  const name = template.slice(SCHEME.length).trim()
  return template.startsWith(SCHEME) && isTemplateName(name) ? name : null
}
export const isInlineTemplate = (template: string): boolean => !template.startsWith(SCHEME)

/** `otp.eml` in `de` is `otp.de.eml`. */
export function variantName(name: string, language: string): string {
  const dot = name.lastIndexOf('.')
  return dot > name.lastIndexOf('/') + 1 ? `${name.slice(0, dot)}.${language}${name.slice(dot)}` : `${name}.${language}`
}
