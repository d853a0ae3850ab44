/** Fields that mail providers share. */
import { domainToASCII } from 'node:url'
import * as v from 'valibot'
import { isEmailAddress, type Mailbox, readMailbox } from '../../core/fields.ts'
import { isInlineTemplate, readTemplateName, TEMPLATE_NAME } from '../../core/mail-template.ts'
import type { MessageDefaults } from '../../ports/provider.ts'

export type Sender = Mailbox

const SENDER = 'must be one e-mail address, or a name and one address in angle brackets'
export const sender = v.pipe(
  v.string(SENDER),
  v.check((text) => !/\p{Cc}/u.test(text), SENDER),
  v.transform(readMailbox),
  v.check(({ address }) => isEmailAddress(address), SENDER),
)

/** A sender as one text (RFC 5322 §3.4); APIs encode it for the wire themselves. */
export function mailbox({ name, address }: Sender): string {
  if (name === '') return address
  const plain = /^[\p{L}\p{M}\p{N} _-]+$/u.test(name)
  return `${plain ? name : `"${name.replace(/["\\]/g, '\\$&')}"`} <${address}>`
}

export const mailDefaults = (
  subject: string,
  from: Sender | undefined,
  template: string | undefined,
): MessageDefaults => ({
  subject,
  from: from === undefined ? '' : mailbox(from),
  ...(template === undefined ? {} : { template }),
})

const SECONDS = 'must be a number of seconds above 0 and not above 60'
export const seconds = v.pipe(
  v.union([v.number(), v.string()], SECONDS),
  v.transform((value) => (typeof value === 'number' ? value : /^\s*\d*\.?\d+\s*$/.test(value) ? Number(value) : 0)),
  v.check((value) => value > 0 && value <= 60, SECONDS),
)

/** Servers that know nothing of RFC 6531 still deliver to a domain in Punycode. */
export function withAsciiDomain(address: string): string {
  const at = address.lastIndexOf('@') + 1
  const domain = address.slice(at)
  if (/^\p{ASCII}*$/u.test(domain)) return address
  return address.slice(0, at) + (domainToASCII(domain) || domain)
}

/** `file://name`, or a whole MIME message; whether it is there and can be parsed is asked when it is saved. */
export const template = v.pipe(
  v.string('must be text'),
  v.check((text) => isInlineTemplate(text) || readTemplateName(text) !== null, `must be file:// and ${TEMPLATE_NAME}`),
)
